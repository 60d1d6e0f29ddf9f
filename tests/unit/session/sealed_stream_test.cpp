#include "lib/session/sealed_stream.hpp"

#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::test;
using session::SealedStream;
using session::SealedStreamOptions;

namespace {

crypto::CipherKey key(uint8_t fill) {
  return crypto::CipherKey(std::span<const uint8_t, 32>(Bytes(32, fill)));
}
constexpr uint8_t kThere = 1, kBack = 2;

SealedStreamOptions with_peer(uint8_t number) {
  SealedStreamOptions options;
  options.peer.key.bytes[0] = number;
  options.peer.port = number;
  return options;
}

/* The frames of so many bytes, as the far side would send them. */
Bytes frames(std::string_view plain, uint64_t after = 0, uint8_t under = kBack) {
  Bytes wire;
  noise::FrameWriter writer(key(under), after);
  REQUIRE(writer.write(bytes(plain), wire));
  return wire;
}

/* A sealed stream whose peer is the test itself, which sees the wire. */
struct Lone {
  explicit Lone(SealedStreamOptions options = with_peer(7), Bytes early = {}, bool paused = false)
      : manners(std::make_shared<PipeManners>()) {
    auto [near, other] = PipeEnd::make(memory.host(), manners);
    carrier = near;
    far_end = other;
    far = std::make_unique<StreamUser>(memory.host(), other);
    auto* sealed = new SealedStream(memory.host(), Stream(memory.host(), near), {key(kThere), key(kBack)},
                                    std::move(options), std::move(early));
    user = std::make_unique<StreamUser>(memory.host(), sealed, paused);
    memory.run();
  }
  void receive(ByteView wire) {
    REQUIRE(far->stream.write(wire) == VISOR_OK);
    memory.run();
  }
  /* What the stream has sent, opened. */
  std::string sent() {
    Bytes plain;
    noise::FrameReader reader(key(kThere));
    REQUIRE(reader.read(far->data, plain));
    CHECK(reader.buffered_bytes() == 0);
    return std::string(text(ByteView(plain)));
  }

  MemoryHost memory;
  std::shared_ptr<PipeManners> manners;
  PipeEnd *carrier, *far_end;
  std::unique_ptr<StreamUser> far, user;
};

/* Two of them, back to back. */
struct Pair {
  explicit Pair(SealedStreamOptions left_options = with_peer(1),
                SealedStreamOptions right_options = with_peer(2))
      : manners(std::make_shared<PipeManners>()) {
    auto [a, b] = PipeEnd::make(memory.host(), manners);
    left_end = a;
    right_end = b;
    left = std::make_unique<StreamUser>(
        memory.host(), new SealedStream(memory.host(), Stream(memory.host(), a), {key(kThere), key(kBack)},
                                        std::move(left_options)));
    right = std::make_unique<StreamUser>(
        memory.host(), new SealedStream(memory.host(), Stream(memory.host(), b), {key(kBack), key(kThere)},
                                        std::move(right_options)));
  }
  MemoryHost memory;
  std::shared_ptr<PipeManners> manners;
  PipeEnd *left_end, *right_end;
  std::unique_ptr<StreamUser> left, right;
};

}  // namespace

TEST_CASE("what is written arrives, whole and in order, and nobody reads it on the way",
          "[session][sealed]") {
  Seeded seeded(4);
  for (size_t piece : {size_t(1), size_t(37), size_t(4096), size_t(SIZE_MAX)}) {
    Pair pair;
    pair.manners->piece = piece;
    Bytes said = seeded.bytes(piece == 1 ? 9000 : 300000);
    for (ByteView rest(said); !rest.empty();) {
      ByteView part = rest.first(std::min<size_t>(rest.size(), 1 + seeded.below(9000)));
      REQUIRE(pair.left->stream.write(part) == VISOR_OK);
      rest = rest.subspan(part.size());
    }
    REQUIRE(pair.right->write("and back") == VISOR_OK);
    Bytes wire = pair.left_end->written;
    pair.memory.run();
    CHECK(pair.right->data == said);
    CHECK(pair.left->text() == "and back");
    auto found = std::search(wire.begin(), wire.end(), said.begin(), said.begin() + 16);
    CHECK(found == wire.end());
  }
}

