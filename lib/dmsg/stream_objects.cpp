#include "lib/dmsg/stream_objects.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"
#include "lib/codec/gob.hpp"

namespace visor::dmsg {
namespace {

namespace gob = codec::gob;

constexpr size_t kSignatureSize = sizeof(crypto::Signature::bytes);

std::unexpected<Error> wrong(ErrorCode code, const std::string& detail = {}) {
  return failure(VISOR_EPROTO, describe(code) + (detail.empty() ? "" : ": " + detail));
}

// Type ids are the writer's choice: these.
constexpr int64_t kObject = gob::kFirst, kAddress = kObject + 1, kPublicKey = kObject + 2;
constexpr int64_t kHash = kObject + 1;

void put_address(Bytes& out, const visor_addr& address) {
  gob::StructWriter fields(out);
  if (address.key != visor_key{}) fields.bytes(0, bytes(address.key));
  fields.natural(1, address.port);
  fields.end();
}

// Peers of 2023 know of no field for the own address, so it is only named where it is used.
Bytes encode(const StreamRequest& request) {
  std::vector<gob::FieldType> types = {
      {"Timestamp", gob::kInt}, {"SrcAddr", kAddress}, {"DstAddr", kAddress}};
  if (request.ip_info) types.push_back({"IPinfo", gob::kBool});
  types.push_back({"NoiseMsg", gob::kByteSlice});
  const gob::FieldType address[] = {{"PK", kPublicKey}, {"Port", gob::kUint}};
  Bytes out;
  gob::define_struct(out, kObject, "StreamRequest", types);
  gob::define_struct(out, kAddress, "Addr", address);
  gob::define_marshaler(out, kPublicKey, "PubKey");

  Bytes value;
  gob::put_int(value, kObject);
  gob::StructWriter fields(value);
  fields.integer(0, request.timestamp_ns);
  fields.begin(1);
  put_address(value, request.source);
  fields.begin(2);
  put_address(value, request.destination);
  int next = 3;
  if (request.ip_info) fields.boolean(next++, true);
  fields.bytes(next, request.noise_message);
  fields.end();
  gob::put_message(out, value);
  return out;
}

Bytes encode(const StreamResponse& response) {
  std::vector<gob::FieldType> types = {{"ReqHash", kHash}, {"Accepted", gob::kBool}};
  if (!response.ip.empty()) types.push_back({"IP", gob::kByteSlice});
  types.push_back({"ErrCode", gob::kUint});
  types.push_back({"NoiseMsg", gob::kByteSlice});
  Bytes out;
  gob::define_struct(out, kObject, "StreamResponse", types);
  gob::define_array(out, kHash, "SHA256", gob::kUint, 32);

  Bytes value;
  gob::put_int(value, kObject);
  gob::StructWriter fields(value);
  fields.begin(0);
  gob::put_uint(value, response.request_hash.bytes.size());
  for (uint8_t byte : response.request_hash.bytes) gob::put_uint(value, byte);
  fields.boolean(1, response.accepted);
  int next = 2;
  if (!response.ip.empty()) fields.bytes(next++, response.ip);
  fields.natural(next++, static_cast<uint16_t>(response.error_code));
  fields.bytes(next, response.noise_message);
  fields.end();
  gob::put_message(out, value);
  return out;
}

Result<Bytes> sign_document(const Bytes& document, const Sign& sign) {
  if (kSignatureSize + document.size() > kMaxObject) {
    return failure(VISOR_EINVAL, "a stream's object has at most " + std::to_string(kMaxObject) +
                                     " bytes; this one would have " +
                                     std::to_string(kSignatureSize + document.size()));
  }
  auto signature = sign(crypto::sha256(document));
  if (!signature) return std::unexpected(signature.error());
  Bytes object;
  object.reserve(kSignatureSize + document.size());
  codec::append(object, *signature);
  codec::append(object, document);
  return object;
}

// Reads fields by their names; an absent one is zero, one of another type is remembered.
class Fields {
 public:
  explicit Fields(const gob::Value& value) : value_(value) {}

