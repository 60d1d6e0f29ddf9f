#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using codec::Reader;
using codec::Writer;

namespace {

constexpr uint16_t kNumbers[] = {1, 2, 3};

/* The bytes that the vectors give under this name. */
Bytes vector_named(std::string_view name) {
  boost::json::value vectors = test::load_vectors("cxo_encoder.json");
  for (const boost::json::value& v : test::array(vectors, "encoder")) {
    if (test::text(v, "name") == name) return test::hex(v, "hex");
  }
  FAIL("no vector is called " << name);
  return {};
}

/* Writes, compares with the vector, and has it read back. */
template <class Write, class Read>
void check(std::string_view name, Write write, Read read) {
  INFO(name);
  Bytes out;
  Writer writer(out);
  write(writer);
  CHECK(to_hex(out) == to_hex(vector_named(name)));
  Reader reader(out);
  read(reader);
  Result<void> end = reader.finish();
  CHECK(end);
  CHECK(reader.consumed() == out.size());
  // Each shorter input ends too early, and no later.
  for (size_t size = 0; size < out.size(); ++size) {
    Reader cut(ByteView(out).first(size));
    read(cut);
    CHECK_FALSE(cut.finish());
  }
}

/* A number and its two directions. */
template <class T>
void check_number(std::string_view name, void (Writer::*write)(T), T (Reader::*read)(),
                  std::type_identity_t<T> value) {
  check(
      name, [&](Writer& w) { (w.*write)(value); },
      [&](Reader& r) {
        T number = (r.*read)();
        if (r.ok()) CHECK(number == value);
      });
}

void expect_numbers(Reader& r, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t read = r.u16();
    if (r.ok()) CHECK(read == kNumbers[i]);
  }
}

void expect_text(Reader& r, std::string_view expected) {
  std::string_view read = r.text();
  if (r.ok()) CHECK(read == expected);
}

}  // namespace

TEST_CASE("numbers are encoded as the vectors are", "[codec]") {
  check_number("bool_true", &Writer::boolean, &Reader::boolean, true);
  check_number("bool_false", &Writer::boolean, &Reader::boolean, false);
  check_number("u8", &Writer::u8, &Reader::u8, 171);
  check_number("i8", &Writer::i8, &Reader::i8, -2);
  check_number("u16", &Writer::u16, &Reader::u16, 0x1234);
  check_number("i16", &Writer::i16, &Reader::i16, -2);
  check_number("u32", &Writer::u32, &Reader::u32, 0x12345678u);
  check_number("i32", &Writer::i32, &Reader::i32, -2);
  check_number("u64", &Writer::u64, &Reader::u64, 0x0102030405060708u);
  check_number("i64", &Writer::i64, &Reader::i64, -2);
  check_number("f32", &Writer::f32, &Reader::f32, 1.5f);
  check_number("f64", &Writer::f64, &Reader::f64, -3.141592653589793);
}

TEST_CASE("text, bytes, arrays and slices are encoded as the vectors are", "[codec]") {
  check("string_empty", [](Writer& w) { w.text(""); }, [](Reader& r) { expect_text(r, ""); });
  check(
      "string", [](Writer& w) { w.text("h\xc3\xa9llo"); }, [](Reader& r) { expect_text(r, "h\xc3\xa9llo"); });
  check("bytes_empty", [](Writer& w) { w.bytes({}); }, [](Reader& r) { CHECK(r.bytes().empty()); });
  static constexpr uint8_t kThree[] = {1, 2, 3};
  check(
      "bytes", [](Writer& w) { w.bytes(kThree); },
      [](Reader& r) {
        ByteView read = r.bytes();
        if (r.ok()) CHECK(std::ranges::equal(read, kThree));
      });
  check(
      "array_u16x3",
      [](Writer& w) {
        for (uint16_t n : kNumbers) w.u16(n);
      },
      [](Reader& r) { expect_numbers(r, 3); });
  check(
      "slice_u16",
      [](Writer& w) {
        w.count(3);
        for (uint16_t n : kNumbers) w.u16(n);
      },
      [](Reader& r) {
        size_t count = r.count();
        if (r.ok()) CHECK(count == 3);
        expect_numbers(r, count);
      });
  check(
      "slice_string",
      [](Writer& w) {
        w.count(2);
        w.text("a");
        w.text("bc");
      },
      [](Reader& r) {
        if (size_t count = r.count(); r.ok()) CHECK(count == 2);
        expect_text(r, "a");
        expect_text(r, "bc");
      });
  check(
      "slice_bytes",
      [](Writer& w) {
        w.count(3);
        w.bytes(ByteView(kThree).first(1));
        w.bytes({});
        w.bytes(ByteView(kThree).subspan(1));
      },
      [](Reader& r) {
        if (size_t count = r.count(); r.ok()) CHECK(count == 3);
        for (size_t size : {1, 0, 2}) {
          if (ByteView read = r.bytes(); r.ok()) CHECK(read.size() == size);
        }
      });
}

