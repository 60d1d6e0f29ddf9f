/* Commands that answer later: `watch`, which tells of every change, and `add`, which waits for a settlement.
 */
#ifndef VISOR_TRANSPORTS_CALLS_HPP
#define VISOR_TRANSPORTS_CALLS_HPP
#include "manager.hpp"

namespace visor::transports {

class Calls {
 public:
  static constexpr size_t kMaxWatchers = 64;
  /* Changes that follow each other more quickly are told together: a list may be long. */
  static constexpr uint64_t kMinSpacingMs = 100;

  Calls(Host host, Manager& manager) : host_(host), manager_(manager) {}
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  ~Calls() { finish_all(); }

  /* Emits the list now, on each change and each interval, until the caller leaves. */
  Result<void> watch(visor_call* call, uint64_t interval_ms);
  /* Emits the transport as soon as it serves. */
  Result<void> add(visor_call* call, const visor_key& remote, std::string_view type, std::string_view address,
                   std::string_view label);
  /* The list has changed; from the loop. */
  void tell();
  /* Ends what is open. */
  void finish_all();

  size_t watchers() const { return watching_.size(); }

 private:
  struct Watching {
    Calls* calls;
    visor_call* call;
    bool behind = false; /* the caller took nothing: it is told again when it is ready */
    Timer timer;
  };
  struct Adding {
    Calls* calls;
    visor_call* call;
    uint64_t number = 0;
  };
  void show(Watching& watching, std::string_view list);
  void show_all();
  void end(Watching& watching, visor_status status);
  void end(Adding& adding, visor_status status);

  Host host_;
  Manager& manager_;
  uint64_t told_ms_ = 0;
  bool waiting_ = false; /* until the last telling is long enough ago */
  Timer soon_;
  std::vector<std::unique_ptr<Watching>> watching_;
  std::vector<std::unique_ptr<Adding>> adding_;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_CALLS_HPP
