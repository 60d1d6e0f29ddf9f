#include "relay.hpp"

#include <algorithm>

#include "lib/session/capabilities.hpp"

namespace visor::dmsg_server {
namespace {

constexpr uint64_t kSweepMs = 500;
/* Who breaks the rules is put out; its address then waits as if it had begun so many handshakes, or it would
 * be back at once, and do it again. */
constexpr uint64_t kFineHandshakes = 32;
/* Streams beyond the limit on setups, by mistake. */
constexpr Rate kExcess = {256, 16};
/* Of a stream, towards its reader; beyond it, the writer waits. */
constexpr size_t kStreamQueueBytes = 131072;

yamux::Limits mux_limits(const Limits& limits) {
  return {.streams = limits.streams_per_session,
          .unacknowledged_in = 512,
          .unacknowledged_out = 512,
          .stream_queue_bytes = kStreamQueueBytes,
          .queued_bytes = limits.held_bytes_per_session / 2,
          .unread_bytes = limits.held_bytes_per_session / 2};
}

/* What deployed relays wait for (specification dmsg.md, 12). */
constexpr yamux::Timeouts kMuxTimeouts = {
    .ping_interval_ms = 30000, .ping_answer_ms = 10000, .syn_ms = 20000, .fin_ms = 30000};

}  // namespace

Relay::Relay(Host host, visor_identity* identity, const Config& config, std::function<void()> changed)
    : host_(host),
      identity_(identity),
      config_(config),
      changed_(std::move(changed)),
      sign_(dmsg::sign_with(host, identity)),
      own_(*identity->api->key(identity)),
      addresses_(config.limits.address),
      now_ms_(host.now_ms()) {
  sweep_ = Timer::every(host_, kSweepMs, [this] { sweep(); });
}

void Relay::close() {
  sweep_.cancel();
  changed_ = [] {};
  passages_.clear();
  handshaking_.clear();
  clients_.clear();
}

/* --- sessions ------------------------------------------------------------------------------- */

void Relay::accept(Arrival arrival, std::string_view carrier) {
  const Limits& limits = config_.limits;
  Stream stream(host_, arrival.stream); /* closes unless it is taken */
  auto place = addresses_.enter(arrival.origin.address, host_.now_ms());
  bool full = !has_room() || clients_.size() + handshaking_.size() >= limits.sessions;
  if (!place || full) {
    ++counters_.refused;
    return;
  }
  ++counters_.handshakes;
  auto client = std::make_shared<Client>();
  client->origin = std::move(arrival.origin);
  client->carrier = carrier;
  client->since_ns = host_.unix_ns();
  client->place = std::move(place);
  handshaking_.emplace(client.get(), client);
  uint64_t left_ms = limits.handshake_ms - std::min(limits.handshake_ms - 1, arrival.waited_ms);
  /* Weak: the session is the client's own. */
  auto with = [weak = std::weak_ptr(client)](auto fn) {
    if (auto self = weak.lock()) fn(self);
  };
  client->session = std::make_unique<session::Session>(
      host_, identity_, stream.release(),
      session::Options{
          .pattern = noise::Pattern::kXK,
          .payload = config_.announces ? session::encode({session::kKeepsTrailingBytes}) : Bytes(),
          .seal_mux = false,
          .handshake_timeout_ms = left_ms,
          .limits = mux_limits(limits),
          .timeouts = kMuxTimeouts,
          .early = std::move(arrival.early)},
      session::Events{
          .ready = [this, with](const visor_key& key,
                                ByteView) { with([&](const auto& self) { established(self, key); }); },
          .accept =
              [this, with](visor_stream* opened_stream) {
                Stream owned(host_, opened_stream);
                with([&](const auto& self) { opened(self, owned.release()); });
              },
          .closed = [this,
                     with](const Error& error) { with([&](const auto& self) { ended(self, error); }); }});
}

/* The newest session of a key is the one that its client means. */
void Relay::established(const std::shared_ptr<Client>& client, const visor_key& key) {
  ++counters_.established;
  client->place.settle();
  client->key = key;
  auto& seat = clients_[key];
  std::shared_ptr<Client> older = std::exchange(seat, client);
  handshaking_.erase(client.get());
  if (!older) return changed_();
  ++counters_.replaced;
  older->session.reset();
}

void Relay::opened(const std::shared_ptr<Client>& client, visor_stream* raw) {
  Stream stream(host_, raw);
  if (client->setups >= config_.limits.setups_per_session) {
    ++counters_.over_limit;
    if (!client->excess.take(kExcess, host_.now_ms())) expel(client, "it opens streams without end");
    return; /* closed: a reset */
  }
  Passage& passage = passages_.emplace_back(*this, client, stream.release());
  passage.place = std::prev(passages_.end());
}

void Relay::ended(const std::shared_ptr<Client>& client, const Error& error) {
  if (handshaking_.contains(client.get())) {
    ++counters_.failed;
    host_.debug("no session with " + client->origin.text + ": " + error.text);
  } else if (error.status == VISOR_EPROTO) {
    ++counters_.expelled;
    fine(*client);
  }
  drop(client);
}

// By value: whose client it is may be the entry that goes.
void Relay::drop(std::shared_ptr<Client> client) {
  client->session.reset();
  handshaking_.erase(client.get());
  auto at = clients_.find(client->key);
  if (at == clients_.end() || at->second != client) return;
  clients_.erase(at);
  changed_();
}

void Relay::fine(Client& client) {
  client.place.fine(kFineHandshakes, config_.limits.address.rate, host_.now_ms());
}

void Relay::expel(const std::shared_ptr<Client>& client, const std::string& why) {
  if (!client->session) return;
  ++counters_.expelled;
  host_.warn("the session of " + to_hex(client->key) + " from " + client->origin.text + " is closed: " + why);
  fine(*client);
  drop(client);
}

std::shared_ptr<Client> Relay::find(const visor_key& key) const {
  auto at = clients_.find(key);
  return at == clients_.end() || !at->second->session ? nullptr : at->second;
}

/* --- bounds --------------------------------------------------------------------------------- */

size_t Relay::held_bytes() const {
  size_t held = 0;
  for (const auto& [key, client] : clients_) held += client->session ? client->session->held_bytes() : 0;
  return held;
}

size_t Relay::passages(Passage::State state) const {
  return static_cast<size_t>(
      std::ranges::count_if(passages_, [state](const Passage& each) { return each.state() == state; }));
}

void Relay::sweep() {
  now_ms_ = host_.now_ms();
  addresses_.tidy(now_ms_);
  limit_held();
  for (auto at = passages_.begin(); at != passages_.end();) {
    Passage& passage = *at++;
    if (passage.state() < Passage::State::kOpen) continue;
    if (now_ms_ - passage.active_ms() < config_.limits.idle_ms) continue;
    ++counters_.idle;
    passage.cut();
  }
}

/* Memory is everybody's: when slow readers hold too much of it, who holds most pays. */
void Relay::limit_held() {
  size_t held = held_bytes();
  while (held > config_.limits.held_bytes) {
    auto largest = std::ranges::max_element(clients_, {}, [](const auto& entry) {
      return entry.second->session ? entry.second->session->held_bytes() : 0;
    });
    std::shared_ptr<Client> client = largest->second;
    held -= std::min(held, std::max<size_t>(1, client->session->held_bytes()));
    expel(client, "it holds more than any other of the " + std::to_string(config_.limits.held_bytes) +
                      " bytes that may wait for slow readers");
  }
}

}  // namespace visor::dmsg_server
