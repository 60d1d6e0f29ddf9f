#include "lib/dmsg/registration.hpp"

#include "tests/unit/dmsg/discovery_stub.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;

namespace {

struct World {
  explicit World(dmsg::RegistrationOptions options = {}) {
    registration.emplace(host, *own.key(), dmsg::sign_with(host, &own), *directory, options);
  }
  test::MemoryHost memory;
  Host host = memory.host();
  test::TestIdentity own{host, 1}, discovery{host, 2}, server{host, 3};
  test::DiscoveryStub stub{host};
  std::unique_ptr<dmsg::Directory> directory =
      dmsg::Directory::over_streams(host, {*discovery.key(), 80}, stub.opener());
  std::optional<dmsg::Registration> registration;

  dmsg::OwnEntry client(std::vector<visor_key> servers = {}) {
    dmsg::OwnEntry out;
    out.client.emplace().delegated_servers = std::move(servers);
    out.client_type = "visor";
    return out;
  }
  const dmsg::Entry& stored() {
    REQUIRE(stub.entries.contains(*own.key()));
    return stub.entries[*own.key()];
  }
  void store(const std::function<void(dmsg::Entry&)>& change) {
    dmsg::Entry& entry = stub.entries[*own.key()];
    entry.key = *own.key();
    change(entry);
    REQUIRE(dmsg::sign(entry, dmsg::sign_with(host, &own)));
  }
};

}  // namespace

