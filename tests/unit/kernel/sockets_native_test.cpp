// visor.sockets/1 over real TCP, with peers that misbehave.
#include "kernel/native/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "kernel/address.hpp"
#include "tests/support/native_world.hpp"
#include "tests/unit/kernel/plugins.hpp"

namespace visor::test {
namespace {

/* A stream that keeps what it hears. */
struct Heard {
  Heard(Host host, visor_stream* raw) : stream(host, raw) {
    stream.attach({.data = [this](ByteView bytes) { data += text(bytes); },
                   .end = [this] { ended = true; },
                   .ready = [this] { ++ready; },
                   .closed = [this](const Error& error) { closed = error; }});
  }
  Stream stream;
  std::string data;
  bool ended = false;
  int ready = 0;
  std::optional<Error> closed;
};

/* A node that listens, and accepts one after another. */
struct Server {
  explicit Server(kernel::native::SocketLimits limits = {})
      : world(limits),
        node(world.add("here", R"({"plugins":[]})")),
        sockets(node.find<visor_sockets>(VISOR_SOCKETS_1, "tcp")) {
    auto opened = listener.listen(node.host(), sockets, "tcp://127.0.0.1:0", [this](visor_stream* raw) {
      accepted.push_back(std::make_unique<Heard>(node.host(), raw));
    });
    REQUIRE(opened.has_value());
    port = kernel::parse_tcp_url(listener.address()).value().port;
  }
  Result<visor_stream*> dial(const std::string& url) {
    return world.await<visor_stream>(node, [&](visor_done done) {
      return sockets->api->connect(sockets, to_span(std::string_view(url)), done);
    });
  }
  /* Both ends of a new connection. */
  std::pair<std::unique_ptr<Heard>, Heard*> connect() {
    size_t before = accepted.size();
    auto raw = dial(std::string(listener.address()));
    REQUIRE(raw.has_value());
    auto here = std::make_unique<Heard>(node.host(), *raw);
    REQUIRE(until([&] { return accepted.size() > before; }));
    return {std::move(here), accepted.back().get()};
  }
  bool until(const std::function<bool()>& condition) { return world.run_until(condition, 20000); }

