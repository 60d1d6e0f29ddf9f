/* Visors that chat, on one real loop: kernels with sockets on loopback, all connected with each other over
 * skynet (Noise and yamux over TCP). */
#ifndef VISOR_BENCH_CHAT_TOWN_HPP
#define VISOR_BENCH_CHAT_TOWN_HPP
#include <filesystem>
#include <optional>
#include <visor/plugin.hpp>

#include "bench/machine.hpp"
#include "kernel/kernel.hpp"
#include "kernel/native/loop.hpp"

namespace visor::bench {

/* A command's values, as they come. */
struct Call {
  std::function<void(std::string_view)> value = nullptr;
  bool finished = false;
  visor_status status = VISOR_OK;
};

/* Of our own, removed when we end. */
struct Folder {
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

constexpr size_t kTextBytes = 100;
constexpr size_t kAtOnce = 512; /* messages on the way in a burst, as of a program that waits for none */

struct TownOptions {
  size_t visors = 2;
  std::filesystem::path folder = {}; /* of drives that outlive the visors; empty: drives in memory */
  bool chat = true;                  /* else only what it stands on */
  bool remembered = false;           /* those of a town that has ended, as its remember() wrote them there */
};

class Town {
 public:
  explicit Town(TownOptions options);
  ~Town() { stop(); }
  Town(const Town&) = delete;
  Town& operator=(const Town&) = delete;

  /* All of them, one after the other; afterwards each is connected with each. */
  void start();
  void stop();
  /* All at the same instant; `started` runs for each from the loop. */
  void start_together(std::function<void(size_t visor)> started);
  /* One alone; the others are in other processes. */
  void start_one(size_t visor, std::function<void()> started);
  /* Keys and addresses into the folder. */
  void remember() const;

  kernel::Kernel& at(size_t i) { return *visors_[i].kernel; }
  size_t size() const { return visors_.size(); }
  std::string key(size_t i) const { return to_hex(visors_[i].kernel->key()); }

  void run_until(const std::function<bool()>& condition);
  /* Whatever is due, without waiting longer than for the next of it. */
  void turn() { uv_run(loop_.uv(), UV_RUN_ONCE); }
  kernel::native::UvLoop& loop() { return loop_; }
  void start(size_t visor, const char* instance, const char* command, const std::string& args, Call& call);
  std::string ask(size_t visor, const char* instance, const char* command, const std::string& args = "{}");

  /* --- the floor: plain streams of the network, from the first to each of the others --- */

  void listen_for_floor(size_t visor, bool answer);
  /* Tries until it stands. */
  void dial_floor(size_t visor);
  void open_floor(bool answer);
  /* Once to each; until it has come to all, or the answers have. */
  void use_floor(bool answer);
  /* So often to each, up to kAtOnce on the way. */
  void burst_floor(size_t count);
  size_t floor_streams() const { return ours_.size(); }
  /* Likewise where the others are in other processes: until all of it is on the way, or has come. */
  void say_floor(size_t count);
  void hear_floor(size_t count);

 private:
  struct Visor {
    crypto::SecretKey secret;
    std::string pk, address; /* address: where it accepts transports, once it is known */
    std::unique_ptr<kernel::Kernel> kernel;
  };
  std::string config_of(size_t visor) const;
  void recall();
  void make(size_t visor);
  Stream* take(Host host, visor_stream* raw, bool answer);

  const TownOptions options_;
  kernel::native::UvLoop loop_;
  kernel::Catalog catalog_;
  std::vector<Visor> visors_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Stream>> floor_;
  std::vector<std::shared_ptr<Request<visor_stream>>> dialing_;
  std::vector<Timer> retries_;
  std::vector<Stream*> ours_;
  size_t heard_ = 0;
};

/* A private group of all of a town's visors, and how many messages have come to the others. */
class Friends {
 public:
  explicit Friends(TownOptions options);
  /* Of a group that was founded before, by a town that was remembered. */
  Friends(TownOptions options, const std::string& group);
  const std::string& group() const { return id_; }

  /* By the first; until all of it has come to all. */
  void say(size_t count);
  /* By the first, in this process or not: until all that is to come has come, or is sent. */
  void say_all(size_t count);
  void hear_all(size_t count);
  /* One of them, the others being in other processes: until the first message is said or has come. */
  void first_message_of(size_t visor);
  /* All are stopped and started at the same instant, and the first speaks as soon as it can: seconds from
   * that instant until all the others have the message, verified. */
  double first_message_s();

 private:
  std::vector<std::unique_ptr<Call>> calls_; /* they end with the town's visors, which go first */

 public:
  Town town;

 private:
  void watch(size_t visor);
  void say_once();

  void name(const std::string& group);

  size_t heard_ = 0;
  std::string id_, group_, send_;
};

}  // namespace visor::bench
#endif  // VISOR_BENCH_CHAT_TOWN_HPP
