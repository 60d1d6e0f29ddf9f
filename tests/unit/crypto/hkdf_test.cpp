#include "lib/crypto/hkdf.hpp"

#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::crypto;

TEST_CASE("HMAC-SHA256 gives the values of RFC 4231", "[crypto]") {
  struct Case {
    Bytes key, data;
    const char* code;
  };
  auto text = [](std::string_view s) { return Bytes(s.begin(), s.end()); };
  const Case cases[] = {
      {Bytes(20, 0x0b), text("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {text("Jefe"), text("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Bytes(20, 0xaa), Bytes(50, 0xdd), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {Bytes(131, 0xaa), text("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const Case& c : cases) {
    CHECK(to_hex(hmac_sha256(c.key, c.data)) == c.code);
    CHECK(to_hex(hmac_sha256(c.key, {ByteView(c.data).first(3), ByteView(c.data).subspan(3)})) == c.code);
  }
}

TEST_CASE("HKDF-SHA256 gives the values of RFC 5869", "[crypto]") {
  Bytes out(42);
  hkdf_sha256(test::from_hex("000102030405060708090a0b0c"), Bytes(22, 0x0b),
              test::from_hex("f0f1f2f3f4f5f6f7f8f9"), out);
  CHECK(to_hex(out) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  hkdf_sha256({}, Bytes(22, 0x0b), {}, out);
  CHECK(to_hex(out) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  hkdf_sha256({}, Bytes(22, 0x0b), {}, {});
}

TEST_CASE("the generic HKDF mixes a second secret into transport keys as the vectors do", "[crypto]") {
  boost::json::value vectors = test::load_vectors("cxo_noise.json");
  const boost::json::value& v = test::array(vectors, "xx")[2];
  for (std::string direction : {"initiator_to_responder", "responder_to_initiator"}) {
    Bytes material = test::hex(v, "classical_key_" + direction), shared = test::hex(v, "pq_shared_secret");
    material.insert(material.end(), shared.begin(), shared.end());
    Bytes mixed(32);
    hkdf_sha256(test::hex(v, "handshake_hash"), material, visor::bytes("skywire-pq-hybrid-v1"), mixed);
    CHECK(to_hex(mixed) == test::text(v, "hybrid_key_" + direction));
  }
}

TEST_CASE("Noise's HKDF is the generic one without salt text", "[crypto]") {
  Bytes chaining_key(32, 3), material(33, 4), both(64);
  TwoSecrets outputs = noise_hkdf(chaining_key, material);
  hkdf_sha256(chaining_key, material, {}, both);
  CHECK(to_hex(outputs.first.bytes()) + to_hex(outputs.second.bytes()) == to_hex(both));
}