  NativeWorld world;
  Node& node;
  visor_sockets* sockets;
  Listener listener;
  uint16_t port = 0;
  std::vector<std::unique_ptr<Heard>> accepted;
};

/* A plain client that owes nobody good manners. */
class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  void send(std::string_view text) {
    CHECK(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == ssize_t(text.size()));
  }
  void end() { ::shutdown(fd_, SHUT_WR); }
  /* What has arrived; nothing at all once the other side has ended. */
  std::string receive() {
    std::string out(65536, '\0');
    ssize_t got = ::recv(fd_, out.data(), out.size(), 0);
    ended_ = got == 0;
    out.resize(got > 0 ? size_t(got) : 0);
    return out;
  }
  bool ended() const { return ended_; }
  void reset() {
    linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
  bool connected_ = false, ended_ = false;
};

}  // namespace

TEST_CASE("a connection carries bytes both ways and ends in order", "[kernel]") {
  Server server;
  auto [here, there] = server.connect();
  CHECK(here->stream.origin() == "127.0.0.1:" + std::to_string(server.port));
  CHECK(there->stream.origin().starts_with("127.0.0.1:"));
  CHECK(here->stream.peer() == nullptr);
  std::string sent;
  for (int i = 0; i < 1000; ++i) {
    std::string line = "line " + std::to_string(i) + "\n";
    REQUIRE(here->stream.write(bytes(std::string_view(line))) == VISOR_OK);
    sent += line;
  }
  here->stream.end();
  CHECK(here->stream.write(bytes(std::string_view("late"))) == VISOR_ECLOSED);
  REQUIRE(server.until([&] { return there->ended; }));
  CHECK(there->data == sent);
  CHECK_FALSE(there->closed); /* half-closed: it may still answer */
  REQUIRE(there->stream.write(bytes(std::string_view("thanks"))) == VISOR_OK);
  there->stream.end();
  REQUIRE(server.until([&] { return here->closed && there->closed; }));
  CHECK(here->data == "thanks");
  CHECK(here->closed->status == VISOR_OK);
  CHECK(there->closed->status == VISOR_OK);
}

TEST_CASE("a megabyte goes through whole, and one byte more is refused", "[kernel]") {
  Server server;
  auto [here, there] = server.connect();
  Bytes big((1 << 20) + 1);
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<uint8_t>(i * 7 + i / 256);
  CHECK(here->stream.write(big) == VISOR_EINVAL);
  big.pop_back();
  REQUIRE(here->stream.write(big) == VISOR_OK);
  Heard& heard = *there;
  REQUIRE(server.until([&] { return heard.data.size() == big.size(); }));
  CHECK(heard.data == text(ByteView(big)));
}

TEST_CASE("a reader that pauses makes the writer meet EAGAIN, and ready when there is room", "[kernel]") {
  Server server;
  auto [here, there] = server.connect();
  there->stream.pause(true);
  Bytes chunk(64 * 1024);
  size_t taken = 0;
  auto fill = [&, &stream = here->stream] {
    for (size_t i = 0; i < 100000 && stream.write(chunk) == VISOR_OK; ++i) taken += chunk.size();
  };
  Heard& writer = *here;
  Heard& reader = *there;
  /* The system's own buffers fill first. */
  uint64_t still_ms = 0, last = 0;
  REQUIRE(server.until([&] {
    fill();
    if (taken != last) still_ms = server.node.host().now_ms();
    last = taken;
    return server.node.host().now_ms() - still_ms > 200;
  }));
  CHECK(writer.stream.write(chunk) == VISOR_EAGAIN);
  CHECK(server.node.host().error(VISOR_EAGAIN).text.find("reads more slowly than this") != std::string::npos);
  CHECK(reader.data.empty());
  int ready_before = writer.ready;
  auto status = server.node.call("kernel", "status");
  REQUIRE(status.has_value());
  CHECK(status->find("\"queued_bytes_limit_each\":1048576") != std::string::npos);
  reader.stream.pause(false);
  REQUIRE(server.until([&] { return reader.data.size() == taken; }));
  CHECK(writer.ready > ready_before);
  CHECK(writer.stream.write(chunk) == VISOR_OK);
}

TEST_CASE("garbage, half-closes and resets of strangers are heard and harm nobody", "[kernel]") {
  Server server;
  auto [here, there] = server.connect();
  RawClient garbage(server.port), half(server.port), rude(server.port), silent(server.port);
  REQUIRE(server.until([&] { return server.accepted.size() == 5; }));
  std::string noise;
  for (int i = 0; i < 100000; ++i) noise += static_cast<char>(i * 31);
  garbage.send(noise);
  half.send("hello");
  half.end();
  Heard &from_garbage = *server.accepted[1], &from_half = *server.accepted[2],
        &from_rude = *server.accepted[3];
  REQUIRE(server.until([&] { return from_garbage.data.size() == noise.size() && from_half.ended; }));
  CHECK(from_garbage.data == noise);
  CHECK_FALSE(from_half.closed);
  from_half.stream.write(bytes(std::string_view("your answer")));
  from_half.stream.end();
  std::string answer;
  REQUIRE(server.until([&] {
    answer += half.receive();
    return half.ended();
  }));
  CHECK(answer == "your answer");
  rude.reset();
  REQUIRE(server.until([&] { return from_rude.closed.has_value(); }));
  CHECK(from_rude.closed->status == VISOR_ECLOSED);
  CHECK(from_rude.closed->text.starts_with("reading from 127.0.0.1:"));

  here->stream.write(bytes(std::string_view("still here")));
  Heard& good = *server.accepted[0];
  REQUIRE(server.until([&] { return good.data == "still here"; }));
}

TEST_CASE("writing to somebody who has gone ends in an error, not in a signal", "[kernel]") {
  Server server;
  RawClient client(server.port);
  REQUIRE(server.until([&] { return server.accepted.size() == 1; }));
  Heard& heard = *server.accepted[0];
  heard.stream.pause(true); /* so that only writes can notice */
  client.reset();
  Bytes chunk(100000);
  REQUIRE(server.until([&] {
    if (!heard.closed) heard.stream.write(chunk);
    return heard.closed.has_value();
  }));
  CHECK(heard.closed->status == VISOR_ECLOSED);
}

TEST_CASE("an answer followed by a close reaches the peer", "[kernel]") {
  Server server;
  RawClient client(server.port);
  REQUIRE(server.until([&] { return server.accepted.size() == 1; }));
  server.accepted[0]->stream.write(bytes(std::string_view("HTTP/1.1 400\r\n\r\n")));
  server.accepted[0]->stream.close();
  std::string got;
  REQUIRE(server.until([&] {
    got += client.receive();
    return client.ended();
  }));
  CHECK(got == "HTTP/1.1 400\r\n\r\n");
}

TEST_CASE("nothing is read before somebody listens, and a stream may be handed on", "[kernel]") {
  Server server;
  RawClient client(server.port);
  client.send("first");
  REQUIRE(server.until([&] { return server.accepted.size() == 1 && !server.accepted[0]->data.empty(); }));
  visor_stream* raw = server.accepted[0]->stream.release();
  client.send("second");
  server.world.run_for(50);
  CHECK(server.accepted[0]->data == "first");
  Heard next(server.node.host(), raw);
  REQUIRE(server.until([&] { return next.data == "second"; }));
}

TEST_CASE("a port in use, a name, and nonsense are refused with a sentence", "[kernel]") {
  Server server;
  auto listen = [&](const std::string& url) {
    Listener other;
    auto opened = other.listen(server.node.host(), server.sockets, url, [](visor_stream*) {});
    return opened ? Error{VISOR_OK, ""} : opened.error();
  };
  std::string taken(server.listener.address());
  CHECK(listen(taken).status == VISOR_EEXIST);
  CHECK(listen(taken).text ==
        taken + " is in use by another program; choose another with \"listen\" in the configuration");
  CHECK(listen("tcp://example.net:80").text ==
        "tcp://example.net:80: a program listens on a number, not on a name; use 127.0.0.1, or 0.0.0.0 for "
        "everywhere");
  CHECK(listen("tcp://203.0.113.1:0").status == VISOR_EIO); /* no address of this machine */
  CHECK(listen("http://127.0.0.1:80").status == VISOR_ENOSYS);
  CHECK(listen("nonsense").status == VISOR_EINVAL);
  CHECK(listen("tcp://localhost:0").status == VISOR_OK);
  server.listener.close();
  CHECK(listen(taken).status == VISOR_OK); /* free again at once */
}

TEST_CASE("connects that cannot succeed say why", "[kernel]") {
  Server server;
  std::string url(server.listener.address());
  server.listener.close();
  auto refused = server.dial(url);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().status == VISOR_ECLOSED);
  CHECK(refused.error().text == url + ": connection refused");
  auto unknown = server.dial("tcp://no-such-host.invalid:80");
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().text.starts_with("tcp://no-such-host.invalid:80: the name cannot be resolved: "));
  CHECK(server.dial("tcp://127.0.0.1").error().status == VISOR_EINVAL);
}

