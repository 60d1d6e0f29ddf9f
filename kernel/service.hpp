/* What a platform offers to a kernel's plugins: sockets, later fetch.  The kernel knows their ids and names
 * alone. */
#ifndef VISOR_KERNEL_SERVICE_HPP
#define VISOR_KERNEL_SERVICE_HPP
#include <functional>
#include <memory>
#include <string>
#include <visor/host.hpp>

namespace visor::kernel {

/* A service's object as one kernel has it.  Destroyed after the last instance has stopped; it then lets go of
 * what they left open, and calls nobody. */
class ServiceObject {
 public:
  virtual ~ServiceObject() = default;
  /* What the registry offers: a visor_sockets *, a visor_fetch *... */
  virtual void* object() = 0;
  /* A JSON object of counters and bounds, for `status`. */
  virtual std::string status() const = 0;
};

/* Objects of the ABI report through a host, and each kernel has its own: hence a maker, not an object. */
struct Service {
  std::string id;   /* "visor.sockets/1" */
  std::string name; /* "tcp" */
  std::function<std::unique_ptr<ServiceObject>(Host host)> make;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_SERVICE_HPP
