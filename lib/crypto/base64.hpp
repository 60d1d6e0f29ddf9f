/* Base64 (RFC 4648): with padding, as JSON carries bytes, and the URL's alphabet without, as links do. */
#ifndef VISOR_CRYPTO_BASE64_HPP
#define VISOR_CRYPTO_BASE64_HPP
#include <visor/value.hpp>

namespace visor::crypto {

std::string to_base64(ByteView data);
std::string to_base64url(ByteView data);
/* VISOR_EINVAL for anything else than those write. */
Result<Bytes> from_base64(std::string_view text);
Result<Bytes> from_base64url(std::string_view text);

}  // namespace visor::crypto
#endif  // VISOR_CRYPTO_BASE64_HPP
