#include "kernel/native/signals.hpp"

#include <csignal>

namespace visor::kernel::native {

struct StopSignals::Handles {
  uv_signal_t handles[2];
  std::function<void(int)> fn;
  int open = 2;
};

StopSignals::StopSignals(UvLoop& loop, std::function<void(int signal)> fn)
    : handles_(new Handles{{}, std::move(fn)}) {
  static constexpr int kSignals[] = {SIGINT, SIGTERM};
  for (int i = 0; i < 2; ++i) {
    uv_signal_t* handle = &handles_->handles[i];
    handle->data = handles_;
    uv_signal_init(loop.uv(), handle);
    uv_signal_start(
        handle, [](uv_signal_t* h, int signal) { static_cast<Handles*>(h->data)->fn(signal); }, kSignals[i]);
  }
}

StopSignals::~StopSignals() {
  for (uv_signal_t& handle : handles_->handles) {
    uv_signal_stop(&handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* h) {
      auto* all = static_cast<Handles*>(h->data);
      if (--all->open == 0) delete all;
    });
  }
}

}  // namespace visor::kernel::native
