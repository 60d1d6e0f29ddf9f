/* visor.sockets/1 over libuv: TCP, by number or by name. */
#ifndef VISOR_KERNEL_NATIVE_SOCKETS_HPP
#define VISOR_KERNEL_NATIVE_SOCKETS_HPP
#include "kernel/native/loop.hpp"
#include "kernel/service.hpp"

namespace visor::kernel::native {

/* Bounds of one kernel's sockets.  What is beyond them is closed as soon as it is accepted, and counted. */
struct SocketLimits {
  size_t streams = 32768;
  size_t accepted = 24576; /* of the streams: a server that is full can still connect */
  size_t connecting = 512;
};
inline constexpr uint64_t kConnectTimeoutMs = 10000;

/* The service "tcp" of a kernel on this loop. */
Service sockets(UvLoop& loop, SocketLimits limits = {});

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_SOCKETS_HPP
