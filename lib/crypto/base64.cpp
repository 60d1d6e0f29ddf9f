#include "lib/crypto/base64.hpp"

#include <sodium/utils.h>

namespace visor::crypto {
namespace {

std::string encode(ByteView data, int variant) {
  if (data.empty()) return {};  // it may have no address
  std::string out(sodium_base64_encoded_len(data.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), data.data(), data.size(), variant);
  out.pop_back();  // its terminating zero
  return out;
}

Result<Bytes> decode(std::string_view text, int variant) {
  if (text.empty()) return Bytes{};
  Bytes out(text.size());
  size_t size = 0;
  const char* end = nullptr;
  const int read =
      sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, &end, variant);
  if (read != 0 || end != text.data() + text.size()) {
    return failure(VISOR_EINVAL, "this is not base64: " + std::to_string(text.size()) + " characters");
  }
  out.resize(size);
  return out;
}

}  // namespace

std::string to_base64(ByteView data) {
  return encode(data, sodium_base64_VARIANT_ORIGINAL);
}
std::string to_base64url(ByteView data) {
  return encode(data, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
Result<Bytes> from_base64(std::string_view text) {
  return decode(text, sodium_base64_VARIANT_ORIGINAL);
}
Result<Bytes> from_base64url(std::string_view text) {
  return decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

}  // namespace visor::crypto
