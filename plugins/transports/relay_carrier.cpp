#include "relay_carrier.hpp"

#include "lib/dmsg/address.hpp"

namespace visor::transports {

Result<void> RelayCarrier::serve(Accepted accepted) {
  accepted_ = std::move(accepted);
  return watch_.open(host_, VISOR_NET_1, [this](std::string_view name, visor_net* net) { found(name, net); });
}

void RelayCarrier::found(std::string_view name, visor_net* net) {
  if (name != kNetwork) return;
  listener_.close();
  net_ = net;
  if (!net) return;
  auto listening = listener_.listen(host_, net, kPort, [this](visor_stream* stream) { accepted_(stream); });
  if (!listening) host_.warn("no dmsg transports are accepted: " + listening.error().text);
}

std::string RelayCarrier::address_of(const visor_key& peer) const {
  return net_ ? std::string(dmsg::kScheme) + to_hex(peer) + ":" + std::to_string(kPort) : std::string();
}

Result<Carrier::Dial> RelayCarrier::dial(std::string_view address, uint64_t, Connected connected) {
  auto to = address.starts_with(dmsg::kScheme) ? dmsg::parse_address(address, kPort)
                                               : failure(VISOR_EINVAL, "it does not begin with dmsg://");
  if (!to) {
    return failure(VISOR_EINVAL,
                   "a dmsg transport's address is dmsg://<public key>:" + std::to_string(kPort) +
                       ", or none; got \"" + std::string(address) + "\": " + to.error().text);
  }
  if (!net_) return failure(VISOR_ENOENT, "there is no relay network here: start the plugin dmsg");
  auto request = std::make_shared<Request<visor_stream>>();
  visor_status status = request->start(
      [&](visor_done done) { return net_->api->dial(net_, &*to, done); },
      [host = host_, connected = std::move(connected)](visor_status done, visor_stream* stream) {
        if (done != VISOR_OK) return connected(std::unexpected(host.error(done)));
        connected(stream);
      },
      [net = net_](void* ctx) { net->api->cancel(net, ctx); });
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  return request;
}

}  // namespace visor::transports
