/* Settlement: how the two ends of a new connection agree on the transport that it is (specification
 * telemetry.md, 1.3), without a stream of its own.
 *
 * On the control stream, which the dialer opens as the first one of the session:
 *
 *   dialer    u32 n | n bytes: SignedEntry as JSON; the dialer's signature in its edge's place, zeros in the
 * other acceptor  u8 answer: 0 failure, 1 ok, 2 signature error, 3 invalid entry acceptor  after ok only: u32
 * n | n bytes: the same SignedEntry, its own signature added
 *
 * then packets both ways (lib/codec/transport_packet.hpp).  Lengths are big-endian, n is at most 4096.
 * Afterwards both ends have, and have verified, both signatures. */
#ifndef VISOR_TRANSPORTS_SETTLEMENT_HPP
#define VISOR_TRANSPORTS_SETTLEMENT_HPP
#include <functional>

#include "lib/codec/length_prefixed.hpp"
#include "lib/codec/transport_entry.hpp"

namespace visor::transports {

/* Signs a hash with this visor's key. */
using Signer = std::function<Result<crypto::Signature>(const crypto::Hash&)>;

enum class Answer : uint8_t { kFailure = 0, kOk = 1, kSignatureError = 2, kInvalidEntry = 3 };

/* The dialer's side. */
class Proposal {
 public:
  Proposal(const visor_key& own, codec::TransportEntry entry);

  /* What is sent first. */
  Result<Bytes> begin(const Signer& sign);
  /* Takes what the acceptor answers from the start of `input` and moves that start past it; true once the
   * transport is settled, and the rest is packets.  VISOR_EPERM: the acceptor refused; VISOR_EPROTO: it
   * answered nonsense. */
  Result<bool> receive(ByteView& input);
  /* With both signatures, once settled. */
  const codec::SignedEntry& entry() const { return entry_; }

 private:
  Result<void> read_answer(uint8_t answer);
  Result<void> read_signed(ByteView json);

  codec::SignedEntry entry_;
  visor_key own_;
  codec::LengthPrefixedReader reader_;
  bool answered_ = false;
};

/* The acceptor's side: first the dialer's entry is checked, then the visor decides. */
class Response {
 public:
  /* The key is the one that the handshake proved; the type is that of the carrier. */
  Response(const visor_key& own, const visor_key& peer, std::string_view type);

  /* Takes the dialer's entry from the start of `input` and moves that start past it; true once it is there
   * and sound.  After an error, refusal() is to be sent and the connection ended. */
  Result<bool> receive(ByteView& input);
  /* The byte that says why not. */
  Bytes refusal() const { return {static_cast<uint8_t>(answer_)}; }
  /* Signs the sound entry: what is sent to the dialer. */
  Result<Bytes> accept(const Signer& sign);
  /* With both signatures, once accepted; before, with the dialer's. */
  const codec::SignedEntry& entry() const { return entry_; }

 private:
  std::unexpected<Error> refuse(Answer answer, std::string why);

  codec::TransportEntry expected_;
  codec::SignedEntry entry_;
  visor_key own_;
  codec::LengthPrefixedReader reader_;
  Answer answer_ = Answer::kFailure;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_SETTLEMENT_HPP
