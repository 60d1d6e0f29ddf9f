/* Two sessions that mean well, over carriers of every kind. */
#include "tests/unit/session/fixture.hpp"

using namespace visor;
using namespace visor::test;

TEST_CASE("two visors meet, announce themselves and talk", "[session]") {
  bool seal = GENERATE(true, false);
  Couple couple;
  couple.dialing.seal_mux = couple.listening.seal_mux = seal;
  couple.dialing.expected_peer = *couple.listener.identity.key();
  couple.start();
  CHECK_FALSE(couple.dialer.session->peer());
  auto early = couple.dialer.session->open();
  REQUIRE_FALSE(early);
  CHECK(early.error().status == VISOR_EAGAIN);

  couple.memory.run();
  REQUIRE(couple.dialer.peer);
  REQUIRE(couple.listener.peer);
  CHECK(*couple.dialer.peer == *couple.listener.identity.key());
  CHECK(*couple.listener.peer == *couple.dialer.identity.key());
  CHECK(text(ByteView(couple.dialer.payload)) == "l");
  CHECK(text(ByteView(couple.listener.payload)) == "d");
  CHECK(*couple.dialer.session->peer() == *couple.dialer.peer);

  StreamUser& control = couple.dialer.open();
  StreamUser& back = couple.listener.open();
  CHECK(control.write("the dialer's words, which nobody else reads") == VISOR_OK);
  CHECK(back.write("and the listener's") == VISOR_OK);
  control.stream.end();
  couple.memory.run();
  REQUIRE(couple.listener.users.size() == 2);
  REQUIRE(couple.dialer.users.size() == 2);
  CHECK(couple.listener.users[1]->text() == "the dialer's words, which nobody else reads");
  CHECK(couple.listener.users[1]->ended);
  CHECK(couple.dialer.users[1]->text() == "and the listener's");
  REQUIRE(control.stream.peer());
  CHECK(control.stream.peer()->key == *couple.listener.identity.key());

  std::string_view wire = text(ByteView(couple.dialer_end->written));
  CHECK((wire.find("which nobody else reads") == std::string_view::npos) == seal);
  session::Counters counters = couple.dialer.session->counters();
  CHECK(counters.sent_bytes == wire.size());
  CHECK(counters.received_bytes == couple.listener_end->written.size());
  CHECK(counters.mux.sent_payload == 43);
  CHECK(counters.mux.received_payload == 18);
  CHECK(counters.waiting_bytes == 0);
}

TEST_CASE("a carrier may cut everything into single bytes", "[session]") {
  for (size_t piece : {size_t(1), size_t(2), size_t(17), size_t(4097)}) {
    Couple couple;
    couple.manners->piece = piece;
    couple.connect();
    StreamUser& user = couple.dialer.open();
    Bytes words = Seeded(piece).bytes(20000);
    CHECK(user.stream.write(words) == VISOR_OK);
    user.stream.end();
    couple.memory.run();
    REQUIRE(couple.listener.users.size() == 1);
    CHECK(couple.listener.users[0]->data == words);
    CHECK(couple.listener.users[0]->ended);
  }
}

TEST_CASE("a carrier that is often full slows the session down and loses nothing", "[session]") {
  bool seal = GENERATE(true, false);
  Couple couple;
  couple.dialing.seal_mux = couple.listening.seal_mux = seal;
  couple.manners->piece = 1000;
  couple.manners->room = 1000;
  couple.connect();
  StreamUser& user = couple.dialer.open();
  Seeded seeded(3);
  Bytes sent;
  size_t largest = 0;
  std::function<void()> write_on = [&] {
    while (sent.size() < 2000000) {
      Bytes block = seeded.bytes(10000);
      if (user.stream.write(block) != VISOR_OK) return;
      codec::append(sent, block);
      largest = std::max(largest, couple.dialer.session->counters().waiting_bytes);
    }
    user.stream.end();
  };
  user.on_ready = write_on;
  write_on();
  couple.memory.run();
  REQUIRE(couple.listener.users.size() == 1);
  CHECK(couple.listener.users[0]->data == sent);
  CHECK(couple.listener.users[0]->ended);
  CHECK(couple.dialer_end->refused > 10);
  CHECK(largest < 100000); /* one batch */
  CHECK(couple.dialer.session->counters().waiting_bytes == 0);
}

