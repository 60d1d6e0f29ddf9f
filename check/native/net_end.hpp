/* The ends of a stream, as the checks of a network use them. */
#ifndef VISOR_CHECK_NATIVE_NET_END_HPP
#define VISOR_CHECK_NATIVE_NET_END_HPP
#include <algorithm>
#include <optional>
#include <visor/stream.hpp>

namespace visor::check {

/* One end of a stream, and what came in. */
struct End {
  explicit End(Host host, visor_stream* raw) : stream(host, raw) {
    stream.attach(
        {.data = [this](ByteView data) { received.insert(received.end(), data.begin(), data.end()); },
         .end = [this] { ended = true; },
         .ready = [this] { flush(); },
         .closed = [this](const Error& error) { closed = error; }});
  }
  void send(Bytes data) {
    outbox.insert(outbox.end(), data.begin(), data.end());
    flush();
  }
  /* As much as is taken; the rest on `ready`. */
  void flush() {
    constexpr size_t kPiece = 60000;
    while (sent < outbox.size() && stream) {
      size_t size = std::min(kPiece, outbox.size() - sent);
      visor_status status = stream.write(ByteView(outbox).subspan(sent, size));
      if (status == VISOR_EAGAIN) {
        ++refusals;
        return;
      }
      if (status != VISOR_OK) {
        failed = status;
        return;
      }
      sent += size;
    }
  }
  Stream stream;
  Bytes received, outbox;
  size_t sent = 0, refusals = 0;
  bool ended = false;
  visor_status failed = VISOR_OK;
  std::optional<Error> closed;
};

struct Pair {
  std::unique_ptr<End> dialer, listener;
};

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_NET_END_HPP
