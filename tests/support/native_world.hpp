/* Nodes on a real loop with real sockets; each machine is this one. */
#ifndef VISOR_TESTS_SUPPORT_NATIVE_WORLD_HPP
#define VISOR_TESTS_SUPPORT_NATIVE_WORLD_HPP
#include "kernel/native/loop.hpp"
#include "kernel/native/sockets.hpp"
#include "tests/support/world.hpp"

namespace visor::test {

class NativeWorld final : public World {
 public:
  explicit NativeWorld(kernel::native::SocketLimits limits = {}) : limits_(limits) {}
  ~NativeWorld() override { stop_all(); }

  kernel::native::UvLoop& loop() override { return loop_; }
  kernel::Service sockets(const std::string&) override { return kernel::native::sockets(loop_, limits_); }
  bool run_until(const std::function<bool()>& condition, uint64_t limit_ms = 60000) override {
    return loop_.run_until(condition, limit_ms);
  }

 private:
  kernel::native::UvLoop loop_;
  kernel::native::SocketLimits limits_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_NATIVE_WORLD_HPP
