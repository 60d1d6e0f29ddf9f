#include "group_record.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "group_text.hpp"
#include "lib/codec/endian.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/crypto/base64.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

constexpr uint8_t kGroup = 'g', kMessage = 'h', kTakenBack = 't';
constexpr uint8_t kDeleted = 1, kHidden = 2, kAnswers = 4;
constexpr std::array<std::string_view, 4> kStatuses = {"pending", "active", "left", "revoked"};
constexpr size_t kMessageKeyBytes = 1 + 16 + 33 + 8 + 8;
constexpr size_t kAnsweredBytes = 33 + 8;

Bytes group_key(uint8_t range, const codec::Uuid& id) {
  Bytes key{range};
  codec::append(key, id);
  return key;
}

Bytes time_key(uint8_t range, const codec::Uuid& id, const visor_key& sender, int64_t time_ns) {
  Bytes key = group_key(range, id);
  codec::append(key, bytes(sender));
  codec::append_be<uint64_t>(key, static_cast<uint64_t>(time_ns));
  return key;
}

Bytes message_key(const codec::Uuid& id, const MessagePath& path) {
  Bytes key = time_key(kMessage, id, path.sender, path.time_ns);
  codec::append_be<uint64_t>(key, path.number);
  return key;
}

Bytes encode(const StoredGroupMessage& message) {
  Bytes value;
  codec::append_be<uint64_t>(value, static_cast<uint64_t>(message.arrived_ns));
  value.push_back(static_cast<uint8_t>((message.deleted ? kDeleted : 0) | (message.hidden ? kHidden : 0) |
                                       (message.answers ? kAnswers : 0)));
  if (message.answers) {
    codec::append(value, bytes(message.answers->sender));
    codec::append_be<uint64_t>(value, static_cast<uint64_t>(message.answers->time_ns));
  }
  codec::append(value, bytes(message.text));
  return value;
}

std::optional<StoredGroupMessage> decode(ByteView key, ByteView value) {
  if (key.size() != kMessageKeyBytes || value.size() < 9) return std::nullopt;
  StoredGroupMessage message;
  std::ranges::copy(key.subspan(17, 33), message.path.sender.bytes);
  message.path.time_ns = static_cast<int64_t>(codec::load_be<uint64_t>(key.data() + 50));
  message.path.number = codec::load_be<uint64_t>(key.data() + 58);
  message.arrived_ns = static_cast<int64_t>(codec::load_be<uint64_t>(value.data()));
  message.deleted = (value[8] & kDeleted) != 0;
  message.hidden = (value[8] & kHidden) != 0;
  size_t head = 9;
  if ((value[8] & kAnswers) != 0) {
    if (value.size() < head + kAnsweredBytes) return std::nullopt;
    Answered& answered = message.answers.emplace();
    std::ranges::copy(value.subspan(head, 33), answered.sender.bytes);
    answered.time_ns = static_cast<int64_t>(codec::load_be<uint64_t>(value.data() + head + 33));
    head += kAnsweredBytes;
  }
  message.text = text(value.subspan(head));
  return message;
}

json::array keys(const std::vector<visor_key>& from) {
  json::array out;
  for (const visor_key& key : from) out.emplace_back(to_hex(key));
  return out;
}

template <class Map, class Text>
json::object times(const Map& from, Text&& name) {
  json::object out;
  for (const auto& [key, time_ns] : from) out[name(key)] = time_ns;
  return out;
}

bool contains(const std::vector<visor_key>& keys, const visor_key& key) {
  return std::ranges::find(keys, key) != keys.end();
}

}  // namespace

std::string_view name_of(GroupStatus status) {
  return kStatuses[static_cast<size_t>(status)];
}

bool GroupRecord::is_admin(const visor_key& who) const {
  return who == owner || contains(admins, who);
}
bool GroupRecord::is_member(const visor_key& who) const {
  return contains(members, who);
}

