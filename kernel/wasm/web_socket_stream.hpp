/* A browser's WebSocket as a visor_stream: binary messages are bytes, whose borders mean nothing. */
#ifndef VISOR_KERNEL_WASM_WEB_SOCKET_STREAM_HPP
#define VISOR_KERNEL_WASM_WEB_SOCKET_STREAM_HPP
#include <deque>
#include <string>
#include <unordered_map>
#include <visor/stream.hpp>

#include "kernel/wasm/loop.hpp"

namespace visor::kernel::wasm {

class WebSocketStream;

/* What the sockets of one kernel share. */
struct WebSocketShared {
  explicit WebSocketShared(TabLoop& l) : loop(l) {}
  TabLoop& loop;
  std::unordered_map<uint32_t, WebSocketStream*>
      streams;                    /* by number; looked up, never walked where it shows */
  std::vector<uint32_t> to_flush; /* at the end of this turn */
  uint64_t received_bytes = 0, sent_bytes = 0;
  std::shared_ptr<char> alive = std::make_shared<char>();
};

/* Writes of one turn go out as one message, because a browser's cost is by the message.  A megabyte waits at
 * most, then writes meet VISOR_EAGAIN. */
class WebSocketStream final : public StreamProvider {
 public:
  static constexpr size_t kMaxQueuedBytes = 1u << 20;
  /* What may wait for a reader that pauses.  A browser's WebSocket cannot hold its peer back; windows of the
   * multiplexer above do, and a peer that ignores them loses the connection. */
  static constexpr size_t kMaxHeldBytes = 4u << 20;
  static constexpr size_t kMaxMessageBytes = 1u << 20;

  WebSocketStream(Host host, WebSocketShared& shared, uint32_t socket, std::string url);
  ~WebSocketStream() override;

  size_t queued_bytes() const;
  size_t held_bytes() const { return held_bytes_; }

  /* Events of the browser's. */
  void message(ByteView data);
  void fail(visor_status status, std::string why);
  void closed(uint16_t code, std::string_view reason);
  void flush();

 protected:
  visor_status on_write(std::span<const visor_span> parts) override;
  void on_flow(bool flowing) override;
  void on_end() override;
  void on_close() override;
  std::string_view on_origin() override { return url_; }

 private:
  void drain();
  void flush_later();
  void look_for_room();
  void drop();

  WebSocketShared& shared_;
  const uint32_t socket_;
  const std::string url_;
  Bytes out_;
  std::deque<Bytes> held_;
  size_t held_bytes_ = 0;
  uint64_t room_timer_ = 0;
  bool flush_due_ = false, ending_ = false;
  bool peer_closed_ = false; /* in order; the end follows what is held */
  bool dropped_ = false;
};

}  // namespace visor::kernel::wasm
#endif  // VISOR_KERNEL_WASM_WEB_SOCKET_STREAM_HPP
