/* visor.sockets/1 over the browser's WebSocket. */
#ifndef VISOR_KERNEL_WASM_SOCKETS_HPP
#define VISOR_KERNEL_WASM_SOCKETS_HPP
#include "kernel/service.hpp"
#include "kernel/wasm/loop.hpp"

namespace visor::kernel::wasm {

/* Bounds of a tab's sockets; browsers have their own, somewhat above. */
inline constexpr size_t kMaxStreams = 200, kMaxConnecting = 32;
inline constexpr uint64_t kConnectTimeoutMs = 10000;

/* Where the browser's events go.  A number that nobody knows any more is no mistake: events cross each other.
 */
class SocketEvents {
 public:
  virtual ~SocketEvents() = default;
  virtual void opened(uint32_t socket) = 0;
  virtual void message(uint32_t socket, ByteView data) = 0;
  /* The peer sent what cannot be taken: a text message, or one that is too large. */
  virtual void refused(uint32_t socket, std::string_view why) = 0;
  virtual void closed(uint32_t socket, uint16_t code, std::string_view reason) = 0;
};

/* The service "websocket" of the module's one kernel.  `events` is set while the kernel has its sockets. */
Service sockets(TabLoop& loop, SocketEvents*& events);

}  // namespace visor::kernel::wasm
#endif  // VISOR_KERNEL_WASM_SOCKETS_HPP
