/* SHA-256: the address of every object, the hash under every signature. */
#ifndef VISOR_CRYPTO_SHA256_HPP
#define VISOR_CRYPTO_SHA256_HPP
#include <array>
#include <compare>
#include <initializer_list>
#include <visor/value.hpp>

namespace visor::crypto {

/* A 32-byte SHA-256 value; usable wherever bytes are, and ordered as those.  All zeros ("blank") means
 * "none". */
struct Hash {
  std::array<uint8_t, 32> bytes{};

  bool blank() const { return *this == Hash{}; }
  operator ByteView() const { return bytes; }
  friend bool operator==(const Hash&, const Hash&) = default;
  friend auto operator<=>(const Hash&, const Hash&) = default;
};

/* From exactly 64 hex digits, else VISOR_EINVAL. */
inline Result<Hash> hash_from_hex(std::string_view hex) {
  Hash hash;
  if (!from_hex(hex, hash.bytes)) {
    return failure(VISOR_EINVAL,
                   "a SHA-256 is 64 hex digits; got " + std::to_string(hex.size()) + " characters");
  }
  return hash;
}

/* Hashing piece by piece.  A copy continues on its own from where the original is. */
class Sha256 {
 public:
  Sha256();
  Sha256& update(ByteView data);
  /* Ends the calculation: the object must be assigned before it is used again. */
  Hash finish();
  /* Overwrites what is left of the input, for calculations over secrets. */
  void wipe();

 private:
  alignas(8) std::array<uint8_t, 128> state_;  // of the backend; its size is checked there
};

Hash sha256(ByteView data);
/* Of all the parts, one after another. */
Hash sha256(std::initializer_list<ByteView> parts);

}  // namespace visor::crypto
#endif  // VISOR_CRYPTO_SHA256_HPP
