#include "server_session.hpp"

#include <algorithm>

namespace visor::dmsg_client {

ServerSession::ServerSession(Host host, Carrier& carrier, visor_identity* identity, const KnownServer& server,
                             const Config& config, Events events)
    : host_(host),
      carrier_(carrier),
      identity_(identity),
      server_(server),
      max_streams_(config.limits.streams),
      ping_ms_(std::max<uint64_t>(config.interval_ms / 2, 1000)),
      events_(std::move(events)),
      tasks_(host),
      urls_(carrier.urls(server)) {
  std::ranges::reverse(urls_);
}

void ServerSession::begin() {
  begun_ms_ = host_.now_ms();
  next_url(
      {VISOR_ENOSYS, "this host cannot reach the server: nobody knows an address of it that serves here"});
}

void ServerSession::close() {
  over_ = true;
  events_ = {};
  dial_.reset();
  session_.reset();
}

/* --- connecting --- */

void ServerSession::next_url(Error last) {
  if (urls_.empty()) {
    return tasks_.post([this, last = std::move(last)] { fail(last); });
  }
  url_ = std::move(urls_.back());
  urls_.pop_back();
  auto dial = carrier_.dial(url_, kConnectMs, [this](Result<visor_stream*> stream) { connected(stream); });
  if (!dial) return next_url(dial.error());
  dial_ = std::move(*dial);
}

void ServerSession::connected(Result<visor_stream*> stream) {
  auto keep = shared_from_this();
  dial_.reset();
  if (!stream) return next_url({stream.error().status, url_ + ": " + stream.error().text});
  session_ = std::make_unique<session::Session>(
      host_, identity_, *stream, options(),
      session::Events{
          .ready =
              [this](const visor_key&, ByteView) {
                ready_ = true;
                events_.ready();
              },
          .accept =
              [this](visor_stream* accepted) {
                auto alive = shared_from_this();
                events_.accept(accepted);
              },
          .closed = [this](const Error& error) { fail({error.status, url_ + ": " + error.text}); }});
}

session::Options ServerSession::options() const {
  return {
      .initiator = true,
      .pattern = noise::Pattern::kXK,
      .expected_peer = server_.key,
      .seal_mux = false,
      .quiet_ms = kQuietMs,
      .limits = {.streams = max_streams_},
      .timeouts = {
          .ping_interval_ms = ping_ms_, .ping_answer_ms = kPingAnswerMs, .syn_ms = kSynMs, .fin_ms = kFinMs}};
}

void ServerSession::fail(const Error& error) {
  auto keep = shared_from_this();
  if (std::exchange(over_, true)) return;
  Events events = std::exchange(events_, {});
  session_.reset();
  if (events.closed) events.closed(error);
}

/* --- streams --- */

Result<visor_stream*> ServerSession::open(uint16_t port) {
  if (!ready()) return failure(VISOR_ECLOSED, "the session with the server is over");
  return session_->open(port);
}

Result<Bytes> ServerSession::seal(ByteView object) {
  if (!ready()) return failure(VISOR_ECLOSED, "the session with the server is over");
  return session_->seal(object);
}

Result<Bytes> ServerSession::open_sealed(ByteView sealed) {
  if (!ready()) return failure(VISOR_ECLOSED, "the session with the server is over");
  return session_->open_sealed(sealed);
}

}  // namespace visor::dmsg_client
