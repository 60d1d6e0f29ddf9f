#include "group_text.hpp"

#include <algorithm>

#include "lib/codec/telemetry_time.hpp"
#include "lib/crypto/base64.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

constexpr std::string_view kZeroTime = "0001-01-01T00:00:00Z";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_zeros(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

std::optional<visor_key> key_of(std::string_view text) {
  if (is_zeros(text)) return visor_key{};
  Result<visor_key> key = key_from_hex(text);
  return key && crypto::valid_public_key(*key) ? std::optional(*key) : std::nullopt;
}

}  // namespace

const json::value* member(const json::object& object, std::string_view name) {
  if (const json::value* exact = object.if_contains(name)) return exact;
  for (const auto& each : object) {
    if (std::ranges::equal(std::string_view(each.key()), name, {}, lower, lower)) return &each.value();
  }
  return nullptr;
}

std::string_view text_member(const json::object& object, std::string_view name) {
  const json::value* found = member(object, name);
  const json::string* text = found ? found->if_string() : nullptr;
  return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

std::optional<visor_key> key_member(const json::object& object, std::string_view name) {
  return key_of(text_member(object, name));
}

std::optional<visor_key> digits_member(const json::object& object, std::string_view name) {
  const std::string_view text = text_member(object, name);
  if (is_zeros(text)) return visor_key{};
  Result<visor_key> key = key_from_hex(text);
  return key ? std::optional(*key) : std::nullopt;
}

std::optional<std::vector<visor_key>> keys_member(const json::object& object, std::string_view name) {
  std::vector<visor_key> keys;
  const json::value* found = member(object, name);
  if (!found || found->is_null()) return keys;
  const json::array* list = found->if_array();
  if (!list) return std::nullopt;
  for (const json::value& each : *list) {
    const json::string* text = each.if_string();
    const auto key = text ? key_of(std::string_view(text->data(), text->size())) : std::nullopt;
    if (!key || *key == visor_key{}) return std::nullopt;
    keys.push_back(*key);
  }
  return keys;
}

std::optional<crypto::Signature> signature_member(const json::object& object, std::string_view name) {
  const std::string_view text = text_member(object, name);
  crypto::Signature signature;
  if (is_zeros(text)) return signature;
  return from_hex(text, signature.bytes) ? std::optional(signature) : std::nullopt;
}

std::optional<int64_t> time_member(const json::object& object, std::string_view name) {
  const std::string_view text = text_member(object, name);
  return text.empty() || text == kZeroTime ? std::optional<int64_t>(0) : codec::parse_time_ns(text);
}

std::optional<Bytes> bytes_member(const json::object& object, std::string_view name) {
  Result<Bytes> bytes = crypto::from_base64(text_member(object, name));
  return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

std::string time_of_ns(int64_t unix_ns) {
  return unix_ns == 0 ? std::string(kZeroTime) : codec::time_text_ns(unix_ns);
}

}  // namespace visor::chat