TEST_CASE("a name is resolved", "[kernel]") {
  Server server;
  auto stream = server.dial("tcp://localhost:" + std::to_string(server.port));
  REQUIRE(stream.has_value());
  Stream owned(server.node.host(), *stream);
}

TEST_CASE("a cancelled connect never gives a stream", "[kernel]") {
  Server server;
  struct Call {
    visor_status status = 1;
    void* result = nullptr;
  };
  for (std::string_view url :
       {server.listener.address(), std::string_view("tcp://no-such-host.invalid:80")}) {
    Call call;
    visor_done done{
        [](void* ctx, visor_status status, void* result) { *static_cast<Call*>(ctx) = {status, result}; },
        &call};
    REQUIRE(server.sockets->api->connect(server.sockets, to_span(url), done) == VISOR_OK);
    server.sockets->api->cancel(server.sockets, &call);
    CHECK(call.status == 1);
    REQUIRE(server.until([&] { return call.status != 1; }));
    CHECK(call.status == VISOR_ECANCELED);
    CHECK(call.result == nullptr);
  }
}

TEST_CASE("a kernel that stops lets go of its sockets, whatever state they are in", "[kernel]") {
  NativeWorld world;
  uint16_t port = 0;
  {
    Server server;
    port = server.port;
    auto [here, there] = server.connect();
    there->stream.pause(true);
    Bytes chunk(1 << 20);
    here->stream.write(chunk);
    here->stream.write(chunk);
    visor_done nobody{[](void*, visor_status, void*) {}, nullptr};
    CHECK(server.sockets->api->connect(server.sockets, VISOR_TEXT("tcp://no-such-host.invalid:80"), nobody) ==
          VISOR_OK);
    RawClient client(server.port);
    REQUIRE(server.until([&] { return server.accepted.size() == 2; }));
    (void)here->stream.release()->api; /* and one that its owner forgot */
  }
  Node& node = world.add("next", R"({"plugins":[]})");
  Listener listener;
  CHECK(listener
            .listen(node.host(), node.find<visor_sockets>(VISOR_SOCKETS_1),
                    "tcp://127.0.0.1:" + std::to_string(port), [](visor_stream*) {})
            .has_value());
}

TEST_CASE("beyond its bound a listener accepts and closes, and counts it", "[kernel]") {
  constexpr size_t kAccepted = 200;
  Server server({.streams = 300, .accepted = kAccepted, .connecting = 10});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (size_t i = 0; i < kAccepted + 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port));
    REQUIRE(clients.back()->connected());
    if (i % 64 == 0) server.world.run_for(1);
  }
  REQUIRE(server.until([&] {
    clients.back()->receive();
    return clients.back()->ended();
  }));
  CHECK(server.accepted.size() == kAccepted);
  CHECK(server.node.call("kernel", "status")->find("\"refused\":5") != std::string::npos);
}

}  // namespace visor::test
