#include "lib/crypto/hkdf.hpp"

namespace visor::crypto {
namespace {

constexpr size_t kBlockBytes = 64;

/* Ready to authenticate any number of messages under one key: the key's two blocks are hashed once. */
class Hmac {
 public:
  explicit Hmac(ByteView key) {
    Secret<kBlockBytes> block;
    if (key.size() > kBlockBytes) {
      std::ranges::copy(sha256(key).bytes, block.data());
    } else {
      std::ranges::copy(key, block.data());
    }
    for (uint8_t& byte : block.bytes()) byte ^= 0x36;
    inner_.update(block.bytes());
    for (uint8_t& byte : block.bytes()) byte ^= 0x36 ^ 0x5c;
    outer_.update(block.bytes());
  }
  ~Hmac() {
    inner_.wipe();
    outer_.wipe();
  }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  Hash operator()(std::initializer_list<ByteView> message) const {
    Sha256 hasher = inner_;
    for (ByteView part : message) hasher.update(part);
    Hash digest = hasher.finish();
    hasher = outer_;
    Hash code = hasher.update(digest).finish();
    hasher.wipe();
    wipe(digest.bytes);
    return code;
  }

 private:
  Sha256 inner_, outer_;
};

}  // namespace

Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> message) {
  return Hmac(key)(message);
}

TwoSecrets noise_hkdf(ByteView chaining_key, ByteView input_key_material) {
  static constexpr uint8_t kOne = 1, kTwo = 2;
  Hash extracted = hmac_sha256(chaining_key, input_key_material);
  Hmac expand(extracted);
  Hash first = expand({{&kOne, 1}});
  Hash second = expand({first, {&kTwo, 1}});
  TwoSecrets out{Secret<32>(first.bytes), Secret<32>(second.bytes)};
  for (Hash* secret : {&extracted, &first, &second}) wipe(secret->bytes);
  return out;
}

void hkdf_sha256(ByteView salt, ByteView input_key_material, ByteView info, std::span<uint8_t> out) {
  Hash extracted = hmac_sha256(salt, input_key_material);
  Hmac expand(extracted);
  Hash block;
  ByteView previous;  // of the first block: nothing
  for (uint8_t counter = 1; !out.empty(); ++counter) {
    block = expand({previous, info, {&counter, 1}});
    previous = block.bytes;
    size_t size = std::min(out.size(), block.bytes.size());
    std::copy_n(block.bytes.begin(), size, out.begin());
    out = out.subspan(size);
  }
  wipe(extracted.bytes);
  wipe(block.bytes);
}

}  // namespace visor::crypto
