// Lines come, go and prove to be dead.
#include <algorithm>

#include "direct.hpp"

namespace visor::chat {

void Direct::add_line(Peer& here, const std::string& network, visor_stream* stream) {
  make_room(here);
  const uint64_t number = ++last_line_;
  const visor_key key = here.key;
  here.lines[number] = std::make_unique<Line>(
      host_, stream, network,
      Line::Events{
          .payload = [this, key, number](std::string_view payload) { heard(peer(key), number, payload); },
          .ready = [this, key] { deliver(peer(key)); },
          .closed = [this, key, number](const Error& why) { lost_line(key, number, why); }});
  ++line_count_;
  here.tried.clear();
}

/* A peer has few lines, and all of them together are bounded: what was idle longest goes. */
void Direct::make_room(Peer& here) {
  if (here.lines.size() >= options_.lines_per_peer) {
    auto idle =
        std::ranges::min_element(here.lines, {}, [](const auto& entry) { return entry.second->used_ms(); });
    return drop_line(here, idle->first);
  }
  if (line_count_ < options_.lines) return;
  Peer* owner = nullptr;
  uint64_t number = 0, used_ms = UINT64_MAX;
  for (auto& [key, each] : peers_) {
    for (const auto& [at, line] : each.lines) {
      if (line->used_ms() >= used_ms) continue;
      owner = &each;
      number = at;
      used_ms = line->used_ms();
    }
  }
  if (owner) drop_line(*owner, number);
}

/* Ends a line of ours; one of its functions may be under way. */
void Direct::drop_line(Peer& here, uint64_t number) {
  auto at = here.lines.find(number);
  if (at == here.lines.end()) return;
  auto gone = std::make_shared<std::unique_ptr<Line>>(std::move(at->second));
  here.lines.erase(at);
  --line_count_;
  (*gone)->close();
  post(host_, [gone] {});
  give_back(here, number);
}

void Direct::lost_line(const visor_key& key, uint64_t number, const Error& why) {
  Peer& here = peer(key);
  ++counters_.lines_lost;
  const bool owed = !here.flights.empty() || !here.waiting.empty();
  drop_line(here, number);
  host_.debug("skychat: the line to " + short_key(key) + " is lost: " + why.text);
  if (owed) failed(here);
}

Line* Direct::best_line(Peer& here, std::string_view network) const {
  Line* best = nullptr;
  size_t best_rank = SIZE_MAX;
  for (auto& [number, line] : here.lines) {
    if (network != "auto" && line->network() != network) continue;
    const auto rank = static_cast<size_t>(std::ranges::find(options_.networks, line->network()) -
                                          options_.networks.begin());
    // The newest of a network: an older one may be half open.
    if (rank <= best_rank) {
      best = line.get();
      best_rank = rank;
    }
  }
  return best;
}

/* Every network that may carry it is tried at once; the line that stands first carries what waits. */
void Direct::dial(Peer& here, std::string_view network) {
  if (!here.dialing.empty()) return;
  const bool any = network == "auto" || here.tried.contains(std::string(network));
  bool begun = false;
  for (const std::string& name : options_.networks) {
    if (any ? here.tried.contains(name) : name != network) continue;
    begun = dial_on(here, name) || begun;
  }
  if (begun) return;
  here.tried.clear();
  failed(here);
}

bool Direct::dial_on(Peer& here, const std::string& network) {
  auto at = networks_.find(network);
  if (at == networks_.end()) return false;
  visor_net* net = at->second.net;
  const visor_addr to{here.key, options_.port};
  host_.debug("skychat: dialing " + network + " " + short_key(here.key) + ":" +
              std::to_string(options_.port) + "\xe2\x80\xa6");
  ++counters_.dialed;
  const visor_status status = here.dialing[network].start(
      [&](visor_done done) { return net->api->dial(net, &to, done); },
      [this, key = here.key, network](visor_status dialed, visor_stream* stream) {
        Peer& there = peer(key);
        const std::string why = dialed == VISOR_OK ? std::string() : host_.error(dialed).text;
        auto gone = std::make_shared<Request<visor_stream>>(std::move(there.dialing[network]));
        there.dialing.erase(network);
        post(host_, [gone] {});
        if (dialed == VISOR_OK) {
          host_.debug("skychat: connected with " + short_key(key) + " over " + network);
          add_line(there, network, stream);
          return deliver(there);
        }
        ++counters_.dials_failed;
        there.tried.insert(network);
        host_.debug("skychat: dial failed, " + short_key(key) + " is not reached over " + network + ": " +
                    why);
        if (there.dialing.empty() && there.lines.empty()) failed(there);
      },
      [net](void* ctx) { net->api->cancel(net, ctx); });
  if (status == VISOR_OK) return true;
  here.dialing.erase(network);
  ++counters_.dials_failed;
  return false;
}

/* At once the first time, since a peer that was restarted is there again; then less and less often. */
void Direct::failed(Peer& here) {
  const unsigned failures = here.failures++;
  uint64_t after_ms = failures == 0 ? 0 : options_.retry_ms;
  for (unsigned i = 1; i < failures && after_ms < options_.max_retry_ms; ++i) after_ms *= 2;
  here.resting = true;
  here.retry = Timer::once(host_, std::min(after_ms, options_.max_retry_ms), [this, key = here.key] {
    Peer& there = peer(key);
    there.resting = false;
    deliver(there);
  });
}

/* There is a new reason to believe that the peer is reached. */
void Direct::try_now(Peer& here) {
  here.resting = false;
  here.retry.cancel();
  deliver(here);
}

/* A line on which an acknowledgement is missing is dead, even if nothing else says so; who is neither there
 * nor waited for is forgotten. */
void Direct::check() {
  const uint64_t now_ms = host_.now_ms();
  for (auto& [key, each] : peers_) {
    auto late =
        std::ranges::find_if(each.flights, [&](const auto& entry) { return entry.second.due_ms <= now_ms; });
    if (late == each.flights.end()) continue;
    ++counters_.half_open;
    drop_line(each, late->second.line);
    failed(each);
  }
  std::erase_if(peers_, [](const auto& entry) {
    const Peer& each = entry.second;
    return each.lines.empty() && each.dialing.empty() && each.waiting.empty() && !each.resting && each.loaded;
  });
}

}  // namespace visor::chat
