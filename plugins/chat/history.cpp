#include "history.hpp"

#include <algorithm>

#include "history_batch.hpp"

namespace visor::chat {
namespace {

std::string id_of_number(uint64_t number) {
  std::array<uint8_t, 8> bytes{};
  codec::store_be(bytes.data(), number);
  return to_hex(bytes);
}

std::optional<uint64_t> number_of_id(std::string_view id) {
  std::array<uint8_t, 8> bytes{};
  return from_hex(id, bytes) ? std::optional(codec::load_be<uint64_t>(bytes.data())) : std::nullopt;
}

}  // namespace

Error History::error(visor_status status, const char* what) const {
  return {status, std::string("the chat's history cannot be ") + what + ": " + host_.error(status).text};
}

Result<void> History::write(Batch& batch) {
  added_.reset();
  const std::vector<visor_op> ops = batch.ops();
  const visor_status status = kv_->api->write(kv_.get(), ops.data(), ops.size());
  if (status != VISOR_OK) return std::unexpected(error(status, "written"));
  return {};
}

Result<std::unique_ptr<History>> History::open(Host host, Owned<visor_kv> kv, const HistoryLimits& limits) {
  std::unique_ptr<History> history(new History(host, std::move(kv), limits));
  if (Result<void> read = history->read_all_conversations(); !read) return std::unexpected(read.error());
  return history;
}

Result<void> History::add_out(const visor_key& peer, Message& message) {
  Result<Conversation*> found = conversation(peer);
  if (!found) return std::unexpected(found.error());
  auto owing = owing_.find(peer);
  const size_t owed = owing == owing_.end() ? 0 : owing->second;
  if (owed >= limits_.owed_per_peer) {
    return failure(
        VISOR_ENOSPC,
        std::to_string(owed) + " messages wait for this peer already; it has not been reached for long");
  }
  Conversation next = **found;
  message.number = std::max(static_cast<uint64_t>(message.time_ns), next.last + 1);
  message.direction = Direction::kOut;
  message.state = State::kPending;
  next.last = message.number;
  // One that nobody has named is found by its number, without an index.
  const bool named = !message.id.empty();
  if (!named) message.id = id_of_number(message.number);
  Batch batch;
  Result<std::optional<Conversation>> shortened = add(next, message, batch);
  if (!shortened) return std::unexpected(shortened.error());
  if (named) batch.put_id(peer, message);
  batch.owe(peer, message.number, Errand::kMessage);
  if (Result<void> written = write(batch); !written) return written;
  take_over(next);
  if (*shortened) take_over(**shortened);
  owing_[peer] = owed + 1;
  added_.emplace(peer, message);
  return {};
}

Result<bool> History::add_in(const visor_key& peer, Message& message) {
  Result<std::optional<Message>> before = find(peer, Direction::kIn, message.id);
  if (!before) return std::unexpected(before.error());
  if (*before) return false;
  Result<Conversation*> found = conversation(peer);
  if (!found) return std::unexpected(found.error());
  Conversation next = **found;
  message.number = std::max(static_cast<uint64_t>(message.time_ns), next.last + 1);
  message.direction = Direction::kIn;
  message.state = State::kReceived;
  next.last = message.number;
  ++next.unread;
  Batch batch;
  Result<std::optional<Conversation>> shortened = add(next, message, batch);
  if (!shortened) return std::unexpected(shortened.error());
  batch.put_id(peer, message);
  if (Result<void> written = write(batch); !written) return std::unexpected(written.error());
  take_over(next);
  if (*shortened) take_over(**shortened);
  return true;
}

Result<std::optional<Message>> History::find(const visor_key& peer, Direction direction,
                                             std::string_view id) {
  if (const auto number = direction == Direction::kOut ? number_of_id(id) : std::nullopt) {
    Result<Message> message = load(peer, *number);
    if (message && message->id == id) return std::optional(std::move(*message));
  }
  visor_span value{};
  const Bytes key = id_key(peer, direction, id);
  const visor_status status = kv_->api->get(kv_.get(), to_span(key), &value);
  if (status == VISOR_ENOENT) return std::nullopt;
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  if (value.size != 8) return failure(VISOR_ECORRUPT, "the chat's index of messages is damaged");
  Result<Message> message = load(peer, codec::load_be<uint64_t>(bytes(value).data()));
  if (!message) return std::unexpected(message.error());
  return std::optional(std::move(*message));
}

Result<Message> History::load(const visor_key& peer, uint64_t number) {
  if (added_ && added_->second.number == number && added_->first == peer) {
    Message message = std::move(added_->second);
    added_.reset();
    return message;
  }
  visor_span value{};
  const Bytes key = number_key(kMessage, peer, number);
  const visor_status status = kv_->api->get(kv_.get(), to_span(key), &value);
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  Result<Message> message = decode_stored(bytes(value), number);
  if (message) add_transient(peer, *message);
  return message;
}

void History::note_sent(const visor_key& peer, const Message& message) {
  sent_[peer][message.number] = message.network;
}

void History::add_transient(const visor_key& peer, Message& message) const {
  auto of_peer = sent_.find(peer);
  if (of_peer == sent_.end()) return;
  auto sent = of_peer->second.find(message.number);
  if (sent == of_peer->second.end()) return;
  message.state = State::kSent;
  message.network = sent->second;
}

Result<std::vector<Message>> History::list(const visor_key& peer, uint64_t before, size_t limit) {
  std::vector<Message> messages;
  visor_cursor* raw = nullptr;
  visor_status status = kv_->api->cursor(kv_.get(), &raw);
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  Owned<visor_cursor> cursor(raw);
  const Bytes prefix = peer_key(kMessage, peer);
  const Bytes from = number_key(kMessage, peer, before == 0 ? UINT64_MAX : before - 1);
  status = raw->api->seek(raw, to_span(from), VISOR_AT_OR_BEFORE);
  for (; status == VISOR_OK && messages.size() < limit; status = raw->api->step(raw, -1)) {
    const ByteView key = bytes(raw->key);
    if (!text(key).starts_with(text(prefix))) break;
    Result<Message> message = decode_stored(bytes(raw->value), number_in(key));
    if (!message) return std::unexpected(message.error());
    add_transient(peer, *message);
    messages.push_back(std::move(*message));
  }
  if (status != VISOR_OK && status != VISOR_ENOENT) return std::unexpected(error(status, "read"));
  return messages;
}

Result<std::vector<std::pair<visor_key, Message>>> History::latest(size_t limit) {
  std::vector<const Conversation*> all;
  all.reserve(conversations_.size());
  for (const auto& [peer, conversation] : conversations_) all.push_back(&conversation);
  std::ranges::sort(all, std::greater{}, &Conversation::last);
  // The newest first; a conversation whose newest is older than `limit` others has none of them.
  auto newer = [](const auto& a, const auto& b) { return a.second.number > b.second.number; };
  std::vector<std::pair<visor_key, Message>> found;
  for (const Conversation* conversation : all) {
    if (found.size() >= limit && conversation->last <= found.back().second.number) break;
    Result<std::vector<Message>> messages = list(conversation->peer, 0, limit);
    if (!messages) return std::unexpected(messages.error());
    const auto middle = static_cast<ptrdiff_t>(found.size());
    for (Message& message : *messages) found.emplace_back(conversation->peer, std::move(message));
    std::inplace_merge(found.begin(), found.begin() + middle, found.end(), newer);
    if (found.size() > limit) found.erase(found.begin() + static_cast<ptrdiff_t>(limit), found.end());
  }
  std::ranges::reverse(found);
  return found;
}

Result<void> History::save(const visor_key& peer, const Message& message, bool settled) {
  Batch batch;
  const std::optional<Conversation> shortened = put_changed(peer, message, batch);
  visor_span owed{};
  const Bytes key = number_key(kOwed, peer, message.number);
  const bool was_owed = settled && kv_->api->get(kv_.get(), to_span(key), &owed) == VISOR_OK;
  if (was_owed) batch.erase(key);
  if (Result<void> written = write(batch); !written) return written;
  if (shortened) take_over(*shortened);
  if (auto sent = sent_.find(peer); sent != sent_.end()) {
    sent->second.erase(message.number);
  }
  if (!was_owed) return {};
  auto at = owing_.find(peer);
  if (at != owing_.end() && --at->second == 0) owing_.erase(at);
  return {};
}

Result<void> History::owe(const visor_key& peer, const Message& message, Errand errand) {
  Batch batch;
  const std::optional<Conversation> shortened = put_changed(peer, message, batch);
  visor_span owed{};
  const Bytes key = number_key(kOwed, peer, message.number);
  const bool was_owed = kv_->api->get(kv_.get(), to_span(key), &owed) == VISOR_OK;
  batch.owe(peer, message.number, errand);
  if (Result<void> written = write(batch); !written) return written;
  if (shortened) take_over(*shortened);
  if (!was_owed) ++owing_[peer];
  return {};
}

Result<std::vector<Owed>> History::owed(const visor_key& peer) const {
  std::vector<Owed> all;
  const Bytes prefix = peer_key(kOwed, peer);
  const visor_status status = scan(kv_.get(), prefix, [&](ByteView key, ByteView value) {
    if (!value.empty()) all.push_back({number_in(key), static_cast<Errand>(value[0])});
    return true;
  });
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  return all;
}

Result<std::vector<Message>> History::read_all(const visor_key& peer) {
  auto at = conversations_.find(peer);
  if (at == conversations_.end() || at->second.unread == 0) return std::vector<Message>{};
  Conversation next = at->second;
  Result<std::vector<Message>> messages = list(peer, 0, limits_.per_peer);
  if (!messages) return messages;
  std::erase_if(*messages, [&](const Message& message) {
    return message.direction == Direction::kOut || message.number <= next.read ||
           message.state == State::kRead;
  });
  Batch batch;
  for (Message& message : *messages) {
    message.state = State::kRead;
    batch.put(peer, message);
  }
  next.read = next.last;
  next.unread = 0;
  batch.put(next);
  if (Result<void> written = write(batch); !written) return std::unexpected(written.error());
  at->second = next;
  return messages;
}

Result<void> History::forget(const visor_key& peer) {
  Batch batch;
  for (uint8_t range : {kMessage, kId, kOwed}) {
    const visor_status status = scan(kv_.get(), peer_key(range, peer), [&](ByteView key, ByteView) {
      batch.erase(key);
      return true;
    });
    if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  }
  batch.erase(peer_key(kPeer, peer));
  if (Result<void> written = write(batch); !written) return written;
  if (auto at = conversations_.find(peer); at != conversations_.end()) {
    bytes_ -= at->second.bytes;
    conversations_.erase(at);
  }
  owing_.erase(peer);
  sent_.erase(peer);
  return {};
}

void History::sync(std::function<void(visor_status)> done) {
  const uint64_t number = ++last_sync_;
  const visor_status status = syncs_[number].start([&](visor_done d) { return kv_->api->sync(kv_.get(), d); },
                                                   [this, number, done](visor_status synced, void*) {
                                                     syncs_.erase(number);
                                                     done(synced);
                                                   });
  if (status == VISOR_OK) return;
  syncs_.erase(number);
  post(host_, [done, status] { done(status); });
}

}  // namespace visor::chat
