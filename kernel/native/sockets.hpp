/* visor.sockets/1 over libuv: TCP, by number or by name. */
#ifndef VISOR_KERNEL_NATIVE_SOCKETS_HPP
#define VISOR_KERNEL_NATIVE_SOCKETS_HPP
#include "kernel/native/loop.hpp"
#include "kernel/service.hpp"

namespace visor::kernel::native {

/* Bounds of one kernel's sockets.  What is beyond them is closed as soon as it is accepted, and counted. */
inline constexpr size_t kMaxStreams = 4096, kMaxAccepted = 3072, kMaxConnecting = 512;
inline constexpr uint64_t kConnectTimeoutMs = 10000;

/* The service "tcp" of a kernel on this loop. */
Service sockets(UvLoop& loop);

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_SOCKETS_HPP
