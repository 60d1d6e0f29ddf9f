#include "kernel/wasm/sockets.hpp"

#include <algorithm>
#include <list>
#include <visor/net.hpp>

#include "kernel/wasm/imports.hpp"
#include "kernel/wasm/web_socket_stream.hpp"

namespace visor::kernel::wasm {
namespace {

constexpr size_t kMaxUrlBytes = 2048;

class Sockets final : public SocketsProvider, public ServiceObject, public SocketEvents {
 public:
  Sockets(Host host, TabLoop& loop, SocketEvents*& events)
      : SocketsProvider(host, VISOR_SOCKETS_WEBSOCKET), loop_(loop), shared_(loop), events_(events) {
    events_ = this;
  }
  ~Sockets() override;

  void* object() override { return static_cast<visor_sockets*>(this); }
  std::string status() const override;

  void opened(uint32_t socket) override;
  void message(uint32_t socket, ByteView data) override;
  void refused(uint32_t socket, std::string_view why) override;
  void closed(uint32_t socket, uint16_t code, std::string_view reason) override;

 private:
  struct Attempt {
    uint32_t socket;
    std::string url;
    Done done;
    uint64_t timer = 0;
  };
  using Attempts = std::list<Attempt>;

  visor_status connect(visor_span url, visor_done done) override;
  visor_status listen(visor_span, void (*)(void* ctx, visor_stream*), void*, visor_handle**) override {
    return host().fail(VISOR_ENOSYS, "a browser's tab cannot listen; it can only connect");
  }
  void cancel(void* done_ctx) override;

  Attempts::iterator attempt(uint32_t socket);
  WebSocketStream* stream(uint32_t socket);
  void give_up(Attempts::iterator at, visor_status status, const std::string& why);
  void forget(Attempts::iterator at);

  TabLoop& loop_;
  WebSocketShared shared_;
  SocketEvents*& events_;
  Attempts attempts_;
  uint32_t last_socket_ = 0;
};

Sockets::~Sockets() {
  events_ = nullptr;
  while (!attempts_.empty()) forget(attempts_.begin());
  auto streams = shared_.streams;
  for (auto& [socket, stream] : streams) delete stream;
}

std::string Sockets::status() const {
  size_t queued = 0, held = 0;
  for (const auto& [socket, stream] : shared_.streams) {
    queued += stream->queued_bytes();
    held += stream->held_bytes();
  }
  auto number = [](const char* name, uint64_t value) {
    return "\"" + std::string(name) + "\":" + std::to_string(value);
  };
  return "{" + number("streams", shared_.streams.size()) + "," + number("streams_limit", kMaxStreams) + "," +
         number("connecting", attempts_.size()) + "," + number("connecting_limit", kMaxConnecting) + "," +
         number("queued_bytes", queued) + "," +
         number("queued_bytes_limit_each", WebSocketStream::kMaxQueuedBytes) + "," +
         number("held_bytes", held) + "," + number("held_bytes_limit_each", WebSocketStream::kMaxHeldBytes) +
         "," + number("received_bytes", shared_.received_bytes) + "," +
         number("sent_bytes", shared_.sent_bytes) + "}";
}

// --- connect

visor_status Sockets::connect(visor_span span, visor_done done) {
  std::string url(text(span));
  if (!url.starts_with("ws://") && !url.starts_with("wss://")) {
    return host().fail(VISOR_ENOSYS,
                       "a browser's tab connects to ws:// and wss:// only; got " + url.substr(0, 100));
  }
  if (url.size() > kMaxUrlBytes) {
    return host().fail(VISOR_EINVAL, "an address has at most " + std::to_string(kMaxUrlBytes) +
                                         " bytes; got " + std::to_string(url.size()));
  }
  if (attempts_.size() >= kMaxConnecting || shared_.streams.size() >= kMaxStreams) {
    return host().fail(VISOR_EAGAIN, "too many connections are open; close some before " + url);
  }
  uint32_t socket = ++last_socket_;
  if (visor_import_socket_open(socket, url.data(), url.size()) != 0) {
    return host().fail(VISOR_EINVAL,
                       url +
                           ": the browser refuses this address (a page that came over https may use "
                           "wss:// alone)");
  }
  Attempt& attempt = attempts_.emplace_back(socket, std::move(url), Done(host(), done));
  attempt.timer = loop_.timer(kConnectTimeoutMs, 0, [this, socket] {
    give_up(this->attempt(socket), VISOR_ETIMEDOUT,
            "did not answer in " + std::to_string(kConnectTimeoutMs / 1000) + " s");
  });
  return VISOR_OK;
}

Sockets::Attempts::iterator Sockets::attempt(uint32_t socket) {
  return std::ranges::find(attempts_, socket, &Attempt::socket);
}

WebSocketStream* Sockets::stream(uint32_t socket) {
  auto at = shared_.streams.find(socket);
  return at == shared_.streams.end() ? nullptr : at->second;
}

void Sockets::cancel(void* done_ctx) {
  auto at = std::ranges::find_if(attempts_, [&](const Attempt& a) { return a.done.is(done_ctx); });
  if (at != attempts_.end()) forget(at);  // an unanswered Done completes with VISOR_ECANCELED
}

void Sockets::give_up(Attempts::iterator at, visor_status status, const std::string& why) {
  at->done.later(Error{status, at->url + ": " + why});
  forget(at);
}

void Sockets::forget(Attempts::iterator at) {
  loop_.cancel(at->timer);
  visor_import_socket_drop(at->socket);
  attempts_.erase(at);
}

// --- events

void Sockets::opened(uint32_t socket) {
  auto at = attempt(socket);
  if (at == attempts_.end()) return;
  loop_.cancel(at->timer);
  auto* stream = new WebSocketStream(host(), shared_, socket, std::move(at->url));
  Done done = std::move(at->done);
  attempts_.erase(at);
  done.complete(VISOR_OK, static_cast<visor_stream*>(stream));
}

void Sockets::message(uint32_t socket, ByteView data) {
  if (WebSocketStream* to = stream(socket)) to->message(data);
}

void Sockets::refused(uint32_t socket, std::string_view why) {
  if (WebSocketStream* to = stream(socket)) to->fail(VISOR_EPROTO, std::string(why));
}

void Sockets::closed(uint32_t socket, uint16_t code, std::string_view reason) {
  if (WebSocketStream* to = stream(socket)) return to->closed(code, reason);
  auto at = attempt(socket);
  if (at == attempts_.end()) return;
  // Browsers tell pages no more than that, lest they learn about networks that are not theirs.
  give_up(at, VISOR_ECLOSED, "no WebSocket can be opened there (close code " + std::to_string(code) + ")");
}

}  // namespace

Service sockets(TabLoop& loop, SocketEvents*& events) {
  return {VISOR_SOCKETS_1, "websocket", [&loop, &events](Host host) -> std::unique_ptr<ServiceObject> {
            return std::make_unique<Sockets>(host, loop, events);
          }};
}

}  // namespace visor::kernel::wasm
