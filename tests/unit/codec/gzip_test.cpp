#include "lib/codec/gzip.hpp"

#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::codec;

namespace {

constexpr size_t kLimit = 1 << 20;

Bytes compressible(test::Seeded& seeded, size_t size) {
  Bytes out(size);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>('a' + seeded.below(4));
  return out;
}

}  // namespace

TEST_CASE("framed leaves of the vectors are read", "[codec]") {
  boost::json::value vectors = test::load_vectors("cxo_frame_gzip.json");
  for (const boost::json::value& v : test::array(vectors)) {
    INFO(test::text(v, "name"));
    Result<VersionedPayload> leaf = unframe_gzip(test::hex(v, "frame_hex"), kLimit);
    REQUIRE(leaf);
    CHECK(leaf->version == test::integer(v, "version"));
    CHECK(to_hex(leaf->payload) == test::text(v, "payload_hex"));
    Result<VersionedPayload> own = unframe_gzip(frame_gzip(leaf->version, leaf->payload), kLimit);
    REQUIRE(own);
    CHECK(own->version == leaf->version);
    CHECK(own->payload == leaf->payload);
  }
  CHECK(unframe_gzip({}, kLimit).error().status == VISOR_EPROTO);
}

TEST_CASE("what is compressed inflates to what it was", "[codec]") {
  test::Seeded seeded(4);
  for (size_t size : {0, 1, 2, 511, 512, 513, 70000, 300000}) {
    Bytes noise = seeded.bytes(size), words = compressible(seeded, size);
    for (const Bytes& data : {noise, words}) {
      Bytes packed = gzip(data);
      CHECK(packed == gzip(data));
      CHECK(packed.empty() == data.empty());
      CHECK(inflate_gzip(packed, size).value_or(Bytes{0xee}) == data);
      CHECK(gunzip(packed, size).value_or(Bytes{0xee}) == data);
      if (size > 0) CHECK(inflate_gzip(packed, size - 1).error().status == VISOR_ENOSPC);
    }
    if (size > 1000) CHECK(gzip(words).size() < size / 2);
  }
}

TEST_CASE("a bomb stops at the limit", "[codec]") {
  Bytes bomb = gzip(Bytes(16 << 20, 0));
  CHECK(bomb.size() < 30000);
  CHECK(inflate_gzip(bomb, 1000).error().status == VISOR_ENOSPC);
  CHECK(gunzip(bomb, kLimit).error().status == VISOR_ENOSPC);
  Bytes framed = bomb;
  framed.insert(framed.begin(), 1);
  CHECK(unframe_gzip(framed, kLimit).error().status == VISOR_ENOSPC);

  Bytes many;
  for (int i = 0; i < 1000; ++i) {
    Bytes member = gzip(Bytes(2000, 0));
    many.insert(many.end(), member.begin(), member.end());
  }
  CHECK(inflate_gzip(many, kLimit).error().status == VISOR_ENOSPC);
}

TEST_CASE("several members are one text", "[codec]") {
  Bytes two = gzip(bytes("one ")), second = gzip(bytes("two"));
  two.insert(two.end(), second.begin(), second.end());
  Result<Bytes> both = inflate_gzip(two, kLimit);
  REQUIRE(both);
  CHECK(text(ByteView(*both)) == "one two");
}

TEST_CASE("what is cut, damaged or followed by rubbish is no gzip, and a leaf keeps it as it is", "[codec]") {
  test::Seeded seeded(5);
  Bytes original = compressible(seeded, 300), packed = gzip(original);
  auto check = [](const Bytes& data) {
    CHECK(inflate_gzip(data, kLimit).error().status == VISOR_EPROTO);
    CHECK(gunzip(data, kLimit).value_or(Bytes{}) == data);
  };
  for (size_t size = 1; size < packed.size(); ++size)
    check(Bytes(packed.begin(), packed.begin() + ptrdiff_t(size)));
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    Bytes damaged = packed;
    size_t byte = 10 + seeded.below(packed.size() - 10);  // past the header, part of which says nothing
    damaged[byte] ^= static_cast<uint8_t>(1 << seeded.below(8));
    // The bits that fill up the last byte of the compressed data mean nothing; any other is missed by no
    // checksum.
    Result<Bytes> read = inflate_gzip(damaged, kLimit);
    if (read) CHECK(*read == original);
    refused += read ? 0 : 1;
  }
  CHECK(refused > 280);
  Bytes followed = packed;
  followed.push_back(0);
  check(followed);
}

TEST_CASE("any bytes behind a gzip header do no harm", "[codec]") {
  test::Seeded seeded(6);
  for (int round = 0; round < 500; ++round) {
    Bytes input = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, noise = seeded.bytes(seeded.below(200));
    if (round % 4 == 0) input[3] = static_cast<uint8_t>(seeded.below(32));  // optional header fields
    input.insert(input.end(), noise.begin(), noise.end());
    Result<Bytes> read = gunzip(input, 5000);
    if (read) CHECK((*read == input || read->size() <= 5000));
  }
}
