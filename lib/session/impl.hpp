/* A session's inside: carrier, handshake and multiplexer, and which of them has the word. */
#ifndef VISOR_SESSION_IMPL_HPP
#define VISOR_SESSION_IMPL_HPP
#include "lib/noise/frames.hpp"
#include "lib/noise/handshake.hpp"
#include "lib/session/session.hpp"
#include "lib/yamux/multiplexer.hpp"

namespace visor::session {

/* Callbacks into the user's hands may drop the session: what runs them keeps a reference, or touches nothing
 * afterwards. */
class Session::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Host host, visor_identity* identity, visor_stream* carrier, Options options, Events events);

  void start();
  /* The user's last word: all is closed, nothing is called back. */
  void drop();

  Result<visor_stream*> open(uint16_t port);
  Result<Bytes> seal(ByteView object);
  Result<Bytes> open_sealed(ByteView sealed);
  const visor_key* peer() const { return mux_ ? &peer_ : nullptr; }
  void shutdown();
  Counters counters() const;
  size_t held_bytes() const { return waiting_.size() + (mux_ ? mux_->held_bytes() : 0); }

 private:
  void fail(Error error);
  void fail_later(Error error);

  /* The carrier's events. */
  void on_data(ByteView data);
  bool take_early();
  void read(ByteView data);
  void on_end();
  void on_ready();
  void on_closed(const Error& error);

  /* Handshake.  False: over. */
  Result<void> begin_handshake();
  bool read_handshake(ByteView& data);
  bool write_handshake();
  bool become_ready();
  void be_quiet_if_due();
  void be_quiet();
  Result<crypto::SharedSecret> agree(const visor_key& peer);

  /* Both ways of the multiplexer. */
  void receive(ByteView data);
  bool send(std::span<const visor_span> parts);
  bool transmit(std::span<const visor_span> parts);
  void end_if_idle();

  Host host_;
  visor_identity* identity_;
  Options options_;
  Events events_;
  Stream carrier_;
  Tasks tasks_;

  std::unique_ptr<noise::Handshake> handshake_; /* until it is over */
  visor_key peer_{};
  codec::LengthPrefixedReader messages_;
  Bytes peer_payload_;
  std::unique_ptr<noise::FrameReader> reader_; /* these two where the multiplexer is sealed ... */
  std::unique_ptr<noise::FrameWriter> writer_;
  std::unique_ptr<noise::Sealer> sealer_; /* ... and these where only objects are */
  std::unique_ptr<noise::Opener> opener_;
  std::unique_ptr<yamux::Multiplexer> mux_; /* there once the handshake is over */

  Bytes waiting_; /* refused by the carrier, or written in the quiet time */
  size_t quiet_after_ =
      0; /* of the waiting bytes, those before the quiet time: it begins when they have left */
  uint64_t received_bytes_ = 0, sent_bytes_ = 0;
  int messages_written_ = 0;
  bool over_ = false, leaving_ = false, ended_ = false, quiet_ = false;
  Timer timer_; /* of the handshake, later of the leaving */
  Timer quiet_timer_;
};

}  // namespace visor::session
#endif  // VISOR_SESSION_IMPL_HPP
