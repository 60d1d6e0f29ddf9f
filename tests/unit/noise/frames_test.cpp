#include "lib/noise/frames.hpp"

#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::noise;

namespace {

crypto::CipherKey key(uint8_t fill) {
  return crypto::CipherKey(std::span<const uint8_t, 32>(Bytes(32, fill)));
}

crypto::CipherKey key(const boost::json::value& object, std::string_view name) {
  return crypto::CipherKey(test::fixed_hex<32>(object, name));
}

/* One frame with the nonce that is asked for. */
Bytes frame(uint64_t nonce, std::string_view plain = "plain") {
  FrameWriter writer(key(1), nonce - 1);
  Bytes wire;
  REQUIRE(writer.write(bytes(plain), wire));
  return wire;
}

}  // namespace

TEST_CASE("frames have the bytes of the vectors", "[noise]") {
  boost::json::value vectors = test::load_vectors("cxo_noise.json");
  for (const boost::json::value& v : test::array(vectors, "xx")) {
    bool hybrid = v.if_object()->contains("pq_shared_secret");
    for (std::string direction : {"initiator_to_responder", "responder_to_initiator"}) {
      std::string name = (hybrid ? "hybrid_key_" : "transport_key_") + direction;
      FrameWriter writer(key(v, name));
      FrameReader reader(key(v, name));
      for (const boost::json::value& f : test::array(v, "frames")) {
        Bytes plain = test::hex(f, "plaintext"), wire, read;
        REQUIRE(writer.write(plain, wire));
        CHECK(to_hex(wire) == test::text(f, "wire_" + direction));
        REQUIRE(reader.read(wire, read));
        CHECK(read == plain);
      }
    }
    if (const boost::json::value* syn = v.if_object()->if_contains("cxo_syn_as_first_transport_bytes")) {
      FrameWriter writer(key(v, "transport_key_initiator_to_responder"));
      Bytes wire;
      REQUIRE(writer.write(test::hex(*syn, "plaintext_write1"), wire));
      REQUIRE(writer.write(test::hex(*syn, "plaintext_write2"), wire));
      CHECK(to_hex(wire) == test::text(*syn, "wire_initiator_to_responder"));
    }
  }
}

TEST_CASE("what is written in any parts is read in any pieces", "[noise]") {
  test::Seeded seeded(51);
  for (int round = 0; round < 60; ++round) {
    FrameWriter writer(key(1));
    FrameReader reader(key(1));
    Bytes sent, wire, read;
    for (size_t writes = 1 + seeded.below(4); writes > 0; --writes) {
      std::vector<Bytes> parts(seeded.below(4));
      std::vector<ByteView> views;
      size_t size = 0;
      for (Bytes& part : parts) {
        part = seeded.bytes(seeded.below(round % 2 == 0 ? 100 : 9000));
        views.push_back(part);
        size += part.size();
        sent.insert(sent.end(), part.begin(), part.end());
      }
      size_t before = wire.size();
      REQUIRE(writer.write_parts(views, wire));
      CHECK(wire.size() - before == framed_size(size));
    }
    for (ByteView input(wire); !input.empty();) {
      ByteView piece = input.first(std::min(input.size(), 1 + seeded.below(round % 3 == 0 ? 7 : 6000)));
      input = input.subspan(piece.size());
      REQUIRE(reader.read(piece, read));
      CHECK(reader.buffered_bytes() < kMaxFrameBytes);
    }
    CHECK(read == sent);
    CHECK(reader.buffered_bytes() == 0);
  }
}

TEST_CASE("the frame's limits are exact", "[noise]") {
  FrameWriter writer(key(1));
  Bytes wire;
  REQUIRE(writer.write(Bytes(kMaxFramePlainBytes), wire));
  CHECK(wire.size() == kMaxFrameBytes);
  wire.clear();
  REQUIRE(writer.write(Bytes(kMaxFramePlainBytes + 1), wire));
  CHECK(wire.size() == kMaxFrameBytes + kFrameOverheadBytes + 1);
  CHECK(kMaxFramePlainBytes == 4070);

  for (size_t length : {0, 23, 4095, 65535}) {
    FrameReader reader(key(1));
    Bytes header = {static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)}, plain;
    CHECK(reader.read(header, plain).error().status == VISOR_EPROTO);
    CHECK(reader.read(frame(1), plain).error().status == VISOR_EPROTO);
    CHECK(plain.empty());
  }
}