TEST_CASE("structs are their fields in order, as in the vectors", "[codec]") {
  check(
      "struct",
      [](Writer& w) {
        w.u8(7);
        w.text("x");
      },
      [](Reader& r) {
        if (uint8_t a = r.u8(); r.ok()) CHECK(a == 7);
        expect_text(r, "x");
      });
  static constexpr uint8_t kNine[] = {9}, kHash[] = {0xde, 0xad, 0xbe, 0xef};
  check(
      "struct_all",
      [](Writer& w) {
        w.boolean(true);
        w.i8(-1);
        w.i16(-2);
        w.i32(-3);
        w.i64(-4);
        w.u8(1);
        w.u16(2);
        w.u32(3);
        w.u64(4);
        w.f32(0.5f);
        w.f64(0.25);
        w.text("s");
        w.bytes(kNine);
        for (uint16_t n : kNumbers) w.u16(n);
        w.raw(kHash);
        w.count(1);
        w.text("x");
        w.u8(1);
        w.text("y");
        w.count(1);
        w.u8(2);
        w.text("z");
      },
      [](Reader& r) {
        bool flag = r.boolean();
        int64_t sum = r.i8() + r.i16() + r.i32() + r.i64() + r.u8() + r.u16() + r.u32() + int64_t(r.u64());
        double fractions = r.f32() + r.f64();
        std::string texts(r.text());
        texts += to_hex(r.bytes());
        for (int i = 0; i < 3; ++i) texts += std::to_string(r.u16());
        std::array<uint8_t, 4> hash{};
        r.raw(hash);
        texts += to_hex(hash) + std::to_string(r.count());
        texts += r.text();
        texts += std::to_string(r.u8());
        texts += r.text();
        texts += std::to_string(r.count());
        texts += std::to_string(r.u8());
        texts += r.text();
        if (!r.ok()) return;
        CHECK(flag);
        CHECK(sum == 0);
        CHECK(fractions == 0.75);
        CHECK(texts == "s09123deadbeef1x1y12z");
      });
}

TEST_CASE("an optional last field is absent when empty, as in the vectors", "[codec]") {
  auto encode = [](ByteView optional) {
    Bytes out;
    Writer w(out);
    w.u16(1);
    w.u16(2);
    if (!optional.empty()) w.bytes(optional);
    return out;
  };
  static constexpr uint8_t kFive[] = {5};
  CHECK(encode(kFive) == vector_named("tags_omitempty_set"));
  CHECK(encode({}) == vector_named("tags_omitempty_unset"));
  Bytes without = encode({}), with = encode(kFive);
  for (const Bytes& input : {without, with}) {
    Reader r(input);
    CHECK(r.u16() == 1);
    CHECK(r.u16() == 2);
    CHECK(r.at_end() == (input.size() == 4));
    if (!r.at_end()) CHECK(r.bytes().size() == 1);
    CHECK(r.finish());
  }
}

TEST_CASE("what the vectors refuse is refused", "[codec]") {
  boost::json::value vectors = test::load_vectors("cxo_encoder.json");
  size_t seen = 0;
  for (const boost::json::value& v : test::array(vectors, "encoder_decode")) {
    std::string name = test::text(v, "name");
    INFO(name);
    Bytes input = test::hex(v, "hex");
    Reader r(input);
    if (name == "bool_2") r.boolean();
    if (name == "u32_short" || name == "u32_trailing") r.u32();
    if (name == "bytes_short") r.bytes();
    if (name == "string_short") r.text();
    if (name.starts_with("slice_len")) {
      for (size_t left = r.count(); left > 0 && r.ok(); --left) r.u32();
    }
    bool good = test::text(v, "error").empty();
    CHECK(r.done().has_value() == good);
    if (good) {
      CHECK(r.consumed() == static_cast<size_t>(test::integer(v, "consumed")));
      CHECK_FALSE(r.finish());
    } else {
      CHECK(r.done().error().status == VISOR_EPROTO);
      CHECK(r.rest().empty());
    }
    ++seen;
  }
  CHECK(seen == 7);
}

TEST_CASE("the first failure sticks and is the one that is told", "[codec]") {
  static constexpr uint8_t kInput[] = {1, 2, 3};
  Reader r(kInput);
  CHECK(r.u16() == 0x0201);
  CHECK(r.u32() == 0);
  CHECK(r.u8() == 0);
  CHECK(r.count() == 0);
  CHECK(r.bytes().empty());
  CHECK(r.key() == visor_key{});
  r.fail("not told");
  CHECK(r.done().error().text == "expected 4 bytes of u32 at byte 2 of 3; only 1 are left");

  Reader own(kInput);
  own.u8();
  own.fail("a head's nonce is not zero");
  CHECK(own.finish().error().text == "a head's nonce is not zero at byte 1 of 3");
}

TEST_CASE("keys and arrays are read without a count", "[codec]") {
  visor_key key{};
  test::Seeded(1).fill(key.bytes);
  Bytes out;
  Writer(out).key(key);
  CHECK(out.size() == sizeof key.bytes);
  Reader r(out);
  CHECK(r.key() == key);
  CHECK(r.finish());
  std::array<uint8_t, 5> array{1, 1, 1, 1, 1};
  r.raw(array);
  CHECK(array == std::array<uint8_t, 5>{});
}

TEST_CASE("any bytes under any sequence of reads stay inside the input", "[codec]") {
  test::Seeded seeded(2);
  for (int round = 0; round < 3000; ++round) {
    Bytes input = seeded.bytes(seeded.below(60));
    for (uint8_t& byte : input) {
      if (seeded.below(3) > 0) byte = static_cast<uint8_t>(byte % 8);  // counts that sometimes fit
    }
    Reader r(input);
    for (int step = 0; step < 12; ++step) {
      size_t before = r.consumed();
      bool was_ok = r.ok();
      switch (seeded.below(6)) {
        case 0:
          r.boolean();
          break;
        case 1:
          r.u16();
          break;
        case 2:
          r.f64();
          break;
        case 3:
          CHECK(r.count() <= input.size());
          break;
        case 4: {
          ByteView view = r.bytes();
          if (!view.empty())
            CHECK((view.data() >= input.data() && view.data() + view.size() <= input.data() + input.size()));
          break;
        }
        default:
          r.raw(seeded.below(20));
          break;
      }
      CHECK(r.consumed() <= input.size());
      CHECK(r.consumed() >= before);
      if (!was_ok) CHECK_FALSE(r.ok());
    }
    CHECK(r.done().has_value() == r.ok());
  }
}
