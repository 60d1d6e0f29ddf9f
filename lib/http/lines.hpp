/* Lines out of bytes cut anywhere: newline-delimited JSON, server-sent events. */
#ifndef VISOR_HTTP_LINES_HPP
#define VISOR_HTTP_LINES_HPP
#include <functional>
#include <visor/value.hpp>

namespace visor::http {

class Lines {
 public:
  using Fn = std::function<void(std::string_view line)>; /* without the line's end, lent for the call */

  explicit Lines(size_t max_line_bytes = 1u << 20) : max_(max_line_bytes) {}

  /* VISOR_EPROTO for a line that is too long; then nothing more may be fed. */
  Result<void> feed(ByteView data, const Fn& fn);
  /* The bytes behind the last line's end. */
  std::string_view rest() const { return rest_; }

 private:
  size_t max_;
  std::string rest_;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_LINES_HPP
