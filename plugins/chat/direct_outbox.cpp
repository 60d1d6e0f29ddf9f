// What is owed goes out, what comes is kept and answered.
#include <algorithm>

#include "direct.hpp"
#include "lib/codec/utf8.hpp"

namespace visor::chat {
namespace {

constexpr size_t kShortText = 4096;

/* A line for the log, of which many are said and few are read. */
std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  out.reserve(128);
  for (std::string_view part : parts) out += part;
  return out;
}

}  // namespace

Result<void> Direct::load(Peer& here) {
  if (here.loaded) return {};
  Result<std::vector<Owed>> owed = history_.owed(here.key);
  if (!owed) return std::unexpected(owed.error());
  here.waiting.assign(owed->begin(), owed->end());
  here.loaded = true;
  return {};
}

void Direct::deliver(Peer& here) {
  if (Result<void> loaded = load(here); !loaded) return host_.warn("chat: " + loaded.error().text);
  bool again = true;
  while (again && !here.waiting.empty() && here.flights.size() < options_.window) {
    const Owed owed = here.waiting.front();
    if (!send_owed(here, owed, again)) return;
    here.waiting.pop_front();
  }
}

/* False: it stays the next; `again`: whether to go on with others. */
bool Direct::send_owed(Peer& here, const Owed& owed, bool& again) {
  Result<Message> message = history_.load(here.key, owed.number);
  if (!message) {
    host_.warn("chat: a message that was to be sent is lost: " + message.error().text);
    return true;
  }
  const uint64_t age_ms =
      static_cast<uint64_t>(std::max<int64_t>(0, host_.unix_ns() - message->time_ns)) / 1000000;
  if (owed.errand == Errand::kMessage && age_ms > options_.give_up_ms) {
    ++counters_.given_up;
    message->state = State::kFailed;
    if (history_.save(here.key, *message, true) && events_.changed) events_.changed(here.key, *message);
    return true;
  }
  Line* line = best_line(here, message->network);
  if (!line) line = here.tried.empty() ? nullptr : best_line(here, "auto");
  if (!line) {
    if (!here.resting) dial(here, message->network);
    return false;
  }
  const bool is_message = owed.errand == Errand::kMessage;
  const Envelope envelope =
      is_message ? Envelope{Envelope::Type::kMessage, message->id, message->text, true, message->reply_to}
                 : Envelope{Envelope::Type::kDelete, message->id, {}, false, {}};
  const std::string payload = encode(envelope);
  const visor_status status = line->send(payload);
  if (status != VISOR_OK) {
    again = false;
    return false;  // `ready` or `closed` follows
  }
  host_.debug(joined({"skychat: sent ", std::to_string(payload.size()), " bytes to ", short_key(here.key),
                      " over ", line->network()}));
  if (!is_message) {
    if (Result<void> saved = history_.save(here.key, *message, true); !saved)
      host_.warn("chat: " + saved.error().text);
    return true;
  }
  const auto number =
      std::ranges::find(here.lines, line, [](const auto& entry) { return entry.second.get(); })->first;
  ++counters_.sent;
  message->state = State::kSent;
  message->network = line->network();
  history_.note_sent(here.key, *message);
  if (events_.changed) events_.changed(here.key, *message);
  Flight& flight = here.flights[message->id];
  flight = {message->number, number, host_.now_ms() + options_.ack_ms, std::nullopt};
  if (message->text.size() <= kShortText) flight.message = std::move(*message);
  return true;
}

/* What was sent on a line that is gone, and not acknowledged, is owed again. */
void Direct::give_back(Peer& here, uint64_t line) {
  std::vector<Owed> back;
  std::erase_if(here.flights, [&](const auto& entry) {
    if (entry.second.line != line) return false;
    back.push_back({entry.second.number, Errand::kMessage});
    return true;
  });
  here.waiting.insert(here.waiting.end(), back.begin(), back.end());
  std::ranges::sort(here.waiting, {}, &Owed::number);
}

// --- what comes ---