  uint64_t number(std::string_view name, gob::Kind kind, uint64_t most) {
    const gob::Value* field = find(name, kind);
    if (!field) return 0;
    if (kind != gob::Kind::kInt && field->bits > most) return wrong_field(name), 0;
    return field->bits;
  }
  Bytes bytes(std::string_view name) {
    const gob::Value* field = find(name, gob::Kind::kBytes);
    return field ? Bytes(field->bytes.begin(), field->bytes.end()) : Bytes();
  }
  // Exactly as many bytes, or zeros if it is absent.
  void bytes(std::string_view name, std::span<uint8_t> out) {
    const gob::Value* field = find(name, gob::Kind::kBytes);
    if (!field) return;
    if (field->bytes.size() != out.size()) return wrong_field(name);
    std::ranges::copy(field->bytes, out.begin());
  }
  // The same, sent as an array of numbers.
  void byte_array(std::string_view name, std::span<uint8_t> out) {
    const gob::Value* field = find(name, gob::Kind::kList);
    if (!field) return;
    if (field->elements.size() != out.size()) return wrong_field(name);
    for (size_t i = 0; i < out.size(); ++i) {
      const gob::Value& element = field->elements[i];
      if (element.kind != gob::Kind::kUint || element.bits > 255) return wrong_field(name);
      out[i] = static_cast<uint8_t>(element.bits);
    }
  }
  void address(std::string_view name, visor_addr& out) {
    const gob::Value* field = find(name, gob::Kind::kStruct);
    if (!field) return;
    Fields inner(*field);
    inner.bytes("PK", out.key.bytes);
    out.port = static_cast<uint16_t>(inner.number("Port", gob::Kind::kUint, 65535));
    if (!inner.wrong_.empty()) wrong_field(std::string(name) + "." + inner.wrong_);
  }
  Result<void> finish() const {
    if (wrong_.empty()) return {};
    return wrong(ErrorCode::kSignedObjectInvalid, wrong_ + " is not what it must be");
  }

 private:
  const gob::Value* find(std::string_view name, gob::Kind kind) {
    const gob::Value* field = value_.find(name);
    if (!field || field->kind == kind) return field;
    wrong_field(name);
    return nullptr;
  }
  void wrong_field(std::string_view name) {
    if (wrong_.empty()) wrong_ = name;
  }