TEST_CASE("it says whose stream it is, and where from", "[session][sealed]") {
  Lone lone(with_peer(9));
  REQUIRE(lone.user->stream.peer());
  CHECK(lone.user->stream.peer()->port == 9);
  CHECK(lone.user->stream.peer()->key.bytes[0] == 9);
}

TEST_CASE("parts of one write are one frame, and a MiB passes", "[session][sealed]") {
  Lone lone;
  std::array<visor_span, 3> parts = {VISOR_TEXT("one"), VISOR_TEXT(" and "), VISOR_TEXT("two")};
  REQUIRE(lone.user->stream.write(parts) == VISOR_OK);
  lone.memory.run();
  CHECK(lone.far->data.size() == noise::kFrameOverheadBytes + 11);
  CHECK(lone.sent() == "one and two");

  Pair pair;
  Bytes most = Seeded(5).bytes(1u << 20);
  REQUIRE(pair.left->stream.write(most) == VISOR_OK);
  pair.memory.run();
  CHECK(pair.right->data == most);
  CHECK(pair.left->stream.write(Bytes((1u << 20) + 1)) == VISOR_EINVAL);
}

TEST_CASE("what came before anybody listened comes first", "[session][sealed]") {
  for (bool paused : {false, true}) {
    Lone lone(with_peer(7), frames("early, "), paused);
    lone.receive(frames("then late", 1));
    CHECK(lone.user->text() == (paused ? "" : "early, then late"));
    lone.user->stream.pause(false);
    lone.memory.run();
    CHECK(lone.user->text() == "early, then late");
  }
  SECTION("also when the carrier goes meanwhile") {
    Lone lone(with_peer(7), frames("early"), true);
    lone.far->stream.close();
    lone.carrier->finish(VISOR_ECLOSED, "cut");
    lone.memory.run();
    CHECK_FALSE(lone.user->closed);
    CHECK(lone.user->write("anybody?") == VISOR_ECLOSED);
    lone.user->stream.pause(false);
    lone.memory.run();
    CHECK(lone.user->text() == "early");
    REQUIRE(lone.user->closed);
    CHECK(lone.user->closed->status == VISOR_ECLOSED);
  }
}

TEST_CASE("a carrier that takes no more holds the writer, not the memory", "[session][sealed]") {
  Pair pair;
  pair.manners->room = 100000;
  pair.right->stream.pause(true);
  Bytes part = Seeded(6).bytes(50000);
  size_t taken = 0;
  while (pair.left->stream.write(part) == VISOR_OK) REQUIRE(++taken < 20);
  pair.memory.run();
  CHECK(taken <= 4); /* the carrier's room, and one write */
  CHECK(pair.left->readies == 0);

  Bytes wanted;
  for (size_t i = 0; i < 12; ++i) wanted.insert(wanted.end(), part.begin(), part.end());
  pair.left->on_ready = [&] {
    while (taken < 12 && pair.left->stream.write(part) == VISOR_OK) ++taken;
    if (taken == 12) pair.left->stream.end();
  };
  pair.right->stream.pause(false);
  pair.memory.run();
  CHECK(pair.left->readies > 0);
  CHECK(taken == 12);
  CHECK(pair.right->data == wanted);
  CHECK(pair.right->ended);
}

TEST_CASE("ending waits for what is queued; both ends make an orderly one", "[session][sealed]") {
  Pair pair;
  pair.manners->room = 1000;
  Bytes much = Seeded(7).bytes(500000);
  REQUIRE(pair.left->stream.write(much) == VISOR_OK);
  pair.left->stream.end();
  CHECK(pair.left->write("more") == VISOR_ECLOSED);
  pair.memory.run();
  CHECK(pair.right->data == much);
  CHECK(pair.right->ended);
  REQUIRE(pair.right->write("still heard") == VISOR_OK);
  pair.memory.run();
  CHECK(pair.left->text() == "still heard");
  pair.right->stream.close();
  pair.memory.run();
  REQUIRE(pair.left->closed);
}

