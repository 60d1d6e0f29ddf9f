#include "lib/dmsg/sign.hpp"

namespace visor::dmsg {

Sign sign_with(Host host, visor_identity* identity) {
  return [host, identity](const crypto::Hash& hash) -> Result<crypto::Signature> {
    crypto::Signature signature;
    visor_status status = identity->api->sign(identity, hash.bytes.data(), signature.bytes.data());
    if (status != VISOR_OK) return std::unexpected(host.error(status));
    return signature;
  };
}

}  // namespace visor::dmsg
