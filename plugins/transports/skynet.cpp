#include "skynet.hpp"

#include "lib/codec/transport_type.hpp"
#include "relay_carrier.hpp"

namespace visor::transports {

Skynet::~Skynet() {
  for (auto& [number, dialed] : dialed_) dialed.stream->api->close(dialed.stream);
}

void Skynet::stop() {
  for (auto& [number, waiting] : std::exchange(relaying_, {})) {
    manager_.cancel(number);
    waiting.done.later(Error{VISOR_ECANCELED, "the transports are stopping"});
  }
}

Result<visor_stream*> Skynet::open_stream(const visor_addr& to) {
  Result<visor_stream*> stream =
      failure(VISOR_ENOENT, "no transport to " + to_hex(to.key) +
                                "; make one first (command `add`, or save of visor.transports/1)");
  for (Transport* transport : manager_.serving_to(to.key)) {
    stream = transport->open_stream(to.port);
    if (stream) break;
  }
  return stream;
}

visor_status Skynet::dial(const visor_addr* to, visor_done done) {
  auto stream = open_stream(*to);
  if (!stream) return relay(*to, done, stream.error());
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

/* --- where there is no transport ------------------------------------------------------------ */

visor_status Skynet::relay(const visor_addr& to, visor_done done, const Error& why) {
  auto refuse = [this](const Error& error) {
    ++counters_.unreachable;
    return host().fail(error);
  };
  if (why.status != VISOR_ENOENT || !manager_.has_relay()) return refuse(why);
  if (relaying_.size() >= kMaxRelaying) {
    return refuse({VISOR_EAGAIN, std::to_string(kMaxRelaying) + " dials wait for transports already"});
  }
  // The number is known only when save() has returned, and the answer comes later than that.
  auto number = std::make_shared<uint64_t>(0);
  auto begun =
      manager_.save(to.key, RelayCarrier::kType, {}, codec::kLabelAutomatic,
                    [this, number](const Result<const Transport*>& made) { relayed(*number, made); });
  if (!begun)
    return refuse({begun.error().status, why.text + "; none by the relay network: " + begun.error().text});
  *number = *begun;
  relaying_.emplace(*begun, Relaying{Done(host(), done), to});
  return VISOR_OK;
}

void Skynet::relayed(uint64_t number, const Result<const Transport*>& made) {
  auto at = relaying_.find(number);
  if (at == relaying_.end()) return;
  Relaying waiting = std::move(at->second);
  relaying_.erase(at);
  auto stream = made ? open_stream(waiting.to) : std::unexpected(made.error());
  if (!stream) {
    ++counters_.unreachable;
    return waiting.done.complete(
        {stream.error().status, "no transport to " + to_hex(waiting.to.key) +
                                    ", and none can be made by the relay network: " + stream.error().text});
  }
  ++counters_.dialed;
  ++counters_.relayed;
  waiting.done.complete(VISOR_OK, *stream);
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
  for (auto at = relaying_.begin(); at != relaying_.end(); ++at) {
    if (!at->second.done.is(done_ctx)) continue;
    Relaying waiting = std::move(at->second);
    uint64_t number = at->first;
    relaying_.erase(at);
    waiting.done.later(Error{VISOR_ECANCELED, "the dial was canceled"});
    manager_.cancel(number); /* others may wait for the same transport */
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
