/* What a multiplexer may hold and how long it waits. */
#ifndef VISOR_YAMUX_OPTIONS_HPP
#define VISOR_YAMUX_OPTIONS_HPP
#include <visor/plugin.hpp>

namespace visor::yamux {

/* The window of each stream and direction, in bytes; fixed by the protocol as deployed (specification dmsg
 * 6). */
inline constexpr uint32_t kWindow = 262144;

/* Bounds on what one session holds.  A peer that exceeds its windows ends the session; every other bound
 * costs the stream concerned, or makes the writer wait. */
struct Limits {
  size_t streams = 2048;          /* open at once, of both sides; more of the peer's are reset */
  size_t unacknowledged_in = 256; /* the peer's streams that we have not acknowledged yet; more are reset */
  size_t unacknowledged_out =
      256; /* our streams that the peer has not acknowledged; open() then says EAGAIN */
  size_t stream_queue_bytes =
      kWindow; /* written and not sent, a stream; one larger write fits when nothing waits */
  size_t queued_bytes = 64u << 20; /* the same, of all streams */
  size_t unread_bytes =
      16u << 20; /* received and not read, all streams; beyond it, the largest holder is reset */
  size_t control_bytes =
      64u << 10; /* answers (to pings, refusals) that the peer does not take; more ends the session */
  /* Frames without payload, which cost the peer nothing to make and us time to read: as many at once, and as
   * many a second after that; more ends the session.  Opening and ending 5,000 streams a second is within. */
  uint32_t empty_frames = 100000, empty_frames_s = 20000;
};

/* In milliseconds; 0 switches one off. */
struct Timeouts {
  uint64_t ping_interval_ms = 30000; /* between our pings */
  uint64_t ping_answer_ms = 10000;   /* no answer within it ends the session */
  uint64_t syn_ms = 75000;           /* a stream of ours not acknowledged within it ends the session */
  uint64_t fin_ms = 300000; /* we have ended, the peer sends nothing for so long: the stream is reset */
};

struct Options {
  bool client = false; /* whose streams have odd numbers */
  Limits limits{};
  Timeouts timeouts{};
  /* The first bytes of each stream that the peer opens come in events of their own, never together with what
   * follows: who accepts reads them (a port), and hands the stream on with all the rest unread. */
  size_t head_bytes = 0;
  visor_key peer{};     /* what streams say in peer(); all zero: peer() is null */
  std::string origin{}; /* what streams say in origin() */
};

/* Since the multiplexer was made; sizes in bytes. */
struct Counters {
  uint64_t received_bytes = 0, sent_bytes = 0; /* frames, headers included */
  uint64_t received_frames = 0, sent_frames = 0;
  uint64_t received_payload = 0, sent_payload = 0; /* application bytes of all streams */
  uint64_t dropped_payload = 0; /* for streams that are not there (any more); not in received_payload */
  uint64_t opened = 0, accepted = 0;
  uint64_t refused = 0;       /* of the peer's streams, over a limit */
  uint64_t reset = 0;         /* streams that either side reset, or that a limit or a timeout ended */
  uint64_t round_trip_ns = 0; /* of the last ping; 0: none yet */
  /* Now. */
  size_t streams = 0, unacknowledged_in = 0, unacknowledged_out = 0;
  size_t queued_bytes = 0, unread_bytes = 0, control_bytes = 0;
};

}  // namespace visor::yamux
#endif  // VISOR_YAMUX_OPTIONS_HPP
