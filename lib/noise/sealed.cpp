#include "lib/noise/sealed.hpp"

#include "lib/codec/endian.hpp"

namespace visor::noise {

Result<void> Sealer::seal_in_place(std::span<uint8_t> room) {
  if (messages_left() == 0) return failure(VISOR_ECLOSED, "all nonces of this key are used; connect anew");
  uint64_t nonce = ++last_nonce_;
  codec::store_be<uint64_t>(room.data(), nonce);
  std::span<uint8_t> body = room.subspan(kNonceBytes);
  crypto::seal(key_, nonce, {}, body.first(body.size() - crypto::kTagBytes), body);
  return {};
}

Result<void> Sealer::seal(ByteView plain, Bytes& out) {
  size_t start = out.size();
  out.resize(start + kNonceBytes);
  codec::append(out, plain);
  out.resize(out.size() + crypto::kTagBytes);
  Result<void> sealed = seal_in_place(std::span(out).subspan(start));
  if (!sealed) out.resize(start);
  return sealed;
}

bool ReplayWindow::fresh(uint64_t number) const {
  if (number == 0) return false;
  if (number > newest_) return true;
  if (newest_ - number >= kSize) return false;
  return (seen_[number % kSize / 64] & bit(number)) == 0;
}

void ReplayWindow::mark(uint64_t number) {
  if (number > newest_) {
    // The places of the numbers that were jumped over still hold what was seen kSize numbers before.
    if (number - newest_ >= kSize) {
      seen_.fill(0);
    } else {
      for (uint64_t n = newest_ + 1; n < number; ++n) word(n) &= ~bit(n);
    }
    newest_ = number;
  }
  word(number) |= bit(number);
}

Result<void> Opener::open(ByteView sealed, Bytes& plain) {
  if (sealed.size() < kSealBytes) {
    return failure(VISOR_EPROTO, "a sealed message has at least " + std::to_string(kSealBytes) +
                                     " bytes; got " + std::to_string(sealed.size()));
  }
  uint64_t nonce = codec::load_be<uint64_t>(sealed.data());
  if (!window_.fresh(nonce)) {
    return failure(VISOR_EPROTO, "the number " + std::to_string(nonce) +
                                     " of a sealed message is zero, was seen before or is too old");
  }
  size_t start = plain.size();
  plain.resize(start + sealed.size() - kSealBytes);
  if (!crypto::open(key_, nonce, {}, sealed.subspan(kNonceBytes), std::span(plain).subspan(start))) {
    plain.resize(start);
    return failure(VISOR_EPROTO, "a sealed message does not decrypt: it is damaged or of another session");
  }
  window_.mark(nonce);
  return {};
}

}  // namespace visor::noise
