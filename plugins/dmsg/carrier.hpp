/* What brings a session's bytes to a server: TCP, or a WebSocket whose binary messages are bytes. */
#ifndef VISOR_DMSG_CLIENT_CARRIER_HPP
#define VISOR_DMSG_CLIENT_CARRIER_HPP
#include <memory>
#include <visor/net.hpp>

#include "config.hpp"

namespace visor::dmsg_client {

class Carrier {
 public:
  /* From the loop, never inside dial(). */
  using Connected = std::function<void(Result<visor_stream*>)>;
  /* A dial under way; dropping it gives it up, and Connected does not run any more. */
  using Dial = std::shared_ptr<void>;

  Carrier(Host host, visor_sockets* sockets) : host_(host), sockets_(sockets) {}

  /* Where this host can reach a server, the best first.  A host without TCP (a tab) asks for a WebSocket at
   * the same port, where servers tell the two apart. */
  std::vector<std::string> urls(const KnownServer& server) const;

  /* An error: nothing was begun. */
  Result<Dial> dial(const std::string& url, uint64_t timeout_ms, Connected connected);

 private:
  Host host_;
  visor_sockets* sockets_;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_CARRIER_HPP
