#include "lib/codec/endian.hpp"

#include <catch2/catch.hpp>

using namespace visor;
using namespace visor::codec;

TEST_CASE("integers are stored in the order asked for, at any address", "[codec]") {
  uint8_t room[16] = {};
  store_be<uint32_t>(room + 1, 0x01020304);
  CHECK(to_hex(ByteView(room).subspan(1, 4)) == "01020304");
  CHECK(load_be<uint32_t>(room + 1) == 0x01020304);
  CHECK(load_le<uint32_t>(room + 1) == 0x04030201);
  store_le<uint64_t>(room + 3, 0x0102030405060708);
  CHECK(to_hex(ByteView(room).subspan(3, 8)) == "0807060504030201");
  CHECK(load_le<uint64_t>(room + 3) == 0x0102030405060708);
  CHECK(load_be<uint8_t>(room + 3) == 8);

  Bytes out;
  append_be<uint16_t>(out, 0xabcd);
  append_le<uint16_t>(out, 0xabcd);
  append(out, bytes("z"));
  CHECK(to_hex(out) == "abcdcdab7a");
}