TEST_CASE("a slow reader stops its peer", "[session][sealed]") {
  Lone lone(with_peer(7), {}, true);
  lone.manners->room = 10000;
  std::string word(3000, 'x');
  uint64_t nonce = 0;
  size_t taken = 0;
  while (lone.far->stream.write(frames(word, nonce++)) == VISOR_OK) {
    ++taken;
    lone.memory.run();
  }
  CHECK(taken == 3);
  CHECK(lone.user->data.empty());
  lone.user->stream.pause(false);
  lone.memory.run();
  CHECK(lone.user->data.size() == taken * word.size());
}

TEST_CASE("empty frames are skipped and break the silence", "[session][sealed]") {
  Lone lone;
  for (int minute = 0; minute < 10; ++minute) {
    lone.memory.advance_ms(60000);
    lone.receive(frames("", static_cast<uint64_t>(minute)));
  }
  CHECK(lone.user->pieces.empty());
  CHECK_FALSE(lone.user->closed);
  CHECK(lone.sent().empty());
  /* One about every 45 s, and nothing else. */
  CHECK(lone.far->data.size() % noise::kFrameOverheadBytes == 0);
  CHECK(lone.far->data.size() / noise::kFrameOverheadBytes == 13);

  SECTION("who speaks needs none") {
    REQUIRE(lone.user->write("x") == VISOR_OK);
    lone.memory.run();
    size_t frames_before = lone.far->data.size();
    for (int i = 0; i < 6; ++i) {
      lone.memory.advance_ms(30000);
      REQUIRE(lone.user->write("x") == VISOR_OK);
      lone.receive(frames("", 100 + static_cast<uint64_t>(i)));
    }
    CHECK(lone.far->data.size() - frames_before == 6 * (noise::kFrameOverheadBytes + 1));
  }
}

TEST_CASE("a peer that is silent for two minutes has gone", "[session][sealed]") {
  Lone lone;
  lone.memory.advance_ms(60000);
  lone.receive(frames("here"));
  lone.memory.advance_ms(119000);
  CHECK_FALSE(lone.user->closed);
  lone.memory.advance_ms(1500);
  REQUIRE(lone.user->closed);
  CHECK(lone.user->closed->status == VISOR_ETIMEDOUT);
  CHECK(lone.user->closed->text.find("120000 ms") != std::string::npos);
  REQUIRE(lone.far->closed);
  CHECK(lone.memory.timers() == 0);
}

TEST_CASE("silence counts only while the peer could be heard, and only if it should", "[session][sealed]") {
  SECTION("paused") {
    Lone lone(with_peer(7), {}, true);
    lone.memory.advance_ms(600000);
    CHECK_FALSE(lone.user->closed);
    lone.user->stream.pause(false);
    lone.memory.advance_ms(119000);
    CHECK_FALSE(lone.user->closed);
    lone.memory.advance_ms(2000);
    CHECK(lone.user->closed);
  }
  SECTION("switched off") {
    SealedStreamOptions options = with_peer(7);
    options.keepalive_ms = options.idle_ms = 0;
    Lone lone(options);
    CHECK(lone.memory.timers() == 0);
    lone.memory.advance_ms(24 * 3600 * 1000);
    CHECK_FALSE(lone.user->closed);
    CHECK(lone.far->data.empty());
  }
}

TEST_CASE("a keepalive waits while the carrier is full", "[session][sealed]") {
  SealedStreamOptions options = with_peer(7);
  options.idle_ms = 0;
  Lone lone(options);
  lone.manners->room = 100;
  lone.far->stream.pause(true);
  while (lone.user->write(std::string(80, 'y')) == VISOR_OK) {
  }
  size_t queued = lone.carrier->written.size();
  lone.memory.advance_ms(3600000);
  CHECK(lone.carrier->written.size() == queued);
  lone.far->stream.pause(false);
  lone.memory.run();
  CHECK(lone.user->readies == 1);
  CHECK(lone.sent().size() % 80 == 0);
}

