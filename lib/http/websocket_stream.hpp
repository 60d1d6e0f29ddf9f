/* A WebSocket (RFC 6455) as a stream of bytes over another stream, both ends: what is written goes as binary
 * messages, whose borders mean nothing.
 *
 * Writes of one turn share a message.  Text messages, and whatever breaks the protocol, end the connection
 * with the close code that says why.  Pausing stops reading from the carrier. */
#ifndef VISOR_HTTP_WEBSOCKET_STREAM_HPP
#define VISOR_HTTP_WEBSOCKET_STREAM_HPP
#include <optional>
#include <visor/stream.hpp>

#include "lib/http/deadline.hpp"
#include "lib/http/outbox.hpp"

struct wslay_frame_iocb;

namespace visor::http {

enum class WebSocketRole : uint8_t { kServer, kClient };

struct WebSocketOptions {
  size_t max_message_bytes = 1u << 20;
  size_t max_queued_bytes = 1u << 20; /* a write is refused above it, unless nothing is queued */
  uint64_t ping_interval_ms =
      30'000; /* asked after that much silence, given up after twice as much; 0: never */
  uint64_t close_timeout_ms = 2'000; /* how long the peer's answer to a close is waited for */
  bool operator==(const WebSocketOptions&) const = default;
};

class WebSocketStream final : public StreamProvider {
 public:
  /* Deletes itself as StreamProvider says.  `unsent`: bytes that go before the first frame, as a server's
   * handshake; `early`: bytes that came behind the peer's handshake; `lease`: kept as long as the connection
   * lives. */
  WebSocketStream(Host host, Stream carrier, WebSocketRole role, std::string_view unsent, std::string early,
                  const WebSocketOptions& options = {}, std::shared_ptr<void> lease = {});
  ~WebSocketStream() override;

  /* Ends the connection from outside, as when a server stops: close code 1001, then `closed`. */
  void shut_down(std::string why);

 private:
  struct Frames; /* wslay */
  enum class State : uint8_t {
    kOpen,
    kEnding,  /* our close is sent, the peer may still send data */
    kClosing, /* nothing more is said; the carrier's end is awaited */
    kOver
  };

  visor_status on_write(std::span<const visor_span> parts) override;
  void on_flow(bool flow) override;
  void on_end() override;
  void on_close() override;
  std::string_view on_origin() override { return origin_; }

  void receive(ByteView data);
  void decode(ByteView data);
  bool take_piece(const wslay_frame_iocb& piece);
  bool begin_frame(const wslay_frame_iocb& frame);
  bool end_frame();
  bool take_close();
  void deliver_inbox();
  void resume();

  size_t queued() const { return batch_.size() + outbox_.queued(); }
  void schedule_flush();
  void flush();
  void frame_batch();
  void frame(uint8_t opcode, std::string_view payload);
  void send_pong();
  void send_close(uint16_t code, std::string_view reason);

  bool fail(uint16_t code, std::string why);
  void linger(visor_status status, std::string why);
  void over(visor_status status, std::string why);
  void carrier_ended();
  void carrier_closed(const Error& error);
  void expired();

  Stream carrier_;
  Outbox outbox_;
  Deadline deadline_;
  WebSocketOptions options_;
  std::shared_ptr<void> lease_;
  std::string origin_;
  std::unique_ptr<Frames> frames_;

  std::string pending_; /* came while nobody wanted it, not decoded */
  std::string inbox_;   /* decoded in this event, not delivered */
  std::string control_; /* payload of the control frame that is arriving */
  std::string batch_;   /* written, not framed */
  std::optional<std::string> pong_;

  uint64_t frame_left_ = 0;
  uint64_t message_bytes_ = 0;
  std::string final_why_;
  visor_status final_status_ = VISOR_OK;
  WebSocketRole role_;
  State state_ = State::kOpen;
  uint8_t opcode_ = 0;
  bool in_frame_ = false, in_message_ = false, fin_ = false, close_received_ = false, pinged_ = false;
  bool flush_scheduled_ = false, resume_scheduled_ = false, want_ready_ = false;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_WEBSOCKET_STREAM_HPP