TEST_CASE("registration: a new entry begins at 0, changes count on, and it is renewed", "[dmsg]") {
  World world;
  world.registration->set(world.client());
  world.memory.advance_ms(10);
  CHECK(world.stored().sequence == 0);
  CHECK(world.stored().client->delegated_servers->empty());
  CHECK(world.stored().client_type == "visor");
  CHECK(world.registration->counters().registered);

  world.memory.advance_ms(1000);
  world.registration->set(world.client({*world.server.key()}));
  CHECK_FALSE(world.registration->counters().registered);
  world.memory.advance_ms(10);
  CHECK(world.stored().sequence == 1);
  CHECK(world.stored().client->delegated_servers->front() == *world.server.key());

  world.memory.advance_ms(60'000);
  CHECK(world.stored().sequence == 2);
  world.memory.advance_ms(120'000);
  CHECK(world.stored().sequence == 4);
  CHECK(world.registration->counters().posts == 5);
  CHECK(world.stub.count("GET") == 1);
}

TEST_CASE("registration: what is there already is not posted again", "[dmsg]") {
  World world;
  world.registration->set(world.client());
  world.memory.advance_ms(1000);
  world.registration->set(world.client());
  world.memory.advance_ms(1000);
  CHECK(world.stub.count("POST") == 1);
}

TEST_CASE("registration: changes within the batch go together, the last one is never lost", "[dmsg]") {
  World world;
  for (int i = 0; i < 20; ++i) {
    world.registration->set(
        world.client(std::vector<visor_key>(static_cast<size_t>(i), *world.server.key())));
    world.memory.advance_ms(30);
  }
  world.memory.advance_ms(300);
  CHECK(world.stored().client->delegated_servers->size() == 19);
  CHECK(world.stub.count("POST") <= 4);
  CHECK(world.registration->counters().registered);
}

TEST_CASE("registration: a stored entry is counted on from, one that is ahead is asked for again", "[dmsg]") {
  World world;
  world.store([](dmsg::Entry& entry) { entry.sequence = 41; });
  world.registration->set(world.client());
  world.memory.advance_ms(10);
  CHECK(world.stored().sequence == 42);

  // Somebody else with this key, whose clock is behind.
  world.store([](dmsg::Entry& entry) {
    entry.sequence = 90;
    entry.timestamp_ns = 1;
  });
  world.memory.advance_ms(60'200);
  CHECK(world.stored().sequence == 91);
  CHECK(world.registration->counters().overtaken == 1);
  CHECK(world.registration->counters().superseded == 0);
}

TEST_CASE("registration: a later entry of the same key is left in peace, until the next renewal", "[dmsg]") {
  World world;
  world.registration->set(world.client());
  world.memory.advance_ms(10);
  world.store([&](dmsg::Entry& entry) {
    entry.sequence = 90;
    entry.timestamp_ns = world.host.unix_ns() + 61'000'000'000;
  });
  world.memory.advance_ms(60'500);
  CHECK(world.stored().sequence == 90);
  CHECK(world.registration->counters().superseded == 1);
  CHECK_FALSE(world.registration->counters().registered);
  world.memory.advance_ms(60'000);
  CHECK(world.stored().sequence == 91);
  CHECK(world.registration->counters().registered);
}

TEST_CASE("registration: gives up after five overtaken sequences, and tries again later", "[dmsg]") {
  World world;
  bool racing = true;
  world.stub.before = [&](const test::DiscoveryStub::Asked& asked) {
    if (racing && asked.method == "POST") {
      world.store([](dmsg::Entry& entry) {
        entry.sequence += 10;
        entry.timestamp_ns = 1;
      });
    }
  };
  world.registration->set(world.client());
  world.memory.advance_ms(3'500);
  CHECK(world.stub.count("POST") == 6);
  CHECK(world.registration->counters().overtaken == 6);
  CHECK(world.registration->counters().failures == 1);
  CHECK(world.registration->counters().last_error.find("422") != std::string::npos);
  racing = false;
  world.memory.advance_ms(3'000);
  CHECK(world.registration->counters().registered);
  CHECK(world.registration->counters().last_error.empty());
}

TEST_CASE(
    "registration: a discovery that is away is asked again, ever more rarely, and never taken for empty",
    "[dmsg]") {
  World world;
  world.store([](dmsg::Entry& entry) { entry.sequence = 7; });
  world.stub.away = true;
  world.registration->set(world.client());
  world.memory.advance_ms(300'000);
  uint64_t failures = world.registration->counters().failures;
  CHECK(failures >= 8);
  CHECK(failures <= 12);
  CHECK(world.registration->counters().last_error.find("nobody is there") != std::string::npos);
  world.stub.away = false;
  world.memory.advance_ms(61'000);
  CHECK(world.stored().sequence == 8);
}

TEST_CASE("registration: a page in the discovery's place is no reason to begin at 0", "[dmsg]") {
  World world;
  world.store([](dmsg::Entry& entry) { entry.sequence = 7; });
  world.stub.raw_answer = "HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\nno";
  world.registration->set(world.client());
  world.memory.advance_ms(20'000);
  CHECK(world.stub.count("POST") == 0);
  world.stub.raw_answer.reset();
  world.memory.advance_ms(60'000);
  CHECK(world.stored().sequence >= 8);
}

TEST_CASE("registration: times grow although the clock was set back", "[dmsg]") {
  World world;
  int64_t ahead = world.host.unix_ns() + 3'600'000'000'000;
  world.store([&](dmsg::Entry& entry) { entry.timestamp_ns = ahead; });
  world.registration->set(world.client());
  world.memory.advance_ms(10);
  CHECK(world.stored().timestamp_ns == ahead + 1);
}

TEST_CASE("registration: withdrawn, the entry is gone and stays so", "[dmsg]") {
  World world;
  world.registration->set(world.client());
  world.memory.advance_ms(10);
  int done = 0;
  world.registration->withdraw([&] { ++done; });
  CHECK(done == 0);
  world.memory.advance_ms(10);
  CHECK(done == 1);
  CHECK(world.stub.entries.empty());
  world.registration->set(world.client({*world.server.key()}));
  world.memory.advance_ms(200'000);
  CHECK(world.stub.entries.empty());
  CHECK(done == 1);
  CHECK(world.memory.timers() == 0);
}

TEST_CASE("registration: withdrawing waits for nobody", "[dmsg]") {
  SECTION("a silent discovery") {
    World world;
    world.registration->set(world.client());
    world.memory.advance_ms(10);
    world.stub.silent = true;
    bool done = false;
    world.registration->withdraw([&] { done = true; });
    world.memory.advance_ms(1'900);
    CHECK_FALSE(done);
    world.memory.advance_ms(200);
    CHECK(done);
  }
  SECTION("nothing was ever posted") {
    World world;
    bool done = false;
    world.registration->withdraw([&] { done = true; });
    CHECK_FALSE(done);
    world.memory.advance_ms(1);
    CHECK(done);
    CHECK(world.stub.asked.empty());
  }
  SECTION("a post is under way") {
    World world;
    world.registration->set(world.client());
    world.memory.advance_ms(1000);
    world.registration->set(world.client({*world.server.key()}));
    for (int i = 0; i < 3; ++i) world.memory.turn();
    bool done = false;
    world.registration->withdraw([&] { done = true; });
    world.memory.advance_ms(100);
    CHECK(done);
    CHECK(world.stub.entries.empty());
  }
  SECTION("between two attempts") {
    World world;
    world.registration->set(world.client());
    world.memory.advance_ms(10);
    world.stub.before = [&](const test::DiscoveryStub::Asked& asked) {
      if (asked.method == "POST") {
        world.store([](dmsg::Entry& entry) {
          entry.sequence += 10;
          entry.timestamp_ns = 1;
        });
      }
    };
    world.memory.advance_ms(60'050);
    REQUIRE(world.registration->counters().overtaken == 1);
    bool done = false;
    world.registration->withdraw([&] { done = true; });
    world.memory.advance_ms(10);
    CHECK(done);
    CHECK(world.stub.entries.empty());
  }
}

TEST_CASE("registration: two plugins of one key keep one entry, and leave it one after the other", "[dmsg]") {
  World world;
  dmsg::Registration relay(world.host, *world.own.key(), dmsg::sign_with(world.host, &world.own),
                           *world.directory);
  dmsg::OwnEntry server;
  server.server.emplace().address = "192.0.2.1:8080";
  server.server->available_sessions = 10;
  world.registration->set(world.client());
  relay.set(server);
  world.memory.advance_ms(1'000);
  CHECK(world.stored().client);
  CHECK(world.stored().server);
  server.server->available_sessions = 9;
  relay.set(server);
  world.memory.advance_ms(1'000);
  world.registration->set(world.client({*world.server.key()}));
  world.memory.advance_ms(1'000);
  CHECK(world.stored().server->available_sessions == 9);
  CHECK(world.stored().client->delegated_servers->size() == 1);
  world.memory.advance_ms(600'000);
  CHECK(world.stored().client);
  CHECK(world.stored().server);

  bool gone = false;
  world.registration->withdraw([&] { gone = true; });
  world.memory.advance_ms(100);
  CHECK(gone);
  CHECK_FALSE(world.stored().client);
  CHECK(world.stored().server);
  relay.withdraw([] {});
  world.memory.advance_ms(100);
  CHECK(world.stub.entries.empty());
}

TEST_CASE("registration: a part that nobody renews any more is not carried along for ever", "[dmsg]") {
  World world;
  world.store([](dmsg::Entry& entry) { entry.server.emplace().address = "192.0.2.1:8080"; });
  world.registration->set(world.client());
  world.memory.advance_ms(10);
  CHECK(world.stored().server);
  world.memory.advance_ms(5 * 60'000);
  CHECK_FALSE(world.stored().server);
  CHECK(world.stored().client);
}

TEST_CASE("registration: destroyed at any turn, nothing of it runs", "[dmsg]") {
  for (int turns = 0; turns < 20; ++turns) {
    World world;
    world.registration->set(world.client());
    for (int i = 0; i < turns; ++i) world.memory.turn();
    bool done = false;
    if (turns % 2) world.registration->withdraw([&] { done = true; });
    world.registration.reset();
    size_t asked = world.stub.asked.size();
    world.memory.advance_ms(100'000);
    CHECK(world.stub.asked.size() <= asked + 1);  // what was sent before is still heard
    CHECK_FALSE(done);
  }
}

TEST_CASE("registration: who hears of a success may destroy it", "[dmsg]") {
  std::optional<World> world;
  int posted = 0;
  world.emplace(dmsg::RegistrationOptions{.posted = [&] {
    ++posted;
    world->registration.reset();
  }});
  world->registration->set(world->client());
  world->memory.advance_ms(200'000);
  CHECK(posted == 1);
  CHECK(world->stub.count("POST") == 1);
}
