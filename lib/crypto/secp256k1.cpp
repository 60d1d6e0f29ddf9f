#include "lib/crypto/secp256k1.hpp"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_recovery.h>
#include <sodium/randombytes.h>

#include <memory>

namespace visor::crypto {
namespace {

/* What needs the secret-dependent tables uses a context blinded by random numbers, against measurements of
 * time and power.  Blinding changes no result, so the numbers need not be the host's. */
const secp256k1_context* signing_context() {
  struct Destroy {
    void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
  };
  static const std::unique_ptr<secp256k1_context, Destroy> context = [] {
    std::unique_ptr<secp256k1_context, Destroy> made(secp256k1_context_create(SECP256K1_CONTEXT_NONE));
    Secret<32> seed;
    randombytes_buf(seed.data(), Secret<32>::kBytes);
    [[maybe_unused]] int blinded = secp256k1_context_randomize(made.get(), seed.data());
    return made;
  }();
  return context.get();
}

const secp256k1_context* public_context() {
  return secp256k1_context_static;
}

bool parse(const visor_key& key, secp256k1_pubkey& point) {
  return secp256k1_ec_pubkey_parse(public_context(), &point, key.bytes, sizeof key.bytes) == 1;
}

visor_key serialize(const secp256k1_pubkey& point) {
  visor_key key{};
  size_t size = sizeof key.bytes;
  secp256k1_ec_pubkey_serialize(public_context(), key.bytes, &size, &point, SECP256K1_EC_COMPRESSED);
  return key;
}

std::unexpected<Error> not_a_secret_key() {
  return failure(VISOR_EINVAL, "a secret key is a number from 1 to the order of secp256k1 - 1; this is not");
}

std::unexpected<Error> bad_signature(const std::string& why) {
  return failure(VISOR_EPROTO, "the signature is not valid: " + why);
}

}  // namespace

bool valid_secret_key(const SecretKey& secret) {
  return secp256k1_ec_seckey_verify(public_context(), secret.data()) == 1;
}

bool valid_public_key(const visor_key& key) {
  secp256k1_pubkey point;
  return parse(key, point);
}

Result<visor_key> public_key_of(const SecretKey& secret) {
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_create(signing_context(), &point, secret.data()) != 1) return not_a_secret_key();
  return serialize(point);
}

Result<KeyPair> random_key_pair(const Random& random) {
  // One draw in 2^128 is not a key; a source that fails twice is broken.
  for (int draw = 0; draw < 2; ++draw) {
    KeyPair pair;
    random(pair.secret.bytes());
    if (Result<visor_key> key = public_key_of(pair.secret)) {
      pair.key = *key;
      return pair;
    }
  }
  return failure(VISOR_EIO, "the source of random numbers gives what cannot be a secret key; it is broken");
}

Result<Signature> sign_recoverable(const Hash& hash, const SecretKey& secret) {
  secp256k1_ecdsa_recoverable_signature made;
  if (secp256k1_ecdsa_sign_recoverable(signing_context(), &made, hash.bytes.data(), secret.data(), nullptr,
                                       nullptr) != 1) {
    return not_a_secret_key();
  }
  Signature signature;
  int recovery_id = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(public_context(), signature.bytes.data(),
                                                          &recovery_id, &made);
  signature.bytes[64] = static_cast<uint8_t>(recovery_id);
  return signature;
}

Result<void> verify(const visor_key& signer, const Signature& signature, const Hash& hash) {
  uint8_t recovery_id = signature.bytes[64];
  // Before the library sees it: it treats a wrong recovery id as the caller's mistake, and aborts.
  if (recovery_id > 3)
    return bad_signature("expected a recovery id of 0 to 3, got " + std::to_string(recovery_id));
  if (signature.bytes[32] >= 0x80) return bad_signature("the top bit of s is set");
  secp256k1_ecdsa_recoverable_signature parsed;
  if (secp256k1_ecdsa_recoverable_signature_parse_compact(public_context(), &parsed, signature.bytes.data(),
                                                          recovery_id) != 1) {
    return bad_signature("r or s is not below the order of the curve");
  }
  secp256k1_pubkey point;
  if (secp256k1_ecdsa_recover(public_context(), &point, &parsed, hash.bytes.data()) != 1) {
    return bad_signature("no key can have made it");
  }
  if (serialize(point) != signer) return bad_signature("another key, or for another hash, made it");
  return {};
}

Result<SharedSecret> ecdh(const visor_key& peer, const SecretKey& secret) {
  secp256k1_pubkey point;
  if (!parse(peer, point)) return failure(VISOR_EPROTO, "the peer's public key is not a point of secp256k1");
  SharedSecret shared;
  // The library's default hash function is the one wanted: SHA-256 of the compressed point.
  if (secp256k1_ecdh(public_context(), shared.data(), &point, secret.data(), nullptr, nullptr) != 1) {
    return not_a_secret_key();
  }
  return shared;
}

}  // namespace visor::crypto
