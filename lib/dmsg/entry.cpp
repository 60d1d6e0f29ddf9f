#include "lib/dmsg/entry.hpp"

namespace visor::dmsg {

Result<visor_key> parse_key(std::string_view hex) {
  if (hex.empty()) return visor_key{};
  auto key = key_from_hex(hex);
  if (key && *key != visor_key{} && !crypto::valid_public_key(*key)) {
    return failure(VISOR_EINVAL, "these 66 hex digits are not a point on the curve");
  }
  return key;
}

Result<void> validate(const Entry& entry) {
  auto wrong = [](const char* text) { return failure(VISOR_EPROTO, text); };
  if (entry.signature.empty()) return wrong("entry has no signature");
  if (entry.version.empty()) return wrong("entry has no version");
  if (entry.key == visor_key{}) return wrong("entry Keys is nil");
  if (!entry.client && !entry.server) return wrong("entry has neither client or server field");
  if (entry.server && entry.server->address.empty()) return wrong("server address cannot be empty");
  return {};
}

Result<void> sign(Entry& entry, const Sign& sign) {
  auto signature = sign(crypto::sha256(bytes(std::string_view(canonical(entry)))));
  if (!signature) return std::unexpected(signature.error());
  entry.signature = to_hex(*signature);
  return {};
}

Result<void> verify(const Entry& entry) {
  crypto::Signature signature;
  if (!from_hex(entry.signature, signature.bytes)) {
    return failure(VISOR_EPROTO, "an entry's signature is 130 hex digits; got " +
                                     std::to_string(entry.signature.size()) + " characters");
  }
  return crypto::verify(entry.key, signature, crypto::sha256(bytes(std::string_view(canonical(entry)))));
}

}  // namespace visor::dmsg
