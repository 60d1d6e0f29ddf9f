// Parts that were compressed apart are one gzip member, whatever they are and however many.
#include "lib/codec/gzip_parts.hpp"

#include <catch2/catch.hpp>

#include "lib/codec/gzip.hpp"
#include "tests/unit/seeded.hpp"

using namespace visor;

namespace {

std::string text_of(test::Seeded& random, size_t size) {
  std::string out;
  while (out.size() < size)
    out += "visor_transport_live{id=\"" + std::to_string(random.below(1000)) + "\"} 1\n";
  out.resize(size);
  return out;
}

}  // namespace

TEST_CASE("gzip parts: joined, they inflate to the joined text", "[codec]") {
  test::Seeded random(3);
  codec::GzipPartMaker maker;
  for (int round = 0; round < 200; ++round) {
    codec::GzipJoin join;
    std::string whole, packed;
    join.begin(packed);
    for (size_t parts = random.below(20); parts > 0; --parts) {
      std::string text = text_of(random, random.below(4) == 0 ? 0 : random.below(5000));
      join.add(packed, maker.make(text));
      whole += text;
    }
    join.end(packed);
    Result<Bytes> inflated = codec::inflate_gzip(bytes(std::string_view(packed)), 1 << 20);
    REQUIRE(inflated.has_value());
    CHECK(text(ByteView(*inflated)) == whole);
  }
}

TEST_CASE("gzip parts: the order in which they are joined is free, the same part twice too", "[codec]") {
  codec::GzipPartMaker maker;
  codec::GzipPart a = maker.make("first\n"), b = maker.make(std::string(100'000, 'b'));
  codec::GzipJoin join;
  std::string packed;
  join.begin(packed);
  for (const codec::GzipPart* part : {&b, &a, &b, &a, &a}) join.add(packed, *part);
  join.end(packed);
  Result<Bytes> inflated = codec::inflate_gzip(bytes(std::string_view(packed)), 1 << 20);
  REQUIRE(inflated.has_value());
  std::string long_one(100'000, 'b');
  CHECK(text(ByteView(*inflated)) == long_one + "first\n" + long_one + "first\nfirst\n");
  CHECK(packed.size() < 2000);
}
