#include "lib/services/service.hpp"

#include <algorithm>
#include <charconv>

#include "lib/codec/utf8.hpp"
#include "lib/codec/writer.hpp"

namespace visor::services {
namespace {

constexpr size_t kMaxType = 32, kMaxId = 64, kMaxVersion = 32, kMaxAddress = 256;
constexpr size_t kMaxMetadataName = 32, kMaxMetadataValue = 512;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Shown to people: no control characters.
bool is_shown(std::string_view text) {
  return codec::is_utf8(text) &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::unexpected<Error> bad(std::string_view what, std::string_view expected) {
  return failure(VISOR_EINVAL, "a service's " + std::string(what) + " must be " + std::string(expected));
}

crypto::Hash signed_hash(const Service& service) {
  Bytes out;
  codec::Writer writer(out);
  writer.text("visor.service/1");
  writer.text(service.name.type);
  writer.key(service.name.key);
  writer.u16(service.name.port);
  writer.text(service.name.id);
  writer.text(service.version);
  writer.count(service.addresses.size());
  for (const Address& each : service.addresses) {
    writer.text(each.type);
    writer.text(each.address);
  }
  writer.count(service.metadata.size());
  for (const auto& [name, value] : service.metadata) {
    writer.text(name);
    writer.text(value);
  }
  writer.i64(service.timestamp_ms);
  writer.boolean(service.withdrawn);
  return crypto::sha256(out);
}

}  // namespace

bool valid_type(std::string_view type) {
  return !type.empty() && type.size() <= kMaxType && is_lower(type[0]) &&
         std::ranges::all_of(type, [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-'; });
}

bool valid_id(std::string_view id) {
  return id.size() <= kMaxId && std::ranges::all_of(id, [](char c) {
           return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
         });
}

std::optional<std::pair<visor_key, uint16_t>> parse_address(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  auto key = key_from_hex(text.substr(0, colon));
  if (!key) return std::nullopt;
  std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return std::nullopt;
  return std::pair(*key, port);
}

Result<void> validate(const Service& service) {
  if (!crypto::valid_public_key(service.name.key) || service.name.port == 0) {
    return bad("address", "a public key and a port, \"<66 hex digits>:<1 to 65535>\"");
  }
  if (!valid_type(service.name.type)) return bad("type", "a word such as visor or skychat");
  if (!valid_id(service.name.id)) {
    return bad("id", "at most 64 letters, digits, dots, dashes and underscores");
  }
  if (service.version.size() > kMaxVersion || !is_shown(service.version)) {
    return bad("version", "a text of at most 32 bytes");
  }
  if (service.addresses.size() > kMaxAddresses) return bad("addresses", "at most 8");
  for (const Address& each : service.addresses) {
    if (!valid_type(each.type)) return bad("address's type", "a type of transports such as stcpr or swsr");
    if (each.address.empty() || each.address.size() > kMaxAddress || !is_printable_ascii(each.address)) {
      return bad("address of a transport", "at most 256 printable characters such as tcp://host:port");
    }
  }
  if (service.metadata.size() > kMaxMetadata) return bad("metadata", "at most 16 members");
  for (const auto& [name, value] : service.metadata) {
    if (name.empty() || name.size() > kMaxMetadataName || !is_shown(name)) {
      return bad("metadata's names", "texts of 1 to 32 bytes");
    }
    if (value.size() > kMaxMetadataValue || !is_shown(value)) {
      return bad("metadata", "texts of at most 512 bytes without control characters");
    }
  }
  if (service.timestamp_ms <= 0) return bad("timestamp_ms", "milliseconds since 1970");
  return {};
}

Result<void> sign(Service& service, const dmsg::Sign& sign) {
  if (auto valid = validate(service); !valid) return valid;
  auto made = sign(signed_hash(service));
  if (!made) return std::unexpected(made.error());
  service.signature = *made;
  return {};
}

Result<void> verify(const Service& service) {
  return crypto::verify(service.name.key, service.signature, signed_hash(service));
}

}  // namespace visor::services
