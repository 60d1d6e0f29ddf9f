#include "lib/http/dial_tcp.hpp"

#include "lib/http/websocket_handshake.hpp"
#include "lib/http/websocket_stream.hpp"

namespace visor::http {
namespace {

/* Connects, asks for a WebSocket, and hands over the adapter when the server has agreed. */
class TcpDial final : public Dial {
 public:
  TcpDial(Host host, const Url& url, uint64_t timeout_ms, std::function<void(Result<visor_stream*>)> done)
      : host_(host),
        outbox_(stream_),
        parser_({}, true),
        done_(std::move(done)),
        where_(url.authority() + url.path) {
    std::array<uint8_t, 16> random;
    host.random(random);
    key_ = websocket_key(random);
    outbox_.append("GET " + url.path + " HTTP/1.1\r\nHost: " + url.authority() +
                   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: " +
                   key_ + "\r\n\r\n");
    timeout_ = Timer::once(host, timeout_ms, [this, timeout_ms] {
      finish(failure(VISOR_ETIMEDOUT,
                     where_ + " opened no WebSocket within " + std::to_string(timeout_ms) + " ms"));
    });
  }

  Result<void> connect(visor_sockets* sockets, const Url& url) {
    std::string to = url.socket();
    visor_status status = connecting_.start(
        [&](visor_done done) { return sockets->api->connect(sockets, to_span(std::string_view(to)), done); },
        [this](visor_status result, visor_stream* stream) {
          if (result != VISOR_OK) return finish(std::unexpected(host_.error(result)));
          shake_hands(stream);
        },
        [sockets](void* ctx) { sockets->api->cancel(sockets, ctx); });
    if (status != VISOR_OK) return std::unexpected(host_.error(status));
    return {};
  }

 private:
  void shake_hands(visor_stream* stream) {
    stream_ = Stream(host_, stream);
    stream_.attach({.data = [this](ByteView data) { receive(data); },
                    .end = [this] { broken_off(); },
                    .ready = [this] { (void)outbox_.flush(); },
                    .closed = [this](const Error&) { broken_off(); }});
    (void)outbox_.flush();
  }

  void receive(ByteView data) {
    input_ += text(data);
    auto used = parser_.put(input_);
    if (!used) return finish(failure(VISOR_EPROTO, where_ + " does not speak HTTP: " + used.error().text));
    input_.erase(0, *used);
    if (!parser_.done()) return;
    auto agreed = check_websocket_response(parser_.head(), key_);
    if (!agreed) return finish(failure(VISOR_EPROTO, where_ + ": " + agreed.error().text));
    finish(new WebSocketStream(host_, std::move(stream_), WebSocketRole::kClient, {}, std::move(input_)));
  }

  void broken_off() {
    finish(failure(VISOR_ECLOSED, where_ + " ended the connection before the WebSocket was open"));
  }

  void finish(Result<visor_stream*> result) {
    timeout_.cancel();
    connecting_ = {};
    stream_.close();
    auto done = std::move(done_);
    done(std::move(result)); /* and this may be gone */
  }

  Host host_;
  Stream stream_;
  Outbox outbox_;
  ResponseParser parser_;
  Request<visor_stream> connecting_;
  Timer timeout_;
  std::function<void(Result<visor_stream*>)> done_;
  std::string where_, key_, input_;
};

}  // namespace

Result<std::unique_ptr<Dial>> dial_over_tcp(Host host, visor_sockets* sockets, const Url& url,
                                            uint64_t timeout_ms,
                                            std::function<void(Result<visor_stream*>)> done) {
  auto dial = std::make_unique<TcpDial>(host, url, timeout_ms, std::move(done));
  auto connecting = dial->connect(sockets, url);
  if (!connecting) return std::unexpected(connecting.error());
  return dial;
}

}  // namespace visor::http
