#include "lib/noise/handshake.hpp"

#include "lib/codec/endian.hpp"

namespace visor::noise {
namespace {

constexpr size_t kKeyBytes = sizeof(visor_key);

std::unexpected<Error> cut_short() {
  return failure(VISOR_EPROTO, "a handshake message ends too early");
}

std::unexpected<Error> bad_tag() {
  return failure(
      VISOR_EPROTO,
      "a handshake message does not decrypt: it is damaged, or the peer expects another key than ours");
}

}  // namespace

Result<Handshake> Handshake::start(HandshakeOptions options) {
  const PatternTable& table = table_of(options.pattern);
  bool peer_is_responder = options.role == Role::kInitiator;
  if (!options.agree || !options.random) {
    return failure(VISOR_EINVAL, "a handshake needs key agreement and random numbers");
  }
  if (!crypto::valid_public_key(options.local_static)) {
    return failure(VISOR_EINVAL, "the local static key is not a point of secp256k1");
  }
  if (!options.remote_static &&
      (peer_is_responder ? table.responder_static_known : table.initiator_static_known)) {
    return failure(VISOR_EINVAL,
                   std::string(table.protocol_name) + " needs the peer's static key from the start");
  }
  if (options.remote_static && !crypto::valid_public_key(*options.remote_static)) {
    return failure(VISOR_EINVAL, "the peer's static key is not a point of secp256k1");
  }
  return Handshake(std::move(options));
}

Handshake::Handshake(HandshakeOptions options)
    : options_(std::move(options)), symmetric_(table_of(options_.pattern).protocol_name) {
  if (table().initiator_static_known) {
    if (!initiator()) remote_static_ = options_.remote_static;
    symmetric_.mix_hash(initiator() ? bytes(options_.local_static) : bytes(*remote_static_));
  }
  if (table().responder_static_known) {
    if (initiator()) remote_static_ = options_.remote_static;
    symmetric_.mix_hash(initiator() ? bytes(*remote_static_) : bytes(options_.local_static));
  }
}

std::unexpected<Error> Handshake::fail(Error error) {
  failed_ = true;
  ephemeral_.reset();
  return std::unexpected(std::move(error));
}

Result<void> Handshake::check_turn(bool writing) {
  if (failed_) return failure(VISOR_EINVAL, "the handshake has failed; start a new one");
  if (finished()) return failure(VISOR_EINVAL, "the handshake is over; no message follows");
  if (writing != writes_next()) {
    return failure(VISOR_EINVAL, writing ? "it is the peer's turn to write" : "it is our turn to write");
  }
  return {};
}

size_t Handshake::message_overhead() const {
  size_t size = 0;
  size_t tag = symmetric_.overhead_bytes();
  for (Token token : table().messages[message_]) {
    if (token == Token::kE) {
      size += kKeyBytes;
    } else if (token == Token::kS) {
      size += kKeyBytes + tag;
    } else {
      tag = crypto::kTagBytes;  // an agreement makes a key, and with it come tags
    }
  }
  return size + tag;
}

Result<Bytes> Handshake::write_message(ByteView payload) {
  if (Result<void> turn = check_turn(true); !turn) return std::unexpected(turn.error());
  size_t size = message_overhead() + payload.size();
  if (size > kMaxMessageBytes) {
    return failure(VISOR_EINVAL, "a handshake message holds at most " + std::to_string(kMaxMessageBytes) +
                                     " bytes; with this payload it would have " + std::to_string(size));
  }
  Bytes out;
  out.reserve(size);
  for (Token token : table().messages[message_]) {
    if (Result<void> written = write_token(token, out); !written) return fail(written.error());
  }
  symmetric_.encrypt_and_hash(payload, out);
  ++message_;
  return out;
}

Result<Bytes> Handshake::read_message(ByteView message) {
  if (Result<void> turn = check_turn(false); !turn) return std::unexpected(turn.error());
  if (message.size() > kMaxMessageBytes) {
    return fail({VISOR_EPROTO, "a handshake message holds at most " + std::to_string(kMaxMessageBytes) +
                                   " bytes; got " + std::to_string(message.size())});
  }
  for (Token token : table().messages[message_]) {
    if (Result<void> read = read_token(token, message); !read) return fail(read.error());
  }
  Bytes payload;
  if (!symmetric_.decrypt_and_hash(message, payload)) return fail(bad_tag().error());
  ++message_;
  return payload;
}

Result<void> Handshake::write_token(Token token, Bytes& out) {
  switch (token) {
    case Token::kE: {
      Result<crypto::KeyPair> pair = crypto::random_key_pair(options_.random);
      if (!pair) return std::unexpected(pair.error());
      ephemeral_ = std::move(*pair);
      codec::append(out, bytes(ephemeral_->key));
      symmetric_.mix_hash(bytes(ephemeral_->key));
      return {};
    }
    case Token::kS:
      symmetric_.encrypt_and_hash(bytes(options_.local_static), out);
      return {};
    default:
      return agree_and_mix(token);
  }
}

Result<void> Handshake::read_token(Token token, ByteView& message) {
  switch (token) {
    case Token::kE:
      return read_ephemeral(message);
    case Token::kS:
      return read_static(message);
    default:
      return agree_and_mix(token);
  }
}

Result<void> Handshake::read_ephemeral(ByteView& message) {
  if (message.size() < kKeyBytes) return cut_short();
  visor_key key{};
  std::ranges::copy(message.first(kKeyBytes), key.bytes);
  if (!crypto::valid_public_key(key)) {
    return failure(VISOR_EPROTO, "the peer's ephemeral key is not a point of secp256k1");
  }
  remote_ephemeral_ = key;
  symmetric_.mix_hash(bytes(key));
  message = message.subspan(kKeyBytes);
  return {};
}

Result<void> Handshake::read_static(ByteView& message) {
  size_t size = kKeyBytes + symmetric_.overhead_bytes();
  if (message.size() < size) return cut_short();
  Bytes plain;
  if (!symmetric_.decrypt_and_hash(message.first(size), plain)) return bad_tag();
  visor_key key{};
  std::ranges::copy(plain, key.bytes);
  if (!crypto::valid_public_key(key)) {
    return failure(VISOR_EPROTO, "the peer's static key is not a point of secp256k1");
  }
  if (options_.remote_static && key != *options_.remote_static) {
    return failure(VISOR_EPROTO,
                   "expected the peer " + to_hex(*options_.remote_static) + "; " + to_hex(key) + " answered");
  }
  remote_static_ = key;
  message = message.subspan(size);
  return {};
}

Result<void> Handshake::agree_and_mix(Token token) {
  bool local_static = token == Token::kSS || token == (initiator() ? Token::kSE : Token::kES);
  bool remote_static = token == Token::kSS || token == (initiator() ? Token::kES : Token::kSE);
  const visor_key& peer = remote_static ? *remote_static_ : *remote_ephemeral_;
  Result<crypto::SharedSecret> shared =
      local_static ? options_.agree(peer) : crypto::ecdh(peer, ephemeral_->secret);
  if (!shared) return std::unexpected(shared.error());
  // DHLEN is that of a public key: the 32-byte secret and one zero byte.
  crypto::Secret<33> material;
  std::ranges::copy(shared->bytes(), material.data());
  symmetric_.mix_key(material.bytes());
  return {};
}

Result<TransportKeys> Handshake::finish() {
  if (failed_ || !finished() || keys_taken_) {
    return failure(VISOR_EINVAL, "transport keys exist once, after a handshake's last message");
  }
  keys_taken_ = true;
  ephemeral_.reset();
  crypto::TwoSecrets keys = symmetric_.split();
  crypto::CipherKey first(keys.first.bytes()), second(keys.second.bytes());
  // finished(), so the side whose turn it would be is the one that did not write last.
  bool wrote_last = !writes_next();
  if (wrote_last) return TransportKeys{.send = std::move(second), .receive = std::move(first)};
  return TransportKeys{.send = std::move(first), .receive = std::move(second)};
}

Bytes frame_message(ByteView message) {
  Bytes framed;
  framed.reserve(2 + message.size());
  codec::append_prefix(framed, codec::Prefix::kU16, message.size());
  codec::append(framed, message);
  return framed;
}

codec::LengthPrefixedReader message_reader() {
  return codec::LengthPrefixedReader(codec::Prefix::kU16, kKeyBytes, kMaxMessageBytes);
}

}  // namespace visor::noise
