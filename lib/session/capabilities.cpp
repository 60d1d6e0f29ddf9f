#include "lib/session/capabilities.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"

namespace visor::session {
namespace {

constexpr std::string_view kMagic = "VSR1";

}  // namespace

Bytes encode(Capabilities capabilities) {
  Bytes out(kMagic.size() + sizeof(uint32_t));
  std::ranges::copy(kMagic, out.begin());
  codec::store_be<uint32_t>(out.data() + kMagic.size(), capabilities.flags);
  return out;
}

std::optional<Capabilities> decode_capabilities(ByteView payload) {
  if (payload.size() < kMagic.size() + sizeof(uint32_t)) return std::nullopt;
  if (text(payload.first(kMagic.size())) != kMagic) return std::nullopt;
  return Capabilities{codec::load_be<uint32_t>(payload.data() + kMagic.size())};
}

}  // namespace visor::session
