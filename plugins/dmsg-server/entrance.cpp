#include "entrance.hpp"

#include "proxy_header.hpp"

namespace visor::dmsg_server {

void Entrance::accept(visor_stream* raw) {
  Stream stream(host_, raw);
  std::string address = config_.proxy_protocol ? std::string() : parse_origin(stream.origin()).address;
  auto waiting = by_address_.find(address);
  bool many = waiting != by_address_.end() && waiting->second >= config_.limits.address.handshakes;
  if (!address.empty() && (many || !events_.welcomes(address))) {
    ++counters_.refused;
    return; /* and the stream closes */
  }
  /* Who means it has spoken long before the others have filled all places. */
  if (waiting_.size() >= config_.limits.handshakes) {
    ++counters_.silent;
    forget(waiting_.begin());
  }
  if (!address.empty()) ++by_address_[address];
  Place place = waiting_.insert(waiting_.end(),
                                Waiting{std::move(stream), std::move(address), {}, host_.now_ms(), Timer()});
  auto gone = [this, place] { forget(place); };
  place->timer = Timer::once(host_, config_.limits.handshake_ms, [this, place] {
    ++counters_.silent;
    forget(place);
  });
  place->stream.attach({.data = [this, place](ByteView data) { take(place, data); },
                        .end = gone,
                        .ready = {},
                        .closed = [gone](const Error&) { gone(); }});
}

void Entrance::forget(Place place) {
  if (auto at = by_address_.find(place->address); at != by_address_.end() && --at->second == 0) {
    by_address_.erase(at);
  }
  waiting_.erase(place);
}

void Entrance::take(Place place, ByteView data) {
  Bytes& first = place->first;
  first.insert(first.end(), data.begin(), data.end());
  if (!config_.proxy_protocol) return give(place, 0, {});
  auto header = read_proxy_header(first);
  if (!header) {
    ++counters_.broken;
    forget(place);
    return;
  }
  /* A header by itself says nothing of what follows it. */
  if (!*header || (*header)->bytes == first.size()) return;
  give(place, (*header)->bytes, std::move((*header)->origin));
}

void Entrance::give(Place place, size_t header_bytes, std::string origin) {
  Arrival arrival{nullptr, parse_origin(origin.empty() ? place->stream.origin() : std::string_view(origin)),
                  std::move(place->first), host_.now_ms() - place->since_ms};
  arrival.early.erase(arrival.early.begin(), arrival.early.begin() + static_cast<ptrdiff_t>(header_bytes));
  arrival.stream = place->stream.release();
  forget(place);
  bool web = arrival.early[0] >= 'A' && arrival.early[0] <= 'Z';
  (web ? events_.web : events_.session)(std::move(arrival));
}

}  // namespace visor::dmsg_server
