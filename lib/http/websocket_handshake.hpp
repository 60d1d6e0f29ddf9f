/* The HTTP part of a WebSocket (RFC 6455, section 4). */
#ifndef VISOR_HTTP_WEBSOCKET_HANDSHAKE_HPP
#define VISOR_HTTP_WEBSOCKET_HANDSHAKE_HPP
#include "lib/http/message_parser.hpp"

namespace visor::http {

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key. */
std::string websocket_accept(std::string_view key);

/* A key of 16 random bytes, as it is sent. */
std::string websocket_key(std::span<const uint8_t, 16> random);

/* Is this request a sound opening of a WebSocket?  The error says what is missing. */
Result<void> check_websocket_request(std::string_view method, int version, const HeaderList& headers);

/* Is this the answer to an opening with that key?  VISOR_EPROTO with what came instead. */
Result<void> check_websocket_response(const ResponseHead& head, std::string_view key);

}  // namespace visor::http
#endif  // VISOR_HTTP_WEBSOCKET_HANDSHAKE_HPP
