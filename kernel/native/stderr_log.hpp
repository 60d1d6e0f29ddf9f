/* The log on stderr: text for people, JSON lines for programs. */
#ifndef VISOR_KERNEL_NATIVE_STDERR_LOG_HPP
#define VISOR_KERNEL_NATIVE_STDERR_LOG_HPP
#include "kernel/log.hpp"

namespace visor::kernel::native {

LogSink stderr_log(bool as_json);

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_STDERR_LOG_HPP
