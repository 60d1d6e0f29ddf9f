/* `visor run network` and `visor run demo`: a network in one process, its kernels on one loop.  The TPD's has
 * the gateway with the page, /metrics, and the directories; a relay; in the demo also a native visor, whose
 * transports the TPD shows.  A tab opened on the first gateway becomes another. */
#ifndef VISOR_PROGRAMS_NETWORK_HPP
#define VISOR_PROGRAMS_NETWORK_HPP
#include "kernel/kernel.hpp"
#include "profiles.hpp"

namespace visor::programs {

class Network {
 public:
  struct Options {
    Place place;
    uint16_t port = 8080;          /* of the first gateway, the visor's is one more; 0: any two */
    uint64_t interval_ms = 60'000; /* every rhythm of the network */
    bool with_visor = false;
  };
  /* What all kernels stand on. */
  struct Platform {
    kernel::Loop& loop;
    const kernel::Catalog& catalog;
    std::vector<kernel::Service> services;
    std::function<Result<crypto::SecretKey>(const std::string& file)> read_key;
    kernel::LogSink log;
    int32_t log_level = VISOR_INFO;
  };
  using Started = std::function<void(Result<std::string> address)>;

  Network(Platform platform, Options options);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  /* Starts all; `started` runs once with the first gateway's address, "http://127.0.0.1:8080".  On an error
   * what had started has been stopped. */
  void start(Started started);
  /* Stops them in reverse. */
  void stop(std::function<void()> stopped);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_NETWORK_HPP
