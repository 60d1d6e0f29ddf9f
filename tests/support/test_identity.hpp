/* An identity whose secret key is known to the test. */
#ifndef VISOR_TESTS_SUPPORT_TEST_IDENTITY_HPP
#define VISOR_TESTS_SUPPORT_TEST_IDENTITY_HPP
#include <visor/plugin.hpp>

#include "lib/crypto/secp256k1.hpp"

namespace visor::test {

class TestIdentity final : public IdentityProvider {
 public:
  TestIdentity(Host host, std::span<const uint8_t, 32> secret) : IdentityProvider(host), secret_(secret) {
    if (auto key = crypto::public_key_of(secret_)) key_ = *key;
  }
  /* Its own for each number from 1 to 255. */
  TestIdentity(Host host, uint8_t number) : TestIdentity(host, secret_of(number)) {}

  const visor_key* key() override { return &key_; }
  visor_status sign(const uint8_t digest[32], uint8_t signature[65]) override {
    crypto::Hash hash{};
    std::copy_n(digest, 32, hash.bytes.begin());
    auto made = crypto::sign_recoverable(hash, secret_);
    if (!made) return host().fail(made.error());
    std::ranges::copy(made->bytes, signature);
    return VISOR_OK;
  }
  visor_status agree(const visor_key* peer, uint8_t secret[32]) override {
    if (refuses) return host().fail(VISOR_EPERM, "this identity does not agree");
    auto shared = crypto::ecdh(*peer, secret_);
    if (!shared) return host().fail(shared.error());
    std::ranges::copy(shared->bytes(), secret);
    return VISOR_OK;
  }

  bool refuses = false;

 private:
  static std::array<uint8_t, 32> secret_of(uint8_t number) {
    std::array<uint8_t, 32> secret{};
    secret[31] = number;
    return secret;
  }
  crypto::SecretKey secret_;
  visor_key key_{};
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_TEST_IDENTITY_HPP