TEST_CASE("a halted carrier stops the writers", "[session]") {
  Couple couple;
  couple.connect();
  StreamUser& user = couple.dialer.open();
  couple.memory.run();
  couple.manners->halted = true;
  size_t written = 0;
  Bytes block(65536, 1);
  while (user.stream.write(block) == VISOR_OK) {
    written += block.size();
    couple.memory.run();
    REQUIRE(written < 2000000);
  }
  CHECK(user.readies == 0);
  couple.resume();
  CHECK(user.readies == 1);
  CHECK(couple.listener.users[0]->data.size() == written);
}

TEST_CASE("the head of accepted streams comes by itself", "[session]") {
  Couple couple;
  couple.listening.head_bytes = 2;
  couple.connect();
  CHECK(couple.dialer.open().write("12rest") == VISOR_OK);
  couple.memory.run();
  CHECK(couple.listener.users[0]->pieces == std::vector<size_t>{2, 4});
}

TEST_CASE("a stream says which port was dialled", "[session]") {
  Couple couple;
  couple.connect();
  auto raw = couple.dialer.session->open(50);
  REQUIRE(raw);
  StreamUser user(couple.memory.host(), *raw);
  REQUIRE(user.stream.peer());
  CHECK(user.stream.peer()->port == 50);
}

TEST_CASE("shutting down sends what is queued, then both sides know", "[session]") {
  Couple couple;
  couple.connect();
  StreamUser& user = couple.dialer.open();
  CHECK(user.write("last words") == VISOR_OK);
  couple.dialer.session->shutdown();
  CHECK_FALSE(couple.dialer.session->open());
  couple.memory.run();
  REQUIRE(couple.listener.users.size() == 1);
  CHECK(couple.listener.users[0]->text() == "last words");
  REQUIRE(couple.listener.closed);
  CHECK(couple.listener.closed->status == VISOR_ECLOSED);
  REQUIRE(couple.dialer.closed);
  CHECK(couple.dialer.closed->status == VISOR_OK);
  CHECK(couple.dialer.closings == 1);
  CHECK(user.closed);
}

TEST_CASE("shutting down does not wait for ever", "[session]") {
  Couple couple;
  couple.dialing.timeouts =
      couple.listening.timeouts = {.ping_interval_ms = 0, .ping_answer_ms = 0, .syn_ms = 0, .fin_ms = 0};
  couple.connect();
  couple.manners->halted = true;
  couple.dialer.session->shutdown();
  couple.memory.advance_ms(4999);
  CHECK_FALSE(couple.dialer.closed);
  couple.memory.advance_ms(1);
  REQUIRE(couple.dialer.closed);
  CHECK(couple.dialer.closed->status == VISOR_OK);
}

TEST_CASE("destroying a session closes its carrier and cancels its streams", "[session]") {
  Couple couple;
  couple.connect();
  StreamUser& user = couple.dialer.open();
  CHECK(user.write("never sent") == VISOR_OK);
  couple.dialer.session.reset();
  couple.memory.run();
  REQUIRE(user.closed);
  CHECK(user.closed->status == VISOR_ECANCELED);
  CHECK(couple.dialer.closings == 0);
  CHECK(couple.listener.closings == 1);
  CHECK(couple.listener.closed->status == VISOR_ECLOSED);
  CHECK(couple.memory.timers() == 0);
}

TEST_CASE("every callback may destroy its session", "[session]") {
  Couple couple;
  auto destroy = [&] { couple.listener.session.reset(); };
  SECTION("ready") {
    couple.listener.on_ready = destroy;
  }
  SECTION("accept") {
    couple.listener.on_accept = destroy;
  }
  SECTION("data") {
    couple.listener.on_accept = [&] { couple.listener.users[0]->on_data = destroy; };
  }
  SECTION("closed, of a protocol error") {
    couple.listener.on_closed = destroy;
    couple.dialer.on_ready = [&] {
      visor_span noise = to_span(std::string_view("\xff\xff garbage"));
      (void)couple.dialer_end->api->write(couple.dialer_end, &noise, 1);
    };
  }
  SECTION("the dialer's ready") {
    couple.dialer.on_ready = [&] { couple.dialer.session.reset(); };
    couple.listener.on_closed = destroy;
  }
  couple.start();
  couple.memory.run();
  if (couple.dialer.session && couple.dialer.peer && !couple.dialer.closed) {
    CHECK(couple.dialer.open().write("words") == VISOR_OK);
  }
  couple.memory.run();
  CHECK_FALSE(couple.listener.session);
  CHECK(couple.dialer.closings == (couple.dialer.session ? 1 : 0));
}

