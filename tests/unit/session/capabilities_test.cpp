#include "lib/session/capabilities.hpp"

#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::session;

TEST_CASE("capabilities have eight bytes", "[session]") {
  Bytes wire = encode(Capabilities{0x80000005});
  CHECK(to_hex(wire) == "5653523180000005");
  auto back = decode_capabilities(wire);
  REQUIRE(back);
  CHECK(back->flags == 0x80000005);
  CHECK(back->has(5));
  CHECK(back->has(1));
  CHECK_FALSE(back->has(2));
  CHECK_FALSE(back->has(3));
}

TEST_CASE("capabilities of a later time are read as far as we know them", "[session]") {
  Bytes wire = encode(Capabilities{1});
  wire.insert(wire.end(), 500, 0x99);
  auto back = decode_capabilities(wire);
  REQUIRE(back);
  CHECK(back->flags == 1);
}

TEST_CASE("what is not of this format announces nothing", "[session]") {
  Bytes wire = encode(Capabilities{1});
  for (size_t size = 0; size < wire.size(); ++size) {
    CHECK_FALSE(decode_capabilities(ByteView(wire).first(size)));
  }
  for (size_t at = 0; at < 4; ++at) {
    Bytes other = wire;
    other[at] ^= 1;
    CHECK_FALSE(decode_capabilities(other));
  }
  /* The sizes that the network's own extension puts there. */
  CHECK_FALSE(decode_capabilities(test::Seeded(1).bytes(1184)));
  CHECK_FALSE(decode_capabilities(test::Seeded(2).bytes(1088)));
}
