#include "service.hpp"

namespace visor::transports {

Service::~Service() {
  for (auto& [number, done] : saving_) manager_.cancel(number);
}

void Service::each(void (*fn)(void* ctx, const visor_transport*), void* ctx) {
  manager_.each([&](const Transport& transport) {
    visor_transport row = transport.describe();
    fn(ctx, &row);
  });
}

visor_status Service::watch(void (*changed)(void* ctx), void* ctx, visor_handle** handle) {
  *handle = watchers_.add({changed, ctx});
  return VISOR_OK;
}

void Service::tell() {
  watchers_.each([](Watcher& watcher) { watcher.changed(watcher.ctx); });
}

visor_status Service::save(const visor_key* remote, visor_span type, visor_span address, visor_span label,
                           visor_done done) {
  // The number is known only when save() has returned, and the answer comes later than that.
  auto number = std::make_shared<uint64_t>(0);
  auto begun = manager_.save(*remote, text(type), text(address), text(label),
                             [this, number](Result<const Transport*> saved) {
                               auto at = saving_.find(*number);
                               if (at == saving_.end()) return;
                               Done waiting = std::move(at->second);
                               saving_.erase(at);
                               if (!saved) return waiting.complete(saved.error());
                               visor_transport row = (*saved)->describe();
                               waiting.complete(VISOR_OK, &row);
                             });
  if (!begun) return host().fail(begun.error());
  *number = *begun;
  saving_.emplace(*begun, Done(host(), done));
  return VISOR_OK;
}

void Service::cancel(void* done_ctx) {
  for (auto at = saving_.begin(); at != saving_.end(); ++at) {
    if (!at->second.is(done_ctx)) continue;
    Done done = std::move(at->second);
    uint64_t number = at->first;
    saving_.erase(at);
    done.later(Error{VISOR_ECANCELED, "making the transport was canceled"});
    manager_.cancel(number);
    return;
  }
}

visor_status Service::remove(const uint8_t id[16]) {
  codec::TransportId wanted;
  std::copy_n(id, wanted.bytes.size(), wanted.bytes.begin());
  auto removed = manager_.remove(wanted);
  return removed ? VISOR_OK : host().fail(removed.error());
}

}  // namespace visor::transports
