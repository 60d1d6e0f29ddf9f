#include "setup.hpp"

namespace visor::dmsg_client {
namespace {

/* A signature and something signed. */
constexpr size_t kMinSealedObject = noise::kSealBytes + 66;

Error in_words(const Error& error, std::string_view what) {
  return {error.status, std::string(what) + ": " + error.text};
}

}  // namespace

codec::LengthPrefixedReader sealed_object_reader() {
  return {codec::Prefix::kU16, kMinSealedObject, kMaxSealedObject};
}

Result<noise::Handshake> start_kk(const SetupParts& parts, noise::Role role, const visor_key& peer) {
  return noise::Handshake::start({
      .pattern = noise::Pattern::kKK,
      .role = role,
      .local_static = *parts.identity->api->key(parts.identity),
      .remote_static = peer,
      .agree = [host = parts.host,
                identity = parts.identity](const visor_key& with) -> Result<crypto::SharedSecret> {
        crypto::SharedSecret secret;
        visor_status status = identity->api->agree(identity, &with, secret.data());
        if (status != VISOR_OK) return std::unexpected(host.error(status));
        return secret;
      },
      .random = [host = parts.host](std::span<uint8_t> out) { host.random(out); },
  });
}

/* --- dialling ------------------------------------------------------------------------------- */

DialSetup::DialSetup(SetupParts parts, SessionPointer session, visor_addr from,
                     session::SealedStreamOptions options, Finished finished)
    : parts_(parts),
      session_(std::move(session)),
      from_(from),
      options_(std::move(options)),
      finished_(std::move(finished)),
      reader_(sealed_object_reader()) {}

DialSetup::~DialSetup() {
  if (stream_) parts_.farewell->say(std::move(stream_));
}

Result<void> DialSetup::begin() {
  auto handshake = start_kk(parts_, noise::Role::kInitiator, options_.peer.key);
  if (!handshake) return std::unexpected(handshake.error());
  handshake_.emplace(std::move(*handshake));
  auto message = handshake_->write_message();
  if (!message) return std::unexpected(message.error());
  auto object = dmsg::sign_object(dmsg::StreamRequest{.timestamp_ns = parts_.host.unix_ns(),
                                                      .source = from_,
                                                      .destination = options_.peer,
                                                      .noise_message = std::move(*message)},
                                  dmsg::sign_with(parts_.host, parts_.identity));
  if (!object) return std::unexpected(object.error());
  request_hash_ = dmsg::object_hash(*object);
  auto opened = session_->open(options_.peer.port);
  if (!opened) return std::unexpected(opened.error());
  stream_ = Stream(parts_.host, *opened);
  auto sealed = session_->seal(*object);
  if (!sealed) return std::unexpected(sealed.error());
  if (visor_status status = stream_.write(*sealed); status != VISOR_OK) {
    return std::unexpected(parts_.host.error(status));
  }
  timer_ = Timer::once(parts_.host, parts_.limit_ms, [this] {
    finish(failure(VISOR_ETIMEDOUT, "no answer within " + std::to_string(parts_.limit_ms) + " ms"));
  });
  stream_.attach({.data = [this](ByteView data) { receive(data); },
                  .end =
                      [this] {
                        finish(failure(VISOR_ECLOSED,
                                       "the server ended the stream: the peer is not "
                                       "there, or nobody listens on its port"));
                      },
                  .ready = {},
                  .closed =
                      [this](const Error& error) {
                        finish(failure(VISOR_ECLOSED, "the stream was closed before it was set up" +
                                                          (error.text.empty() ? "" : ": " + error.text)));
                      }});
  return {};
}

void DialSetup::receive(ByteView data) {
  auto sealed = reader_.read(data);
  if (!sealed) return finish(std::unexpected(in_words(sealed.error(), "the answer")));
  if (!*sealed) return;
  finish(respond(**sealed, data));
}

/* `rest`: frames that came with the response. */
Result<visor_stream*> DialSetup::respond(ByteView sealed, ByteView rest) {
  auto object = session_->open_sealed(sealed);
  if (!object) return std::unexpected(in_words(object.error(), "the answer"));
  auto response = dmsg::open_response(*object, options_.peer.key, request_hash_);
  if (!response) return std::unexpected(in_words(response.error(), "the answer"));
  if (!response->accepted) {
    return failure(VISOR_ECLOSED, "the peer refused: " + dmsg::describe(response->error_code));
  }
  if (auto read = handshake_->read_message(response->noise_message); !read) {
    return std::unexpected(in_words(read.error(), "the peer's handshake"));
  }
  auto keys = handshake_->finish();
  if (!keys) return std::unexpected(keys.error());
  return new session::SealedStream(parts_.host, std::move(stream_), std::move(*keys), std::move(options_),
                                   Bytes(rest.begin(), rest.end()));
}

void DialSetup::finish(Result<visor_stream*> result) {
  timer_.cancel();
  if (stream_) parts_.farewell->say(std::move(stream_));
  if (Finished finished = std::exchange(finished_, nullptr)) finished(std::move(result));
}

/* --- accepting ------------------------------------------------------------------------------ */

AcceptSetup::AcceptSetup(SetupParts parts, SessionPointer session, visor_stream* stream, Events events)
    : parts_(parts),
      session_(std::move(session)),
      events_(std::move(events)),
      reader_(sealed_object_reader()),
      stream_(parts.host, stream) {
  timer_ = Timer::once(parts_.host, parts_.limit_ms, [this] {
    finish(failure(VISOR_ETIMEDOUT, "no request within " + std::to_string(parts_.limit_ms) + " ms"), 0);
  });
  stream_.attach({.data = [this](ByteView data) { receive(data); },
                  .end = [this] { finish(failure(VISOR_ECLOSED, "the stream ended before its request"), 0); },
                  .ready = {},
                  .closed = [this](const Error& error) { finish(failure(VISOR_ECLOSED, error.text), 0); }});
}

AcceptSetup::~AcceptSetup() {
  if (stream_) parts_.farewell->say(std::move(stream_));
}

void AcceptSetup::receive(ByteView data) {
  auto sealed = reader_.read(data);
  if (!sealed) return finish(std::unexpected(sealed.error()), 0);
  if (!*sealed) return;
  uint16_t port = 0;
  auto stream = answer(**sealed, data, port);
  finish(std::move(stream), port);
}

Result<visor_stream*> AcceptSetup::answer(ByteView sealed, ByteView rest, uint16_t& port) {
  auto object = session_->open_sealed(sealed);
  if (!object) return std::unexpected(object.error());
  auto request = dmsg::open_request(*object);
  if (!request) return std::unexpected(request.error());
  if (request->destination.key != *parts_.identity->api->key(parts_.identity)) {
    return failure(VISOR_EPROTO, "a request for another key came here: " + to_hex(request->destination.key));
  }
  port = request->destination.port;
  if (!events_.listening(port)) {
    return failure(VISOR_ENOENT, "nobody listens on port " + std::to_string(port));
  }
  auto handshake = start_kk(parts_, noise::Role::kResponder, request->source.key);
  if (!handshake) return std::unexpected(handshake.error());
  if (auto read = handshake->read_message(request->noise_message); !read)
    return std::unexpected(read.error());
  auto message = handshake->write_message();
  if (!message) return std::unexpected(message.error());
  auto keys = handshake->finish();
  if (!keys) return std::unexpected(keys.error());
  dmsg::StreamResponse accepted;
  accepted.request_hash = dmsg::object_hash(*object);
  accepted.accepted = true;
  accepted.noise_message = std::move(*message);
  auto response = dmsg::sign_object(accepted, dmsg::sign_with(parts_.host, parts_.identity));
  if (!response) return std::unexpected(response.error());
  auto wire = session_->seal(*response);
  if (!wire) return std::unexpected(wire.error());
  if (visor_status status = stream_.write(*wire); status != VISOR_OK) {
    return std::unexpected(parts_.host.error(status));
  }
  return new session::SealedStream(parts_.host, std::move(stream_), std::move(*keys),
                                   {.peer = request->source}, Bytes(rest.begin(), rest.end()));
}

void AcceptSetup::finish(Result<visor_stream*> result, uint16_t port) {
  timer_.cancel();
  if (stream_) parts_.farewell->say(std::move(stream_));
  auto finished = std::exchange(events_, {}).finished;
  if (finished) finished(std::move(result), port);
}

}  // namespace visor::dmsg_client
