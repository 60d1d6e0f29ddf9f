#include "lib/noise/frames.hpp"

#include "lib/codec/endian.hpp"

namespace visor::noise {
namespace {

/* Walks over several parts as if they were one. */
class Gather {
 public:
  explicit Gather(std::span<const ByteView> parts) : parts_(parts) {}

  void copy_to(std::span<uint8_t> out) {
    while (!out.empty()) {
      if (current_.empty()) {
        current_ = parts_.front();
        parts_ = parts_.subspan(1);
        continue;
      }
      size_t size = std::min(out.size(), current_.size());
      std::copy_n(current_.begin(), size, out.begin());
      current_ = current_.subspan(size);
      out = out.subspan(size);
    }
  }

 private:
  std::span<const ByteView> parts_;
  ByteView current_;
};

}  // namespace

Result<void> FrameWriter::write_parts(std::span<const ByteView> parts, Bytes& wire) {
  size_t left = 0;
  for (ByteView part : parts) left += part.size();
  size_t total = framed_size(left);
  if ((total - left) / kFrameOverheadBytes > sealer_.messages_left()) {
    return failure(VISOR_ECLOSED, "all nonces of this key are used; connect anew");
  }
  size_t at = wire.size();
  wire.resize(at + total);
  Gather plain(parts);
  while (at < wire.size()) {
    size_t size = std::min(left, kMaxFramePlainBytes);
    left -= size;
    codec::store_be<uint16_t>(wire.data() + at, static_cast<uint16_t>(kSealBytes + size));
    std::span<uint8_t> room = std::span(wire).subspan(at + 2, kSealBytes + size);
    plain.copy_to(room.subspan(kNonceBytes, size));
    if (Result<void> sealed = sealer_.seal_in_place(room); !sealed) return sealed;
    at += kFrameOverheadBytes + size;
  }
  return {};
}

Result<void> FrameReader::read(ByteView input, Bytes& plain) {
  if (failed_)
    return failure(VISOR_EPROTO, "this encrypted stream broke before; nothing more can be read from it");
  for (;;) {
    Result<std::optional<ByteView>> frame = frames_.read(input);
    if (frame && !*frame) return {};
    Result<void> opened = frame ? open(**frame, plain) : std::unexpected(frame.error());
    if (!opened) {
      failed_ = true;
      return opened;
    }
  }
}

Result<void> FrameReader::open(ByteView frame, Bytes& plain) {
  uint64_t nonce = codec::load_be<uint64_t>(frame.data());
  if (nonce <= last_nonce_ || nonce > kMaxNonce) {
    return failure(VISOR_EPROTO, "expected a frame with a nonce above " + std::to_string(last_nonce_) +
                                     "; got " + std::to_string(nonce));
  }
  size_t start = plain.size();
  plain.resize(start + frame.size() - kSealBytes);
  if (!crypto::open(key_, nonce, {}, frame.subspan(kNonceBytes), std::span(plain).subspan(start))) {
    plain.resize(start);
    return failure(VISOR_EPROTO, "a frame does not decrypt: it is damaged or of another session");
  }
  last_nonce_ = nonce;
  return {};
}

}  // namespace visor::noise