TEST_CASE("silence after the handshake is noticed by both sides", "[session]") {
  Couple couple;
  couple.connect();
  couple.memory.advance_ms(35000); /* a ping each, answered */
  CHECK_FALSE(couple.dialer.closed);
  CHECK(couple.dialer.session->counters().mux.sent_frames > 0);
  couple.manners->halted = true;
  couple.memory.advance_ms(40000);
  for (End* end : {&couple.dialer, &couple.listener}) {
    REQUIRE(end->closed);
    CHECK(end->closed->status == VISOR_ETIMEDOUT);
    CHECK(end->closed->text == "yamux: the peer did not answer a ping within 10000 ms");
  }
}

namespace {

/* The bytes of one direction of a captured session, handshake included. */
Bytes captured(const boost::json::value& session, std::string_view direction) {
  Bytes out;
  for (const auto& chunk : array(session, "chunks")) {
    if (text(chunk, "dir") == direction) codec::append(out, hex(chunk, "hex"));
  }
  return out;
}
std::vector<Bytes> bodies(const boost::json::value& session, std::string_view direction) {
  std::vector<Bytes> out;
  for (const auto& f : array(at(session, "frames"), direction)) {
    if (f.if_object()->contains("body")) out.push_back(hex(f, "body"));
  }
  return out;
}

}  // namespace

TEST_CASE("a session with a relay has the captured bytes, both ways", "[session]") {
  boost::json::value vectors = load_vectors("dmsg_session.json");
  for (std::string_view name : {"live_session_dialer", "live_session_listener"}) {
    INFO(name);
    const boost::json::value& session = at(vectors, name);
    const boost::json::value& client_keys = at(at(vectors, "keys"), text(session, "client"));
    const boost::json::value& server_keys = at(at(vectors, "keys"), "server-1");
    MemoryHost client_memory, server_memory;
    End client(client_memory.host(), fixed_hex<32>(client_keys, "sk"));
    End server(server_memory.host(), fixed_hex<32>(server_keys, "sk"));
    client_memory.next_random(fixed_hex<32>(at(session, "client_eph"), "sk"));
    server_memory.next_random(fixed_hex<32>(at(session, "server_eph"), "sk"));
    auto run = [&] {
      while (client_memory.turn() || server_memory.turn()) {
      }
    };
    auto [client_end, server_end] = PipeEnd::make(client_memory.host(), std::make_shared<PipeManners>());
    client.start(client_end, {.initiator = true,
                              .pattern = noise::Pattern::kXK,
                              .expected_peer = key(server_keys, "pk"),
                              .seal_mux = false});
    server.start(server_end, {.pattern = noise::Pattern::kXK, .seal_mux = false});
    run();
    REQUIRE(server.peer);
    CHECK(*server.peer == key(client_keys, "pk"));

    /* The relay's client dials, or the relay opens a stream to it. */
    bool dials = name == "live_session_dialer";
    End& opener = dials ? client : server;
    End& accepter = dials ? server : client;
    std::string_view forth = dials ? "c2s" : "s2c", back = dials ? "s2c" : "c2s";
    StreamUser& from = opener.open();
    REQUIRE(from.stream.write(bodies(session, forth)[0]) == VISOR_OK);
    run();
    StreamUser& to = *accepter.users[0];
    for (size_t i : {size_t(0), size_t(1)}) {
      REQUIRE(to.stream.write(bodies(session, back)[i]) == VISOR_OK);
      run();
      if (i == 0) REQUIRE(from.stream.write(bodies(session, forth)[1]) == VISOR_OK);
      run();
    }
    from.stream.end();
    to.stream.end();
    run();
    CHECK(to_hex(client_end->written) == to_hex(captured(session, "c2s")));
    CHECK(to_hex(server_end->written) == to_hex(captured(session, "s2c")));
    CHECK(from.closed);
    CHECK(to.closed);
  }
}