TEST_CASE("loss of order, forgery and nonsense end the stream, after what was good", "[session][sealed]") {
  Bytes wire = frames("good");
  auto broken = [&](ByteView tail) {
    Lone lone;
    Bytes all = wire;
    all.insert(all.end(), tail.begin(), tail.end());
    lone.receive(all);
    CHECK(lone.user->text() == "good");
    REQUIRE(lone.user->closed);
    CHECK(lone.user->closed->status == VISOR_EPROTO);
    REQUIRE(lone.far->closed);
    CHECK(lone.user->write("x") == VISOR_ECLOSED);
  };
  SECTION("a frame twice") {
    broken(wire);
  }
  SECTION("of another key") {
    broken(frames("evil", 1, kThere));
  }
  SECTION("a bit flipped") {
    Bytes bad = frames("next", 1);
    bad.back() ^= 1;
    broken(bad);
  }
  SECTION("too long") {
    broken(Bytes{0x0f, 0xff});
  }
  SECTION("too short") {
    broken(Bytes{0x00, 0x17});
  }
  SECTION("any bytes") {
    Seeded seeded(8);
    for (int i = 0; i < 50; ++i) {
      Bytes noise = seeded.bytes(5000);
      noise[0] = static_cast<uint8_t>(noise[0] % 16); /* a length that may be one */
      broken(noise);
    }
  }
  SECTION("a gap in the numbers is none of it") {
    Lone lone;
    lone.receive(frames("a"));
    lone.receive(frames("b", 1000));
    CHECK(lone.user->text() == "ab");
    CHECK_FALSE(lone.user->closed);
  }
}

TEST_CASE("an end within a frame is an error, one between frames is an end", "[session][sealed]") {
  Bytes wire = frames("hello");
  for (size_t size = 0; size <= wire.size(); ++size) {
    Lone lone;
    if (size > 0) lone.receive(ByteView(wire).first(size));
    lone.far->stream.end();
    lone.memory.run();
    bool whole = size == 0 || size == wire.size();
    CHECK(lone.user->ended == whole);
    CHECK(lone.user->closed.has_value() == !whole);
    if (lone.user->closed) CHECK(lone.user->closed->status == VISOR_EPROTO);
  }
}

TEST_CASE("whatever its user does in an event, the stream takes it", "[session][sealed]") {
  auto lease = std::make_shared<int>(0);
  SealedStreamOptions options = with_peer(7);
  options.lease = lease;
  SECTION("closes in data") {
    Lone lone(options);
    lone.user->on_data = [&] { lone.user->stream.close(); };
    lone.receive(frames("bye"));
    CHECK(lone.far->closed);
    CHECK(lone.memory.timers() == 0);
  }
  SECTION("pauses in data") {
    Lone lone(options);
    lone.user->on_data = [&] { lone.user->stream.pause(true); };
    lone.receive(frames("one"));
    lone.receive(frames("two", 1));
    CHECK(lone.user->text() == "one");
    lone.user->stream.pause(false);
    lone.memory.run();
    CHECK(lone.user->text() == "onetwo");
  }
  SECTION("destroys it, with data waiting") {
    Lone lone(options);
    lone.manners->room = 10;
    (void)lone.user->write(std::string(500000, 'z'));
    lone.user.reset();
    lone.memory.run();
    CHECK(lone.far->closed);
  }
  SECTION("its carrier is gone before") {
    MemoryHost memory;
    StreamUser user(memory.host(), new SealedStream(memory.host(), Stream(), {key(1), key(2)}, options));
    memory.run();
    REQUIRE(user.closed);
    CHECK(user.closed->status == VISOR_ECLOSED);
  }
  options.lease.reset();
  CHECK(lease.use_count() == 1);
}
