/* yamux without a socket: frames in, frames out, visor_streams in between (specification dmsg 6). */
#ifndef VISOR_YAMUX_MULTIPLEXER_HPP
#define VISOR_YAMUX_MULTIPLEXER_HPP
#include <list>
#include <map>

#include "lib/yamux/frame.hpp"
#include "lib/yamux/options.hpp"

namespace visor::yamux {

class Stream;

/* One side of one connection.  Frames wait for the end of the loop's turn and leave together, streams in
 * turn. A stream that its user does not read keeps at most its window and delays no other.
 *
 * How a stream's `closed` says it ended: VISOR_OK both sides ended; VISOR_ECLOSED the peer reset it;
 * VISOR_ENOSPC it held too much unread; VISOR_ETIMEDOUT the peer did not answer the end; otherwise as the
 * session did. */
class Multiplexer {
 public:
  struct Events {
    /* A stream that the peer opened, to be attached or closed by whoever takes it; without this function,
     * closed. */
    std::function<void(visor_stream*)> accept{};
    /* The peer broke the protocol (VISOR_EPROTO), went silent (VISOR_ETIMEDOUT) or gave up (VISOR_ECLOSED):
     * once, last, inside receive() or from a timer.  A GoAway has been handed to the sink, the streams end
     * with the same error. */
    std::function<void(const Error&)> failed{};
    /* All that waited has gone to the sink. */
    std::function<void()> idle{};
  };
  /* Takes frames, always all of them, lent for the call; false: none before writable(), but for a last
   * GoAway.  Calls nothing back. */
  using Sink = std::function<bool(std::span<const visor_span>)>;

  Multiplexer(Host host, Options options, Sink sink, Events events);
  Multiplexer(const Multiplexer&) = delete;
  Multiplexer& operator=(const Multiplexer&) = delete;
  /* The streams end with VISOR_ECANCELED.  Every callback may destroy the multiplexer. */
  ~Multiplexer();

  /* Bytes from the peer, however they are cut. */
  void receive(ByteView data);
  /* The sink takes frames again. */
  void writable();

  /* A new stream, to be attached or closed by the caller, who may write at once.  `port` is what its
   * peer()->port says.  VISOR_EAGAIN: too many wait for the peer's acknowledgement; VISOR_ENOSPC: the limit
   * on streams; VISOR_ECLOSED: over, or the peer takes no more. */
  Result<visor_stream*> open(uint16_t port = 0);

  /* Tells the peer to open no more streams, and refuses those it opens; what is open goes on. */
  void go_away();
  /* Ends all streams: what they have received is still read, then they are closed with this error (at once,
   * if it is VISOR_ECANCELED).  Nothing is sent or received afterwards. */
  void close(const Error& error);

  /* Is there nothing that waits to be sent? */
  bool idle() const;
  Counters counters() const;
  /* Payload that waits in memory, both ways. */
  size_t held_bytes() const { return counters_.queued_bytes + counters_.unread_bytes; }

 private:
  friend class Stream;

  /* input.cpp: frames of the peer.  False: over, or this object is gone; touch nothing. */
  bool begin_frame(const Header& header);
  bool admit_empty_frame();
  bool begin_stream_frame(const Header& header);
  bool begin_data(const Header& header, Stream* stream);
  bool accept(const Header& header);
  bool answer_ping(const Header& header);
  bool end_ping(const Header& header);
  bool peer_goes_away(const Header& header);
  void receive_body(ByteView chunk);
  void limit_unread();

  /* output.cpp: frames of ours. */
  bool admit(size_t waiting, size_t more);
  void schedule(Stream& stream);
  void schedule_flush();
  void append_control(const Header& header);
  void append_frame(const Header& header, ByteView body = {});
  void flush();
  bool send_batch();
  void wake_starving();

  /* multiplexer.cpp: streams and their ends. */
  Stream* find(uint32_t id) const;
  Stream& add(uint32_t id, uint16_t port);
  void forget(Stream& stream);
  void release(Stream& stream);
  void reset(Stream& stream, visor_status status, std::string why);
  void end_streams(const Error& error);
  bool fail(visor_status status, std::string why, Reason reason);
  void send_ping();
  void sweep();
  void start_sweep();

  Host host_;
  const std::shared_ptr<const Options> options_; /* the streams', too */
  Sink sink_;
  Events events_;
  Counters counters_;

  std::map<uint32_t, Stream*> streams_;
  std::list<Stream*> quiet_,
      sending_;      /* every stream is in one of them; sending_ in the order of their turns */
  uint32_t next_id_; /* 0: all are used up */
  bool over_ = false, going_away_ = false, peer_going_away_ = false;

  /* The frame that is being received. */
  std::array<uint8_t, kHeaderSize> header_{};
  size_t header_fill_ = 0;
  size_t body_left_ = 0;
  Stream* body_stream_ = nullptr; /* null: dropped */
  bool body_ends_stream_ = false;
  uint32_t empty_frames_left_; /* until the clock has to be asked how many more there may be */
  uint64_t empty_frames_from_ms_;

  /* The batch that is being sent. */
  Bytes control_; /* frames that belong to no stream, or to none any more */
  Bytes heads_;   /* headers; its memory never moves, since parts_ points into it */
  std::vector<visor_span> parts_;
  size_t batch_bytes_ = 0;
  bool blocked_ = false, flush_posted_ = false;
  bool starving_ = false; /* a writer waits for other streams' bytes to leave */

  uint32_t next_ping_ = 0;
  uint64_t ping_sent_ns_ = 0;
  bool ping_open_ = false;
  Timer ping_timer_, answer_timer_, sweep_timer_;

  Tasks tasks_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace visor::yamux
#endif  // VISOR_YAMUX_MULTIPLEXER_HPP
