#include "direct_net.hpp"

#include "lib/session/sealed_stream.hpp"

namespace visor::feeds {
namespace {

constexpr uint64_t kHandshakeMs = 30000;

}  // namespace

// --- one handshake ---

DirectHandshake::DirectHandshake(Host host, visor_identity* identity, visor_stream* carrier,
                                 const visor_addr* expected, uint16_t port, Finished finished)
    : host_(host),
      tasks_(host),
      identity_(identity),
      port_(port),
      finished_(std::move(finished)),
      carrier_(host, carrier) {
  carrier_.attach({.data = [this](ByteView data) { receive(data); },
                   .end = [this] { fail({VISOR_ECLOSED, "the peer ended the connection"}); },
                   .ready = {},
                   .closed = [this](const Error& why) { fail({VISOR_ECLOSED, why.text}); }});
  limit_ = Timer::once(host_, kHandshakeMs, [this] {
    fail({VISOR_ETIMEDOUT, "it took longer than " + std::to_string(kHandshakeMs / 1000) + " s"});
  });
  begin(expected);
}

void DirectHandshake::begin(const visor_addr* expected) {
  Result<noise::Handshake> begun = noise::Handshake::start({
      .pattern = noise::Pattern::kXX,
      .role = expected ? noise::Role::kInitiator : noise::Role::kResponder,
      .local_static = *identity_->api->key(identity_),
      .remote_static = expected ? std::optional(expected->key) : std::nullopt,
      .agree = [this](const visor_key& peer) -> Result<crypto::SharedSecret> {
        crypto::SharedSecret secret;
        const visor_status status = identity_->api->agree(identity_, &peer, secret.data());
        if (status != VISOR_OK) return std::unexpected(host_.error(status));
        return secret;
      },
      .random = [host = host_](std::span<uint8_t> out) { host.random(out); },
  });
  if (!begun) return tasks_.post([this, why = begun.error()] { fail(why); });
  handshake_.emplace(std::move(*begun));
  if (expected) tasks_.post([this] { write(); });
}

void DirectHandshake::receive(ByteView data) {
  while (handshake_ && !handshake_->finished()) {
    Result<std::optional<ByteView>> message = messages_.read(data);
    if (!message) return fail(message.error());
    if (!*message) return;
    if (Result<Bytes> payload = handshake_->read_message(**message); !payload) return fail(payload.error());
    if (!handshake_->finished()) {
      write();
      if (!finished_) return;
    }
  }
  if (handshake_ && handshake_->finished()) become_stream(data);
}

void DirectHandshake::write() {
  Result<Bytes> message = handshake_->write_message();
  if (!message) return fail(message.error());
  if (carrier_.write(noise::frame_message(*message)) != VISOR_OK) {
    return fail({VISOR_ECLOSED, "the connection takes no bytes"});
  }
}

void DirectHandshake::become_stream(ByteView early) {
  Result<noise::TransportKeys> keys = handshake_->finish();
  if (!keys) return fail(keys.error());
  limit_.cancel();
  const visor_addr peer{*handshake_->remote_static(), port_};
  // Connections look after silence themselves.
  auto* stream = new session::SealedStream(host_, std::move(carrier_), std::move(*keys),
                                           {.peer = peer, .keepalive_ms = 0, .idle_ms = 0},
                                           Bytes(early.begin(), early.end()));
  std::exchange(finished_, nullptr)(static_cast<visor_stream*>(stream));
}

void DirectHandshake::fail(Error why) {
  if (!finished_) return;
  limit_.cancel();
  carrier_.close();
  std::exchange(finished_, nullptr)(failure(why.status, "the Noise handshake failed: " + why.text));
}

// --- the network ---

DirectNet::DirectNet(Host host, visor_identity* identity, visor_sockets* sockets, std::string url)
    : NetProvider(host),
      tasks_(host),
      identity_(identity),
      sockets_(sockets),
      url_(std::move(url)),
      listening_(host) {}

DirectNet::~DirectNet() = default;

visor_status DirectNet::dial(const visor_addr* to, visor_done raw) {
  dialing_.push_back({Done(host(), raw), *to, {}, nullptr});
  const auto at = std::prev(dialing_.end());
  const visor_status status = at->connect.start(
      [&](visor_done done) {
        return sockets_->api->connect(sockets_, to_span(std::string_view(url_)), done);
      },
      [this, at](visor_status result, visor_stream* stream) {
        if (result != VISOR_OK) return dialed(at, std::unexpected(host().error(result)));
        at->handshake = std::make_unique<DirectHandshake>(
            host(), identity_, stream, &at->peer, at->peer.port,
            [this, at](Result<visor_stream*> made) { dialed(at, std::move(made)); });
      },
      [sockets = sockets_](void* ctx) { sockets->api->cancel(sockets, ctx); });
  if (status == VISOR_OK) return VISOR_OK;
  at->done.dismiss();
  dialing_.erase(at);
  return status;
}

/* One of the attempt's own functions may be under way: it goes on a later turn. */
void DirectNet::dialed(std::list<Dialing>::iterator at, Result<visor_stream*> stream) {
  auto gone = std::make_shared<std::list<Dialing>>();
  gone->splice(gone->end(), dialing_, at);
  visor::post(host(), [gone] {});
  Done done = std::move(gone->front().done);
  if (stream) {
    done.complete(VISOR_OK, *stream);
  } else {
    done.complete(Error{stream.error().status, url_ + ": " + stream.error().text});
  }
}

void DirectNet::cancel(void* done_ctx) {
  // Its done runs on the next turn, as it is destroyed.
  dialing_.remove_if([&](const Dialing& dialing) { return dialing.done.is(done_ctx); });
}

visor_status DirectNet::listen(uint16_t port, void (*fn)(void* ctx, visor_stream*), void* ctx,
                               visor_handle** handle) {
  if (listener_) {
    return host().fail(VISOR_EEXIST,
                       url_ + " serves the feeds of port " + std::to_string(port_) + " already");
  }
  Result<void> begun =
      listener_.listen(host(), sockets_, url_, [this](visor_stream* stream) { accept(stream); });
  if (!begun) return host().fail(begun.error());
  port_ = port;
  accepted_ = fn;
  accepted_ctx_ = ctx;
  *handle = listening_.add(
      0,
      [this] {
        listener_.close();
        accepting_.clear();
      },
      std::string(listener_.address()));
  return VISOR_OK;
}

void DirectNet::accept(visor_stream* stream) {
  if (accepting_.size() >= kMaxAccepting) {
    ++counters_.refused;
    return stream->api->close(stream);
  }
  accepting_.push_back(nullptr);
  const auto at = std::prev(accepting_.end());
  *at = std::make_unique<DirectHandshake>(
      host(), identity_, stream, nullptr, port_, [this, at](Result<visor_stream*> made) {
        auto gone = std::make_shared<std::list<std::unique_ptr<DirectHandshake>>>();
        gone->splice(gone->end(), accepting_, at);
        visor::post(host(), [gone] {});
        if (made) return accepted_(accepted_ctx_, *made);
        ++counters_.failed;
        counters_.last_error = made.error().text;
      });
}

Result<PeerAddress> parse_peer_address(std::string_view text) {
  const size_t at = text.find('@');
  Result<visor_key> key = key_from_hex(text.substr(0, at));
  if (!key) return std::unexpected(key.error());
  PeerAddress peer{*key, {}};
  if (at == std::string_view::npos) return peer;
  const std::string_view where = text.substr(at + 1);
  if (where.empty() || where.find(':') == std::string_view::npos) {
    return failure(VISOR_EINVAL, "expected <key>@host:port; got '" + std::string(where) + "' after the '@'");
  }
  peer.network = std::string(kDirectUrl) + std::string(where);
  return peer;
}

}  // namespace visor::feeds
