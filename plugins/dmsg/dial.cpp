#include "dial.hpp"

#include <algorithm>

namespace visor::dmsg_client {

Dial::Dial(const DialParts& parts, const visor_addr& to, std::shared_ptr<Ports::Lease> port, bool lookup,
           Finished finished)
    : parts_(parts),
      to_(to),
      port_(std::move(port)),
      lookup_(lookup && parts.entries),
      finished_(std::move(finished)),
      begun_ms_(parts.setup.host.now_ms()),
      tasks_(parts.setup.host) {
  whole_ = Timer::once(parts_.setup.host, parts_.limits.dial_ms, [this] {
    reasons_.push_back(
        {{}, {VISOR_ETIMEDOUT, "gave up after " + std::to_string(parts_.limits.dial_ms) + " ms"}});
    fail();
  });
}

Dial::~Dial() {
  if (lookup_number_) parts_.entries->cancel(lookup_number_);
  if (session_number_) parts_.sessions.cancel(session_number_);
}

void Dial::begin() {
  tasks_.post([this] { round(false); });
}

/* --- a round -------------------------------------------------------------------------------- */

void Dial::round(bool fresh) {
  reasons_.clear();
  plan_.clear();
  server_gone_ = cached_ = false;
  if (!lookup_) return plan(parts_.sessions.configured());
  lookup_number_ =
      parts_.entries->get(to_.key, fresh, [this](const Entries::Answer& answer) { got_entry(answer); });
}

void Dial::got_entry(const Entries::Answer& answer) {
  lookup_number_ = 0;
  cached_ = answer.cached;
  named_before_ = std::exchange(named_, std::nullopt);
  if (!answer.entry) {
    named_ = std::unexpected(answer.entry.error());
    reasons_.push_back({{}, {answer.entry.error().status, "its entry: " + answer.entry.error().text}});
    return plan(parts_.sessions.configured());
  }
  const auto& client = answer.entry->client;
  std::vector<visor_key> servers;
  if (client && client->delegated_servers) servers = *client->delegated_servers;
  if (servers.size() > kMaxNamedServers) servers.resize(kMaxNamedServers);
  if (servers.empty()) {
    reasons_.push_back({{},
                        {VISOR_ENOENT, client ? "its entry names no server that it is connected with"
                                              : "its entry is not that of a client"}});
  }
  named_ = servers;
  plan(servers);
}

void Dial::plan(const std::vector<visor_key>& named) {
  auto is_named = [&](const visor_key& key) { return std::ranges::find(named, key) != named.end(); };
  std::vector<SessionPointer> ready = parts_.sessions.ready();
  for (const SessionPointer& session : ready) {
    if (is_named(session->key())) plan_.push_back(session->key());
  }
  auto unconnected = [&](const visor_key& key) { return !parts_.sessions.ready(key); };
  for (const visor_key& key : named) {
    if (unconnected(key) && !parts_.sessions.troubled(key)) plan_.push_back(key);
  }
  for (const SessionPointer& session : ready) {
    if (!is_named(session->key())) plan_.push_back(session->key());
  }
  for (const visor_key& key : named) {
    if (unconnected(key) && parts_.sessions.troubled(key)) plan_.push_back(key);
  }
  if (!plan_.empty()) return next();
  /* Nothing to try yet: as soon as there is any server. */
  reasons_.push_back({{}, {VISOR_ECLOSED, "no server is connected"}});
  session_number_ = parts_.sessions.want_any([this](Result<SessionPointer> session) {
    session_number_ = 0;
    if (!session) return tried({}, session.error());
    set_up(*session);
  });
}

void Dial::next() {
  if (plan_.empty()) return exhausted();
  visor_key server = plan_.front();
  plan_.pop_front();
  if (SessionPointer session = parts_.sessions.ready(server)) return set_up(session);
  connect(server);
}

/* A server that only the discovery may know. */
void Dial::connect(const visor_key& server) {
  if (const KnownServer* known = parts_.sessions.find(server)) return connect_to(*known);
  if (!parts_.entries) return tried(server, {VISOR_ENOENT, "nobody knows its address"});
  lookup_number_ = parts_.entries->get(server, false, [this, server](const Entries::Answer& answer) {
    lookup_number_ = 0;
    if (!answer.entry) return tried(server, answer.entry.error());
    if (!answer.entry->server) return tried(server, {VISOR_ENOENT, "its entry is not that of a server"});
    connect_to({server, answer.entry->server->address, answer.entry->server->address_ws});
  });
}

void Dial::connect_to(const KnownServer& server) {
  uint64_t limit_ms = moving() ? std::min(patience_ms_, parts_.limits.setup_ms) : parts_.limits.setup_ms;
  step_ = Timer::once(parts_.setup.host, limit_ms, [this, limit_ms, key = server.key] {
    parts_.sessions.cancel(std::exchange(session_number_, 0));
    server_gone_ = true;
    tried(key, {VISOR_ETIMEDOUT, "no session within " + std::to_string(limit_ms) + " ms"});
  });
  session_number_ = parts_.sessions.want(server, [this, key = server.key](Result<SessionPointer> session) {
    session_number_ = 0;
    step_.cancel();
    if (session) return set_up(*session);
    server_gone_ = session.error().status != VISOR_ENOSPC;
    tried(key, session.error());
  });
}

void Dial::set_up(const SessionPointer& session) {
  session::SealedStreamOptions options;
  options.peer = to_;
  options.lease = port_;
  setup_ = std::make_unique<DialSetup>(
      parts_.setup, session, visor_addr{*parts_.setup.identity->api->key(parts_.setup.identity), port_->port},
      std::move(options), [this](Result<visor_stream*> stream) {
        if (stream) return finish(*stream);
        SessionPointer through = setup_->session();
        if (!through->ready()) server_gone_ = true;
        tried(through->key(), stream.error());
      });
  if (auto begun = setup_->begin(); !begun) tried(session->key(), begun.error());
}

void Dial::tried(const visor_key& server, const Error& error) {
  reasons_.push_back({server, error});
  /* Not on the stack of what has just failed. */
  tasks_.post([this] {
    setup_.reset();
    next();
  });
}

bool Dial::moving() const {
  return parts_.setup.host.now_ms() - begun_ms_ < kMovingMs;
}

/* --- another round, or the end -------------------------------------------------------------- */

void Dial::exhausted() {
  auto names = [](const auto& named) { return named && *named ? **named : std::vector<visor_key>(); };
  bool changed = lookup_ && named_before_ && names(named_) != names(named_before_);
  if (server_gone_ && moving()) {
    patience_ms_ *= 2;
    uint64_t pause = pause_ms_;
    pause_ms_ = std::min(2 * pause_ms_, kMaxPauseMs);
    return again(pause, true);
  }
  if (lookup_ && (cached_ || changed)) return again(0, true);
  fail();
}

void Dial::again(uint64_t pause_ms, bool fresh) {
  if (pause_ms == 0) return round(fresh);
  step_ = Timer::once(parts_.setup.host, pause_ms, [this, fresh] { round(fresh); });
}

void Dial::fail() {
  std::string text = "cannot reach " + to_hex(to_.key) + ":" + std::to_string(to_.port);
  visor_status status = VISOR_ECLOSED;
  for (const auto& [server, error] : reasons_) {
    text += (&server == &reasons_.front().first ? ": " : "; ");
    if (server != visor_key{}) text += "by server " + to_hex(server).substr(0, 10) + ": ";
    text += error.text;
    status = error.status;
  }
  finish(failure(status, std::move(text)));
}

void Dial::finish(Result<visor_stream*> result) {
  whole_.cancel();
  step_.cancel();
  port_.reset();
  if (Finished finished = std::exchange(finished_, nullptr)) finished(std::move(result));
}

}  // namespace visor::dmsg_client
