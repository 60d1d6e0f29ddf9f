// 1,000 visors in one process report each second to a TPD in another, over real connections.  What counts is
// the processor time of the TPD's process: the visors share the machine with it, and cost more than it does.
#include <sys/resource.h>
#include <unistd.h>
#include <visor/bundle.h>

#include <cstdio>
#include <thread>

#include "bench/bench.hpp"
#include "bench/child.hpp"
#include "bench/dmsg_visor.hpp"
#include "bench/machine.hpp"
#include "bench/telemetry_parts.hpp"
#include "kernel/native/sockets.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::bench {
namespace {

constexpr size_t kReporters = 1000;
constexpr auto kMeasured = std::chrono::seconds(5);

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/* As many Roots as there are reporters: each with a signer of its own, so that no check finds its numbers in
 * the processor's caches because the one before had the same. */
class Signed {
 public:
  Signed() {
    auto random = [this](std::span<uint8_t> out) {
      for (uint8_t& byte : out)
        byte = static_cast<uint8_t>((state_ = state_ * 6364136223846793005u + 1) >> 33);
    };
    for (size_t i = 0; i < kReporters; ++i) {
      crypto::KeyPair pair = *crypto::random_key_pair(random);
      crypto::Hash hash = crypto::sha256(pair.key.bytes);
      all_.push_back({pair.key, hash, *crypto::sign_recoverable(hash, pair.secret)});
    }
  }
  /* Signatures checked in a second of the processor. */
  double verify_rate() const {
    double began = processor_seconds();
    for (const One& one : all_) {
      if (!crypto::verify(one.key, one.signature, one.hash)) give_up("a good signature is refused");
    }
    return static_cast<double>(all_.size()) / (processor_seconds() - began);
  }

 private:
  struct One {
    visor_key key;
    crypto::Hash hash;
    crypto::Signature signature;
  };
  uint64_t state_ = 1;
  std::vector<One> all_;
};

/* "<roots> <processor seconds>" */
std::pair<double, double> split(const std::string& line) {
  char* rest = nullptr;
  double first = std::strtod(line.c_str(), &rest);
  return {first, std::strtod(rest, nullptr)};
}

}  // namespace

void run_tpd() {
  // At a report each second: what is superseded goes after eleven of them, as it does at one each minute.
  Visor visor(R"({"plugin":"storage_memory","as":"disk"},
    {"plugin":"transports","config":{"listen":"tcp://127.0.0.1:0","interval_ms":1000,
      "limits":{"per_address":4096,"settling":4096,"settling_per_address":4096}}},
    {"plugin":"feeds","config":{"drive":"disk","keep":{"superseded_ms":11000}}},
    {"plugin":"transport_discovery","config":{"drive":"disk","interval_ms":1000}})");
  std::printf("%s %s\n", to_hex(visor.key()).c_str(),
              json_field(visor.call("transports", "status"), "stcpr").c_str());
  std::fflush(stdout);
  const Signed signatures;
  visor.obey([&](const std::string& line) {
    if (line == "verify") return std::to_string(signatures.verify_rate());
    std::string status = visor.call("transport_discovery", "status");
    if (line == "reporters") return json_field(status, "fresh_reporters");
    return json_field(status, "roots") + " " + std::to_string(processor_seconds());
  });
}

void run_visors(const char* tpd_key, const char* tpd_url) {
  // Until the parent has gone.
  std::thread([] {
    while (std::getchar() != EOF) {
    }
    _exit(0);
  }).detach();
  kernel::native::UvLoop loop;
  kernel::Catalog catalog;
  catalog.add_bundle(visor_bundle);
  const std::string tpd = tpd_key;
  const std::string config =
      R"({"plugins":[{"plugin":"storage_memory","as":"disk"},{"plugin":"transports","config":{"interval_ms":1000,
      "peers":[{"pk":")" +
      tpd + R"(","type":"stcpr","address":")" + tpd_url + R"("}]}},
      {"plugin":"feeds","config":{"drive":"disk"}},
      {"plugin":"telemetry","config":{"tpd":")" +
      tpd + R"(","interval_ms":1000}}]})";
  std::vector<std::unique_ptr<kernel::Kernel>> visors;
  for (size_t i = 0; i < kReporters; ++i) {
    visors.push_back(
        std::make_unique<kernel::Kernel>(kernel::KernelOptions{.loop = loop,
                                                               .catalog = catalog,
                                                               .config = config,
                                                               .log_level = VISOR_ERROR,
                                                               .services = {kernel::native::sockets(loop)}}));
    bool started = false;
    visors.back()->start([&](Result<void> result) {
      if (!result) give_up(result.error().text);
      started = true;
    });
    if (!loop.run_until([&] { return started; }, 60'000)) give_up("a visor does not start");
  }
  loop.run();
}

void measure_ingest() {
  Child tpd({"/proc/self/exe", "tpd"});
  std::string hello = tpd.hear();
  size_t space = hello.find(' ');
  Child visors({"/proc/self/exe", "visors", hello.substr(0, space), hello.substr(space + 1)});
  auto reporters = [&] { return std::strtoull(tpd.ask("reporters").c_str(), nullptr, 10); };
  for (int i = 0; reporters() < kReporters; ++i) {
    if (i > 600) give_up("only " + std::to_string(reporters()) + " visors have reported");
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  measure({.name = "telemetry.ingest_roots_s",
           .unit = "1/s",
           .better = Better::kMore,
           .ours =
               [&] {
                 auto [roots, used] = split(tpd.ask("roots"));
                 std::this_thread::sleep_for(kMeasured);
                 auto [more_roots, more_used] = split(tpd.ask("roots"));
                 return (more_roots - roots) / (more_used - used);
               },
           .floor = [&] { return std::strtod(tpd.ask("verify").c_str(), nullptr); }});
}

}  // namespace visor::bench