std::string encode(const GroupRecord& record) {
  json::object out{{"id", codec::to_text(record.id)},
                   {"name", record.name},
                   {"owner_pk", to_hex(record.owner)},
                   {"admins", keys(record.admins)},
                   {"members", keys(record.members)},
                   {"port", record.port},
                   {"mode", name_of(record.mode)},
                   {"status", name_of(record.status)},
                   {"created_ns", record.created_ns},
                   {"joined_ns", record.joined_ns},
                   {"read_ns", record.read_ns},
                   {"decided", times(record.decided, [](const std::string& key) { return key; })},
                   {"removed", times(record.removed, [](const visor_key& key) { return to_hex(key); })}};
  if (!record.topic.empty()) out["topic"] = record.topic;
  if (record.listed) out["listed"] = true;
  if (!record.key.empty()) out["aes_key"] = crypto::to_base64(record.key);
  if (record.key_epoch > 0) {
    out["key_epoch"] = record.key_epoch;
    out["key_issued_ns"] = record.key_issued_ns;
    out["key_since_ns"] = record.key_since_ns;
  }
  json::array ring;
  for (const GroupRecord::Key& each : record.key_ring) {
    ring.push_back(json::object{{"epoch", each.epoch}, {"key", crypto::to_base64(each.key)}});
  }
  if (!ring.empty()) out["key_ring"] = std::move(ring);
  return json::serialize(out);
}

Result<GroupRecord> decode_group(ByteView stored) {
  auto damaged = [](const char* what) {
    return failure(VISOR_ECORRUPT, std::string("the record of a group is damaged: ") + what);
  };
  Result<json::object> object = codec::parse_fields(text(stored), "the record of a group");
  if (!object) return damaged("it is no JSON object");
  GroupRecord record;
  Result<codec::Uuid> id = codec::parse_uuid(codec::string_at(*object, "id"));
  const auto owner = key_member(*object, "owner_pk");
  const auto admins = keys_member(*object, "admins"), members = keys_member(*object, "members");
  const auto key = bytes_member(*object, "aes_key");
  const auto status = std::ranges::find(kStatuses, codec::string_at(*object, "status"));
  if (!id || !owner || !admins || !members || !key || status == kStatuses.end())
    return damaged("a field is missing");
  record.id = *id;
  record.name = codec::string_at(*object, "name");
  record.owner = *owner;
  record.admins = *admins;
  record.members = *members;
  record.key = *key;
  record.mode = codec::string_at(*object, "mode") == "private" ? Mode::kPrivate : Mode::kPublic;
  record.status = static_cast<GroupStatus>(status - kStatuses.begin());
  record.topic = codec::string_at(*object, "topic");
  codec::read_field(*object, "listed", record.listed);
  codec::read_field(*object, "port", record.port);
  codec::read_field(*object, "created_ns", record.created_ns);
  codec::read_field(*object, "joined_ns", record.joined_ns);
  codec::read_field(*object, "read_ns", record.read_ns);
  codec::read_field(*object, "key_epoch", record.key_epoch);
  codec::read_field(*object, "key_issued_ns", record.key_issued_ns);
  record.key_since_ns = record.key_issued_ns;
  codec::read_field(*object, "key_since_ns", record.key_since_ns);
  if (const json::array* ring = codec::array_at(*object, "key_ring")) {
    for (const json::value& each : *ring) {
      const json::object* row = each.if_object();
      const auto old = row ? bytes_member(*row, "key") : std::nullopt;
      if (!old) return damaged("an earlier key cannot be read");
      record.key_ring.push_back({codec::number_at<uint64_t>(*row, "epoch").value_or(0), *old});
    }
  }
  for (const auto& each : codec::object_at(*object, "decided")) {
    if (const int64_t* time_ns = each.value().if_int64()) record.decided[std::string(each.key())] = *time_ns;
  }
  for (const auto& each : codec::object_at(*object, "removed")) {
    Result<visor_key> who = key_from_hex(each.key());
    if (const int64_t* time_ns = each.value().if_int64(); who && time_ns) record.removed[*who] = *time_ns;
  }
  if (!contains(record.admins, record.owner)) record.admins.insert(record.admins.begin(), record.owner);
  return record;
}

Error GroupStore::error(visor_status status, const char* what) const {
  return {status, std::string("the groups cannot be ") + what + ": " + host_.error(status).text};
}

Result<void> GroupStore::write(std::span<const visor_op> ops) {
  const visor_status status = kv_->api->write(kv_, ops.data(), ops.size());
  return status == VISOR_OK ? Result<void>{} : std::unexpected(error(status, "written"));
}

Result<std::unique_ptr<GroupStore>> GroupStore::open(Host host, visor_kv* kv, const visor_key& own,
                                                     const GroupLimits& limits) {
  std::unique_ptr<GroupStore> store(new GroupStore(host, kv, own, limits));
  if (Result<void> read = store->read_all(); !read) return std::unexpected(read.error());
  return store;
}

