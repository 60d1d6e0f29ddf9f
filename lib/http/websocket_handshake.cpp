#include "lib/http/websocket_handshake.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

namespace visor::http {
namespace {

std::string base64(ByteView data) {
  std::string out(4 * ((data.size() + 2) / 3) + 1, '\0');
  int size =
      EVP_EncodeBlock(reinterpret_cast<uint8_t*>(out.data()), data.data(), static_cast<int>(data.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

/* 16 bytes in base64 are 22 characters and two signs of padding. */
bool sound_key(std::string_view key) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == 24 && key.ends_with("==") &&
         key.substr(0, 22).find_first_not_of(kAlphabet) == std::string_view::npos;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return base64(digest);
}

std::string websocket_key(std::span<const uint8_t, 16> random) {
  return base64(random);
}

Result<void> check_websocket_request(std::string_view method, int version, const HeaderList& headers) {
  auto missing = [](std::string what) {
    return failure(VISOR_EPROTO, "this path speaks WebSocket (RFC 6455); the request has no " + what);
  };
  if (method != "GET" || version < 11) return missing("method GET of HTTP/1.1");
  if (!has_token(headers.find("upgrade"), "websocket")) return missing("\"Upgrade: websocket\"");
  if (!has_token(headers.find("connection"), "upgrade")) return missing("\"Connection: Upgrade\"");
  if (headers.find("sec-websocket-version") != "13") return missing("\"Sec-WebSocket-Version: 13\"");
  if (!sound_key(headers.find("sec-websocket-key"))) return missing("Sec-WebSocket-Key of 16 bytes");
  return {};
}

Result<void> check_websocket_response(const ResponseHead& head, std::string_view key) {
  auto wrong = [](std::string what) {
    return failure(VISOR_EPROTO, "the server did not open a WebSocket: " + what);
  };
  if (head.status != 101) return wrong("it answered " + std::to_string(head.status));
  if (!has_token(head.headers.find("upgrade"), "websocket")) return wrong("no \"Upgrade: websocket\"");
  if (!has_token(head.headers.find("connection"), "upgrade")) return wrong("no \"Connection: Upgrade\"");
  if (head.headers.find("sec-websocket-accept") != websocket_accept(key)) {
    return wrong("its Sec-WebSocket-Accept does not belong to our key");
  }
  if (!head.headers.find("sec-websocket-extensions").empty()) return wrong("it uses an extension");
  return {};
}

}  // namespace visor::http
