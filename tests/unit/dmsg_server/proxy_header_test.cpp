#include "plugins/dmsg-server/proxy_header.hpp"

#include <catch2/catch.hpp>

#include "plugins/dmsg-server/origin.hpp"

using namespace visor;
using namespace visor::dmsg_server;

namespace {

struct Case {
  std::string first;
  size_t bytes;
  std::string origin;
};

const std::string kMark("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(uint8_t command, uint8_t family, const std::string& body) {
  std::string head = kMark;
  for (size_t byte : {size_t(command), size_t(family), body.size() >> 8, body.size() & 0xff}) {
    head += static_cast<char>(byte);
  }
  return head + body;
}

const std::string kFour("\xc0\x00\x02\x01\xc0\x00\x02\x02\x10\x92\x00\x50", 12);
const std::string kSix = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\1' +
                         std::string(16, '\2') + std::string("\x10\x92\x00\x50", 4);

}  // namespace

TEST_CASE("PROXY headers of both versions, however they are cut", "[dmsg_server]") {
  for (const Case& each :
       {Case{"PROXY TCP4 192.0.2.1 192.0.2.2 4242 80\r\n", 40, "192.0.2.1:4242"},
        Case{"PROXY TCP6 2001:db8::1 2001:db8::2 4242 80\r\n", 44, "[2001:db8::1]:4242"},
        Case{"PROXY UNKNOWN\r\n", 15, ""}, Case{"PROXY UNKNOWN whatever it is\r\n", 30, ""},
        Case{binary(0x21, 0x11, kFour), 28, "192.0.2.1:4242"},
        Case{binary(0x21, 0x11, kFour + "more of it"), 38, "192.0.2.1:4242"},
        Case{binary(0x21, 0x21, kSix), 52, "[2001:db8::1]:4242"}, Case{binary(0x20, 0x00, ""), 16, ""},
        Case{binary(0x20, 0x11, kFour), 28, ""}, Case{binary(0x21, 0x31, std::string(216, 'u')), 232, ""}}) {
    INFO(each.origin << " " << each.bytes);
    REQUIRE(each.first.size() == each.bytes);
    std::string whole = each.first + std::string("\0\x31", 2);
    for (size_t size = 0; size < each.bytes; ++size) {
      auto early = read_proxy_header(bytes(std::string_view(whole).substr(0, size)));
      REQUIRE(early);
      CHECK_FALSE(*early);
    }
    for (size_t size : {each.bytes, each.bytes + 1, each.bytes + 2}) {
      auto header = read_proxy_header(bytes(std::string_view(whole).substr(0, size)));
      REQUIRE(header);
      REQUIRE(*header);
      CHECK((*header)->bytes == each.bytes);
      CHECK((*header)->origin == each.origin);
    }
  }
}

TEST_CASE("connections without a PROXY header begin at once", "[dmsg_server]") {
  for (std::string first : {std::string("\0\x31", 2), std::string("\x04\xd1"), std::string("GET /"),
                            std::string("POST /"), std::string("PRO-"), std::string("\r\n\r\nGET")}) {
    auto header = read_proxy_header(bytes(std::string_view(first)));
    REQUIRE(header);
    REQUIRE(*header);
    CHECK((*header)->bytes == 0);
    CHECK((*header)->origin.empty());
  }
}

TEST_CASE("what begins as a PROXY header and is none is refused", "[dmsg_server]") {
  for (std::string first :
       {std::string("PROXY \r\n"), std::string("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n"),
        std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
        std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"),
        std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n"), std::string("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"),
        std::string("PROXY TCP4 ::1 ::1 1 2\r\n"), std::string("PROXY TCP6 1.2.3.4 ::1 1 2\r\n"),
        std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"), "PROXY " + std::string(120, 'x'),
        "PROXY UNKNOWN" + std::string(120, ' '), binary(0x11, 0x11, kFour), binary(0x22, 0x11, kFour),
        binary(0x21, 0x11, kFour.substr(0, 11)), binary(0x21, 0x21, kSix.substr(0, 35)),
        binary(0x21, 0x11, std::string(1009, 'x'))}) {
    INFO(first);
    auto header = read_proxy_header(bytes(std::string_view(first)));
    REQUIRE_FALSE(header);
    CHECK(header.error().status == VISOR_EPROTO);
  }
}

TEST_CASE("origins are taken apart", "[dmsg_server]") {
  Origin four = parse_origin("192.0.2.1:4242");
  CHECK(four.text == "192.0.2.1:4242");
  CHECK(four.address == "192.0.2.1");
  CHECK(four.ip == Bytes{192, 0, 2, 1});
  Origin six = parse_origin("[2001:db8:1:2:3::4]:80");
  CHECK(six.ip.size() == 16);
  CHECK(six.address == "20010db800010002/64");
  CHECK(parse_origin("[2001:db8:1:2::]:1").address == six.address);
  CHECK(parse_origin("[::ffff:192.0.2.1]:1").ip == four.ip);
  Origin name = parse_origin("alpha:4242");
  CHECK(name.address == "alpha");
  CHECK(name.ip.empty());
  CHECK(parse_origin("").ip.empty());
  CHECK(parse_origin("[").ip.empty());
}
