/* visor.transports/1 over the manager. */
#ifndef VISOR_TRANSPORTS_SERVICE_HPP
#define VISOR_TRANSPORTS_SERVICE_HPP
#include "manager.hpp"

namespace visor::transports {

class Service final : public TransportsProvider {
 public:
  Service(Host host, Manager& manager) : TransportsProvider(host), manager_(manager), watchers_(host) {}
  ~Service() override;

  void each(void (*fn)(void* ctx, const visor_transport*), void* ctx) override;
  visor_status watch(void (*changed)(void* ctx), void* ctx, visor_handle** handle) override;
  visor_status save(const visor_key* remote, visor_span type, visor_span address, visor_span label,
                    visor_done done) override;
  void cancel(void* done_ctx) override;
  visor_status remove(const uint8_t id[16]) override;

  /* Tells the watchers; from the loop. */
  void tell();

 private:
  struct Watcher {
    void (*changed)(void* ctx);
    void* ctx;
  };

  Manager& manager_;
  Registrations<Watcher> watchers_;
  std::map<uint64_t, Done> saving_; /* by the manager's number */
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_SERVICE_HPP
