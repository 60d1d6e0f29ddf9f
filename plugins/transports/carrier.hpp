/* Carriers: what brings a stream of bytes to a peer and takes theirs in.  All above a stream is the same for
 * each. */
#ifndef VISOR_TRANSPORTS_CARRIER_HPP
#define VISOR_TRANSPORTS_CARRIER_HPP
#include <visor/plugin.hpp>

#include "lib/http/mounted_routes.hpp"

namespace visor::transports {

class Carrier {
 public:
  /* From the loop, never inside dial(). */
  using Connected = std::function<void(Result<visor_stream*>)>;
  /* Takes a stream over. */
  using Accepted = std::function<void(visor_stream*)>;
  /* A dial under way; dropping it gives it up, and Connected does not run any more. */
  using Dial = std::shared_ptr<void>;

  virtual ~Carrier() = default;
  /* Of the transports that it carries. */
  virtual std::string_view type() const = 0;
  virtual Result<Dial> dial(std::string_view address, uint64_t timeout_ms, Connected connected) = 0;
  /* Where the peer of that key is reached, if that can be known without being told; else empty. */
  virtual std::string address_of(const visor_key&) const { return {}; }
  /* Where it accepts; empty: nowhere. */
  virtual std::string_view listening() const = 0;
};

/* `stcpr`: a TCP connection, "tcp://host:port". */
class TcpCarrier final : public Carrier {
 public:
  TcpCarrier(Host host, visor_sockets* sockets) : host_(host), sockets_(sockets) {}

  Result<void> listen(std::string_view url, Accepted accepted);

  std::string_view type() const override { return "stcpr"; }
  Result<Dial> dial(std::string_view address, uint64_t timeout_ms, Connected connected) override;
  std::string_view listening() const override { return listener_.address(); }

 private:
  Host host_;
  visor_sockets* sockets_;
  Listener listener_;
};

/* `swsr`: a WebSocket, "ws://host:port/skywire", whose binary messages are bytes. */
class WebSocketCarrier final : public Carrier {
 public:
  static constexpr std::string_view kPath = "/skywire";

  WebSocketCarrier(Host host, visor_sockets* sockets) : host_(host), sockets_(sockets) {}

  /* Accepts at /skywire of the kernel's HTTP server, as soon and as long as there is one.  What has no room
   * is told so before anything is set up for it. */
  Result<void> serve(std::function<bool()> has_room, Accepted accepted);

  std::string_view type() const override { return "swsr"; }
  Result<Dial> dial(std::string_view address, uint64_t timeout_ms, Connected connected) override;
  std::string_view listening() const override { return routes_.mounted() ? kPath : std::string_view{}; }

 private:
  void answer(visor_exchange* exchange);

  Host host_;
  visor_sockets* sockets_;
  std::function<bool()> has_room_;
  Accepted accepted_;
  http::MountedRoutes routes_;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_CARRIER_HPP
