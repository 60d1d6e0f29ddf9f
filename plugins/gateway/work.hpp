/* host->work with C++'s functions. */
#ifndef VISOR_GATEWAY_WORK_HPP
#define VISOR_GATEWAY_WORK_HPP
#include <visor/host.hpp>

namespace visor::gateway {

/* Runs `blocking` where it may block, then `after` on the loop, with the reason if the host takes no more
 * work (then `blocking` has not run, and `after` runs inside this call). */
inline void run_work(Host host, std::function<void()> blocking, std::function<void(Result<void>)> after) {
  struct Work {
    Host host;
    std::function<void()> blocking;
    std::function<void(Result<void>)> after;
  };
  auto* work = new Work{host, std::move(blocking), std::move(after)};
  visor_status status =
      host.raw()->api->work(host.raw(), [](void* ctx) { static_cast<Work*>(ctx)->blocking(); }, work,
                            {[](void* ctx, visor_status done, void*) {
                               std::unique_ptr<Work> owned(static_cast<Work*>(ctx));
                               if (done != VISOR_OK)
                                 return owned->after(std::unexpected(owned->host.error(done)));
                               owned->after({});
                             },
                             work});
  if (status == VISOR_OK) return;
  std::unique_ptr<Work> owned(work);
  owned->after(std::unexpected(host.error(status)));
}

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_WORK_HPP