Result<void> GroupStore::read_all() {
  Result<void> read;
  visor_status status = scan(kv_, ByteView(&kGroup, 1), [&](ByteView, ByteView value) {
    Result<GroupRecord> record = decode_group(value);
    if (!record) read = std::unexpected(record.error());
    if (record) groups_[record->id] = std::move(*record);
    return read.has_value();
  });
  if (status == VISOR_OK && read) {
    status = scan(kv_, ByteView(&kMessage, 1), [&](ByteView key, ByteView value) {
      codec::Uuid id;
      const std::optional<StoredGroupMessage> message = decode(key, value);
      if (!message) return true;
      std::ranges::copy(key.subspan(1, 16), id.bytes.begin());
      count(id, *message);
      return true;
    });
  }
  if (status == VISOR_OK && read) {
    status = scan(kv_, ByteView(&kTakenBack, 1), [&](ByteView key, ByteView) {
      codec::Uuid id;
      if (key.size() < 17) return true;
      std::ranges::copy(key.subspan(1, 16), id.bytes.begin());
      ++tallies_[id].taken_back;
      return true;
    });
  }
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  return read;
}

void GroupStore::count(const codec::Uuid& id, const StoredGroupMessage& message) {
  GroupTally& tally = tallies_[id];
  ++tally.messages;
  const bool shown = !message.hidden;
  if (shown && (message.arrived_ns >= tally.arrived_ns || tally.latest == MessagePath{})) {
    tally.latest = message.path;
  }
  tally.arrived_ns = std::max(tally.arrived_ns, message.arrived_ns);
  const GroupRecord* record = find(id);
  const bool unread = shown && !message.deleted && message.path.sender != own_;
  if (unread && record && message.arrived_ns > record->read_ns) ++tally.unread;
}

GroupTally GroupStore::tally(const codec::Uuid& id) const {
  auto at = tallies_.find(id);
  return at == tallies_.end() ? GroupTally{} : at->second;
}

std::optional<StoredGroupMessage> GroupStore::latest(const codec::Uuid& id) const {
  visor_span value{};
  const Bytes key = message_key(id, tally(id).latest);
  if (kv_->api->get(kv_, to_span(key), &value) != VISOR_OK) return std::nullopt;
  return decode(key, bytes(value));
}

Result<size_t> GroupStore::read(const codec::Uuid& id) {
  GroupTally& tally = tallies_[id];
  if (tally.unread == 0) return 0;
  GroupRecord record = *find(id);
  record.read_ns = tally.arrived_ns;
  if (Result<void> kept = put(record); !kept) return std::unexpected(kept.error());
  return std::exchange(tally.unread, 0);
}

const GroupRecord* GroupStore::find(const codec::Uuid& id) const {
  auto at = groups_.find(id);
  return at == groups_.end() ? nullptr : &at->second;
}

Result<void> GroupStore::put(const GroupRecord& record) {
  if (!groups_.contains(record.id) && groups_.size() >= limits_.groups) {
    return failure(VISOR_ENOSPC, "there are " + std::to_string(limits_.groups) +
                                     " groups already; delete one of them first");
  }
  if (record.members.size() > limits_.members) {
    return failure(VISOR_ENOSPC, "a group has at most " + std::to_string(limits_.members) + " members");
  }
  const Bytes key = group_key(kGroup, record.id);
  const std::string value = visor::chat::encode(record);
  const visor_op op = visor::put(ByteView(key), bytes(value));
  if (Result<void> written = write({&op, 1}); !written) return written;
  groups_[record.id] = record;
  return {};
}

Result<void> GroupStore::erase(const codec::Uuid& id) {
  std::vector<Bytes> gone{group_key(kGroup, id)};
  for (uint8_t range : {kMessage, kTakenBack}) {
    const visor_status status = scan(kv_, group_key(range, id), [&](ByteView key, ByteView) {
      gone.emplace_back(key.begin(), key.end());
      return true;
    });
    if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  }
  std::vector<visor_op> ops;
  ops.reserve(gone.size());
  for (const Bytes& key : gone) ops.push_back(visor::erase(ByteView(key)));
  if (Result<void> written = write(ops); !written) return written;
  groups_.erase(id);
  tallies_.erase(id);
  return {};
}