void Direct::heard(Peer& here, uint64_t line, std::string_view payload) {
  here.failures = 0;
  std::optional<Envelope> envelope = parse_envelope(payload);
  if (!envelope) {
    return heard_message(here, line, {Envelope::Type::kMessage, {}, codec::repair_utf8(payload), false, {}});
  }
  const bool named = !envelope->id.empty() && envelope->id.size() <= kMaxIdBytes;
  switch (envelope->type) {
    case Envelope::Type::kMessage:
      return heard_message(here, line, std::move(*envelope));
    case Envelope::Type::kAck:
      if (named) heard_of(here, envelope->id, State::kReceived);
      return;
    case Envelope::Type::kRead:
      if (named) heard_of(here, envelope->id, State::kRead);
      return;
    case Envelope::Type::kDelete:
      if (named) heard_delete(here, envelope->id);
      return;
  }
}

void Direct::heard_message(Peer& here, uint64_t line, Envelope envelope) {
  if (envelope.body.empty() || envelope.id.size() > kMaxIdBytes || envelope.reply_to.size() > kMaxIdBytes) {
    ++counters_.refused;
    return;
  }
  Message message;
  message.id = envelope.id.empty() ? new_id() : envelope.id;
  message.text = std::move(envelope.body);
  message.reply_to = std::move(envelope.reply_to);
  message.time_ns = host_.unix_ns();
  message.network = here.lines.at(line)->network();
  Result<bool> kept = history_.add_in(here.key, message);
  // A history that is full hides nothing from people.
  if (!kept) host_.warn("chat: a message is shown and not kept: " + kept.error().text);
  const bool is_new = !kept || *kept;
  ++(is_new ? counters_.received : counters_.repeated);
  if (envelope.ack && !envelope.id.empty()) acknowledge(here.key, line, std::move(envelope.id));
  if (!is_new) return;
  host_.debug(joined({"skychat: message from ", short_key(here.key), " over ", message.network}));
  if (events_.added) events_.added(here.key, message);
}

void Direct::heard_of(Peer& here, const std::string& id, State state) {
  auto flight = here.flights.extract(id);
  const bool in_flight = !flight.empty();
  Result<std::optional<Message>> found = in_flight && flight.mapped().message
                                             ? std::move(flight.mapped().message)
                                             : history_.find(here.key, Direction::kOut, id);
  if (!found || !*found) return;
  Message message = std::move(**found);
  const bool better =
      message.state != State::kRead && (state == State::kRead || message.state != State::kReceived);
  if (better) {
    if (message.state < State::kReceived) ++counters_.acknowledged;
    message.state = state;
    std::erase_if(here.waiting, [&](const Owed& owed) {
      return owed.number == message.number && owed.errand == Errand::kMessage;
    });
    Result<void> saved = history_.save(here.key, message, !message.deleted);
    if (!saved) return host_.warn("chat: " + saved.error().text);
    if (events_.changed) events_.changed(here.key, message);
  }
  if (in_flight && !here.waiting.empty()) deliver(here);
}

void Direct::heard_delete(Peer& here, const std::string& id) {
  Result<std::optional<Message>> found = history_.find(here.key, Direction::kIn, id);
  if (!found || !*found || (*found)->deleted) return;
  Message message = std::move(**found);
  message.deleted = true;
  message.text.clear();
  if (Result<void> saved = history_.save(here.key, message, false); !saved)
    return host_.warn("chat: " + saved.error().text);
  if (events_.changed) events_.changed(here.key, message);
}

// --- acknowledgements: only of what is durable, many with one sync ---

void Direct::acknowledge(const visor_key& key, uint64_t line, std::string id) {
  acks_.push_back({key, line, std::move(id)});
  if (!std::exchange(syncing_, true)) send_acks();
}

void Direct::send_acks() {
  auto acks = std::make_shared<std::vector<Owing>>();
  // What else comes in this turn is synced with it.
  tasks_.post([this, acks] {
    std::swap(*acks, acks_);
    history_.sync([this, acks](visor_status synced) {
      for (const Owing& ack : *acks) {
        auto here = peers_.find(ack.peer);
        if (synced != VISOR_OK || here == peers_.end()) continue;
        auto line = here->second.lines.find(ack.line);
        if (line == here->second.lines.end()) continue;
        line->second->send(encode(Envelope{Envelope::Type::kAck, ack.id, {}, false, {}}));
      }
      syncing_ = false;
      if (acks_.empty()) return;
      syncing_ = true;
      send_acks();
    });
  });
}

}  // namespace visor::chat
