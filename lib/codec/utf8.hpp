/* UTF-8 (RFC 3629): shortest forms, no surrogates, up to U+10FFFF. */
#ifndef VISOR_CODEC_UTF8_HPP
#define VISOR_CODEC_UTF8_HPP
#include <string>
#include <string_view>

namespace visor::codec {

bool is_utf8(std::string_view text);

/* The same text with U+FFFD in place of each byte that is not part of a character, as Go's encoder does;
 * valid text is given back as it is. */
std::string repair_utf8(std::string_view text);

}  // namespace visor::codec
#endif  // VISOR_CODEC_UTF8_HPP
