#include "lib/session/impl.hpp"

#include "lib/codec/endian.hpp"
#include "lib/session/capabilities.hpp"

namespace visor::session {
namespace {

constexpr size_t kMaxPayload = 1024;

}  // namespace

Session::Impl::Impl(Host host, visor_identity* identity, visor_stream* carrier, Options options,
                    Events events)
    : host_(host),
      identity_(identity),
      options_(std::move(options)),
      events_(std::move(events)),
      carrier_(host, carrier),
      tasks_(host),
      messages_(noise::message_reader()) {}

void Session::Impl::start() {
  carrier_.attach({.data = [this](ByteView data) { on_data(data); },
                   .end = [this] { on_end(); },
                   .ready = [this] { on_ready(); },
                   .closed = [this](const Error& error) { on_closed(error); }});
  if (auto begun = begin_handshake(); !begun) return fail_later(begun.error());
  if (!options_.early.empty()) {
    tasks_.post([this] {
      auto keep = shared_from_this();
      take_early();
    });
  }
  timer_ = Timer::once(host_, options_.handshake_timeout_ms, [this] {
    fail({VISOR_ETIMEDOUT, "expected the handshake to end within " +
                               std::to_string(options_.handshake_timeout_ms) + " ms; got " +
                               std::to_string(received_bytes_) + " bytes from the peer"});
  });
}

void Session::Impl::drop() {
  over_ = true;
  events_ = {};
  timer_.cancel();
  quiet_timer_.cancel();
  mux_.reset();
  carrier_.close();
}

/* --- ends --- */

/* Ends everything and says so; the caller touches nothing afterwards. */
void Session::Impl::fail(Error error) {
  if (std::exchange(over_, true)) return;
  timer_.cancel();
  quiet_timer_.cancel();
  if (mux_) mux_->close(error);
  carrier_.close();
  Events events = std::exchange(events_, {});
  if (events.closed) events.closed(error);
}

void Session::Impl::fail_later(Error error) {
  tasks_.post([this, error = std::move(error)] { fail(error); });
}

void Session::Impl::shutdown() {
  if (over_ || std::exchange(leaving_, true)) return;
  if (!mux_) return fail_later({VISOR_OK, "shut down before the handshake was over"});
  mux_->go_away();
  timer_ = Timer::once(host_, options_.handshake_timeout_ms,
                       [this] { fail({VISOR_OK, "shut down; the peer did not close in time"}); });
}

/* --- the carrier --- */

void Session::Impl::on_data(ByteView data) {
  auto keep = shared_from_this();
  if (take_early()) read(data);
}

/* Before anything else that happens on the carrier.  False: over. */
bool Session::Impl::take_early() {
  Bytes early = std::exchange(options_.early, {});
  if (!early.empty() && !over_) read(early);
  return !over_;
}

void Session::Impl::read(ByteView data) {
  received_bytes_ += data.size();
  if (!mux_ && !read_handshake(data)) return;
  if (!over_ && !data.empty()) receive(data);
}

void Session::Impl::on_end() {
  auto keep = shared_from_this();
  on_closed({VISOR_ECLOSED, "it will send no more"});
}

void Session::Impl::on_closed(const Error& error) {
  auto keep = shared_from_this();
  if (!take_early()) return;
  std::string why = error.text.empty() ? "" : ": " + error.text;
  if (leaving_) return fail({VISOR_OK, "shut down"});
  if (mux_) return fail({VISOR_ECLOSED, "the peer closed the connection" + why});
  fail({VISOR_ECLOSED, "the connection closed during the handshake, after " +
                           std::to_string(received_bytes_) +
                           " bytes; the peer may expect another key, or be another program" + why});
}

void Session::Impl::on_ready() {
  auto keep = shared_from_this();
  if (quiet_) return;
  size_t size = quiet_after_ > 0 ? quiet_after_ : waiting_.size();
  Bytes later(waiting_.begin() + static_cast<ptrdiff_t>(size), waiting_.end());
  Bytes waiting = std::exchange(waiting_, {});
  visor_span part{waiting.data(), size};
  if (size > 0 && !transmit({&part, 1})) {
    codec::append(waiting_, later);
    return;
  }
  waiting_ = std::move(later);
  if (std::exchange(quiet_after_, 0) > 0) return be_quiet();
  if (mux_) mux_->writable();
}

/* --- handshake --- */

Result<void> Session::Impl::begin_handshake() {
  if (options_.payload.size() > kMaxPayload) {
    return failure(VISOR_EINVAL, "a session's payload has at most " + std::to_string(kMaxPayload) +
                                     " bytes; got " + std::to_string(options_.payload.size()));
  }
  auto begun = noise::Handshake::start({
      .pattern = options_.pattern,
      .role = options_.initiator ? noise::Role::kInitiator : noise::Role::kResponder,
      .local_static = *identity_->api->key(identity_),
      .remote_static = options_.expected_peer,
      .agree = [this](const visor_key& peer) { return agree(peer); },
      .random = [host = host_](std::span<uint8_t> out) { host.random(out); },
  });
  if (!begun) return std::unexpected(begun.error());
  handshake_ = std::make_unique<noise::Handshake>(std::move(*begun));
  if (options_.initiator) write_handshake();
  return {};
}

Result<crypto::SharedSecret> Session::Impl::agree(const visor_key& peer) {
  crypto::SharedSecret secret;
  visor_status status = identity_->api->agree(identity_, &peer, secret.data());
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  return secret;
}

/* What the peer announces stands in its last message; the first one of XX is readable by everybody. */
bool Session::Impl::read_handshake(ByteView& data) {
  while (!mux_ && !over_) {
    auto message = messages_.read(data);
    if (message && !*message) return false;
    auto payload = message ? handshake_->read_message(**message) : std::unexpected(message.error());
    if (!payload) {
      fail({payload.error().status, "handshake: " + payload.error().text});
      return false;
    }
    peer_payload_ = std::move(*payload);
    if (!handshake_->finished() && !write_handshake()) return false;
    if (handshake_->finished() && !become_ready()) return false;
  }
  return !over_;
}

/* Our announcement goes where it is encrypted: into a responder's only message and an initiator's second. */
bool Session::Impl::write_handshake() {
  bool encrypted = !options_.initiator || messages_written_ == 1;
  auto message = handshake_->write_message(encrypted ? ByteView(options_.payload) : ByteView());
  if (!message) {
    fail_later({message.error().status, "handshake: " + message.error().text});
    return false;
  }
  ++messages_written_;
  Bytes framed = noise::frame_message(*message);
  visor_span part = to_span(framed);
  transmit({&part, 1});
  return true;
}

bool Session::Impl::become_ready() {
  auto keys = handshake_->finish();
  if (!keys) {
    fail(keys.error());
    return false;
  }
  timer_.cancel();
  peer_ = *handshake_->remote_static();
  handshake_.reset();
  if (options_.seal_mux) {
    reader_ = std::make_unique<noise::FrameReader>(std::move(keys->receive));
    writer_ = std::make_unique<noise::FrameWriter>(std::move(keys->send));
  } else {
    opener_ = std::make_unique<noise::Opener>(std::move(keys->receive));
    sealer_ = std::make_unique<noise::Sealer>(std::move(keys->send));
  }
  mux_ = std::make_unique<yamux::Multiplexer>(
      host_,
      yamux::Options{.client = options_.initiator,
                     .limits = options_.limits,
                     .timeouts = options_.timeouts,
                     .head_bytes = options_.head_bytes,
                     .peer = peer_,
                     .origin = std::string(carrier_.origin())},
      [this](std::span<const visor_span> parts) { return send(parts); },
      yamux::Multiplexer::Events{.accept = events_.accept,
                                 .failed = [this](const Error& error) { fail(error); },
                                 .idle = [this] { end_if_idle(); }});
  be_quiet_if_due();
  Bytes payload = std::exchange(peer_payload_, {});
  if (auto ready = events_.ready) ready(peer_, payload);
  return !over_;
}

void Session::Impl::be_quiet_if_due() {
  if (!options_.initiator || options_.quiet_ms == 0) return;
  auto announced = decode_capabilities(peer_payload_);
  if (announced && announced->has(kKeepsTrailingBytes)) return;
  if (waiting_.empty()) return be_quiet();
  quiet_after_ = waiting_.size();
}

void Session::Impl::be_quiet() {
  quiet_ = true;
  quiet_timer_ = Timer::once(host_, options_.quiet_ms, [this] {
    quiet_ = false;
    on_ready();
  });
}

/* --- the multiplexer --- */

Result<visor_stream*> Session::Impl::open(uint16_t port) {
  if (over_) return failure(VISOR_ECLOSED, "the session is closed");
  if (!mux_) return failure(VISOR_EAGAIN, "the session's handshake is not over yet: wait for ready");
  return mux_->open(port);
}

namespace {

std::unexpected<Error> no_objects(bool over, bool ready) {
  if (over) return failure(VISOR_ECLOSED, "the session is closed");
  if (!ready) return failure(VISOR_EAGAIN, "the session's handshake is not over yet: wait for ready");
  return failure(VISOR_EINVAL, "this session seals everything; objects are sealed where seal_mux is false");
}

}  // namespace

Result<Bytes> Session::Impl::seal(ByteView object) {
  if (over_ || !sealer_) return no_objects(over_, mux_ != nullptr);
  if (object.empty() || object.size() > kMaxObjectBytes) {
    return failure(VISOR_EINVAL, "an object to seal has 1 to " + std::to_string(kMaxObjectBytes) +
                                     " bytes; got " + std::to_string(object.size()));
  }
  Bytes wire;
  wire.reserve(2 + noise::kSealBytes + object.size());
  codec::append_prefix(wire, codec::Prefix::kU16, noise::kSealBytes + object.size());
  if (auto sealed = sealer_->seal(object, wire); !sealed) return std::unexpected(sealed.error());
  return wire;
}

Result<Bytes> Session::Impl::open_sealed(ByteView sealed) {
  if (over_ || !opener_) return no_objects(over_, mux_ != nullptr);
  Bytes object;
  if (auto opened = opener_->open(sealed, object); !opened) return std::unexpected(opened.error());
  return object;
}

void Session::Impl::receive(ByteView data) {
  if (!reader_) return mux_->receive(data);
  Bytes plain;
  auto opened = reader_->read(data, plain);
  if (!plain.empty()) mux_->receive(plain);
  if (!opened && !over_) fail(opened.error());
}

/* The multiplexer's sink. */
bool Session::Impl::send(std::span<const visor_span> parts) {
  if (!writer_) return transmit(parts);
  std::vector<ByteView> views;
  views.reserve(parts.size());
  for (const visor_span& part : parts) views.push_back(bytes(part));
  Bytes wire;
  if (auto sealed = writer_->write_parts(views, wire); !sealed) {
    fail_later(sealed.error());
    return false;
  }
  visor_span part = to_span(wire);
  return transmit({&part, 1});
}

/* Takes all; false: the carrier takes no more for now. */
bool Session::Impl::transmit(std::span<const visor_span> parts) {
  visor_status status = waiting_.empty() && !quiet_ ? carrier_.write(parts) : VISOR_EAGAIN;
  if (status == VISOR_EAGAIN) {
    for (const visor_span& part : parts)
      waiting_.insert(waiting_.end(), bytes(part).begin(), bytes(part).end());
    return false;
  }
  if (status != VISOR_OK) {
    fail_later(host_.error(status));
    return false;
  }
  for (const visor_span& part : parts) sent_bytes_ += part.size;
  return true;
}

void Session::Impl::end_if_idle() {
  if (leaving_ && waiting_.empty() && !std::exchange(ended_, true)) carrier_.end();
}

Counters Session::Impl::counters() const {
  return {received_bytes_, sent_bytes_, waiting_.size(), mux_ ? mux_->counters() : yamux::Counters{}};
}

}  // namespace visor::session