TEST_CASE("an empty frame is a sign of life and carries nothing", "[noise]") {
  FrameWriter writer(key(1));
  FrameReader reader(key(1));
  Bytes wire, plain;
  REQUIRE(writer.write({}, wire));
  CHECK(wire.size() == kFrameOverheadBytes);
  REQUIRE(writer.write(bytes("after"), wire));
  REQUIRE(reader.read(wire, plain));
  CHECK(text(ByteView(plain)) == "after");
}

TEST_CASE("every flipped bit of a frame breaks the stream for good, after what came before", "[noise]") {
  Bytes before = frame(1, "before"), good = frame(2);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes wire = before, damaged = good, plain;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    wire.insert(wire.end(), damaged.begin(), damaged.end());
    wire.resize(wire.size() + kMaxFrameBytes);  // lest a longer length only waits for more
    FrameReader reader(key(1));
    Result<void> read = reader.read(wire, plain);
    REQUIRE_FALSE(read);
    CHECK(read.error().status == VISOR_EPROTO);
    CHECK(text(ByteView(plain)) == "before");
    CHECK_FALSE(reader.read(frame(3), plain));
    CHECK(plain.size() == 6);
  }
}

TEST_CASE("a truncated frame gives nothing", "[noise]") {
  Bytes wire = frame(1);
  for (size_t size = 0; size < wire.size(); ++size) {
    FrameReader reader(key(1));
    Bytes plain;
    REQUIRE(reader.read(ByteView(wire).first(size), plain));
    CHECK(plain.empty());
    CHECK(reader.buffered_bytes() == size);
    REQUIRE(reader.read(ByteView(wire).subspan(size), plain));
    CHECK(text(ByteView(plain)) == "plain");
  }
}

TEST_CASE("nonces only grow: gaps pass, repeats, steps back, zero and the reserved one do not", "[noise]") {
  Bytes plain;
  FrameReader gaps(key(1));
  CHECK(gaps.read(frame(3), plain));
  CHECK(gaps.read(frame(1000000007), plain));
  CHECK(gaps.read(frame(kMaxNonce), plain));
  for (uint64_t second : {uint64_t(1), uint64_t(4), uint64_t(5)}) {
    FrameReader reader(key(1));
    REQUIRE(reader.read(frame(5), plain));
    CHECK(reader.read(frame(second), plain).error().status == VISOR_EPROTO);
    CHECK_FALSE(reader.read(frame(6), plain));
  }
  Bytes sealed(8 + 16), reserved(8 + 16);
  crypto::seal(key(1), 0, {}, {}, std::span(sealed).subspan(8));
  crypto::seal(key(1), UINT64_MAX, {}, {}, std::span(reserved).subspan(8));
  std::fill_n(reserved.begin(), 8, uint8_t(0xff));
  for (const Bytes& body : {sealed, reserved}) {
    Bytes wire = {0, 24};
    wire.insert(wire.end(), body.begin(), body.end());
    CHECK(FrameReader(key(1)).read(wire, plain).error().status == VISOR_EPROTO);
  }
}

TEST_CASE("writing ends before the nonces do, all or nothing", "[noise]") {
  FrameWriter writer(key(1), kMaxNonce - 3);
  Bytes wire;
  REQUIRE(writer.write(bytes("one"), wire));
  size_t size = wire.size();
  CHECK(writer.write(Bytes(2 * kMaxFramePlainBytes + 1), wire).error().status == VISOR_ECLOSED);
  CHECK(wire.size() == size);
  REQUIRE(writer.write(Bytes(2 * kMaxFramePlainBytes), wire));
  CHECK(writer.write(bytes("four"), wire).error().status == VISOR_ECLOSED);
  Bytes plain;
  CHECK(FrameReader(key(1), kMaxNonce - 3).read(wire, plain));
  CHECK(plain.size() == 3 + 2 * kMaxFramePlainBytes);
}

TEST_CASE("any bytes as frames do no harm", "[noise]") {
  test::Seeded seeded(52);
  for (int round = 0; round < 300; ++round) {
    FrameReader reader(key(1));
    Bytes plain;
    for (int piece = 0; piece < 10; ++piece) {
      Bytes input = seeded.bytes(seeded.below(900));
      if (piece == 0 && input.size() > 2) input[0] &= 0x0f;
      if (!reader.read(input, plain)) break;
      CHECK(reader.buffered_bytes() < kMaxFrameBytes);
    }
    CHECK(plain.empty());
  }
}
