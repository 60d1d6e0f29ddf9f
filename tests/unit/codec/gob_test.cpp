#include "lib/codec/gob.hpp"

#include <array>
#include <deque>

#include "tests/unit/vectors.hpp"

using namespace visor;
namespace gob = visor::codec::gob;

namespace {

Bytes number(uint64_t value) {
  Bytes out;
  gob::put_uint(out, value);
  return out;
}

Bytes signed_number(int64_t value) {
  Bytes out;
  gob::put_int(out, value);
  return out;
}

// A struct of one field, of a type that `define` appends under id 66, or of a predefined one.
Bytes one_field(int64_t type, ByteView value, const std::function<void(Bytes&)>& define = {}) {
  Bytes out;
  const gob::FieldType fields[] = {{"X", type}};
  gob::define_struct(out, 65, "S", fields);
  if (define) define(out);
  Bytes body;
  gob::put_int(body, 65);
  body.push_back(1);
  body.insert(body.end(), value.begin(), value.end());
  body.push_back(0);
  gob::put_message(out, body);
  return out;
}

/* Values point into their document, which is kept for that. */
Result<gob::Value> decode_kept(ByteView document, const gob::Limits& limits = {}) {
  static std::deque<Bytes> kept;
  return gob::decode(kept.emplace_back(document.begin(), document.end()), limits);
}

std::string error_of(ByteView document, const gob::Limits& limits = {}) {
  auto value = decode_kept(document, limits);
  REQUIRE_FALSE(value);
  CHECK(value.error().status == VISOR_EPROTO);
  return value.error().text;
}

const gob::Value& field(const gob::Value& value, std::string_view name) {
  INFO("field " << name);
  const gob::Value* found = value.find(name);
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("gob: numbers are of the fewest bytes", "[gob]") {
  CHECK(number(0) == Bytes{0});
  CHECK(number(127) == Bytes{0x7f});
  CHECK(number(128) == Bytes{0xff, 0x80});
  CHECK(number(256) == Bytes{0xfe, 1, 0});
  CHECK(number(49153) == Bytes{0xfe, 0xc0, 0x01});
  CHECK(number(UINT64_MAX) == Bytes{0xf8, 255, 255, 255, 255, 255, 255, 255, 255});
  CHECK(signed_number(-65) == Bytes{0xff, 0x81});
  CHECK(signed_number(65) == Bytes{0xff, 0x82});
  CHECK(signed_number(32) == Bytes{0x40});
  CHECK(signed_number(1700000000123456789) == test::from_hex("f82f2f39fc7b0b9a2a"));
  CHECK(signed_number(INT64_MIN) == Bytes{0xf8, 255, 255, 255, 255, 255, 255, 255, 255});
}

TEST_CASE("gob: numbers are read back, from shorter and longer forms", "[gob]") {
  for (int64_t value :
       {int64_t(0), int64_t(-1), int64_t(63), int64_t(-64), int64_t(64), INT64_MAX, INT64_MIN}) {
    auto document = decode_kept(one_field(gob::kInt, signed_number(value)));
    REQUIRE(document);
    CHECK(field(*document, "X").kind == gob::Kind::kInt);
    CHECK(field(*document, "X").integer() == value);
  }
  auto longer = decode_kept(one_field(gob::kUint, Bytes{0xfd, 0, 0, 7}));
  REQUIRE(longer);
  CHECK(field(*longer, "X").bits == 7);
  auto real = decode_kept(one_field(gob::kFloat, test::from_hex("fd404a40")));
  REQUIRE(real);
  CHECK(field(*real, "X").real() == 52.5);
}

TEST_CASE("gob: every shape of later years is decoded by names", "[gob]") {
  auto vectors = test::load_vectors("dmsg_gob.json");
  const auto& later = test::at(vectors, "gob_later_shapes");
  auto decoded = [&later](std::string_view name) {
    INFO(name);
    static Bytes document;
    document = test::hex(later, name);
    auto value = decode_kept(document);
    REQUIRE(value);
    return *value;
  };
  for (auto name : {"request_2024", "request_2026"}) {
    auto request = decoded(name);
    CHECK(field(request, "Timestamp").integer() == 1700000000123456789);
    CHECK(field(field(request, "SrcAddr"), "Port").bits == 49153);
    CHECK(field(field(request, "DstAddr"), "Port").bits == 80);
    CHECK(to_hex(field(request, "NoiseMsg").bytes) == "010203");
    CHECK_FALSE(request.find("IPinfo"));
  }
  CHECK(field(decoded("ip_request_2024"), "IPinfo").bits == 1);
  auto response = decoded("ip_response_2026");
  CHECK(field(response, "ReqHash").elements.size() == 32);
  CHECK(field(response, "ReqHash").elements[0].bits == 0x84);
  CHECK(to_hex(field(response, "IP").bytes) == "00000000000000000000ffffc0000207");
  CHECK(text(field(response, "GeoCountry").bytes) == "DE");
  CHECK(field(response, "GeoLat").real() == 52.5);
  CHECK(field(response, "GeoLon").real() == 13.25);
}

TEST_CASE("gob: what readers do not know is passed over", "[gob]") {
  SECTION("a map") {
    Bytes document = one_field(66, test::from_hex("0201610202016204"), [](Bytes& out) {
      // 66: map of string to int, as its defining struct: {CommonType, Key, Elem}
      gob::put_message(out, test::from_hex("ff83040101024d7001ff8400010c01040000"));
    });
    auto value = decode_kept(document);
    INFO((value ? "" : value.error().text));
    REQUIRE(value);
    CHECK(field(*value, "X").kind == gob::Kind::kMap);
    CHECK(field(*value, "X").elements.size() == 4);
    CHECK(field(*value, "X").elements[3].integer() == 2);
  }
  SECTION("a slice") {
    Bytes document = one_field(66, test::from_hex("03020406"), [](Bytes& out) {
      gob::put_message(out, test::from_hex("ff83020101025b5d01ff840001040000"));
    });
    auto value = decode_kept(document);
    INFO((value ? "" : value.error().text));
    REQUIRE(value);
    CHECK(field(*value, "X").elements.size() == 3);
  }
  SECTION("complex numbers and interfaces") {
    CHECK(decode_kept(one_field(7, test::from_hex("fe084001"))));
    CHECK(decode_kept(one_field(8, test::from_hex("00"))));
    CHECK(decode_kept(one_field(8, test::from_hex("03696e7404020004"))));
  }
}

TEST_CASE("gob: a document cut anywhere, or longer than its value, is refused", "[gob]") {
  auto vectors = test::load_vectors("dmsg_gob.json");
  for (auto name : {"request", "response_accepted", "response_rejected_306"}) {
    Bytes document = test::hex(test::at(test::at(vectors, "gob"), name), "gob");
    REQUIRE(decode_kept(document));
    for (size_t size = 0; size < document.size(); ++size) {
      INFO(name << " cut at " << size);
      CHECK_FALSE(decode_kept(ByteView(document).first(size)));
    }
    document.push_back(0);
    CHECK(error_of(document).find("bytes follow it") != std::string::npos);
  }
}

TEST_CASE("gob: lengths and counts are believed only as far as there are bytes", "[gob]") {
  const Bytes huge = test::from_hex("f8ffffffffffffffff");
  CHECK(error_of(huge).find("shorter than a length") != std::string::npos);
  CHECK(error_of(one_field(gob::kByteSlice, huge)).find("shorter than a length") != std::string::npos);
  auto array = [](Bytes& out) { gob::define_array(out, 66, "A", gob::kUint, 2); };
  CHECK(error_of(one_field(66, huge, array)).find("shorter than a count") != std::string::npos);
  CHECK(error_of(one_field(66, Bytes{1, 1}, array)).find("another length") != std::string::npos);
  CHECK(error_of(one_field(gob::kUint, Bytes{0xf7, 1, 1, 1, 1, 1, 1, 1, 1, 1})).find("at most 8") !=
        std::string::npos);
}

TEST_CASE("gob: types that make no sense are refused", "[gob]") {
  SECTION("undefined") {
    CHECK(error_of(one_field(99, Bytes{1})).find("does not define") != std::string::npos);
    Bytes value;
    gob::put_message(value, test::from_hex("ff8200"));
    CHECK(error_of(value).find("defined before it") != std::string::npos);
  }
  SECTION("defined twice") {
    CHECK(error_of(one_field(65, Bytes{0}, [](Bytes& out) {
            gob::define_marshaler(out, 65, "S");
          })).find("taken") != std::string::npos);
  }
  SECTION("a predefined id, the lowest number") {
    CHECK(error_of(one_field(2, Bytes{2}, [](Bytes& out) {
            gob::define_marshaler(out, 2, "S");
          })).find("taken") != std::string::npos);
    Bytes lowest;
    gob::put_message(lowest, test::from_hex("f8ffffffffffffffff"));
    CHECK(error_of(lowest).find("out of range") != std::string::npos);
  }
  SECTION("two fields of one name") {
    Bytes out;
    const gob::FieldType fields[] = {{"X", gob::kInt}, {"X", gob::kInt}};
    gob::define_struct(out, 65, "S", fields);
    CHECK(error_of(out).find("one name") != std::string::npos);
  }
  SECTION("a struct within itself") {
    Bytes nested(64, 1);
    Bytes document = one_field(65, nested);
    CHECK(error_of(document).find("nests deeper") != std::string::npos);
  }
  SECTION("a field that the type does not have") {
    Bytes out;
    const gob::FieldType fields[] = {{"X", gob::kInt}};
    gob::define_struct(out, 65, "S", fields);
    gob::put_message(out, test::from_hex("ff82020200"));
    CHECK(error_of(out).find("a field that its type does not") != std::string::npos);
  }
}

TEST_CASE("gob: what a document makes its reader hold is bounded", "[gob]") {
  gob::Limits limits;
  limits.values = 16;
  auto array = [](Bytes& out) {
    const gob::FieldType none[] = {{"Y", gob::kInt}};
    gob::define_struct(out, 67, "E", none);
    gob::define_array(out, 66, "A", 67, 16);
  };
  Bytes sixteen(17, 0);
  sixteen[0] = 16;
  CHECK(decode_kept(one_field(66, sixteen, array)));
  CHECK(error_of(one_field(66, sixteen, array), limits).find("more values") != std::string::npos);

  limits = {};
  limits.bytes = 10;
  CHECK(error_of(one_field(gob::kInt, Bytes{2}), limits).find("at most 10 bytes") != std::string::npos);

  limits = {};
  Bytes many;
  for (int64_t id = 65; id < 65 + 40; ++id) gob::define_marshaler(many, id, "M");
  CHECK(error_of(many).find("more types") != std::string::npos);

  std::vector<gob::FieldType> wide(65, gob::FieldType{"F", gob::kInt});
  Bytes out;
  gob::define_struct(out, 65, "S", wide);
  CHECK(error_of(out).find("holds more") != std::string::npos);
}
