#include "lib/http/lines.hpp"

namespace visor::http {

Result<void> Lines::feed(ByteView data, const Fn& fn) {
  std::string_view input = text(data);
  while (!input.empty()) {
    size_t end = input.find('\n');
    bool whole = end != std::string_view::npos;
    std::string_view piece = input.substr(0, end);
    if (rest_.size() + piece.size() > max_) {
      return failure(VISOR_EPROTO, "a line is longer than " + std::to_string(max_) + " bytes");
    }
    input.remove_prefix(whole ? end + 1 : input.size());
    rest_ += piece;
    if (!whole) break;
    std::string line = std::exchange(rest_, {});
    if (line.ends_with('\r')) line.pop_back();
    fn(line);
  }
  return {};
}

}  // namespace visor::http
