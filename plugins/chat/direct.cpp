#include "direct.hpp"

#include <algorithm>

#include "lib/codec/utf8.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::chat {
namespace {

constexpr uint64_t kCheckMs = 1000;

}  // namespace

Direct::Direct(Host host, History& history, const DirectOptions& options, Events events)
    : host_(host), tasks_(host), history_(history), options_(options), events_(std::move(events)) {}

Direct::~Direct() {
  events_ = {};
}

Result<void> Direct::start() {
  check_ = Timer::every(host_, kCheckMs, [this] { check(); });
  for (const auto& [key, owed] : history_.owing()) peer(key);
  return watch_.open(host_, VISOR_NET_1, [this](std::string_view name, visor_net* net) {
    network_changed(std::string(name), net);
  });
}

Direct::Peer& Direct::peer(const visor_key& key) {
  Peer& found = peers_[key];
  found.key = key;
  return found;
}

void Direct::network_changed(const std::string& name, visor_net* net) {
  if (std::ranges::find(options_.networks, name) == options_.networks.end()) return;
  networks_.erase(name);
  for (auto& [key, each] : peers_) each.dialing.erase(name);
  if (!net) return;
  Listening& network = networks_[name];
  network.net = net;
  Result<void> listening = network.listener.listen(
      host_, net, options_.port, [this, name](visor_stream* stream) { accept(name, stream); });
  if (!listening) host_.warn("skychat: nobody can reach us on " + name + ": " + listening.error().text);
  if (listening) host_.info("skychat: listening on " + name + ":" + std::to_string(options_.port));
  // What was owed before there was a way to send it.
  tasks_.post([this] {
    for (auto& [key, each] : peers_) try_now(each);
  });
}

void Direct::accept(const std::string& network, visor_stream* stream) {
  Stream owned(host_, stream);
  const visor_addr* from = owned.peer();
  if (!from) {
    ++counters_.refused;
    return;
  }
  ++counters_.accepted;
  Peer& here = peer(from->key);
  host_.debug("skychat: " + short_key(from->key) + " connected over " + network);
  add_line(here, network, owned.release());
  here.failures = 0;
  try_now(here);
}

std::vector<std::string> Direct::listening() const {
  std::vector<std::string> names;
  for (const auto& [name, network] : networks_) {
    if (network.listener) names.push_back(name);
  }
  return names;
}

std::string Direct::network_of(const visor_key& key) const {
  auto at = peers_.find(key);
  if (at == peers_.end() || at->second.lines.empty()) return {};
  for (const std::string& name : options_.networks) {
    for (const auto& [number, line] : at->second.lines) {
      if (line->network() == name) return name;
    }
  }
  return {};
}

std::string Direct::new_id() {
  std::array<uint8_t, 8> random{};
  host_.random(random);
  return to_hex(random);
}

// --- what people do ---

Result<Message> Direct::send(const visor_key& to, std::string_view text, std::string_view network,
                             std::string_view reply_to) {
  // Whom we know has a key that is one.
  const bool known_peer = peers_.contains(to) || history_.conversations().contains(to);
  if (!known_peer && !crypto::valid_public_key(to))
    return failure(VISOR_EINVAL, "the receiver's key is not a public key");
  if (text.empty()) return failure(VISOR_EINVAL, "a message has at least one character");
  if (!codec::is_utf8(text)) return failure(VISOR_EINVAL, "a message is UTF-8 text");
  const bool known =
      network == "auto" || std::ranges::find(options_.networks, network) != options_.networks.end();
  if (!known) {
    return failure(VISOR_EINVAL, "unknown network '" + std::string(network) + "': messages go over auto, " +
                                     options_.networks.front() + " or another network of the configuration");
  }
  Message message;
  message.text = text;
  message.reply_to = reply_to;
  message.network = network;
  message.time_ns = host_.unix_ns();
  auto size_on_line = [&] {
    const std::string id(16, '0');  // as long as the one that it will have
    return encode(Envelope{Envelope::Type::kMessage, id, message.text, true, message.reply_to}).size();
  };
  constexpr size_t kEscaped = 6; /* bytes that one of text becomes at most */
  const bool may_be_large = kEscaped * (text.size() + reply_to.size()) > kMaxPayloadBytes - 256;
  if (const size_t size = may_be_large ? size_on_line() : 0; size > kMaxPayloadBytes) {
    return failure(VISOR_EINVAL, "a message has at most 64 KiB with all that goes with it; this one has " +
                                     std::to_string(size) + " bytes");
  }
  Peer& here = peer(to);
  if (Result<void> loaded = load(here); !loaded) return std::unexpected(loaded.error());
  if (Result<void> kept = history_.add_out(to, message); !kept) return std::unexpected(kept.error());
  here.waiting.push_back({message.number, Errand::kMessage});
  if (events_.added) events_.added(to, message);
  // Many of one turn go out together.
  tasks_.post([this, to] { try_now(peer(to)); });
  return message;
}

Result<Message> Direct::take_back(const visor_key& to, std::string_view id) {
  Result<std::optional<Message>> found = history_.find(to, Direction::kOut, id);
  if (!found) return std::unexpected(found.error());
  if (!*found) {
    return failure(VISOR_ENOENT, "no message '" + std::string(id) + "' was sent to this peer from here");
  }
  Message message = std::move(**found);
  Peer& here = peer(to);
  if (Result<void> loaded = load(here); !loaded) return std::unexpected(loaded.error());
  const bool unsent = message.state == State::kPending || message.state == State::kFailed;
  message.deleted = true;
  message.text.clear();
  std::erase_if(here.waiting, [&](const Owed& owed) { return owed.number == message.number; });
  here.flights.erase(message.id);
  // What may have arrived has to be taken back there; what has not left is simply not sent.
  Result<void> done = unsent && message.state == State::kPending ? history_.save(to, message, true)
                                                                 : history_.owe(to, message, Errand::kDelete);
  if (!done) return std::unexpected(done.error());
  if (!(unsent && message.state == State::kPending))
    here.waiting.push_back({message.number, Errand::kDelete});
  if (events_.changed) events_.changed(to, message);
  tasks_.post([this, to] { deliver(peer(to)); });
  return message;
}

Result<size_t> Direct::read(const visor_key& from) {
  Result<std::vector<Message>> seen = history_.read_all(from);
  if (!seen) return std::unexpected(seen.error());
  Peer& here = peer(from);
  Line* line = best_line(here, "auto");
  for (const Message& message : *seen) {
    if (line && !message.id.empty()) {
      line->send(encode(Envelope{Envelope::Type::kRead, message.id, {}, false, {}}));
    }
    if (events_.changed) events_.changed(from, message);
  }
  return seen->size();
}

Result<void> Direct::forget(const visor_key& key) {
  if (Result<void> forgotten = history_.forget(key); !forgotten) return forgotten;
  auto at = peers_.find(key);
  if (at == peers_.end()) return {};
  at->second.waiting.clear();
  at->second.flights.clear();
  at->second.retry.cancel();
  return {};
}

}  // namespace visor::chat
