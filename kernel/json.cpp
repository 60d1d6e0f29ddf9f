#include "kernel/json.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <set>
#include <vector>

namespace visor::kernel {
namespace {

std::string position(std::string_view text, size_t at) {
  std::string_view before = text.substr(0, at);
  auto line = 1 + std::ranges::count(before, '\n');
  size_t line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(at - line_start + 1);
}

std::string what_is_wrong(std::string_view text, size_t at, boost::json::error_code code) {
  using boost::json::error;
  if (code == error::incomplete) return "the text ends before the value does";
  if (code == error::extra_data) return "there is more text after the value";
  if (code == error::too_deep) return "more than 32 levels of nesting";
  if (at >= text.size()) return code.message();
  std::string out = code.message() + " at `";
  for (char c : text.substr(at, 12)) {
    if (c == '\n') break;
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "`";
}

bool is_identifier(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

Result<boost::json::value> parse_json(std::string_view text, std::string_view name,
                                      boost::json::storage_ptr memory) {
  if (text.size() > kMaxJsonBytes) {
    return failure(VISOR_EINVAL, std::string(name) + ": JSON of at most " + std::to_string(kMaxJsonBytes) +
                                     " bytes is read; got " + std::to_string(text.size()));
  }
  std::array<unsigned char, 2048> room;
  boost::json::parser parser({}, {}, room.data(), room.size());
  parser.reset(std::move(memory));
  boost::json::error_code error;
  size_t read = parser.write_some(text.data(), text.size(), error);
  // What follows the value may only be white space.
  if (!error) {
    read += std::min(text.substr(read).find_first_not_of(" \t\r\n"), text.size() - read);
    if (read < text.size()) error = boost::json::error::extra_data;
  }
  if (error) {
    return failure(VISOR_EINVAL,
                   std::string(name) + ", " + position(text, read) + ": " + what_is_wrong(text, read, error));
  }
  return parser.release();
}

Result<void> refuse_repeated_names(std::string_view json, std::string_view name) {
  std::vector<std::set<std::string_view>> open; /* the names of each object, or array, around the place */
  for (size_t at = 0; at < json.size(); ++at) {
    if (json[at] == '{' || json[at] == '[') open.emplace_back();
    if (json[at] == '}' || json[at] == ']') open.pop_back();
    if (json[at] != '"') continue;
    const size_t begin = at++;
    while (json[at] != '"') at += json[at] == '\\' ? 2 : 1;
    std::string_view word = json.substr(begin, at - begin + 1);
    size_t next = json.find_first_not_of(" \t\r\n", at + 1);
    if (next == json.npos || json[next] != ':' || open.back().insert(word).second) continue;
    return failure(VISOR_EINVAL, std::string(name) + ", " + position(json, begin) + ": " + std::string(word) +
                                     " stands twice in this object");
  }
  return {};
}

std::string excerpt(const boost::json::value& value) {
  constexpr size_t kMax = 60;
  // Not serialized whole first: the value may be a megabyte.
  if (const auto* array = value.if_array(); array && !array->empty()) {
    return "an array of " + std::to_string(array->size());
  }
  if (const auto* object = value.if_object(); object && !object->empty()) return "an object";
  std::string out;
  if (const auto* text = value.if_string(); text && text->size() > kMax) {
    size_t end = kMax;
    while (end > 0 && (static_cast<unsigned char>((*text)[end]) & 0xc0) == 0x80)
      --end;  // not inside a character
    return boost::json::serialize(std::string_view(text->data(), end)) + "... (" +
           std::to_string(text->size()) + " bytes)";
  }
  return boost::json::serialize(value);
}

std::string join_path(std::string_view path, std::string_view key) {
  std::string out(path);
  if (!is_identifier(key)) return out + "[" + excerpt(boost::json::value(key)) + "]";
  if (!out.empty()) out += '.';
  return out.append(key);
}

std::string join_path(std::string_view path, size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

}  // namespace visor::kernel
