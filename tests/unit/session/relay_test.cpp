/* What sessions with relays have besides: a quiet time, and objects sealed one by one. */
#include "lib/noise/handshake.hpp"
#include "lib/session/capabilities.hpp"
#include "tests/unit/session/fixture.hpp"

using namespace visor;
using namespace visor::test;

namespace {

/* Message 1 and message 3 of XK behind their lengths, nothing announced. */
constexpr size_t kHandshakeBytes = 2 + 49 + 2 + 65;

class Relayed : public Couple {
 public:
  explicit Relayed(uint64_t quiet_ms = 0) {
    dialing.pattern = listening.pattern = noise::Pattern::kXK;
    dialing.seal_mux = listening.seal_mux = false;
    dialing.expected_peer = *listener.identity.key();
    dialing.payload = listening.payload = {};
    dialing.quiet_ms = quiet_ms;
  }
};

}  // namespace

TEST_CASE("an initiator is quiet after its last handshake message", "[session]") {
  Relayed couple(100);
  SECTION("the carrier takes everything") {}
  SECTION("the carrier takes a message at a time") {
    couple.manners->room = 1;
    couple.manners->piece = 7;
  }
  couple.connect();
  REQUIRE(couple.dialer_end->written.size() == kHandshakeBytes);
  StreamUser& user = couple.dialer.open();
  CHECK(user.write("early words") == VISOR_OK);
  couple.memory.advance_ms(99);
  CHECK(couple.dialer_end->written.size() == kHandshakeBytes);
  CHECK(couple.listener.users.empty());
  couple.memory.advance_ms(1);
  REQUIRE(couple.listener.users.size() == 1);
  CHECK(couple.listener.users[0]->text() == "early words");
  CHECK(couple.dialer.session->counters().waiting_bytes == 0);
}

TEST_CASE("the quiet time begins when the last handshake message has left", "[session]") {
  MemoryHost memory;
  End dialer(memory.host(), 1);
  TestIdentity relay(memory.host(), 2);
  auto manners = std::make_shared<PipeManners>();
  manners->room = 1; /* while message 1 is unread, message 3 is refused */
  auto [near, far] = PipeEnd::make(memory.host(), manners);
  StreamUser peer(memory.host(), far, true);
  dialer.start(near, {.initiator = true,
                      .pattern = noise::Pattern::kXK,
                      .expected_peer = *relay.key(),
                      .seal_mux = false,
                      .quiet_ms = 100});
  auto responder =
      noise::Handshake::start({.pattern = noise::Pattern::kXK,
                               .role = noise::Role::kResponder,
                               .local_static = *relay.key(),
                               .remote_static = std::nullopt,
                               .agree = [&](const visor_key& key) -> Result<crypto::SharedSecret> {
                                 crypto::SharedSecret secret;
                                 relay.agree(&key, secret.data());
                                 return secret;
                               },
                               .random = [&](std::span<uint8_t> out) { memory.host().random(out); }});
  REQUIRE(responder);
  REQUIRE(responder->read_message(ByteView(near->written).subspan(2)));
  auto answer = responder->write_message();
  REQUIRE(answer);
  REQUIRE(peer.stream.write(noise::frame_message(*answer)) == VISOR_OK);
  memory.run();
  REQUIRE(dialer.peer);
  CHECK(near->refused == 1);
  CHECK(dialer.open().write("early words") == VISOR_OK);
  memory.advance_ms(500);
  CHECK(near->written.size() == 51);

  peer.stream.pause(false);
  memory.run();
  CHECK(near->written.size() == kHandshakeBytes);
  memory.advance_ms(99);
  CHECK(near->written.size() == kHandshakeBytes);
  memory.advance_ms(1);
  CHECK(near->written.size() > kHandshakeBytes);
}

TEST_CASE("a responder that keeps trailing bytes needs no quiet time", "[session]") {
  Relayed couple(100);
  couple.listening.payload = session::encode({session::kKeepsTrailingBytes});
  couple.dialer.on_ready = [&] { CHECK(couple.dialer.open().write("at once") == VISOR_OK); };
  couple.connect();
  REQUIRE(couple.listener.users.size() == 1);
  CHECK(couple.listener.users[0]->text() == "at once");
}

TEST_CASE("another announcement does not end the quiet time", "[session]") {
  Relayed couple(100);
  couple.listening.payload = session::encode({session::kAnswersPings});
  couple.connect();
  CHECK(couple.dialer.open().write("words") == VISOR_OK);
  couple.memory.advance_ms(99);
  CHECK(couple.listener.users.empty());
  couple.memory.advance_ms(1);
  CHECK(couple.listener.users.size() == 1);
}

