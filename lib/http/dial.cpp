#include "lib/http/dial.hpp"

#include "lib/http/dial_tcp.hpp"

namespace visor::http {
namespace {

using DialDone = std::function<void(Result<visor_stream*>)>;

/* By the host's own WebSockets. */
class HostDial final : public Dial {
 public:
  HostDial(Host host, DialDone done) : host_(host), done_(std::move(done)) {}

  Result<void> start(visor_sockets* sockets, std::string_view url, uint64_t timeout_ms) {
    visor_status status =
        connecting_.start([&](visor_done done) { return sockets->api->connect(sockets, to_span(url), done); },
                          [this](visor_status result, visor_stream* stream) {
                            if (result == VISOR_OK) return finish(stream);
                            finish(std::unexpected(host_.error(result)));
                          },
                          [sockets](void* ctx) { sockets->api->cancel(sockets, ctx); });
    if (status != VISOR_OK) return std::unexpected(host_.error(status));
    timeout_ = Timer::once(host_, timeout_ms, [this, timeout_ms] {
      connecting_ = {};
      finish(failure(VISOR_ETIMEDOUT, "no WebSocket after " + std::to_string(timeout_ms) + " ms"));
    });
    return {};
  }

 private:
  void finish(Result<visor_stream*> result) {
    timeout_.cancel();
    DialDone done = std::move(done_);
    done(std::move(result)); /* and this may be gone */
  }

  Host host_;
  DialDone done_;
  Request<visor_stream> connecting_;
  Timer timeout_;
};

/* What was refused at once, said on a later turn as everything else. */
class FailedDial final : public Dial {
 public:
  FailedDial(Host host, Error error, DialDone done) : tasks_(host) {
    tasks_.post([error = std::move(error), done = std::move(done)] { done(std::unexpected(error)); });
  }

 private:
  Tasks tasks_;
};

}  // namespace

std::unique_ptr<Dial> dial_websocket(Host host, visor_sockets* sockets, std::string_view url,
                                     uint64_t timeout_ms, std::function<void(Result<visor_stream*>)> done) {
  auto failed = [&](Error error) { return std::make_unique<FailedDial>(host, std::move(error), done); };
  auto parsed = parse_url(url);
  if (!parsed) return failed(parsed.error());
  if (parsed->scheme != "ws" && parsed->scheme != "wss") {
    return failed(
        {VISOR_EINVAL, "expected an address that begins with ws:// or wss://; got " + std::string(url)});
  }
  if (sockets->api->caps & VISOR_SOCKETS_WEBSOCKET) {
    auto dial = std::make_unique<HostDial>(host, done);
    auto started = dial->start(sockets, url, timeout_ms);
    if (!started) return failed(started.error());
    return dial;
  }
  auto dial = dial_over_tcp(host, sockets, *parsed, timeout_ms, done);
  if (!dial) return failed(dial.error());
  return std::move(*dial);
}

}  // namespace visor::http
