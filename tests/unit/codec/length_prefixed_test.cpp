#include "lib/codec/length_prefixed.hpp"

#include "lib/codec/endian.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using codec::LengthPrefixedReader;
using codec::Prefix;

namespace {

void append_message(Bytes& stream, Prefix prefix, ByteView body) {
  codec::append_prefix(stream, prefix, body.size());
  codec::append(stream, body);
}

}  // namespace

TEST_CASE("messages come out of a stream cut anywhere", "[codec]") {
  test::Seeded seeded(3);
  for (int round = 0; round < 200; ++round) {
    Prefix prefix = round % 2 == 0 ? Prefix::kU16 : Prefix::kU32;
    std::vector<Bytes> sent(seeded.below(6)), received;
    Bytes stream;
    for (Bytes& body : sent) {
      body = seeded.bytes(seeded.below(round % 5 == 0 ? 10 : 40000));
      append_message(stream, prefix, body);
    }
    LengthPrefixedReader reader(prefix, 0, 65535);
    ByteView left(stream);
    size_t fed = 0;
    while (!left.empty()) {
      ByteView piece = left.first(std::min(left.size(), 1 + seeded.below(round % 5 == 0 ? 3 : 30000)));
      left = left.subspan(piece.size());
      fed += piece.size();
      for (;;) {
        Result<std::optional<ByteView>> message = reader.read(piece);
        REQUIRE(message);
        if (!*message) break;
        received.emplace_back((*message)->begin(), (*message)->end());
      }
      CHECK(piece.empty());
      CHECK(reader.buffered_bytes() <= fed);
    }
    CHECK(received == sent);
    CHECK(reader.buffered_bytes() == 0);
  }
}

TEST_CASE("a message that comes whole is not copied, and what follows stays with the caller", "[codec]") {
  Bytes stream;
  append_message(stream, Prefix::kU32, bytes("first"));
  append_message(stream, Prefix::kU32, bytes("rest"));
  LengthPrefixedReader reader(Prefix::kU32, 1, 100);
  ByteView input(stream);
  Result<std::optional<ByteView>> message = reader.read(input);
  REQUIRE((message && *message));
  CHECK((*message)->data() == stream.data() + 4);
  CHECK(text(**message) == "first");
  CHECK(input.size() == 8);
}

TEST_CASE("a length out of range is refused at once, for good, and costs no memory", "[codec]") {
  struct Case {
    Prefix prefix;
    const char* wire;
  };
  for (Case c :
       {Case{Prefix::kU32, "00000000"}, Case{Prefix::kU32, "00000008"}, Case{Prefix::kU32, "04000001"},
        Case{Prefix::kU32, "ffffffff"}, Case{Prefix::kU16, "0008"}}) {
    INFO(c.wire);
    LengthPrefixedReader reader(c.prefix, 9, 64u << 20);
    Bytes prefix = test::from_hex(c.wire);
    ByteView input(prefix);
    CHECK(reader.read(input).error().status == VISOR_EPROTO);
    Bytes good = test::from_hex("00000009000000000000000000");
    input = good;
    CHECK(reader.read(input).error().status == VISOR_EPROTO);
  }
}

TEST_CASE("bounds are inclusive", "[codec]") {
  for (size_t size : {9, 10, 20}) {
    Bytes stream, body(size, 7);
    append_message(stream, Prefix::kU16, body);
    LengthPrefixedReader reader(Prefix::kU16, 9, 20);
    ByteView input(stream);
    Result<std::optional<ByteView>> message = reader.read(input);
    REQUIRE((message && *message));
    CHECK((*message)->size() == size);
  }
  Bytes stream, body(21, 7);
  append_message(stream, Prefix::kU16, body);
  ByteView input(stream);
  CHECK_FALSE(LengthPrefixedReader(Prefix::kU16, 9, 20).read(input));
}

TEST_CASE("a great length that is allowed is only believed as bytes come", "[codec]") {
  LengthPrefixedReader reader(Prefix::kU32, 1, 64u << 20);
  Bytes wire = test::from_hex("04000000010203");
  ByteView input(wire);
  Result<std::optional<ByteView>> message = reader.read(input);
  REQUIRE(message);
  CHECK_FALSE(*message);
  CHECK(reader.buffered_bytes() == 7);
}

TEST_CASE("CXO frames of the vectors are found behind their length", "[codec]") {
  boost::json::value frames = test::load_vectors("cxo_frames.json");
  Bytes stream;
  for (const boost::json::value& f : test::array(frames)) codec::append(stream, test::hex(f, "hex"));
  LengthPrefixedReader reader(Prefix::kU32, 9, 64u << 20);
  ByteView input(stream);
  for (const boost::json::value& f : test::array(frames)) {
    Result<std::optional<ByteView>> message = reader.read(input);
    REQUIRE((message && *message));
    CHECK(to_hex(**message) == test::text(f, "hex").substr(8));
  }
  CHECK(input.empty());
}
