/* Real kernels with real plugins, several in one process: in virtual time (SimWorld) or on a real loop
 * (NativeWorld, native_world.hpp).  The same test source runs in each program of
 * tests/support/CMakeLists.txt.
 *
 *   SimWorld world(1);                                          // the seed
 *   Node& tpd = world.add("tpd", R"({"plugins":[...]})");       // the machine's address, its configuration
 *   REQUIRE(world.run_until([&] { return ...; }, 60000));       // virtual milliseconds
 *   REQUIRE(tpd.call("kernel", "status").has_value());
 */
#ifndef VISOR_TESTS_SUPPORT_WORLD_HPP
#define VISOR_TESTS_SUPPORT_WORLD_HPP
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "check/await.hpp"
#include "kernel/kernel.hpp"
#include "kernel/sim/loop.hpp"
#include "kernel/sim/network.hpp"
#include "tests/support/catalog.hpp"

namespace visor::test {

class World;

struct NodeOptions {
  /* The machine's key; drawn from the loop if absent.  Give the same again to restart a visor. */
  std::optional<std::array<uint8_t, 32>> secret = std::nullopt;
  std::string directory = "";                 /* for drives that keep files */
  int32_t log_level = VISOR_DEBUG;            /* of what log() keeps */
  std::vector<kernel::Service> services = {}; /* besides the world's sockets */
  const kernel::Catalog* catalog = nullptr;   /* plugins() if absent */
};

/* One kernel on one machine of a world.  Stops when it is destroyed. */
class Node {
 public:
  Node(World& world, std::string machine, std::string config, NodeOptions options);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  /* Run the loop until it is done, at most two minutes of the loop's time. */
  Result<void> start();
  void stop();

  World& world() { return world_; }
  const std::string& machine() const { return machine_; }
  kernel::Kernel& kernel() { return *kernel_; }
  Host host() const { return kernel_->host(); }
  const visor_key& key() const { return kernel_->key(); }
  template <class T>
  T* find(const char* id, const char* name = nullptr) const {
    return kernel_->find<T>(id, name);
  }

  /* Calls a command and runs the loop until it has finished: the values it gave.  args: a JSON object. */
  Result<std::vector<std::string>> values(const std::string& instance, const std::string& command,
                                          const std::string& args = "{}");
  /* The same for a command that gives one value. */
  Result<std::string> call(const std::string& instance, const std::string& command,
                           const std::string& args = "{}");

  /* What was logged, oldest first. */
  const std::vector<kernel::LogRecord>& log() const { return log_; }
  bool logged(std::string_view part) const;

 private:
  World& world_;
  const std::string machine_;
  std::vector<kernel::LogRecord> log_;
  std::unique_ptr<kernel::Kernel> kernel_;
};

/* A loop and a network for nodes.  Set VISOR_TEST_LOG=1 to see every node's log on stderr. */
class World {
 public:
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World();

  virtual kernel::Loop& loop() = 0;
  virtual kernel::Service sockets(const std::string& machine) = 0;
  /* Until the condition holds, for at most limit_ms of the loop's time; whether it holds. */
  virtual bool run_until(const std::function<bool()>& condition, uint64_t limit_ms = 60000) = 0;
  void run_for(uint64_t ms);

  /* Starts a node; the test fails if it does not start. */
  Node& add(std::string machine, std::string config, NodeOptions options = {});
  /* Makes one that the test starts itself. */
  Node& make(std::string machine, std::string config, NodeOptions options = {});
  /* Stops a node and forgets it. */
  void remove(Node& node);

  /* Makes an asynchronous call of the ABI and runs the loop until its done: start(visor_done) returns its
   * status. */
  template <class T>
  Result<T*> await(Node& node, const std::function<visor_status(visor_done)>& start) {
    return check::await<T>(waiter(node), start);
  }

 protected:
  /* Nodes use the loop: a world stops them before it goes. */
  void stop_all();

 private:
  check::Waiter waiter(Node& node);
  std::vector<std::unique_ptr<Node>> nodes_;
};

class SimWorld final : public World {
 public:
  explicit SimWorld(uint64_t seed = 1, kernel::sim::NetworkOptions options = {})
      : loop_(seed), network_(loop_, options) {}
  ~SimWorld() override { stop_all(); }

  kernel::sim::SimLoop& loop() override { return loop_; }
  kernel::sim::SimNetwork& network() { return network_; }
  kernel::Service sockets(const std::string& machine) override { return network_.sockets(machine); }
  bool run_until(const std::function<bool()>& condition, uint64_t limit_ms = 60000) override {
    return loop_.run_until(condition, limit_ms);
  }

 private:
  kernel::sim::SimLoop loop_;
  kernel::sim::SimNetwork network_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_WORLD_HPP
