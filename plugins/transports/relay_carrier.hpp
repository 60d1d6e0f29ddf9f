/* `dmsg`: a stream of the relay network, "dmsg://<pk>:45", where a plugin offers that network. */
#ifndef VISOR_TRANSPORTS_RELAY_CARRIER_HPP
#define VISOR_TRANSPORTS_RELAY_CARRIER_HPP
#include "carrier.hpp"

namespace visor::transports {

class RelayCarrier final : public Carrier {
 public:
  static constexpr std::string_view kType = "dmsg";
  static constexpr uint16_t kPort = 45; /* that transports listen on, by the network's list of ports */

  explicit RelayCarrier(Host host) : host_(host) {}

  /* Accepts on the network's port 45, as soon and as long as there is the network. */
  Result<void> serve(Accepted accepted);

  std::string_view type() const override { return kType; }
  Result<Dial> dial(std::string_view address, uint64_t timeout_ms, Connected connected) override;
  std::string_view listening() const override { return listener_.address(); }
  /* A key is an address there. */
  std::string address_of(const visor_key& peer) const override;

 private:
  static constexpr std::string_view kNetwork = "dmsg";
  void found(std::string_view name, visor_net* net);

  Host host_;
  Accepted accepted_;
  visor_net* net_ = nullptr; /* null: there is none now */
  Listener listener_;
  Watch<visor_net> watch_;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_RELAY_CARRIER_HPP
