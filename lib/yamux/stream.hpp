/* One stream of a multiplexer: its windows, its two queues and how it ends.  Known inside this room only. */
#ifndef VISOR_YAMUX_STREAM_HPP
#define VISOR_YAMUX_STREAM_HPP
#include <list>
#include <optional>

#include "lib/yamux/byte_queue.hpp"
#include "lib/yamux/frame.hpp"
#include "lib/yamux/options.hpp"

namespace visor::yamux {

class Multiplexer;

/* Lives as long as its user holds it (StreamProvider), so it may outlive the multiplexer: then it only gives
 * out what it had received before. */
class Stream final : public StreamProvider {
 public:
  Stream(Host host, Multiplexer& mux, std::shared_ptr<const Options> options, uint32_t id, uint16_t port);

  uint32_t id() const { return id_; }
  bool ours() const { return (id_ % 2 == 1) == options_->client; }

  /* --- what the peer does --- */

  /* Is a body of so many bytes within the window?  If so it is spent. */
  bool spend_window(uint32_t length);
  void receive(ByteView data);
  void grow_window(uint32_t delta);
  void acknowledge();
  void peer_ends();
  bool peer_ended() const { return peer_ended_; }
  void heard(uint64_t now_ms) { heard_ms_ = now_ms; }

  /* --- what leaves --- */

  bool has_output() const;
  /* Adds this stream's next frames to the multiplexer's batch: at most three, at most kQuantum bytes of body.
   */
  void produce(uint64_t now_ms);
  static constexpr size_t kQuantum = 16384;
  static constexpr size_t kFramesPerTurn = 3;
  /* The batch has left. */
  void sent();
  /* Tells a writer that was refused, if there is room for it now. */
  void wake_writer();
  /* The last frame for a stream that its user closes, if one is due: RST, or FIN when nothing is lost by it.
   */
  std::optional<Header> farewell() const;

  /* --- how it ends --- */

  /* No longer known to the multiplexer. */
  void detach() { mux_ = nullptr; }
  /* At once, whatever was not read. */
  void abort(visor_status status, std::string why);
  /* The session is over: what was received is still given out. */
  void end_of_session(const Error& error);

  size_t unread() const { return unread_.size(); }
  size_t unsent() const { return unsent_.size(); }
  bool owes(Flag flag) const { return (owed_ & flag) != 0; }
  bool unacknowledged() const { return ours() && !acknowledged_; }
  bool syn_overdue(uint64_t now_ms) const;
  bool fin_overdue(uint64_t now_ms) const;

  std::list<Stream*>::iterator place; /* in the multiplexer's quiet_ or sending_ */
  bool scheduled = false;             /* which of them */

 private:
  visor_status on_write(std::span<const visor_span> parts) override;
  void on_flow(bool flowing) override;
  void on_end() override;
  void on_close() override;
  const visor_addr* on_peer() override;
  std::string_view on_origin() override { return options_->origin; }

  size_t deliverable(size_t size);
  void consumed(size_t size);
  void keep(ByteView data);
  void give();
  void complete();
  uint32_t grant() const;

  Multiplexer* mux_; /* null: over */
  const std::shared_ptr<const Options> options_;
  const visor_addr peer_;
  const uint32_t id_;

  ByteQueue unread_, unsent_;
  uint64_t send_window_ = kWindow;    /* what the peer takes */
  uint32_t receive_window_ = kWindow; /* what the peer may still send */
  uint32_t ungranted_ = 0;            /* read by the user, not yet granted again */
  size_t head_left_;
  uint64_t syn_sent_ms_ = 0, heard_ms_ = 0;
  std::optional<Error> over_;

  uint16_t owed_;             /* SYN or ACK, until it has left */
  bool acknowledged_ = false; /* by the peer, a stream of ours */
  bool ending_ = false;       /* the user writes no more */
  bool fin_sent_ = false;
  bool peer_ended_ = false;
  bool end_given_ = false; /* the user knows it */
  bool wants_ready_ = false;
  bool giving_ = false; /* a task will give out what is unread */
};

}  // namespace visor::yamux
#endif  // VISOR_YAMUX_STREAM_HPP
