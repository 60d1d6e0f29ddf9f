#include "text.hpp"

#include <cwchar>

#include "lib/codec/utf8.hpp"

namespace visor::tui {
namespace {

constexpr wchar_t kReplacement = 0xfffd, kEllipsis = 0x2026;

int columns_of(wchar_t character) {
  const int columns = ::wcwidth(character);
  return columns < 0 ? 1 : columns;
}

/* Control characters of both sets, and those that turn the direction of what follows. */
bool harmful(wchar_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::wstring to_wide(std::string_view utf8) {
  const std::string sound = codec::repair_utf8(utf8);
  std::wstring out;
  for (size_t i = 0; i < sound.size();) {
    const auto byte = static_cast<unsigned char>(sound[i]);
    const size_t length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    uint32_t code = length == 1 ? byte : byte & (0xffu >> (length + 1));
    for (size_t k = 1; k < length; ++k)
      code = (code << 6) | (static_cast<unsigned char>(sound[i + k]) & 0x3f);
    i += length;
    const auto c = static_cast<wchar_t>(code);
    out += c == L'\n' ? c : c == L'\t' ? L' ' : harmful(c) ? kReplacement : c;
  }
  return out;
}

std::string to_utf8(std::wstring_view wide) {
  std::string out;
  for (const wchar_t c : wide) {
    const auto code = static_cast<uint32_t>(c);
    if (code < 0x80) {
      out += static_cast<char>(code);
      continue;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    constexpr uint32_t kFirst[] = {0, 0xc0, 0xe0, 0xf0};
    out += static_cast<char>(kFirst[more] | (code >> (6 * more)));
    for (int k = more - 1; k >= 0; --k) out += static_cast<char>(0x80 | ((code >> (6 * k)) & 0x3f));
  }
  return out;
}

int width_of(std::wstring_view text) {
  int width = 0;
  for (const wchar_t c : text) width += columns_of(c);
  return width;
}

std::wstring cut(std::wstring_view text, int columns) {
  if (columns <= 0) return {};
  std::wstring out;
  int width = 0;
  for (const wchar_t c : text.substr(0, text.find(L'\n'))) {
    width += columns_of(c);
    if (width > columns) {
      while (!out.empty() && width_of(out) > columns - 1) out.pop_back();
      return out + kEllipsis;
    }
    out += c;
  }
  return out;
}

std::vector<std::wstring> wrap(std::wstring_view text, int columns) {
  if (columns < 1) columns = 1;
  std::vector<std::wstring> lines;
  std::wstring line;
  int width = 0;
  size_t space = std::wstring::npos; /* in the line, where it may be broken */
  auto end_line = [&] {
    lines.push_back(std::move(line));
    line.clear();
    width = 0;
    space = std::wstring::npos;
  };
  for (const wchar_t c : text) {
    if (c == L'\n') {
      end_line();
      continue;
    }
    if (width + columns_of(c) > columns && !line.empty()) {
      std::wstring rest;
      if (space != std::wstring::npos && c != L' ') {
        rest = line.substr(space + 1);
        line.erase(space);
      }
      end_line();
      if (c == L' ') continue;
      line = std::move(rest);
      width = width_of(line);
    }
    if (c == L' ') space = line.size();
    line += c;
    width += columns_of(c);
  }
  end_line();
  return lines;
}

std::wstring short_key(std::string_view hex) {
  if (hex.size() < 13) return to_wide(hex);
  return to_wide(hex.substr(0, 8)) + kEllipsis + to_wide(hex.substr(hex.size() - 4));
}

}  // namespace visor::tui
