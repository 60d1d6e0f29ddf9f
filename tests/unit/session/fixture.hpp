/* Sessions over a pipe in memory. */
#ifndef VISOR_TESTS_UNIT_SESSION_FIXTURE_HPP
#define VISOR_TESTS_UNIT_SESSION_FIXTURE_HPP
#include "lib/codec/endian.hpp"
#include "lib/session/session.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"
#include "tests/support/test_identity.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

namespace visor::test {

/* One end: a session with what happened to it. */
class End {
 public:
  End(Host h, uint8_t identity_number) : host(h), identity(h, identity_number) {}
  End(Host h, std::span<const uint8_t, 32> secret) : host(h), identity(h, secret) {}
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  void start(visor_stream* carrier, session::Options options) {
    session = std::make_unique<session::Session>(
        host, &identity, carrier, std::move(options),
        session::Events{.ready =
                            [this](const visor_key& key, ByteView announced) {
                              peer = key;
                              payload.assign(announced.begin(), announced.end());
                              if (on_ready) on_ready();
                            },
                        .accept =
                            [this](visor_stream* raw) {
                              users.push_back(std::make_unique<StreamUser>(host, raw));
                              if (on_accept) on_accept();
                            },
                        .closed =
                            [this](const Error& error) {
                              ++closings;
                              closed = error;
                              if (on_closed) on_closed();
                            }});
  }
  StreamUser& open() {
    auto stream = session->open();
    REQUIRE(stream);
    return *users.emplace_back(std::make_unique<StreamUser>(host, *stream));
  }

  Host host;
  TestIdentity identity;
  std::optional<visor_key> peer;
  Bytes payload;
  int closings = 0;
  std::optional<Error> closed;
  std::function<void()> on_ready, on_accept, on_closed;
  std::vector<std::unique_ptr<StreamUser>> users;
  std::unique_ptr<session::Session> session;
};

/* A dialer and a listener with a carrier between them. */
class Couple {
 public:
  Couple() : manners(std::make_shared<PipeManners>()), dialer(memory.host(), 1), listener(memory.host(), 2) {
    std::tie(dialer_end, listener_end) = PipeEnd::make(memory.host(), manners);
    dialing.initiator = true;
    dialing.payload = {'d'};
    listening.payload = {'l'};
  }
  void start() {
    dialer.start(dialer_end, dialing);
    listener.start(listener_end, listening);
  }
  void connect() {
    start();
    memory.run();
    REQUIRE(dialer.peer);
    REQUIRE(listener.peer);
  }
  /* After the pipe was halted. */
  void resume() {
    manners->halted = false;
    dialer_end->pump();
    listener_end->pump();
    memory.run();
  }

  MemoryHost memory;
  std::shared_ptr<PipeManners> manners;
  session::Options dialing, listening;
  PipeEnd *dialer_end, *listener_end; /* until their sessions close them */
  End dialer, listener;
};

/* A session whose peer is the test itself. */
class Lonely {
 public:
  explicit Lonely(session::Options options = {}, uint8_t identity_number = 2)
      : end(memory.host(), identity_number), manners(std::make_shared<PipeManners>()) {
    auto [near, far] = PipeEnd::make(memory.host(), manners);
    carrier = near;
    peer = std::make_unique<StreamUser>(memory.host(), far);
    end.start(carrier, std::move(options));
  }
  void receive(ByteView wire) {
    (void)peer->stream.write(wire);
    memory.run();
  }

  MemoryHost memory;
  End end;
  std::shared_ptr<PipeManners> manners;
  PipeEnd* carrier;
  std::unique_ptr<StreamUser> peer;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_SESSION_FIXTURE_HPP
