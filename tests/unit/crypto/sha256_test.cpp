#include "lib/crypto/sha256.hpp"

#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using crypto::Hash;
using crypto::sha256;
using crypto::Sha256;

TEST_CASE("SHA-256 gives the values of the vectors", "[crypto]") {
  boost::json::value vectors = test::load_vectors("cxo_cipher.json");
  for (const boost::json::value& v : test::array(vectors, "sha256")) {
    CHECK(to_hex(sha256(test::hex(v, "input_hex"))) == test::text(v, "sha256"));
  }
}

TEST_CASE("SHA-256 of pieces is that of the whole", "[crypto]") {
  test::Seeded seeded(1);
  for (int round = 0; round < 200; ++round) {
    Bytes data = seeded.bytes(seeded.below(400));
    size_t first = seeded.below(data.size() + 1), second = first + seeded.below(data.size() - first + 1);
    ByteView whole(data);
    Hash expected = sha256(whole);
    CHECK(sha256({whole.first(first), whole.subspan(first, second - first), whole.subspan(second)}) ==
          expected);
    Sha256 hasher;
    hasher.update(whole.first(first));
    Sha256 copy = hasher;
    CHECK(hasher.update(whole.subspan(first)).finish() == expected);
    CHECK(copy.update(whole.subspan(first)).finish() == expected);
  }
}

TEST_CASE("SHA-256 of a million letters a", "[crypto]") {
  Bytes block(1000, 'a');
  Sha256 hasher;
  for (int i = 0; i < 1000; ++i) hasher.update(block);
  CHECK(to_hex(hasher.finish()) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a Hash is a value", "[crypto]") {
  Hash blank, one = sha256(visor::bytes("one"));
  CHECK(blank.blank());
  CHECK_FALSE(one.blank());
  CHECK(blank < one);
  CHECK(crypto::hash_from_hex(to_hex(one)).value_or(blank) == one);
  CHECK(crypto::hash_from_hex("00").error().status == VISOR_EINVAL);
  CHECK(crypto::hash_from_hex(std::string(64, 'g')).error().status == VISOR_EINVAL);
}
