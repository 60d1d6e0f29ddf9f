#include "groups.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"
#include "lib/codec/utf8.hpp"

namespace visor::chat {
namespace {

constexpr uint16_t kFirstPort = 60000;
constexpr uint16_t kPorts = 5000;
constexpr uint16_t kFirstFreePort = 1024;
constexpr size_t kAesKeyBytes = 32;
constexpr size_t kMaxTopic = 256;

}  // namespace

Groups::Groups(Host host, visor_identity* identity, std::unique_ptr<GroupStore> store,
               const GroupOptions& options, Events events)
    : host_(host),
      tasks_(host),
      identity_(identity),
      store_(std::move(store)),
      options_(options),
      events_(std::move(events)) {}

Groups::~Groups() {
  sessions_.clear();
}

Result<void> Groups::start() {
  return watch_.open(host_, VISOR_FEEDS_1, [this](std::string_view, visor_feeds* feeds) {
    if (!feeds) {
      sessions_.clear();
      feeds_ = nullptr;
    } else if (!feeds_) {
      feeds_ = feeds;
      // The other plugin is still starting.
      tasks_.post([this] {
        for (const auto& [id, record] : store_->groups()) open(id);
      });
    }
  });
}

const GroupSession* Groups::session(const codec::Uuid& id) const {
  auto at = sessions_.find(id);
  return at == sessions_.end() ? nullptr : at->second.get();
}

Result<const GroupRecord*> Groups::find(const codec::Uuid& id) const {
  const GroupRecord* record = store_->find(id);
  if (!record)
    return failure(VISOR_ENOENT,
                   "there is no group " + codec::to_text(id) + " here; `group_list` shows them");
  return record;
}

Result<GroupSession*> Groups::open_session(const codec::Uuid& id) const {
  Result<const GroupRecord*> record = find(id);
  if (!record) return std::unexpected(record.error());
  auto at = sessions_.find(id);
  if (at != sessions_.end()) return at->second.get();
  if ((*record)->over()) {
    return failure(VISOR_EPERM, "the group is over for us (" + std::string(name_of((*record)->status)) + ")");
  }
  return failure(VISOR_ENOENT,
                 "groups need feeds, and no plugin offers them; add `feeds` to the configuration");
}

void Groups::open(const codec::Uuid& id) {
  const GroupRecord* record = store_->find(id);
  if (!feeds_ || !record || record->over() || sessions_.contains(id)) return;
  auto session = std::make_unique<GroupSession>(host_, feeds_, identity_, *store_, id, options_,
                                                static_cast<GroupSession::Owner&>(*this));
  if (Result<void> started = session->start(); !started) {
    return host_.warn("chat: the group '" + record->name + "' is not open: " + started.error().text);
  }
  sessions_[id] = std::move(session);
}

/* One of its functions may be under way. */
void Groups::close(const codec::Uuid& id) {
  auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  std::shared_ptr<GroupSession> gone = std::move(at->second);
  sessions_.erase(at);
  tasks_.post([gone] {});
}

// --- made and joined ---

/* Everybody uses the same port of their own key; ours must be free here. */
Result<uint16_t> Groups::free_port() const {
  for (int tries = 0; tries < 1000; ++tries) {
    std::array<uint8_t, 2> random{};
    host_.random(random);
    // Even ones: the next is that of the group's requests to join, where others speak of it.
    const auto port =
        static_cast<uint16_t>(kFirstPort + codec::load_be<uint16_t>(random.data()) % kPorts / 2 * 2);
    const bool used =
        std::ranges::any_of(store_->groups(), [&](const auto& entry) { return entry.second.port == port; });
    if (!used) return port;
  }
  return failure(VISOR_ENOSPC, "no port is left for another group");
}

/* Who writes an invitation chooses a port; on one that is used our feed there would be opened to that group.
 */
Result<void> Groups::check_port(const Invite& invite) const {
  if (invite.port < kFirstFreePort) {
    return failure(VISOR_EINVAL, "this invitation names port " + std::to_string(invite.port) +
                                     "; a group's port is " + std::to_string(kFirstFreePort) +
                                     " or higher, since those below are for what visors offer");
  }
  for (const auto& [id, record] : store_->groups()) {
    if (id == invite.group || record.over() || record.port != invite.port) continue;
    return failure(VISOR_EEXIST, "this group uses port " + std::to_string(invite.port) + " as your group '" +
                                     record.name + "' does, and two cannot; leave one of them first");
  }
  return {};
}

Result<const GroupRecord*> Groups::create(const Plan& plan) {
  auto is_text = [](std::string_view text, size_t most) {
    return text.size() <= most && codec::is_utf8(text);
  };
  if (plan.name.empty() || !is_text(plan.name, kMaxGroupName) || !is_text(plan.topic, kMaxTopic)) {
    return failure(VISOR_EINVAL, "a group's name is UTF-8 text of 1 to " + std::to_string(kMaxGroupName) +
                                     " bytes, its topic of at most " + std::to_string(kMaxTopic));
  }
  for (const visor_key& member : plan.members) {
    if (!crypto::valid_public_key(member)) return failure(VISOR_EINVAL, "a member's key is not a public key");
  }
  Result<uint16_t> port = free_port();
  if (!port) return std::unexpected(port.error());
  const visor_key self = *identity_->api->key(identity_);
  GroupRecord record;
  std::array<uint8_t, 16> random{};
  host_.random(random);
  record.id = codec::random_uuid(random);
  record.name = plan.name;
  record.topic = plan.topic;
  record.owner = self;
  record.admins = {self};
  record.members = {self};
  record.port = *port;
  record.mode = plan.mode;
  record.listed = plan.listed && plan.mode == Mode::kPublic;
  if (plan.mode == Mode::kPrivate) {
    record.key.resize(kAesKeyBytes);
    host_.random(record.key);
  }
  record.status = GroupStatus::kActive;
  record.created_ns = record.joined_ns = host_.unix_ns();
  if (Result<void> kept = store_->put(record); !kept) return std::unexpected(kept.error());
  open(record.id);
  // Decisions, so that whoever joins learns of all the others.
  for (const visor_key& member : plan.members) {
    Result<void> added =
        member == self ? Result<void>{} : decide(record.id, Domain::kRoster, Op::kAdd, member);
    if (added) continue;
    close(record.id);
    (void)store_->erase(record.id);
    return std::unexpected(added.error());
  }
  group_changed(record.id);
  return find(record.id);
}

Result<const GroupRecord*> Groups::join(std::string_view link) {
  Result<Invite> invite = parse_link(link);
  if (!invite) return std::unexpected(invite.error());
  const visor_key self = *identity_->api->key(identity_);
  if (invite->owner == self) return failure(VISOR_EINVAL, "this is an invitation to a group of our own");
  const GroupRecord* known = store_->find(invite->group);
  if (known && known->owner != invite->owner) {
    return failure(VISOR_EINVAL, "this invitation names another founder than the group '" + known->name +
                                     "' has, whose id it bears; delete that first if you trust this one");
  }
  if (Result<void> free = check_port(*invite); !free) return std::unexpected(free.error());
  GroupRecord record = known ? *known : GroupRecord{};
  record.id = invite->group;
  record.name = invite->name;
  record.owner = invite->owner;
  record.port = invite->port;
  record.mode = invite->mode;
  // A link from before the key changed must not put it back.
  if (!known || known->key.empty() || invite->key_epoch > known->key_epoch) {
    record.key = invite->key;
    record.key_epoch = invite->key_epoch;
  }
  record.status = GroupStatus::kPending;
  record.joined_ns = host_.unix_ns();
  // Of a group that is known here its own decisions say who is an admin, not whoever writes an invitation.
  for (const visor_key& admin : known ? std::vector<visor_key>{} : invite->admins) {
    if (!record.is_admin(admin)) record.admins.push_back(admin);
  }
  if (!record.is_admin(invite->owner) || record.admins.empty())
    record.admins.insert(record.admins.begin(), invite->owner);
  std::erase_if(invite->members, [&](const visor_key& member) { return record.removed.contains(member); });
  invite->members.insert(invite->members.end(), {invite->owner, self});
  for (const visor_key& member : invite->members) {
    if (!record.is_member(member)) record.members.push_back(member);
  }
  if (Result<void> kept = store_->put(record); !kept) return std::unexpected(kept.error());
  close(record.id);
  open(record.id);
  group_changed(record.id);
  return find(record.id);
}

Result<std::string> Groups::invite(const codec::Uuid& id) const {
  Result<const GroupRecord*> record = find(id);
  if (!record) return std::unexpected(record.error());
  if (!(*record)->is_admin(*identity_->api->key(identity_))) {
    return failure(VISOR_EPERM,
                   "only an admin invites to a group; members are admitted by the admins' decision");
  }
  const GroupRecord& group = **record;
  return to_link({.group = group.id,
                  .name = group.name,
                  .owner = group.owner,
                  .port = group.port,
                  .mode = group.mode,
                  .key = group.key,
                  .admins = group.admins,
                  .members = {},
                  .key_epoch = group.key_epoch});
}

// --- in a group ---

Result<StoredGroupMessage> Groups::send(const codec::Uuid& id, std::string_view text,
                                        const std::optional<Answered>& answers) {
  Result<GroupSession*> session = open_session(id);
  return session ? (*session)->send(text, answers) : std::unexpected(session.error());
}

Result<size_t> Groups::read(const codec::Uuid& id) {
  if (Result<const GroupRecord*> record = find(id); !record) return std::unexpected(record.error());
  Result<size_t> read = store_->read(id);
  if (read && *read > 0 && events_.changed) events_.changed(id);
  return read;
}

Result<void> Groups::take_back(const codec::Uuid& id, const MessagePath& path) {
  Result<GroupSession*> session = open_session(id);
  return session ? (*session)->take_back(path) : std::unexpected(session.error());
}

Result<void> Groups::decide(const codec::Uuid& id, Domain domain, Op op, const visor_key& peer) {
  Result<GroupSession*> session = open_session(id);
  return session ? (*session)->decide(domain, op, peer) : std::unexpected(session.error());
}

Result<void> Groups::set_listed(const codec::Uuid& id, bool listed) {
  Result<const GroupRecord*> record = find(id);
  if (!record) return std::unexpected(record.error());
  if ((*record)->mode != Mode::kPublic)
    return failure(VISOR_EINVAL, "a private group is listed nowhere; its members are invited");
  if (!(*record)->is_admin(*identity_->api->key(identity_)))
    return failure(VISOR_EPERM, "only an admin of the group lists it");
  GroupRecord next = **record;
  next.listed = listed;
  if (Result<void> kept = store_->put(next); !kept) return kept;
  group_changed(id);
  return {};
}

Result<void> Groups::leave(const codec::Uuid& id) {
  Result<const GroupRecord*> record = find(id);
  if (!record) return std::unexpected(record.error());
  GroupRecord left = **record;
  left.status = GroupStatus::kLeft;
  if (Result<void> kept = store_->put(left); !kept) return kept;
  close(id);
  if (events_.changed) events_.changed(id);
  return {};
}

Result<void> Groups::forget(const codec::Uuid& id) {
  Result<const GroupRecord*> record = find(id);
  if (!record) return std::unexpected(record.error());
  close(id);
  // Its session goes on the next turn and must not miss its record.
  tasks_.post([this, id] {
    if (Result<void> erased = store_->erase(id); !erased) host_.warn("chat: " + erased.error().text);
    if (events_.changed) events_.changed(id);
  });
  return {};
}

Result<std::vector<StoredGroupMessage>> Groups::messages(const codec::Uuid& id, size_t limit) const {
  Result<const GroupRecord*> record = find(id);
  if (!record) return std::unexpected(record.error());
  Result<std::vector<StoredGroupMessage>> all = store_->messages(id);
  if (!all) return all;
  std::erase_if(*all, [](const StoredGroupMessage& message) { return message.hidden; });
  sort_for_display(*all, host_.unix_ns());
  if (all->size() > limit) all->erase(all->begin(), all->end() - static_cast<ptrdiff_t>(limit));
  return all;
}

// --- what sessions tell ---

void Groups::group_said(const codec::Uuid& group, const StoredGroupMessage& message) {
  if (events_.said) events_.said(group, message);
}

void Groups::group_took_back(const codec::Uuid& group, const MessagePath& path) {
  if (events_.took_back) events_.took_back(group, path);
}

void Groups::group_changed(const codec::Uuid& group) {
  const GroupRecord* record = store_->find(group);
  if (record && record->over()) tasks_.post([this, group] { close(group); });
  if (events_.changed) events_.changed(group);
}

}  // namespace visor::chat
