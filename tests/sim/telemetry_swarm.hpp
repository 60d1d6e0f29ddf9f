/* Visors around a hub, and a TPD that hears of them while nothing can be relied on: connections break, visors
 * and the TPD restart, clocks jump, somebody lies.  What the TPD says is compared with what the transports
 * themselves have counted, to the byte. */
#ifndef VISOR_TESTS_SIM_TELEMETRY_SWARM_HPP
#define VISOR_TESTS_SIM_TELEMETRY_SWARM_HPP
#include "lib/codec/telemetry_list.hpp"
#include "lib/codec/telemetry_path.hpp"
#include "lib/codec/telemetry_shard.hpp"
#include "tests/conformance/telemetry_user.hpp"
#include "tests/support/jumpy_world.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test {

struct TelemetrySwarmOptions {
  uint64_t seed = 1;
  size_t spokes = 6;
  size_t rounds = 12;
};

class TelemetrySwarm {
 public:
  explicit TelemetrySwarm(const TelemetrySwarmOptions& options);
  ~TelemetrySwarm();
  void run();

  uint64_t checked_rows = 0, exact_rows = 0, sent_bytes = 0, restarts = 0, jumps = 0;

 private:
  struct Visor {
    explicit Visor(JumpyLoop& own) : clock(own) {}
    JumpyLoop& clock;
    std::string machine;
    uint32_t number = 0;
    Node* node = nullptr;
    std::unique_ptr<Counted> counted;
    std::map<std::string, Bytes2> before; /* of lives of the process that are over */
    bool exact = true;                    /* no process of it has ended with bytes that it had not told */
  };
  static NodeOptions secret_of(uint32_t number);
  void start_tpd();
  void start_hub();
  void start(Visor& visor);
  void stop(Visor& visor);
  void trouble();
  void jump();
  void traffic(Visor& visor);
  void lie();
  void heal();
  void look();
  Bytes2 truth(const Visor& visor, const std::string& uuid) const;
  void nothing_too_much();
  bool covered();
  void must_be_exact();
  bool soon(const std::function<bool()>& condition);

  TelemetrySwarmOptions options_;
  Scratch folder_;
  JumpyWorld world_;
  JumpyLoop& tpd_clock_;
  Node* tpd_ = nullptr;
  Visor hub_;
  std::vector<std::unique_ptr<Visor>> spokes_;
  std::unique_ptr<HandWritten> liar_;
  Listener listener_;
  std::vector<Stream> accepted_;
  visor_key tpd_key_{};
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SIM_TELEMETRY_SWARM_HPP
