#include "lib/dmsg/address.hpp"

#include <charconv>

#include "lib/crypto/secp256k1.hpp"

namespace visor::dmsg {

Result<visor_addr> parse_address(std::string_view text, uint16_t port) {
  if (text.starts_with(kScheme)) text.remove_prefix(kScheme.size());
  visor_addr address{{}, port};
  std::string_view hex = text.substr(0, text.find(':'));
  auto key = key_from_hex(hex);
  if (!key) return std::unexpected(key.error());
  if (!crypto::valid_public_key(*key)) {
    return failure(VISOR_EINVAL, "not a public key: " + std::string(hex));
  }
  address.key = *key;
  text.remove_prefix(hex.size());
  if (text.empty()) return address;
  text.remove_prefix(1);
  auto [end, parsed] = std::from_chars(text.data(), text.data() + text.size(), address.port);
  if (parsed != std::errc() || end != text.data() + text.size() || address.port == 0) {
    return failure(VISOR_EINVAL,
                   "expected key:port with a port from 1 to 65535; got port \"" + std::string(text) + "\"");
  }
  return address;
}

}  // namespace visor::dmsg
