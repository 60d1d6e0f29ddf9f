/* Opening a WebSocket, whatever the host has: its own WebSockets (a tab) or TCP. */
#ifndef VISOR_HTTP_DIAL_HPP
#define VISOR_HTTP_DIAL_HPP
#include <memory>
#include <visor/net.hpp>

namespace visor::http {

/* A dial under way; destroying it gives it up, and its callback does not run any more.  The callback may
 * destroy it. */
class Dial {
 public:
  virtual ~Dial() = default;
};

/* url: "ws://host:port/path".  `done` runs once, from the loop, with a stream (binary messages as bytes) that
 * is its own from then on, or with the reason: VISOR_ETIMEDOUT after timeout_ms, VISOR_EPROTO when the server
 * speaks no WebSocket there, else as connecting failed. */
[[nodiscard]] std::unique_ptr<Dial> dial_websocket(Host host, visor_sockets* sockets, std::string_view url,
                                                   uint64_t timeout_ms,
                                                   std::function<void(Result<visor_stream*>)> done);

}  // namespace visor::http
#endif  // VISOR_HTTP_DIAL_HPP
