/* Text for a terminal: what a peer wrote, made harmless, and cut into lines by how wide characters are. */
#ifndef VISOR_CLIENTS_TUI_TEXT_HPP
#define VISOR_CLIENTS_TUI_TEXT_HPP
#include <string>
#include <string_view>
#include <vector>

namespace visor::tui {

/* UTF-8 as wide characters.  Control characters, which could move the cursor or change the terminal, and
 * bytes that are no characters become U+FFFD; a tab is a space; newlines stay. */
std::wstring to_wide(std::string_view utf8);
std::string to_utf8(std::wstring_view wide);

/* Columns that it takes. */
int width_of(std::wstring_view text);
/* As much of it as fits, with an ellipsis if that is not all. */
std::wstring cut(std::wstring_view text, int columns);
/* Lines of at most so many columns, broken at spaces where there are any. */
std::vector<std::wstring> wrap(std::wstring_view text, int columns);

/* "0279be66…1798" */
std::wstring short_key(std::string_view hex);

}  // namespace visor::tui
#endif  // VISOR_CLIENTS_TUI_TEXT_HPP
