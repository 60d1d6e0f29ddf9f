/* JSON just as this program writes it, which most that comes is: read without making objects of it.  What is
 * not is left to a parser. */
#ifndef VISOR_CHAT_PLAIN_JSON_HPP
#define VISOR_CHAT_PLAIN_JSON_HPP
#include <algorithm>
#include <string_view>

#include "lib/codec/utf8.hpp"

namespace visor::chat {

class PlainJson {
 public:
  explicit PlainJson(std::string_view json) : rest_(json) {}

  /* Whether this stands next, which is then behind us. */
  bool take(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  /* A string that has no escapes, after what stands before its content and up to behind its end. */
  std::string_view quoted(std::string_view before) {
    if (!take(before)) return fail();
    const auto special = [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; };
    const auto end = std::ranges::find_if(rest_, special);
    const std::string_view found = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    if (end == rest_.end() || *end != '"' || !codec::is_utf8(found)) return fail();
    rest_.remove_prefix(found.size() + 1);
    return found;
  }
  /* Everything was as expected until the end. */
  bool finish(std::string_view end) { return sound_ && rest_ == end; }

 private:
  std::string_view fail() {
    sound_ = false;
    return {};
  }

  std::string_view rest_;
  bool sound_ = true;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_PLAIN_JSON_HPP
