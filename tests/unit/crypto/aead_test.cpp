#include "lib/crypto/aead.hpp"

#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::crypto;

namespace {

CipherKey random_key(test::Seeded& seeded) {
  CipherKey key;
  seeded.fill(key.bytes());
  return key;
}

}  // namespace

TEST_CASE("ChaCha20-Poly1305 gives the value of RFC 8439, A.5", "[crypto]") {
  CipherKey key;
  visor::from_hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", key.bytes());
  Bytes associated = test::from_hex("f33388860000000000004e91");
  Bytes sealed = test::from_hex(
      "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b7"
      "3c"
      "321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef"
      "61"
      "c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1"
      "b0"
      "a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd6315943"
      "4e"
      "cebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5c"
      "b4"
      "022b02709beead9d67890cbb22392336fea1851f38");
  // Its nonce is 00000000 0102030405060708: the counter, little-endian.
  Bytes plain(sealed.size() - kTagBytes);
  REQUIRE(open(key, 0x0807060504030201, associated, sealed, plain));
  CHECK(visor::text(ByteView(plain))
            .starts_with("Internet-Drafts are draft documents valid for a maximum of six"));
  Bytes again(sealed.size());
  seal(key, 0x0807060504030201, associated, plain, again);
  CHECK(again == sealed);
}

TEST_CASE("sealing in place and apart give the same, and opening gives it back", "[crypto]") {
  test::Seeded seeded(11);
  for (size_t size : {0, 1, 15, 16, 17, 63, 64, 65, 1000, 2047, 2048, 2049, 4070, 65000}) {
    CipherKey key = random_key(seeded);
    uint64_t nonce = seeded.number();
    Bytes plain = seeded.bytes(size), associated = seeded.bytes(seeded.below(40)), sealed(size + kTagBytes);
    seal(key, nonce, associated, plain, sealed);
    Bytes in_place = plain;
    in_place.resize(size + kTagBytes);
    seal(key, nonce, associated, ByteView(in_place).first(size), in_place);
    CHECK(in_place == sealed);

    Bytes opened(size);
    CHECK(open(key, nonce, associated, sealed, opened));
    CHECK(opened == plain);
    CHECK(open(key, nonce, associated, in_place, std::span(in_place).first(size)));
    CHECK(std::equal(plain.begin(), plain.end(), in_place.begin()));
  }
}

TEST_CASE("any change makes opening fail", "[crypto]") {
  test::Seeded seeded(12);
  for (size_t size : {0, 1, 64, 3000}) {
    CipherKey key = random_key(seeded), other = random_key(seeded);
    Bytes plain = seeded.bytes(size), associated = seeded.bytes(32), sealed(size + kTagBytes), out(size);
    seal(key, 7, associated, plain, sealed);
    for (int round = 0; round < 200; ++round) {
      Bytes damaged = sealed;
      size_t bit = seeded.below(damaged.size() * 8);
      damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      CHECK_FALSE(open(key, 7, associated, damaged, out));
    }
    CHECK_FALSE(open(key, 8, associated, sealed, out));
    CHECK_FALSE(open(key, 7, {}, sealed, out));
    CHECK_FALSE(open(other, 7, associated, sealed, out));
    if (size > 0) CHECK_FALSE(open(key, 7, associated, ByteView(sealed).first(size - 1 + kTagBytes), out));
    CHECK_FALSE(open(key, 7, associated, ByteView(sealed).first(kTagBytes - 1), {}));
  }
}
