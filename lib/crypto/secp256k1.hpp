/* secp256k1: keys, recoverable signatures, key agreement (specifications cxo.md, section 3; dmsg.md, section
 * 2). */
#ifndef VISOR_CRYPTO_SECP256K1_HPP
#define VISOR_CRYPTO_SECP256K1_HPP
#include "lib/crypto/secret.hpp"
#include "lib/crypto/sha256.hpp"

namespace visor::crypto {

/* r, 32 bytes big-endian | s, 32 bytes big-endian | recovery id, 0..3. */
struct Signature {
  std::array<uint8_t, 65> bytes{};

  operator ByteView() const { return bytes; }
  friend bool operator==(const Signature&, const Signature&) = default;
};

struct KeyPair {
  SecretKey secret;
  visor_key key{};
};

bool valid_secret_key(const SecretKey& secret);

/* Whether it is a compressed point: first byte 2 or 3, x below the field's prime, on the curve. */
bool valid_public_key(const visor_key& key);

/* VISOR_EINVAL for a number that is not a secret key. */
Result<visor_key> public_key_of(const SecretKey& secret);

/* A new key pair.  VISOR_EIO if `random` keeps giving what cannot be a key. */
Result<KeyPair> random_key_pair(const Random& random);

/* Deterministic (RFC 6979), low s.  VISOR_EINVAL for a number that is not a secret key. */
Result<Signature> sign_recoverable(const Hash& hash, const SecretKey& secret);

/* Whether `signature` over `hash` is of `signer`; VISOR_EPROTO says which rule it breaks.  Stricter than the
 * curve asks: a recovery id of 4 or more and an s whose top bit is set are refused, as the network refuses
 * them. */
Result<void> verify(const visor_key& signer, const Signature& signature, const Hash& hash);

/* SHA-256 of the compressed shared point.  VISOR_EINVAL for a number that is not a secret key, VISOR_EPROTO
 * for a peer's key that is not a point. */
Result<SharedSecret> ecdh(const visor_key& peer, const SecretKey& secret);

}  // namespace visor::crypto
#endif  // VISOR_CRYPTO_SECP256K1_HPP
