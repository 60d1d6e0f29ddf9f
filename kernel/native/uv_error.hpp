/* libuv's errors as statuses and sentences. */
#ifndef VISOR_KERNEL_NATIVE_UV_ERROR_HPP
#define VISOR_KERNEL_NATIVE_UV_ERROR_HPP
#include <uv.h>

#include <string>
#include <visor/value.hpp>

namespace visor::kernel::native {

inline visor_status status_of(int error) {
  switch (error) {
    case UV_EOF:
    case UV_ECONNRESET:
    case UV_ECONNREFUSED:
    case UV_ECONNABORTED:
    case UV_EPIPE:
    case UV_ENOTCONN:
      return VISOR_ECLOSED;
    case UV_ETIMEDOUT:
      return VISOR_ETIMEDOUT;
    case UV_ECANCELED:
      return VISOR_ECANCELED;
    case UV_EADDRINUSE:
      return VISOR_EEXIST;
    case UV_EACCES:
    case UV_EPERM:
      return VISOR_EPERM;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
      return VISOR_ENOENT;
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOBUFS:
      return VISOR_EAGAIN;
    default:
      return VISOR_EIO;
  }
}

/* "tcp://10.0.0.1:80: connection refused" */
inline Error uv_failure(int error, const std::string& what) {
  return {status_of(error), what + ": " + uv_strerror(error)};
}

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_UV_ERROR_HPP
