#include "lib/codec/transport_type.hpp"

#include <algorithm>
#include <array>

namespace visor::codec {
namespace {

constexpr std::array<std::string_view, 9> kNames = {"",       "stcpr",  "sudph", "stcp", "dmsg",
                                                    "squicr", "webrtc", "swtr",  "swsr"};
constexpr std::string_view kSquicrLegacy[] = {"quic", "squic"};
constexpr std::string_view kSwtrLegacy[] = {"wt"};
constexpr std::string_view kSwsrLegacy[] = {"ws"};
constexpr size_t kMaxWord = 32;

bool is_among(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::string_view name_of(TransportType type) {
  auto code = static_cast<size_t>(type);
  return code < kNames.size() ? kNames[code] : std::string_view{};
}

std::span<const std::string_view> legacy_names(TransportType type) {
  switch (type) {
    case TransportType::kSquicr:
      return kSquicrLegacy;
    case TransportType::kSwtr:
      return kSwtrLegacy;
    case TransportType::kSwsr:
      return kSwsrLegacy;
    default:
      return {};
  }
}

TransportType transport_type(std::string_view name) {
  for (size_t code = 1; code < kNames.size(); ++code) {
    auto type = static_cast<TransportType>(code);
    if (name == kNames[code] || is_among(legacy_names(type), name)) return type;
  }
  return TransportType::kUnknown;
}

std::string_view canonical_type(std::string_view name) {
  TransportType type = transport_type(name);
  return type == TransportType::kUnknown ? name : name_of(type);
}

bool valid_transport_word(std::string_view word) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !word.empty() && word.size() <= kMaxWord && std::ranges::all_of(word, allowed);
}

}  // namespace visor::codec
