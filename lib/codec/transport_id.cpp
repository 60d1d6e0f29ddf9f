#include "lib/codec/transport_id.hpp"

#include <algorithm>

#include "lib/crypto/sha256.hpp"

namespace visor::codec {
namespace {

constexpr size_t kUuidSize = 36;

constexpr bool is_dash(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

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
  std::string uuid = to_hex(id);
  for (size_t at : {8u, 13u, 18u, 23u}) uuid.insert(at, 1, '-');
  return uuid;
}

Result<TransportId> transport_id_from_uuid(std::string_view uuid) {
  std::string hex;
  bool shaped = uuid.size() == kUuidSize;
  for (size_t i = 0; shaped && i < uuid.size(); ++i) {
    if (is_dash(i)) {
      shaped = uuid[i] == '-';
    } else {
      hex.push_back(uuid[i]);
    }
  }
  TransportId id;
  if (!shaped || !from_hex(hex, id.bytes)) {
    return failure(VISOR_EINVAL, "a transport's identifier is a UUID, 8-4-4-4-12 hex digits; got " +
                                     std::to_string(uuid.size()) + " other characters");
  }
  return id;
}

}  // namespace visor::codec
