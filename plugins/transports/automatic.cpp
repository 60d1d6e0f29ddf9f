#include "automatic.hpp"

#include <algorithm>
#include <set>

#include "lib/codec/transport_type.hpp"
#include "relay_carrier.hpp"

namespace visor::transports {

void Automatic::start() {
  if (count_ > 0) wait(soon_ms());
}

void Automatic::stop() {
  stopped_ = true;
  timer_.cancel();
  asking_ = {};
  candidates_.clear();
  for (const auto& [key, attempt] : std::exchange(attempts_, {})) manager_.cancel(attempt.number);
}

// Somewhat sooner or later, so that those who lost the same visor do not come back together.
void Automatic::wait(uint64_t ms) {
  ms = ms - ms / 4 + random(ms / 2 + 1);
  due_ms_ = host_.now_ms() + ms;
  timer_ = Timer::once(host_, ms, [this] { pass(); });
}

void Automatic::changed() {
  if (stopped_ || count_ == 0 || enough() || failures_in_row_ > 0) return;
  if (due_ms_ > host_.now_ms() + 2 * soon_ms()) wait(soon_ms());
}

size_t Automatic::serving() const {
  std::set<visor_key> peers;
  manager_.each([&](const Transport& transport) {
    /* Those by a relay are skynet's: made for a dial, and no way to get anywhere without the relay. */
    if (transport.state() == Transport::State::kServing && transport.terms().dialed &&
        transport.entry().label == codec::kLabelAutomatic && transport.entry().type != RelayCarrier::kType) {
      peers.insert(transport.peer());
    }
  });
  return peers.size();
}

/* --- asking --------------------------------------------------------------------------------- */

void Automatic::pass() {
  wait(interval_ms() * 3 / 2);
  if (enough()) return;
  ++counters_.passes;
  ask(Page::kFromAnywhere);
}

void Automatic::ask(Page page) {
  services::ServiceQuery query{.type = std::string(services::kVisor), .limit = kListed};
  if (page == Page::kFromAnywhere) {
    query.after.emplace();
    host_.random(query.after->bytes);
    query.after->bytes[0] = static_cast<uint8_t>(2 + query.after->bytes[0] % 2);
  }
  asking_ = directory_.list(query, [this, page](Result<std::vector<services::Service>> services) {
    listed(page, std::move(services));
  });
}

void Automatic::listed(Page page, Result<std::vector<services::Service>> services) {
  if (!services) {
    if (counters_.problem != services.error().text) host_.warn("transports: " + services.error().text);
    counters_.problem = services.error().text;
    return wait(std::min(soon_ms() << std::min<uint64_t>(failures_in_row_++, 8), interval_ms() * 3 / 2));
  }
  failures_in_row_ = 0;
  counters_.problem.clear();
  counters_.listed += services->size();
  bool whole = services->size() >= kListed;
  if (page == Page::kFromAnywhere) candidates_.clear();
  use(std::move(*services));
  // Behind the random key there were few: the others are in front of it.
  if (page == Page::kFromAnywhere && !whole) return ask(Page::kFromTheBeginning);
  for (size_t i = candidates_.size(); i > 1; --i)
    std::swap(candidates_[i - 1], candidates_[static_cast<size_t>(random(i))]);
  tries_left_ = kTriesPerPlace * count_;
  dial_more();
}

void Automatic::use(std::vector<services::Service> services) {
  for (services::Service& each : services) {
    bool known = std::ranges::any_of(
        candidates_, [&](const services::Service& other) { return other.name.key == each.name.key; });
    if (!known && wanted(each)) candidates_.push_back(std::move(each));
  }
}

bool Automatic::wanted(const services::Service& service) const {
  const visor_key& key = service.name.key;
  if (key == own_ || service.addresses.empty() || attempts_.contains(key)) return false;
  auto avoided = avoided_.find(key);
  if (avoided != avoided_.end() && avoided->second.until_ms > host_.now_ms()) return false;
  return manager_.serving_to(key).empty();
}

/* --- dialling ------------------------------------------------------------------------------- */

void Automatic::dial_more() {
  while (!enough() && !candidates_.empty() && tries_left_ > 0) {
    services::Service next = std::move(candidates_.back());
    candidates_.pop_back();
    if (!wanted(next)) continue;
    --tries_left_;
    attempts_[next.name.key].addresses = std::move(next.addresses);
    if (!dial_next(next.name.key)) answered(next.name.key, false);
  }
  if (enough()) candidates_.clear();
}

bool Automatic::dial_next(const visor_key& key) {
  Attempt& attempt = attempts_.at(key);
  while (attempt.next < attempt.addresses.size()) {
    const services::Address& to = attempt.addresses[attempt.next++];
    // Where no transport of this type can be made, the next address may do.
    auto begun = manager_.save(key, to.type, to.address, codec::kLabelAutomatic,
                               [this, key](Result<const Transport*> saved) {
                                 if (!saved && dial_next(key)) return;
                                 answered(key, saved.has_value());
                                 dial_more();
                               });
    if (!begun) continue;
    ++counters_.dialed;
    attempt.number = *begun;
    return true;
  }
  return false;
}

void Automatic::answered(const visor_key& key, bool made) {
  // The key may be the map's own.
  visor_key visor = key;
  attempts_.erase(visor);
  ++(made ? counters_.made : counters_.failed);
  if (made) {
    avoided_.erase(visor);
  } else {
    avoid(visor);
  }
}

void Automatic::avoid(const visor_key& key) {
  if (!avoided_.contains(key) && avoided_.size() >= kMaxAvoided) {
    avoided_.erase(
        std::ranges::min_element(avoided_, {}, [](const auto& each) { return each.second.until_ms; }));
  }
  Avoided& entry = avoided_[key];
  entry.until_ms = host_.now_ms() + (interval_ms() << std::min<uint64_t>(entry.failures++, 6));
}

uint64_t Automatic::random(uint64_t below) const {
  uint64_t number = 0;
  host_.random({reinterpret_cast<uint8_t*>(&number), sizeof number});
  return number % below;
}

/* --- addresses ------------------------------------------------------------------------------ */

Carrier::Dial Automatic::resolve(const visor_key& key, std::string_view type,
                                 std::function<void(Result<std::string>)> done) {
  services::ServiceQuery query{.type = std::string(services::kVisor), .key = key};
  auto found = [key, type = std::string(type),
                done = std::move(done)](Result<std::vector<services::Service>> services) {
    if (!services) return done(std::unexpected(services.error()));
    for (const services::Service& each : *services) {
      if (each.name.key != key) continue;
      for (const services::Address& address : each.addresses) {
        if (address.type == type) return done(address.address);
      }
    }
    done(failure(VISOR_ENOENT, "the service directory has no address of " + to_hex(key) +
                                   " for transports of type " + type + "; say it"));
  };
  return std::make_shared<http::Call>(directory_.list(query, std::move(found)));
}

}  // namespace visor::transports
