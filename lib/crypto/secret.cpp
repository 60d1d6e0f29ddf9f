#include "lib/crypto/secret.hpp"

#include <sodium/utils.h>

namespace visor::crypto {

void wipe(std::span<uint8_t> secret) {
  sodium_memzero(secret.data(), secret.size());
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace visor::crypto
