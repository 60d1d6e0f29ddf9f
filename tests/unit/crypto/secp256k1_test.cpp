#include "lib/crypto/secp256k1.hpp"

#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::crypto;

namespace {

SecretKey secret_key(const boost::json::value& object, std::string_view name) {
  return SecretKey(test::fixed_hex<32>(object, name));
}

Hash hash(const boost::json::value& object, std::string_view name) {
  return Hash{test::fixed_hex<32>(object, name)};
}

Signature signature(const boost::json::value& object, std::string_view name) {
  return Signature{test::fixed_hex<65>(object, name)};
}

/* Makes the other signature that fits the same hash and key: n - s, and the other recovery id. */
void negate_s(Signature& s) {
  static const Bytes kOrder =
      test::from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  int borrow = 0;
  for (size_t i = 32; i-- > 0;) {
    int digit = kOrder[i] - s.bytes[32 + i] - borrow;
    borrow = digit < 0;
    s.bytes[32 + i] = static_cast<uint8_t>(digit);
  }
  s.bytes[64] ^= 1;
}

}  // namespace

TEST_CASE("public keys are those of the vectors", "[crypto]") {
  boost::json::value vectors = test::load_vectors("cxo_cipher.json");
  for (const char* list : {"keys", "deterministic_keypair"}) {
    for (const boost::json::value& v : test::array(vectors, list)) {
      Result<visor_key> key = public_key_of(secret_key(v, "seckey"));
      REQUIRE(key);
      CHECK(to_hex(*key) == test::text(v, "pubkey"));
      CHECK(valid_public_key(*key));
    }
  }
}

TEST_CASE("keys that are no keys are refused", "[crypto]") {
  boost::json::value vectors = test::load_vectors("cxo_cipher.json");
  for (const boost::json::value& v : test::array(vectors, "pubkey_validity")) {
    INFO(test::text(v, "pubkey"));
    CHECK(valid_public_key(test::key(v, "pubkey")) == test::boolean(v, "valid"));
  }
  visor_key good = test::key(test::array(vectors, "keys")[0], "pubkey");
  for (const boost::json::value& v : test::array(vectors, "seckey_invalid")) {
    SecretKey secret = secret_key(v, "seckey");
    CHECK_FALSE(valid_secret_key(secret));
    CHECK(public_key_of(secret).error().status == VISOR_EINVAL);
    CHECK(sign_recoverable(Hash{}, secret).error().status == VISOR_EINVAL);
    CHECK(ecdh(good, secret).error().status == VISOR_EINVAL);
  }
}

TEST_CASE("each first byte but 2 and 3 makes a public key invalid", "[crypto]") {
  boost::json::value vectors = test::load_vectors("cxo_cipher.json");
  visor_key key = test::key(test::array(vectors, "keys")[0], "pubkey");
  for (int first = 0; first < 256; ++first) {
    key.bytes[0] = static_cast<uint8_t>(first);
    CHECK(valid_public_key(key) == (first == 2 || first == 3));
  }
}

TEST_CASE("key agreement gives the values of the vectors, from both ends", "[crypto]") {
  boost::json::value vectors = test::load_vectors("cxo_cipher.json");
  for (const boost::json::value& v : test::array(vectors, "ecdh")) {
    Result<SharedSecret> shared = ecdh(test::key(v, "pubkey_b"), secret_key(v, "seckey_a"));
    REQUIRE(shared);
    CHECK(to_hex(shared->bytes()) == test::text(v, "ecdh_sha256"));
    CHECK(sha256(test::hex(v, "shared_point_compressed")) == hash(v, "ecdh_sha256"));
  }
  boost::json::value dmsg = test::load_vectors("dmsg_ecdh.json");
  Result<SharedSecret> shared = ecdh(test::key(dmsg, "pk"), secret_key(dmsg, "sk"));
  REQUIRE(shared);
  CHECK(to_hex(shared->bytes()) + "00" == test::text(dmsg, "out33"));

  test::Seeded seeded(2);
  Result<KeyPair> a = random_key_pair(seeded.source()), b = random_key_pair(seeded.source());
  REQUIRE((a && b));
  CHECK(to_hex(ecdh(a->key, b->secret)->bytes()) == to_hex(ecdh(b->key, a->secret)->bytes()));
}

TEST_CASE("key agreement with a key that is no point is the peer's fault", "[crypto]") {
  test::Seeded seeded(3);
  Result<KeyPair> pair = random_key_pair(seeded.source());
  visor_key beyond_the_field;
  std::ranges::fill(beyond_the_field.bytes, uint8_t(0xff));
  beyond_the_field.bytes[0] = 2;
  CHECK(ecdh(beyond_the_field, pair->secret).error().status == VISOR_EPROTO);
  CHECK(ecdh(visor_key{}, pair->secret).error().status == VISOR_EPROTO);
}

