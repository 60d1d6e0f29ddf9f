/* Signatures of the relay network: over the SHA-256 of what is said, by whoever says it (specification
 * dmsg.md, section 2). */
#ifndef VISOR_DMSG_SIGN_HPP
#define VISOR_DMSG_SIGN_HPP
#include <functional>
#include <visor/net.hpp>

#include "lib/crypto/secp256k1.hpp"

namespace visor::dmsg {

using Sign = std::function<Result<crypto::Signature>(const crypto::Hash&)>;

/* By the key of `identity`, which must outlive what it returns. */
Sign sign_with(Host host, visor_identity* identity);

}  // namespace visor::dmsg
#endif  // VISOR_DMSG_SIGN_HPP
