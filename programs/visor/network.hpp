/* `visor run demo`: a whole network in one process.  Three kernels share a loop: the TPD's (gateway with the
 * page, /metrics, the relay network's discovery), a relay's, and a native visor's, whose transports the TPD
 * shows.  A tab opened on the first gateway becomes a fourth. */
#ifndef VISOR_PROGRAMS_DEMO_HPP
#define VISOR_PROGRAMS_DEMO_HPP
#include "kernel/kernel.hpp"

namespace visor::programs {

class Demo {
 public:
  struct Options {
    std::string address = "127.0.0.1"; /* of everything that listens */
    uint16_t port = 8080;              /* of the first gateway, the next one's is one more; 0: any two */
    uint64_t interval_ms = 2000;       /* every rhythm of the network */
    std::string directory;             /* keys and data, a folder a visor */
    std::string page;                  /* folder of the page */
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

  Demo(Platform platform, Options options);
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;
  ~Demo();

  /* Starts all; `started` runs once with the page's address, "http://127.0.0.1:8080".  On an error what had
   * started has been stopped. */
  void start(Started started);
  /* Stops them in reverse. */
  void stop(std::function<void()> stopped);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_DEMO_HPP