/* A tenth of a group's messages at once, so that the search for the oldest is rare. */
Result<void> GroupStore::make_room(const codec::Uuid& id, size_t wanted) {
  if (tally(id).messages + wanted <= limits_.messages) return {};
  Result<std::vector<StoredGroupMessage>> all = messages(id);
  if (!all) return std::unexpected(all.error());
  const size_t count = std::min(all->size(), std::max(wanted, limits_.messages / 10));
  std::ranges::sort(*all, {}, [](const StoredGroupMessage& message) { return message.path.time_ns; });
  std::vector<Bytes> gone;
  gone.reserve(count);
  for (size_t i = 0; i < count; ++i) gone.push_back(message_key(id, (*all)[i].path));
  std::vector<visor_op> ops;
  ops.reserve(gone.size());
  for (const Bytes& key : gone) ops.push_back(visor::erase(ByteView(key)));
  if (Result<void> written = write(ops); !written) return written;
  tallies_[id].messages -= count;
  return {};
}

Result<bool> GroupStore::contains(const codec::Uuid& id, const MessagePath& path) const {
  visor_span value{};
  const Bytes key = message_key(id, path);
  const visor_status status = kv_->api->get(kv_, to_span(key), &value);
  if (status == VISOR_OK) return true;
  if (status == VISOR_ENOENT) return false;
  return std::unexpected(error(status, "read"));
}

Result<bool> GroupStore::add(const codec::Uuid& id, const StoredGroupMessage& message) {
  Result<bool> here = contains(id, message.path);
  if (!here || *here) return here ? Result<bool>(false) : here;
  StoredGroupMessage kept = message;
  if (Result<void> added = add(id, {&kept, 1}); !added) return std::unexpected(added.error());
  return true;
}

Result<void> GroupStore::add(const codec::Uuid& id, std::span<StoredGroupMessage> messages) {
  if (Result<void> room = make_room(id, messages.size()); !room) return room;
  GroupTally& tally = tallies_[id];
  int64_t arrived_ns = tally.arrived_ns;
  std::vector<std::pair<Bytes, Bytes>> rows;
  std::vector<visor_op> ops;
  rows.reserve(messages.size());
  ops.reserve(messages.size());
  for (StoredGroupMessage& message : messages) {
    arrived_ns = message.arrived_ns = std::max(message.arrived_ns, arrived_ns + 1);
    visor_span mark{};
    const Bytes taken_key = time_key(kTakenBack, id, message.path.sender, message.path.time_ns);
    if (tally.taken_back > 0 && kv_->api->get(kv_, to_span(taken_key), &mark) == VISOR_OK) {
      message.deleted = true;
      message.text.clear();
      message.answers.reset();
    }
    const auto& [key, value] = rows.emplace_back(message_key(id, message.path), encode(message));
    ops.push_back(visor::put(ByteView(key), value));
  }
  if (Result<void> written = write(ops); !written) return written;
  for (const StoredGroupMessage& message : messages) count(id, message);
  return {};
}

Result<std::optional<MessagePath>> GroupStore::take_back(const codec::Uuid& id, const visor_key& sender,
                                                         int64_t time_ns) {
  const Bytes mark = time_key(kTakenBack, id, sender, time_ns);
  std::vector<visor_op> ops{visor::put(ByteView(mark), ByteView())};
  std::optional<StoredGroupMessage> message;
  const visor_status status =
      scan(kv_, time_key(kMessage, id, sender, time_ns), [&](ByteView key, ByteView value) {
        message = decode(key, value);
        return !message.has_value();
      });
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  if (message && (message->deleted || message->hidden)) return std::nullopt;
  Bytes key, value;
  if (message) {
    message->deleted = true;
    message->text.clear();
    message->answers.reset();
    key = message_key(id, message->path);
    value = encode(*message);
    ops.push_back(visor::put(ByteView(key), value));
  }
  if (Result<void> written = write(ops); !written) return std::unexpected(written.error());
  ++tallies_[id].taken_back;
  return message ? std::optional(message->path) : std::nullopt;
}

Result<std::vector<StoredGroupMessage>> GroupStore::messages(const codec::Uuid& id) const {
  return below(group_key(kMessage, id));
}

Result<std::vector<StoredGroupMessage>> GroupStore::at(const codec::Uuid& id, const visor_key& sender,
                                                       int64_t time_ns) const {
  return below(time_key(kMessage, id, sender, time_ns));
}

Result<std::vector<StoredGroupMessage>> GroupStore::below(ByteView prefix) const {
  std::vector<StoredGroupMessage> all;
  const visor_status status = scan(kv_, prefix, [&](ByteView key, ByteView value) {
    if (auto message = decode(key, value)) all.push_back(std::move(*message));
    return true;
  });
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  return all;
}

}  // namespace visor::chat
