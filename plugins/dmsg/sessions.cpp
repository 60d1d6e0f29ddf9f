#include "sessions.hpp"

#include <algorithm>

namespace visor::dmsg_client {

Sessions::Sessions(Host host, Carrier carrier, visor_identity* identity, const Config& config, Events events)
    : host_(host),
      carrier_(std::move(carrier)),
      identity_(identity),
      config_(config),
      events_(std::move(events)),
      tasks_(host) {
  for (const KnownServer& each : config.servers) {
    Server& server = servers_[each.key];
    if (server.configured) { /* two addresses of one server */
      if (server.known.tcp.empty()) server.known.tcp = each.tcp;
      if (server.known.ws.empty()) server.known.ws = each.ws;
    } else {
      server.known = each;
      server.configured = true;
    }
  }
}

void Sessions::start() {
  running_ = true;
  tick_ = Timer::every(host_, config_.interval_ms, [this] {
    drop_surplus();
    keep();
  });
  keep_later();
}

void Sessions::stop() {
  running_ = false;
  tick_.cancel();
  wake_.cancel();
  for (auto& [key, server] : servers_) {
    if (SessionPointer session = std::exchange(server.session, nullptr)) session->close();
    answer(std::exchange(server.waiters, {}), failure(VISOR_ECANCELED, "the relay network's client stops"));
  }
  answer(std::exchange(any_waiters_, {}), failure(VISOR_ECANCELED, "the relay network's client stops"));
  live_ = 0;
}

/* --- which servers there are --- */

void Sessions::know(std::vector<KnownServer> listed) {
  for (auto& [key, server] : servers_) server.listed = false;
  for (KnownServer& each : listed) {
    if (servers_.size() >= kMaxServers && !servers_.contains(each.key)) break;
    Server& server = servers_[each.key];
    server.listed = true;
    if (!server.configured) server.known = std::move(each);
  }
  std::erase_if(servers_, [](const auto& row) {
    const Server& server = row.second;
    return !server.configured && !server.listed && !server.session && server.waiters.empty();
  });
  keep_later();
}

const KnownServer* Sessions::find(const visor_key& server) const {
  auto at = servers_.find(server);
  return at == servers_.end() ? nullptr : &at->second.known;
}

std::vector<visor_key> Sessions::configured() const {
  std::vector<visor_key> keys;
  for (const auto& [key, server] : servers_) {
    if (server.configured) keys.push_back(key);
  }
  return keys;
}

void Sessions::forget_if_unknown(const visor_key& key) {
  auto at = servers_.find(key);
  if (at == servers_.end()) return;
  const Server& server = at->second;
  if (server.configured || server.listed || server.session || !server.waiters.empty()) return;
  servers_.erase(at);
}

/* --- which are used --- */

std::vector<SessionPointer> Sessions::ready() const {
  std::multimap<uint64_t, SessionPointer> by_round_trip;
  for (const auto& [key, server] : servers_) {
    if (!server.session || !server.session->ready()) continue;
    by_round_trip.emplace(server.session->counters().mux.round_trip_ns, server.session);
  }
  std::vector<SessionPointer> sessions;
  for (auto& [round_trip_ns, session] : by_round_trip) sessions.push_back(std::move(session));
  return sessions;
}

SessionPointer Sessions::ready(const visor_key& server) const {
  auto at = servers_.find(server);
  if (at == servers_.end() || !at->second.session || !at->second.session->ready()) return nullptr;
  return at->second.session;
}

bool Sessions::troubled(const visor_key& server) const {
  auto at = servers_.find(server);
  return at != servers_.end() && at->second.troubled;
}

size_t Sessions::wanted() const {
  size_t usable = 0;
  for (const auto& [key, server] : servers_) usable += server.configured || server.listed;
  size_t wanted = config_.sessions == 0 ? usable : config_.sessions;
  return std::min(wanted, config_.limits.sessions);
}

/* Not inside a session's events, and once for many of them. */
void Sessions::keep_later() {
  if (std::exchange(keeping_, true)) return;
  tasks_.post([this] {
    keeping_ = false;
    keep();
  });
}

void Sessions::keep() {
  if (!running_) return;
  uint64_t now = host_.now_ms(), next = UINT64_MAX;
  size_t have = 0, want = wanted();
  for (auto& [key, server] : servers_) {
    if (!server.session || !(server.configured || server.listed)) continue;
    bool slow = !server.session->ready() && now - server.session->begun_ms() >= kSlowMs;
    if (!slow) ++have;
    if (!slow && !server.session->ready()) next = std::min(next, server.session->begun_ms() + kSlowMs);
  }
  for (; have < want && live_ < config_.limits.sessions; ++have) {
    Server* server = candidate(now, next);
    if (!server) break;
    begin(*server, true);
    next = std::min(next, now + kSlowMs);
  }
  if (next == UINT64_MAX) return wake_.cancel();
  wake_ = Timer::once(host_, std::max(next, now + 1) - now, [this] { keep(); });
}

/* One that has given no trouble before those that have, any of equals: so that clients spread. */
Sessions::Server* Sessions::candidate(uint64_t now_ms, uint64_t& next_ms) {
  std::vector<Server*> best;
  for (auto& [key, server] : servers_) {
    if (server.session || !(server.configured || server.listed)) continue;
    if (server.retry_ms > now_ms) {
      next_ms = std::min(next_ms, server.retry_ms);
      continue;
    }
    if (!best.empty() && best.front()->troubled && !server.troubled) best.clear();
    if (best.empty() || best.front()->troubled == server.troubled) best.push_back(&server);
  }
  if (best.empty()) return nullptr;
  uint32_t random = 0;
  host_.random({reinterpret_cast<uint8_t*>(&random), sizeof random});
  return best[random % best.size()];
}

/* Sessions beyond those that are wanted, when nothing has used them for some rounds; those that a dial made
 * go before the others. */
void Sessions::drop_surplus() {
  uint64_t now = host_.now_ms();
  size_t all = ready().size();
  for (bool kept : {false, true}) {
    for (auto& [key, server] : servers_) {
      if (server.kept != kept || !server.session || !server.session->ready()) continue;
      if (server.session->counters().mux.streams > 0) server.used_ms = now;
      if (all <= wanted() || now - server.used_ms < 5 * config_.interval_ms) continue;
      server.session->close();
      server.session.reset();
      server.ready_ms = 0;
      --all;
      --live_;
      changed();
    }
  }
}

void Sessions::begin(Server& server, bool kept) {
  const visor_key key = server.known.key;
  server.kept = kept;
  server.used_ms = host_.now_ms();
  ++live_;
  server.session = std::make_shared<ServerSession>(
      host_, carrier_, identity_, server.known, config_,
      ServerSession::Events{.ready = [this, key] { on_ready(key); },
                            .accept =
                                [this, key](visor_stream* stream) {
                                  auto at = servers_.find(key);
                                  if (at == servers_.end() || !at->second.session) {
                                    return stream->api->close(stream);
                                  }
                                  events_.accept(SessionPointer(at->second.session), stream);
                                },
                            .closed = [this, key](const Error& error) { on_closed(key, error); }});
  server.session->begin();
}

void Sessions::on_ready(const visor_key& key) {
  Server& server = servers_.at(key);
  ++counters_.connected;
  server.ready_ms = host_.now_ms();
  server.troubled = false;
  server.problem.clear();
  host_.info("dmsg: connected with server " + to_hex(key) + " at " + server.session->url());
  answer(std::exchange(server.waiters, {}), server.session);
  answer(std::exchange(any_waiters_, {}), server.session);
  changed();
}

void Sessions::on_closed(const visor_key& key, const Error& error) {
  Server& server = servers_.at(key);
  uint64_t now = host_.now_ms();
  bool was_ready = server.ready_ms > 0, settled = was_ready && now - server.ready_ms >= kSettledMs;
  ++(was_ready ? counters_.lost : counters_.failed);
  server.failures = settled ? 0 : server.failures + 1;
  uint64_t pause = kFirstRetryMs << std::min<uint64_t>(server.failures, 10);
  server.retry_ms = now + std::min(pause, kMaxRetryMs);
  server.ready_ms = 0;
  server.troubled = true;
  if (server.problem != error.text) {
    host_.warn("dmsg: " + std::string(was_ready ? "lost" : "no session with") + " server " + to_hex(key) +
               " (" + error.text + "); it is tried again");
  }
  server.problem = error.text;
  server.kept = false;
  server.session.reset();
  --live_;
  answer(std::exchange(server.waiters, {}), std::unexpected(error));
  forget_if_unknown(key);
  if (was_ready) changed();
  keep_later();
}

void Sessions::changed() {
  if (std::exchange(telling_, true)) return;
  tasks_.post([this] {
    telling_ = false;
    events_.changed();
  });
}

/* --- who waits for one --- */

uint64_t Sessions::want(const KnownServer& wanted, Found found) {
  uint64_t number = ++last_number_;
  auto at = servers_.find(wanted.key);
  bool full = live_ >= config_.limits.sessions;
  if (at == servers_.end() && (full || servers_.size() >= kMaxServers)) {
    std::vector<Waiter> waiters;
    waiters.push_back({number, std::move(found)});
    answer(std::move(waiters), failure(VISOR_ENOSPC, "the limit on sessions with servers is reached"));
    return number;
  }
  Server& server = servers_[wanted.key];
  if (!server.configured && !server.listed && !server.session) server.known = wanted;
  server.waiters.push_back({number, std::move(found)});
  if (server.session && server.session->ready()) {
    answer(std::exchange(server.waiters, {}), server.session);
  } else if (!server.session && full) {
    answer(std::exchange(server.waiters, {}),
           failure(VISOR_ENOSPC, "the limit on sessions with servers is reached"));
  } else if (!server.session) {
    begin(server, false);
  }
  return number;
}

uint64_t Sessions::want_any(Found found) {
  uint64_t number = ++last_number_;
  any_waiters_.push_back({number, std::move(found)});
  if (auto now = ready(); !now.empty()) answer(std::exchange(any_waiters_, {}), now.front());
  return number;
}

void Sessions::cancel(uint64_t number) {
  auto is = [number](const Waiter& waiter) { return waiter.number == number; };
  answering_.erase(number);
  std::erase_if(any_waiters_, is);
  for (auto& [key, server] : servers_) std::erase_if(server.waiters, is);
}

size_t Sessions::waiting() const {
  size_t waiting = any_waiters_.size() + answering_.size();
  for (const auto& [key, server] : servers_) waiting += server.waiters.size();
  return waiting;
}

void Sessions::answer(std::vector<Waiter> waiters, Result<SessionPointer> result) {
  for (Waiter& waiter : waiters) {
    answering_.emplace(waiter.number, std::move(waiter.found));
    tasks_.post([this, number = waiter.number, result] {
      auto at = answering_.find(number);
      if (at == answering_.end()) return;
      Found found = std::move(at->second);
      answering_.erase(at);
      if (result && !(*result)->ready()) {
        return found(failure(VISOR_ECLOSED, "the server closed the session right after it was made"));
      }
      found(result);
    });
  }
}

void Sessions::each(const std::function<void(const Row&)>& fn) const {
  for (const auto& [key, server] : servers_) {
    fn({server.known, server.session, server.kept, server.failures, server.problem});
  }
}

}  // namespace visor::dmsg_client
