/* A server in memory, clients that write raw bytes to it, and sockets that lead to it. */
#ifndef VISOR_TESTS_UNIT_HTTP_SERVER_FIXTURE_HPP
#define VISOR_TESTS_UNIT_HTTP_SERVER_FIXTURE_HPP
#include "lib/http/server.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"

namespace visor::test {

class ServerFixture {
 public:
  explicit ServerFixture(const http::ServerLimits& limits = {})
      : server(memory.host(), limits, [this](http::Exchange& exchange) {
          ++requests;
          handler(exchange);
        }) {}

  std::unique_ptr<StreamUser> connect() {
    auto [ours, theirs] = PipeEnd::make(memory.host(), manners);
    server.accept(ours);
    return std::make_unique<StreamUser>(memory.host(), theirs);
  }

  /* What one client gets that writes all of this. */
  std::string ask(std::string_view input) {
    auto client = connect();
    client->write(input);
    memory.run();
    return client->text();
  }

  MemoryHost memory;
  std::shared_ptr<PipeManners> manners = std::make_shared<PipeManners>();
  int requests = 0;
  /* Answers with what was asked. */
  std::function<void(http::Exchange&)> handler = [](http::Exchange& exchange) {
    std::string body = std::string(exchange.method()) + " " + std::string(exchange.path()) + " " +
                       std::string(exchange.query()) + " " + std::string(exchange.body());
    visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("text/plain")};
    exchange.respond(200, headers, 2, to_span(std::string_view(body)));
  };
  http::Server server;
};

/* Requests, and the number of the answer. */
inline std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
inline int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(std::string(answer.substr(9, 3))) : 0;
}

/* The body of the one answer in `text`, when it has a length. */
inline std::string body_of(std::string_view text) {
  size_t end = text.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string() : std::string(text.substr(end + 4));
}

inline size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/* Sockets whose every address is that server. */
class SocketsTo : public SocketsProvider {
 public:
  SocketsTo(ServerFixture& fixture, uint32_t caps = VISOR_SOCKETS_TCP)
      : SocketsProvider(fixture.memory.host(), caps), fixture_(fixture) {}

  visor_status connect(visor_span url, visor_done done) override {
    asked.emplace_back(text(url));
    if (refuse) return host().fail(VISOR_EIO, "no route");
    pending_.emplace_back(host(), done);
    if (hang) return VISOR_OK;
    host_post([this] {
      if (pending_.empty()) return;
      auto [ours, theirs] = PipeEnd::make(host(), fixture_.manners);
      fixture_.server.accept(ours);
      Done first = std::move(pending_.front());
      pending_.erase(pending_.begin());
      first.complete(VISOR_OK, static_cast<visor_stream*>(theirs));
    });
    return VISOR_OK;
  }
  visor_status listen(visor_span, void (*)(void*, visor_stream*), void*, visor_handle**) override {
    return VISOR_ENOSYS;
  }
  void cancel(void* done_ctx) override {
    std::erase_if(pending_, [&](Done& done) { return done.is(done_ctx); });
  }

  std::vector<std::string> asked;
  bool refuse = false, hang = false;

 private:
  void host_post(std::function<void()> fn) { tasks_.post(std::move(fn)); }
  ServerFixture& fixture_;
  Tasks tasks_{fixture_.memory.host()};
  std::vector<Done> pending_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_HTTP_SERVER_FIXTURE_HPP
