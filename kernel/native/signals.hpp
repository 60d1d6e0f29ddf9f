/* SIGINT and SIGTERM as a wish to stop. */
#ifndef VISOR_KERNEL_NATIVE_SIGNALS_HPP
#define VISOR_KERNEL_NATIVE_SIGNALS_HPP
#include <functional>
#include <memory>

#include "kernel/native/loop.hpp"

namespace visor::kernel::native {

/* fn hears of each of them, until the object goes. */
class StopSignals {
 public:
  StopSignals(UvLoop& loop, std::function<void(int signal)> fn);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

 private:
  struct Handles;
  Handles* handles_; /* closes itself on the loop */
};

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_SIGNALS_HPP
