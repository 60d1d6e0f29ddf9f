/* The two objects that set a stream up: what the dialer asks, what the acceptor answers (specification
 * dmsg.md, sections 5 and 7).
 *
 *   object   signature (65) | gob document, signed by its author over SHA-256(document)
 *
 * Relays verify and forward objects as they are, byte for byte: an object's hash covers its bytes, signature
 * included, and is never that of an encoding made anew. */
#ifndef VISOR_DMSG_STREAM_OBJECTS_HPP
#define VISOR_DMSG_STREAM_OBJECTS_HPP
#include "lib/dmsg/sign.hpp"

namespace visor::dmsg {

/* What fits behind a session's u16 length once it is sealed (24 bytes). */
inline constexpr size_t kMaxObject = 65535 - 24;

/* Codes of refusals and failures (7.3); most are only ever local reasons. */
enum class ErrorCode : uint16_t {
  kNone = 0,
  kEntryNotFound = 100,
  kNotAServer = 101,
  kNotAClient = 102,
  kNoDelegatedServers = 103,
  kEntityClosed = 200,
  kSessionClosed = 201,
  kCannotConnectToDelegated = 202,
  kSessionHandshakeExtraBytes = 203,
  kRequestSignature = 300,
  kRequestTimestamp = 301,
  kRequestSourceKey = 302,
  kRequestDestinationKey = 303,
  kRequestSourcePort = 304,
  kRequestDestinationPort = 305,
  kNoListener = 306,
  kNoNextSession = 307,
  kRelayCapacity = 308,
  kResponseSignature = 350,
  kResponseHash = 351,
  kRejectedWithoutReason = 352,
  kSignedObjectInvalid = 370,
  kPortOccupied = 400,
  kAcceptQueueFull = 401,
};

/* A line for people; also for codes that are not in the list. */
std::string describe(ErrorCode code);

struct StreamRequest {
  int64_t timestamp_ns = 0; /* Unix; more than 0, nothing stricter */
  visor_addr source{}, destination{};
  bool ip_info = false; /* asks the server itself for our own address (7.4); no noise message then */
  Bytes noise_message;  /* first message of the KK handshake */
};

struct StreamResponse {
  crypto::Hash request_hash; /* object_hash of the request as it came */
  bool accepted = false;
  Bytes ip; /* the answer to ip_info: 4 or 16 bytes */
  ErrorCode error_code = ErrorCode::kNone;
  Bytes noise_message; /* second message of the KK handshake */
};

/* Objects ready for sealing.  What Sign fails with; VISOR_EINVAL for one that is too large. */
Result<Bytes> sign_object(const StreamRequest& request, const Sign& sign);
Result<Bytes> sign_object(const StreamResponse& response, const Sign& sign);

/* Reads a request and checks all that it says of itself: keys and ports there, its time, the signature by its
 * source.  VISOR_EPROTO says what is wrong.  Whether the source is the peer and the destination one's own is
 * for the caller. */
Result<StreamRequest> open_request(ByteView object);

/* Reads the answer to the request of that hash, signed by `destination`.  A refusal is a value: `accepted` is
 * false.  VISOR_EPROTO for all else. */
Result<StreamResponse> open_response(ByteView object, const visor_key& destination,
                                     const crypto::Hash& request_hash);

inline crypto::Hash object_hash(ByteView object) {
  return crypto::sha256(object);
}

}  // namespace visor::dmsg
#endif  // VISOR_DMSG_STREAM_OBJECTS_HPP
