/* Our side of a discovery: the list of servers, looked at on the rhythm, and our own entry, which names the
 * servers that we are connected with. */
#ifndef VISOR_DMSG_CLIENT_DISCOVERY_HPP
#define VISOR_DMSG_CLIENT_DISCOVERY_HPP
#include "lib/dmsg/registration.hpp"
#include "network.hpp"

namespace visor::dmsg_client {

class Discovery {
 public:
  struct Counters {
    uint64_t asked = 0, failed = 0; /* the list of servers */
    size_t listed = 0;              /* servers in the latest */
    std::string problem;            /* of the latest; empty: none */
  };

  /* where: "http://host:port" or "dmsg://<pk>:80".  The network must outlive it.  VISOR_EINVAL: an address of
   * another kind. */
  static Result<std::unique_ptr<Discovery>> make(Host host, visor_identity* identity, Network& network,
                                                 const std::string& where);

  dmsg::Directory& directory() { return *directory_; }
  void start();
  /* The servers that we are connected with have changed. */
  void publish();
  /* Takes our entry out; `done` runs once, later, at the latest after two seconds. */
  void withdraw(std::function<void()> done);

  const std::string& where() const { return where_; }
  const Counters& counters() const { return counters_; }
  const dmsg::RegistrationCounters& registration() const { return registration_.counters(); }

 private:
  static constexpr uint64_t kFirstRetryMs = 500, kMaxRetryMs = 20'000;

  Discovery(Host host, visor_identity* identity, Network& network, std::unique_ptr<dmsg::Directory> directory,
            std::string where);
  void ask();
  void got(Result<std::vector<dmsg::Entry>> servers);
  void ask_in(uint64_t ms);

  Host host_;
  Network& network_;
  const std::string where_;
  std::unique_ptr<dmsg::Directory> directory_;
  dmsg::Registration registration_;
  dmsg::Call asking_;
  Timer timer_;
  uint64_t retry_ms_ = kFirstRetryMs;
  bool published_ = false;
  Counters counters_;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_DISCOVERY_HPP
