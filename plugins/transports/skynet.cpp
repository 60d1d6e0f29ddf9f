#include "skynet.hpp"

namespace visor::transports {

Skynet::~Skynet() {
  for (auto& [number, dialed] : dialed_) dialed.stream->api->close(dialed.stream);
}

visor_status Skynet::dial(const visor_addr* to, visor_done done) {
  Error error{VISOR_ENOENT, "no transport to " + to_hex(to->key) +
                                "; make one first (command `add`, or save of visor.transports/1)"};
  for (Transport* transport : manager_.serving_to(to->key)) {
    auto stream = transport->open_stream(to->port);
    if (!stream) {
      error = stream.error();
      continue;
    }
    ++counters_.dialed;
    uint64_t number = ++last_number_;
    dialed_.emplace(number, Dialed{Done(host(), done), *stream});
    tasks_.post([this, number] {
      auto at = dialed_.find(number);
      if (at == dialed_.end()) return;
      Dialed dialed = std::move(at->second);
      dialed_.erase(at);
      dialed.done.complete(VISOR_OK, dialed.stream);
    });
    return VISOR_OK;
  }
  ++counters_.unreachable;
  return host().fail(error);
}

visor_status Skynet::listen(uint16_t port, void (*fn)(void* ctx, visor_stream*), void* ctx,
                            visor_handle** handle) {
  if (port == 0) return host().fail(VISOR_EINVAL, "a port of skynet is 1 to 65535; got 0");
  if (ports_.contains(port)) {
    return host().fail(VISOR_EEXIST,
                       "somebody listens on port " + std::to_string(port) + " of skynet already");
  }
  ports_.emplace(port, Listening{fn, ctx});
  *handle = listeners_.add(port, [this, port] { ports_.erase(port); }, "skynet:" + std::to_string(port));
  return VISOR_OK;
}

void Skynet::cancel(void* done_ctx) {
  for (auto at = dialed_.begin(); at != dialed_.end(); ++at) {
    if (!at->second.done.is(done_ctx)) continue;
    Dialed dialed = std::move(at->second);
    dialed_.erase(at);
    dialed.stream->api->close(dialed.stream);
    dialed.done.later(Error{VISOR_ECANCELED, "the dial was canceled"});
    return;
  }
}

void Skynet::take(uint16_t port, visor_stream* stream) {
  auto at = ports_.find(port);
  if (at == ports_.end()) {
    ++counters_.unheard;
    return stream->api->close(stream);
  }
  ++counters_.accepted;
  at->second.fn(at->second.ctx, stream);
}

}  // namespace visor::transports
