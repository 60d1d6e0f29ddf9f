/* Bytes that nobody may find in memory once they are no longer needed. */
#ifndef VISOR_CRYPTO_SECRET_HPP
#define VISOR_CRYPTO_SECRET_HPP
#include <algorithm>
#include <array>
#include <functional>
#include <visor/value.hpp>

namespace visor::crypto {

/* Fills its argument with random bytes: the host's, so that a simulated host decides them. */
using Random = std::function<void(std::span<uint8_t>)>;

/* Overwrites with zeros, in a way that the compiler must not leave out. */
void wipe(std::span<uint8_t> secret);

/* Compares in a time that depends on the sizes alone. */
bool equal_constant_time(ByteView a, ByteView b);

/* Owns N secret bytes, wipes them when it ends, and is moved but never copied by accident. */
template <size_t N>
class Secret {
 public:
  static constexpr size_t kBytes = N;

  Secret() = default;
  explicit Secret(std::span<const uint8_t, N> from) { std::ranges::copy(from, bytes_.begin()); }
  ~Secret() { wipe(bytes_); }

  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  std::span<const uint8_t, N> bytes() const { return bytes_; }
  std::span<uint8_t, N> bytes() { return bytes_; }
  const uint8_t* data() const { return bytes_.data(); }
  uint8_t* data() { return bytes_.data(); }

 private:
  std::array<uint8_t, N> bytes_{};
};

/* A secp256k1 secret key: a big-endian number from 1 to the group's order - 1. */
struct SecretKey : Secret<32> {
  using Secret::Secret;
};

/* What ecdh() gives: SHA-256 of the compressed shared point. */
struct SharedSecret : Secret<32> {
  using Secret::Secret;
};

/* A ChaCha20-Poly1305 key. */
struct CipherKey : Secret<32> {
  using Secret::Secret;
};

}  // namespace visor::crypto
#endif  // VISOR_CRYPTO_SECRET_HPP