TEST_CASE("signatures of the vectors verify", "[crypto]") {
  boost::json::value vectors = test::load_vectors("cxo_cipher.json");
  for (const boost::json::value& v : test::array(vectors, "signatures")) {
    visor_key signer = test::key(v, "pubkey");
    CHECK(public_key_of(secret_key(v, "seckey")).value_or(visor_key{}) == signer);
    CHECK(verify(signer, signature(v, "sig"), hash(v, "hash")).has_value() == test::boolean(v, "valid"));
    Result<Signature> own = sign_recoverable(hash(v, "hash"), secret_key(v, "seckey"));
    REQUIRE(own);
    CHECK(verify(signer, *own, hash(v, "hash")));
  }
  for (const boost::json::value& v : test::array(vectors, "verify_cases")) {
    INFO(test::text(v, "name"));
    Result<void> verdict = verify(test::key(v, "pubkey"), signature(v, "sig"), hash(v, "hash"));
    CHECK(verdict.has_value() == test::boolean(v, "valid"));
    if (!verdict) CHECK(verdict.error().status == VISOR_EPROTO);
  }
}

TEST_CASE("signatures are deterministic, low in s, and refused after any change", "[crypto]") {
  test::Seeded seeded(4);
  for (int round = 0; round < 20; ++round) {
    Result<KeyPair> pair = random_key_pair(seeded.source());
    REQUIRE(pair);
    Hash digest = sha256(seeded.bytes(40));
    Result<Signature> made = sign_recoverable(digest, pair->secret);
    REQUIRE(made);
    CHECK(sign_recoverable(digest, pair->secret).value_or(Signature{}) == *made);
    CHECK(made->bytes[32] < 0x80);
    CHECK(verify(pair->key, *made, digest));

    Signature twin = *made;
    negate_s(twin);
    CHECK(verify(pair->key, twin, digest).has_value() == (twin.bytes[32] < 0x80));

    for (size_t bit :
         {seeded.below(512), seeded.below(512), size_t(512), size_t(513), size_t(514), size_t(519)}) {
      Signature damaged = *made;
      damaged.bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      CHECK_FALSE(verify(pair->key, damaged, digest));
    }
    Hash other = digest;
    other.bytes[seeded.below(32)] ^= 1;
    CHECK_FALSE(verify(pair->key, *made, other));
    visor_key negated = pair->key;
    negated.bytes[0] ^= 1;
    CHECK_FALSE(verify(negated, *made, digest));
  }
}

TEST_CASE("verify survives any bytes", "[crypto]") {
  test::Seeded seeded(5);
  for (int round = 0; round < 500; ++round) {
    Signature random;
    seeded.fill(random.bytes);
    if (round % 2 == 0) random.bytes[64] &= 3;
    if (round % 3 == 0) std::fill_n(random.bytes.begin(), 32, uint8_t(0xff));  // r beyond the order
    if (round % 5 == 0) std::fill_n(random.bytes.begin() + 32, 32, uint8_t(0));
    visor_key key;
    seeded.fill(key.bytes);
    CHECK_FALSE(verify(key, random, Hash{}));
  }
}

TEST_CASE("key pairs come from the given source, which may be broken", "[crypto]") {
  test::Seeded one(6), same(6);
  CHECK(random_key_pair(one.source())->key == random_key_pair(same.source())->key);
  CHECK(random_key_pair([](std::span<uint8_t> out) { std::ranges::fill(out, uint8_t(0)); }).error().status ==
        VISOR_EIO);
  int draws = 0;
  Result<KeyPair> second = random_key_pair(
      [&](std::span<uint8_t> out) { std::ranges::fill(out, uint8_t(draws++ == 0 ? 0xff : 0x11)); });
  REQUIRE(second);
  CHECK(draws == 2);
  CHECK(valid_public_key(second->key));
}

TEST_CASE("a secret leaves nothing behind", "[crypto]") {
  alignas(SecretKey) std::array<uint8_t, sizeof(SecretKey)> memory{};
  Bytes zeros(32, 0), ones(32, 1);
  auto* secret = ::new (memory.data()) SecretKey(std::span<const uint8_t, 32>(ones.data(), 32));
  CHECK(equal_constant_time(memory, ones));
  SecretKey moved = std::move(*secret);
  CHECK(equal_constant_time(memory, zeros));
  CHECK(equal_constant_time(moved.bytes(), ones));
  *secret = std::move(moved);
  CHECK(equal_constant_time(moved.bytes(), zeros));
  CHECK(equal_constant_time(memory, ones));
  secret->~SecretKey();
  CHECK(equal_constant_time(memory, zeros));
  CHECK_FALSE(equal_constant_time(zeros, ones));
  CHECK_FALSE(equal_constant_time(zeros, ByteView(zeros).first(31)));
}
