#include "lib/codec/transport_id.hpp"

#include <algorithm>

#include "lib/codec/uuid.hpp"
#include "lib/crypto/sha256.hpp"

namespace visor::codec {
std::array<visor_key, 2> sorted_edges(const visor_key& a, const visor_key& b) {
  return b < a ? std::array{b, a} : std::array{a, b};
}

TransportId transport_id(const visor_key& a, const visor_key& b, std::string_view type) {
  static constexpr std::array<uint8_t, 16> kNoSpace{};  // the name space of the UUID is all zeros
  auto edges = sorted_edges(a, b);
  crypto::Hash hash = crypto::sha256({kNoSpace, bytes(edges[0]), bytes(edges[1]), bytes(type)});
  TransportId id;
  std::copy_n(hash.bytes.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<uint8_t>(id.bytes[6] & 0x0f);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

std::string to_uuid(const TransportId& id) {
  return to_text(Uuid{id.bytes});
}

Result<TransportId> transport_id_from_uuid(std::string_view text) {
  Result<Uuid> uuid = parse_uuid(text);
  if (!uuid) return failure(VISOR_EINVAL, "a transport's identifier: " + uuid.error().text);
  return TransportId{uuid->bytes};
}

}  // namespace visor::codec
