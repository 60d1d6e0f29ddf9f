/* A stream of Noise frames over another stream (specifications dmsg.md, section 8; cxo.md, 9.3): what a user
 * writes is sealed for the peer whose keys these are, whoever carries the bytes.
 *
 * Silence is broken by empty frames, which the peer skips, and a peer that is silent for too long has gone.
 * The carrier's end is the peer's end; whether a relay cut it short nobody can tell at this layer, but for an
 * end within a frame, which is an error (VISOR_EPROTO). */
#ifndef VISOR_SESSION_SEALED_STREAM_HPP
#define VISOR_SESSION_SEALED_STREAM_HPP
#include <memory>
#include <optional>
#include <visor/stream.hpp>

#include "lib/noise/frames.hpp"
#include "lib/noise/handshake.hpp"

namespace visor::session {

struct SealedStreamOptions {
  visor_addr peer{}; /* what peer() says: whose keys these are */
  /* An empty frame after so long without one of ours; 0: never. */
  uint64_t keepalive_ms = 45'000;
  /* Nothing read for so long while it is wanted ends the stream (VISOR_ETIMEDOUT); 0: never. */
  uint64_t idle_ms = 120'000;
  std::shared_ptr<void> lease{}; /* kept as long as the stream lives */
};

/* Created with new; deletes itself as StreamProvider says. Holds at most one write that the carrier has not
 * taken, and of what comes one frame that is not complete. */
class SealedStream final : public StreamProvider {
 public:
  /* The carrier is not attached yet, or still by the caller; `early`: what came of the frames already. */
  SealedStream(Host host, Stream carrier, noise::TransportKeys keys, SealedStreamOptions options,
               Bytes early = {});

 private:
  visor_status on_write(std::span<const visor_span> parts) override;
  void on_flow(bool flowing) override;
  void on_end() override;
  void on_close() override;
  const visor_addr* on_peer() override { return &options_.peer; }
  std::string_view on_origin() override { return origin_; }

  void receive(ByteView wire);
  void receive_early();
  void carrier_ended();
  void carrier_ready();
  void carrier_closed(const Error& error);
  void fail(const Error& error);

  visor_status send(Bytes wire);
  visor_status push();
  void arm();
  void tick();

  Stream carrier_;
  noise::FrameReader reader_;
  noise::FrameWriter writer_;
  const SealedStreamOptions options_;
  const std::string origin_;
  Bytes early_;               /* came before anybody wanted it */
  std::optional<Error> over_; /* the carrier's end, kept until what came early was read */
  Bytes waiting_;             /* sealed, refused by the carrier from waiting_at_ on */
  size_t waiting_at_ = 0;
  uint64_t heard_ms_, spoke_ms_;
  Timer timer_;
  bool timing_ = false, wants_ready_ = false, ending_ = false;
};

}  // namespace visor::session
#endif  // VISOR_SESSION_SEALED_STREAM_HPP
