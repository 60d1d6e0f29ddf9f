/* Keys that a test knows by number. */
#ifndef VISOR_TESTS_UNIT_KEY_PAIR_HPP
#define VISOR_TESTS_UNIT_KEY_PAIR_HPP
#include <algorithm>
#include <array>

#include "lib/crypto/secp256k1.hpp"

namespace visor::test {

/* number: not 0. */
inline crypto::KeyPair key_pair(uint8_t number) {
  std::array<uint8_t, 32> bytes{};
  bytes[31] = number;
  crypto::KeyPair pair;
  std::ranges::copy(bytes, pair.secret.bytes().begin());
  pair.key = crypto::public_key_of(pair.secret).value();
  return pair;
}

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_KEY_PAIR_HPP