  const gob::Value& value_;
  std::string wrong_;
};

struct Parts {
  crypto::Signature signature;
  ByteView document;
};

Result<Parts> split(ByteView object) {
  if (object.size() <= kSignatureSize || object.size() > kMaxObject) {
    return wrong(ErrorCode::kSignedObjectInvalid, "it has " + std::to_string(object.size()) + " bytes");
  }
  Parts parts;
  std::ranges::copy(object.first(kSignatureSize), parts.signature.bytes.begin());
  parts.document = object.subspan(kSignatureSize);
  return parts;
}

Result<void> check(const Parts& parts, const visor_key& author, ErrorCode code) {
  auto verified = crypto::verify(author, parts.signature, crypto::sha256(parts.document));
  if (!verified) return wrong(code, verified.error().text);
  return {};
}

Result<void> check(const StreamRequest& request) {
  if (request.source.key == visor_key{}) return wrong(ErrorCode::kRequestSourceKey);
  if (request.source.port == 0) return wrong(ErrorCode::kRequestSourcePort);
  if (request.destination.key == visor_key{}) return wrong(ErrorCode::kRequestDestinationKey);
  if (request.destination.port == 0) return wrong(ErrorCode::kRequestDestinationPort);
  if (request.timestamp_ns <= 0) return wrong(ErrorCode::kRequestTimestamp);
  return {};
}

}  // namespace

std::string describe(ErrorCode code) {
  const char* text = [code] {
    switch (code) {
      case ErrorCode::kNone:
        return "no reason given";
      case ErrorCode::kEntryNotFound:
        return "the discovery has no entry of that key";
      case ErrorCode::kNotAServer:
        return "that entry is not a server's";
      case ErrorCode::kNotAClient:
        return "that entry is not a client's";
      case ErrorCode::kNoDelegatedServers:
        return "that client is connected to no server";
      case ErrorCode::kEntityClosed:
        return "it has been closed";
      case ErrorCode::kSessionClosed:
        return "the session has been closed";
      case ErrorCode::kCannotConnectToDelegated:
        return "none of that client's servers can be reached";
      case ErrorCode::kSessionHandshakeExtraBytes:
        return "bytes follow the session's handshake too early";
      case ErrorCode::kRequestSignature:
        return "the request's signature is not its source's";
      case ErrorCode::kRequestTimestamp:
        return "the request's time must be after 1970";
      case ErrorCode::kRequestSourceKey:
        return "the request's source key is not the one it must be";
      case ErrorCode::kRequestDestinationKey:
        return "the request's destination key is not the one it must be";
      case ErrorCode::kRequestSourcePort:
        return "the request's source port must not be 0";
      case ErrorCode::kRequestDestinationPort:
        return "the request's destination port must not be 0";
      case ErrorCode::kNoListener:
        return "nobody listens on that port";
      case ErrorCode::kNoNextSession:
        return "the server has no session with the destination";
      case ErrorCode::kRelayCapacity:
        return "the server relays as many streams as it may";
      case ErrorCode::kResponseSignature:
        return "the response's signature is not its destination's";
      case ErrorCode::kResponseHash:
        return "the response answers another request";
      case ErrorCode::kRejectedWithoutReason:
        return "refused without a reason";
      case ErrorCode::kSignedObjectInvalid:
        return "the stream's object is malformed";
      case ErrorCode::kPortOccupied:
        return "that port is in use";
      case ErrorCode::kAcceptQueueFull:
        return "the listener's queue is full";
    }
    return "refused for a reason that is not known here";
  }();
  std::string out = text;
  if (code != ErrorCode::kNone) out += " (" + std::to_string(static_cast<uint16_t>(code)) + ")";
  return out;
}

Result<Bytes> sign_object(const StreamRequest& request, const Sign& sign) {
  return sign_document(encode(request), sign);
}

Result<Bytes> sign_object(const StreamResponse& response, const Sign& sign) {
  return sign_document(encode(response), sign);
}

Result<StreamRequest> open_request(ByteView object) {
  auto parts = split(object);
  if (!parts) return std::unexpected(parts.error());
  auto value = gob::decode(parts->document);
  if (!value) return wrong(ErrorCode::kSignedObjectInvalid, value.error().text);
  Fields fields(*value);
  StreamRequest request;
  request.timestamp_ns = static_cast<int64_t>(fields.number("Timestamp", gob::Kind::kInt, 0));
  fields.address("SrcAddr", request.source);
  fields.address("DstAddr", request.destination);
  request.ip_info = fields.number("IPinfo", gob::Kind::kBool, 1) != 0;
  request.noise_message = fields.bytes("NoiseMsg");
  if (auto read = fields.finish(); !read) return std::unexpected(read.error());
  if (auto fit = check(request); !fit) return std::unexpected(fit.error());
  auto verified = check(*parts, request.source.key, ErrorCode::kRequestSignature);
  if (!verified) return std::unexpected(verified.error());
  return request;
}

Result<StreamResponse> open_response(ByteView object, const visor_key& destination,
                                     const crypto::Hash& request_hash) {
  auto parts = split(object);
  if (!parts) return std::unexpected(parts.error());
  auto value = gob::decode(parts->document);
  if (!value) return wrong(ErrorCode::kSignedObjectInvalid, value.error().text);
  Fields fields(*value);
  StreamResponse response;
  fields.byte_array("ReqHash", response.request_hash.bytes);
  response.accepted = fields.number("Accepted", gob::Kind::kBool, 1) != 0;
  response.ip = fields.bytes("IP");
  response.error_code = static_cast<ErrorCode>(fields.number("ErrCode", gob::Kind::kUint, 65535));
  response.noise_message = fields.bytes("NoiseMsg");
  if (auto read = fields.finish(); !read) return std::unexpected(read.error());
  if (response.request_hash != request_hash) return wrong(ErrorCode::kResponseHash);
  if (!response.ip.empty() && response.ip.size() != 4 && response.ip.size() != 16) {
    return wrong(ErrorCode::kSignedObjectInvalid, "an address has 4 or 16 bytes");
  }
  auto verified = check(*parts, destination, ErrorCode::kResponseSignature);
  if (!verified) return std::unexpected(verified.error());
  return response;
}

}  // namespace visor::dmsg
