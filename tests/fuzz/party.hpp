/* A key pair that is the same in every run, for targets in which two visors talk. */
#ifndef VISOR_TESTS_FUZZ_PARTY_HPP
#define VISOR_TESTS_FUZZ_PARTY_HPP
#include "lib/crypto/secp256k1.hpp"

namespace visor::test {

struct Party {
  crypto::SecretKey secret;
  visor_key key{};
  explicit Party(uint8_t number) {
    secret.data()[31] = number;
    key = *crypto::public_key_of(secret);
  }
};

}  // namespace visor::test
#endif  // VISOR_TESTS_FUZZ_PARTY_HPP
