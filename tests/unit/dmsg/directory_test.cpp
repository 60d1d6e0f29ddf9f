#include "lib/dmsg/directory.hpp"

#include "tests/unit/dmsg/discovery_stub.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;

namespace {

struct World {
  test::MemoryHost memory;
  Host host = memory.host();
  test::TestIdentity own{host, 1}, discovery_identity{host, 2}, server_identity{host, 3};
  test::DiscoveryStub stub{host};
  std::unique_ptr<dmsg::Directory> directory = dmsg::Directory::over_streams(
      host, {*discovery_identity.key(), 80}, stub.opener(), {.timeout_ms = 5000, .max_body = 64u << 10});

  dmsg::Entry entry(uint64_t sequence) {
    dmsg::Entry out;
    out.key = *own.key();
    out.sequence = sequence;
    out.timestamp_ns = host.unix_ns();
    out.client.emplace().delegated_servers.emplace();
    REQUIRE(dmsg::sign(out, dmsg::sign_with(host, &own)));
    return out;
  }

  template <class T>
  Result<T> wait(const std::function<dmsg::Call(std::function<void(Result<T>)>)>& ask, uint64_t ms = 10) {
    std::optional<Result<T>> got;
    dmsg::Call call = ask([&got](Result<T> result) {
      CHECK_FALSE(got.has_value());
      got = std::move(result);
    });
    CHECK_FALSE(got.has_value());
    memory.advance_ms(ms);
    REQUIRE(got.has_value());
    return *got;
  }
  Result<dmsg::Entry> get(uint64_t ms = 10) {
    return wait<dmsg::Entry>([this](auto done) { return directory->entry(*own.key(), done); }, ms);
  }
  Result<void> post(const dmsg::Entry& entry) {
    return wait<void>([&](auto done) { return directory->post(entry, done); });
  }
};

std::string answer_of(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("directory: an entry is posted, read and removed, one question a stream", "[dmsg]") {
  World world;
  auto missing = world.get();
  REQUIRE_FALSE(missing);
  CHECK(missing.error().status == VISOR_ENOENT);
  CHECK(missing.error().text.find("entry of public key is not found") != std::string::npos);

  dmsg::Entry entry = world.entry(0);
  REQUIRE(world.post(entry));
  auto read = world.get();
  REQUIRE(read);
  CHECK(*read == entry);
  auto again = world.post(entry);
  REQUIRE_FALSE(again);
  CHECK(again.error().status == VISOR_EEXIST);
  CHECK(world.wait<void>([&](auto done) { return world.directory->remove(entry, done); }));
  CHECK_FALSE(world.get());
  CHECK(world.stub.opened == 6);
}

TEST_CASE("directory: what is sent is what discoveries expect", "[dmsg]") {
  World world;
  dmsg::Entry entry = world.entry(0);
  REQUIRE(world.post(entry));
  (void)world.get();
  (void)world.wait<void>([&](auto done) { return world.directory->remove(entry, done); });
  REQUIRE(world.stub.asked.size() == 3);
  const std::string host = "Host: " + to_hex(*world.discovery_identity.key()) + ":80\r\n";
  for (const auto& asked : world.stub.asked) {
    INFO(asked.text);
    CHECK(asked.text.find(host) != std::string::npos);
    CHECK(asked.text.find("Accept-Encoding") == std::string::npos);
  }
  CHECK(world.stub.asked[0].path == "/dmsg-discovery/entry/");
  CHECK(world.stub.asked[0].body == dmsg::to_json(entry));
  CHECK(world.stub.asked[0].text.find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(world.stub.asked[1].path == "/dmsg-discovery/entry/" + to_hex(*world.own.key()));
  CHECK(world.stub.asked[2].method == "DELETE");
  CHECK(world.stub.asked[2].path == "/dmsg-discovery/entry");
}

TEST_CASE("directory: servers, or none", "[dmsg]") {
  World world;
  auto ask = [&] {
    return world.wait<std::vector<dmsg::Entry>>([&](auto done) { return world.directory->servers(done); });
  };
  auto none = ask();
  REQUIRE(none);
  CHECK(none->empty());
  dmsg::Entry server;
  server.key = *world.server_identity.key();
  server.server.emplace().address = "192.0.2.1:8080";
  world.stub.entries[server.key] = server;
  auto one = ask();
  REQUIRE(one);
  REQUIRE(one->size() == 1);
  CHECK(one->front().server->address == "192.0.2.1:8080");
}

TEST_CASE("directory: only a discovery's own word counts as one", "[dmsg]") {
  World world;
  auto status_of = [&](std::string answer) {
    world.stub.raw_answer = std::move(answer);
    auto read = world.get();
    REQUIRE_FALSE(read);
    return read.error().status;
  };
  CHECK(status_of(answer_of("404 Not Found", "<html>not here</html>")) == VISOR_EPROTO);
  CHECK(status_of(answer_of("404 Not Found", R"({"error":"x"})")) == VISOR_EPROTO);
  CHECK(status_of(answer_of("404 Not Found",
                            R"({"message":"entry of public key is not found","code":404})")) == VISOR_ENOENT);
  CHECK(status_of(answer_of("502 Bad Gateway", "")) == VISOR_EPROTO);
  CHECK(status_of(answer_of("500 X", R"({"message":"something unexpected happened","code":500})")) ==
        VISOR_EIO);
  CHECK(status_of(answer_of("400 X", R"({"message":"error bad input","code":400})")) == VISOR_EINVAL);
  CHECK(status_of(answer_of("429 X", "rate limit exceeded\n")) == VISOR_EAGAIN);
  CHECK(status_of(answer_of("200 OK", "{")) == VISOR_EPROTO);
  CHECK(status_of(answer_of("200 OK", "{}")) == VISOR_EPROTO);  // nobody's entry is not ours
  CHECK(status_of("nothing of the sort\r\n\r\n") == VISOR_EPROTO);
  CHECK(status_of(answer_of("200 OK", std::string(100'000, ' '))) == VISOR_EPROTO);
  world.stub.raw_answer =
      answer_of("422 X", R"({"message":"entry validation error: entry has no version","code":422})");
  auto posted = world.post(world.entry(1));
  REQUIRE_FALSE(posted);
  CHECK(posted.error().status == VISOR_EINVAL);
  CHECK(posted.error().text.find("entry has no version") != std::string::npos);
}

TEST_CASE("directory: one that cannot be reached never says that an entry is missing", "[dmsg]") {
  World world;
  world.stub.away = true;
  auto away = world.get();
  REQUIRE_FALSE(away);
  CHECK(away.error().status == VISOR_ECLOSED);
  world.stub.away = false;
  world.stub.silent = true;
  auto silent = world.get(6000);
  REQUIRE_FALSE(silent);
  CHECK(silent.error().status == VISOR_ETIMEDOUT);

  auto fetching = dmsg::Directory::over_fetch(world.host, "http://127.0.0.1:9090/");
  REQUIRE(fetching);
  auto nobody =
      world.wait<dmsg::Entry>([&](auto done) { return (*fetching)->entry(*world.own.key(), done); });
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().status == VISOR_EIO);
  CHECK(nobody.error().text.find("visor.fetch/1") != std::string::npos);
  CHECK_FALSE(dmsg::Directory::over_fetch(world.host, "tcp://127.0.0.1:9090"));
  CHECK_FALSE(dmsg::Directory::over_fetch(world.host, "nothing"));
}

TEST_CASE("directory: a question that is dropped is never answered, at any point", "[dmsg]") {
  for (int turns = 0; turns < 12; ++turns) {
    World world;
    world.stub.manners->piece = 40;
    bool answered = false;
    {
      dmsg::Call call =
          world.directory->entry(*world.own.key(), [&](Result<dmsg::Entry>) { answered = true; });
      for (int i = 0; i < turns; ++i) world.memory.turn();
      answered = false;
    }
    world.memory.advance_ms(20'000);
    CHECK_FALSE(answered);
  }
}

TEST_CASE("directory: an answer may end its own question", "[dmsg]") {
  World world;
  int answers = 0;
  dmsg::Call call;
  call = world.directory->entry(*world.own.key(), [&](Result<dmsg::Entry>) {
    ++answers;
    call = {};
  });
  world.memory.advance_ms(10);
  CHECK(answers == 1);
}