TEST_CASE("a session may end in its quiet time", "[session]") {
  Relayed couple(100);
  couple.connect();
  SECTION("destroyed") {
    couple.dialer.session.reset();
  }
  SECTION("shut down: what was written still goes") {
    CHECK(couple.dialer.open().write("last words") == VISOR_OK);
    couple.dialer.session->shutdown();
    couple.memory.advance_ms(100);
    REQUIRE(couple.listener.users.size() == 1);
    CHECK(couple.listener.users[0]->text() == "last words");
    REQUIRE(couple.dialer.closed);
    CHECK(couple.dialer.closed->status == VISOR_OK);
  }
  couple.memory.advance_ms(1000);
  REQUIRE(couple.listener.closed);
  CHECK(couple.listener.closed->status == VISOR_ECLOSED);
}

TEST_CASE("objects are sealed with the session's keys, each direction its own", "[session]") {
  Relayed couple;
  couple.start();
  CHECK(couple.dialer.session->seal(Bytes{1}).error().status == VISOR_EAGAIN);
  CHECK(couple.dialer.session->open_sealed(Bytes(30)).error().status == VISOR_EAGAIN);
  couple.memory.run();
  REQUIRE(couple.dialer.peer);

  Bytes object = Seeded(1).bytes(347);
  auto first = couple.dialer.session->seal(object);
  auto second = couple.dialer.session->seal(object);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->size() == 2 + 24 + 347);
  CHECK(to_hex(ByteView(*first).first(10)) == "01730000000000000001");
  CHECK(to_hex(ByteView(*second).first(10)) == "01730000000000000002");
  ByteView first_sealed = ByteView(*first).subspan(2), second_sealed = ByteView(*second).subspan(2);

  /* Streams overtake one another: any order, but each once. */
  session::Session& listener = *couple.listener.session;
  CHECK(listener.open_sealed(second_sealed) == object);
  CHECK(listener.open_sealed(first_sealed) == object);
  CHECK(listener.open_sealed(first_sealed).error().status == VISOR_EPROTO);
  CHECK(couple.dialer.session->open_sealed(first_sealed).error().status == VISOR_EPROTO);
  Bytes forged(*couple.dialer.session->seal(object));
  forged.back() ^= 1;
  CHECK(listener.open_sealed(ByteView(forged).subspan(2)).error().status == VISOR_EPROTO);
  forged.back() ^= 1;
  CHECK(listener.open_sealed(ByteView(forged).subspan(2)) == object);
  for (size_t size = 0; size <= 24; ++size) {
    CHECK(listener.open_sealed(ByteView(forged).first(size)).error().status == VISOR_EPROTO);
  }

  auto back = listener.seal(object);
  REQUIRE(back);
  CHECK(couple.dialer.session->open_sealed(ByteView(*back).subspan(2)) == object);
  CHECK_FALSE(couple.dialer.closed);
  CHECK_FALSE(couple.listener.closed);
}

TEST_CASE("what cannot be sealed is refused", "[session]") {
  Relayed couple;
  couple.connect();
  session::Session& session = *couple.dialer.session;
  CHECK(session.seal(Bytes{}).error().status == VISOR_EINVAL);
  CHECK(session.seal(Bytes(session::kMaxObjectBytes + 1)).error().status == VISOR_EINVAL);
  auto largest = session.seal(Bytes(session::kMaxObjectBytes));
  REQUIRE(largest);
  CHECK(largest->size() == 2 + 65535);
  couple.listener.session.reset();
  couple.memory.run();
  CHECK(session.seal(Bytes{1}).error().status == VISOR_ECLOSED);
  CHECK(session.open_sealed(ByteView(*largest).subspan(2)).error().status == VISOR_ECLOSED);
}

TEST_CASE("a session that seals everything seals no objects", "[session]") {
  Couple couple;
  couple.connect();
  CHECK(couple.dialer.session->seal(Bytes{1}).error().status == VISOR_EINVAL);
  CHECK(couple.dialer.session->open_sealed(Bytes(30)).error().status == VISOR_EINVAL);
}

TEST_CASE("what was read of a carrier before its session is the session's", "[session]") {
  for (size_t early : {size_t(1), size_t(2), size_t(50), size_t(51)}) {
    Relayed couple;
    couple.dialer.start(couple.dialer_end, couple.dialing);
    StreamUser reader(couple.memory.host(), couple.listener_end);
    couple.memory.run();
    REQUIRE(reader.data.size() == 51);
    couple.listening.early.assign(reader.data.begin(), reader.data.begin() + static_cast<ptrdiff_t>(early));
    visor_stream* carrier = reader.stream.release();
    couple.listener.start(carrier, couple.listening);
    if (early < 51) {
      /* The rest comes in the session's first event, before the early bytes had their turn. */
      visor_span rest = to_span(ByteView(reader.data).subspan(early));
      REQUIRE(couple.dialer_end->api->write(couple.dialer_end, &rest, 1) == VISOR_OK);
    }
    couple.memory.run();
    REQUIRE(couple.listener.peer);
    REQUIRE(couple.dialer.peer);
    CHECK(couple.dialer.open().write("words") == VISOR_OK);
    couple.memory.run();
    CHECK(couple.listener.users.at(0)->text() == "words");
  }
}
