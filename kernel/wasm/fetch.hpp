/* visor.fetch/1 over the browser's fetch. */
#ifndef VISOR_KERNEL_WASM_FETCH_HPP
#define VISOR_KERNEL_WASM_FETCH_HPP
#include "kernel/service.hpp"
#include "kernel/wasm/loop.hpp"

namespace visor::kernel::wasm {

/* Bounds of a tab's requests: under way at once; of bodies, both ways; of one request's time.  A request's
 * own limits are lower, or 0 for these. */
inline constexpr size_t kMaxFetches = 64;
inline constexpr uint64_t kMaxFetchBody = 8u << 20;
inline constexpr uint64_t kMaxFetchMs = 60'000;

/* Where the browser's answers go.  A number that nobody knows any more is no mistake. */
class FetchEvents {
 public:
  virtual ~FetchEvents() = default;
  /* headers: lines "name: value\r\n". */
  virtual void answered(uint32_t fetch, int32_t http, std::string_view headers, ByteView body) = 0;
  virtual void failed(uint32_t fetch, visor_status status, std::string_view why) = 0;
};

/* The service "browser" of the module's one kernel.  `events` is set while the kernel has it. */
Service fetch(TabLoop& loop, FetchEvents*& events);

}  // namespace visor::kernel::wasm
#endif  // VISOR_KERNEL_WASM_FETCH_HPP
