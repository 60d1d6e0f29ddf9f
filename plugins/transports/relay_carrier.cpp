#include "relay_carrier.hpp"

#include <charconv>

namespace visor::transports {

Result<visor_addr> parse_relay_address(std::string_view text) {
  constexpr std::string_view kScheme = "dmsg://";
  auto wrong = [text] {
    return failure(VISOR_EINVAL, "a dmsg transport's address is dmsg://<public key>:" +
                                     std::to_string(RelayCarrier::kPort) + ", or none; got \"" +
                                     std::string(text) + "\"");
  };
  if (!text.starts_with(kScheme)) return wrong();
  std::string_view rest = text.substr(kScheme.size());
  std::string_view hex = rest.substr(0, rest.find(':'));
  auto key = key_from_hex(hex);
  if (!key) return wrong();
  visor_addr address{*key, RelayCarrier::kPort};
  rest.remove_prefix(hex.size());
  if (rest.empty()) return address;
  rest.remove_prefix(1);
  auto [end, parsed] = std::from_chars(rest.data(), rest.data() + rest.size(), address.port);
  if (parsed != std::errc() || end != rest.data() + rest.size() || address.port == 0) return wrong();
  return address;
}

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
  return net_ ? std::string(kScheme) + to_hex(peer) + ":" + std::to_string(kPort) : std::string();
}

Result<Carrier::Dial> RelayCarrier::dial(std::string_view address, uint64_t, Connected connected) {
  auto to = parse_relay_address(address);
  if (!to) return std::unexpected(to.error());
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
