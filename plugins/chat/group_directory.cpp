#include "group_directory.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "lib/codec/utf8.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

constexpr size_t kAsked = 1000;    /* entries that a directory gives at once */
constexpr size_t kMaxContacts = 8; /* admins of one group who list it */
constexpr size_t kMaxTopicShown = 256;

/* One group, by all who list it. */
struct Found {
  Invite invite;
  std::string topic;
  uint64_t members = 0;
  int64_t renewed_ms = 0;
  bool by_owner = false; /* what is said of it, its founder says */
};

std::string text_of(const services::Service& service, const char* name, size_t most) {
  auto at = service.metadata.find(name);
  return at == service.metadata.end() ? std::string() : codec::repair_utf8(at->second.substr(0, most));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/* False: it lists no public group that can be joined. */
bool read_entry(const services::Service& service, Found& found) {
  Result<codec::Uuid> id = codec::parse_uuid(service.name.id);
  const auto owner = service.metadata.find("owner_pk");
  Result<visor_key> founder =
      owner == service.metadata.end() ? Result<visor_key>(service.name.key) : key_from_hex(owner->second);
  const std::string mode = text_of(service, "mode", 16);
  found.invite.name = text_of(service, "name", kMaxGroupName);
  const bool sound = service.name.type == services::kSkychat && id && !id->blank() && founder &&
                     service.name.port != 0 && (mode.empty() || mode == name_of(Mode::kPublic)) &&
                     !found.invite.name.empty();
  if (!sound || !crypto::valid_public_key(*founder)) return false;
  found.invite.group = *id;
  found.invite.owner = *founder;
  found.invite.port = service.name.port;
  found.invite.members = {service.name.key};
  found.topic = text_of(service, "topic", kMaxTopicShown);
  found.members = std::strtoull(text_of(service, "members", 20).c_str(), nullptr, 10);
  found.renewed_ms = service.timestamp_ms;
  found.by_owner = service.name.key == *founder;
  return true;
}

/* Its founder's word counts, and else the first's; everybody who lists it is somebody to follow. */
void merge(Found& known, Found other) {
  std::vector<visor_key> contacts = std::move(known.invite.members);
  if (contacts.size() < kMaxContacts) contacts.push_back(other.invite.members.front());
  const int64_t renewed_ms = std::max(known.renewed_ms, other.renewed_ms);
  if (other.by_owner) known = std::move(other);
  known.invite.members = std::move(contacts);
  known.renewed_ms = renewed_ms;
}

bool matches(const Found& found, std::string_view words) {
  return words.empty() || lower(found.invite.name).find(words) != std::string::npos ||
         lower(found.topic).find(words) != std::string::npos ||
         to_hex(found.invite.owner).find(words) != std::string::npos;
}

json::object report(const Found& found, const GroupRecord* known) {
  json::array listed_by;
  for (const visor_key& key : found.invite.members) listed_by.emplace_back(to_hex(key));
  return {{"id", codec::to_text(found.invite.group)},
          {"name", found.invite.name},
          {"topic", found.topic},
          {"owner", to_hex(found.invite.owner)},
          {"members", found.members},
          {"port", found.invite.port},
          {"listed_by", std::move(listed_by)},
          {"renewed_ms", found.renewed_ms},
          {"joined", known && !known->over()},
          {"invite", to_link(found.invite)}};
}

}  // namespace

GroupDirectory::GroupDirectory(Host host, visor_identity* identity, const GroupStore& store,
                               DirectoryOptions options, std::unique_ptr<services::Directory> directory)
    : host_(host),
      tasks_(host),
      identity_(identity),
      store_(store),
      options_(std::move(options)),
      directory_(std::move(directory)),
      renew_(Timer::every(host, options_.interval_ms, [this] { renew(); })) {}

Result<std::unique_ptr<GroupDirectory>> GroupDirectory::open(Host host, visor_identity* identity,
                                                             const GroupStore& store,
                                                             const DirectoryOptions& options) {
  auto directory = services::Directory::open(host, options.url);
  if (!directory) return std::unexpected(directory.error());
  return std::unique_ptr<GroupDirectory>(
      new GroupDirectory(host, identity, store, options, std::move(*directory)));
}

// --- ours ---

services::Service GroupDirectory::entry_of(const GroupRecord& record) const {
  const visor_key own = *identity_->api->key(identity_);
  services::Service entry;
  entry.name = {std::string(services::kSkychat), own, record.port, codec::to_text(record.id)};
  entry.metadata = {
      {"group_id", codec::to_text(record.id)},     {"name", record.name},
      {"mode", std::string(name_of(record.mode))}, {"feed_pk", to_hex(own)},
      {"owner_pk", to_hex(record.owner)},          {"members", std::to_string(record.members.size())}};
  if (!record.topic.empty()) entry.metadata["topic"] = record.topic;
  return entry;
}

void GroupDirectory::update() {
  if (stopped_) return;
  const visor_key own = *identity_->api->key(identity_);
  std::vector<codec::Uuid> gone;
  for (const auto& [id, listed] : listed_) {
    const GroupRecord* record = store_.find(id);
    if (!record || !record->is_listed_by(own)) gone.push_back(id);
  }
  for (const codec::Uuid& id : gone) take_out(id);
  refused_ = 0;
  for (const auto& [id, record] : store_.groups()) {
    if (!record.is_listed_by(own) || listed_.contains(id)) continue;
    if (listed_.size() < kMaxListed) {
      list(id, entry_of(record));
    } else {
      ++refused_;
    }
  }
}

void GroupDirectory::list(const codec::Uuid& id, services::Service entry) {
  Listed& listed = listed_[id];
  listed.registration = std::make_unique<services::Registration>(
      host_, *directory_, dmsg::sign_with(host_, identity_),
      services::RegistrationOptions{.refresh_ms = options_.interval_ms,
                                    .retry_most_ms = options_.interval_ms});
  listed.registration->set(entry);
  listed.entry = std::move(entry);
}

void GroupDirectory::take_out(const codec::Uuid& id) {
  auto listed = listed_.extract(id);
  if (listed.empty()) return;
  auto at = leaving_.insert(leaving_.end(), std::move(listed.mapped().registration));
  (*at)->withdraw([this, at] {
    leaving_.erase(at);
    if (stopped_ && leaving_.empty()) tasks_.post(stopped_);
  });
}

/* How many members a group has may be told later than that it is there. */
void GroupDirectory::renew() {
  for (auto& [id, listed] : listed_) {
    const GroupRecord* record = store_.find(id);
    services::Service entry = record ? entry_of(*record) : listed.entry;
    if (entry == listed.entry) continue;
    listed.registration->set(entry);
    listed.entry = std::move(entry);
  }
}

void GroupDirectory::stop(std::function<void()> done) {
  stopped_ = std::move(done);
  renew_.cancel();
  searches_.clear();
  std::vector<codec::Uuid> all;
  all.reserve(listed_.size());
  for (const auto& [id, listed] : listed_) all.push_back(id);
  for (const codec::Uuid& id : all) take_out(id);
  if (leaving_.empty()) tasks_.post(stopped_);
}

GroupDirectory::Counters GroupDirectory::counters() const {
  Counters counters{
      .listed = listed_.size(), .refused = refused_, .searching = searches_.size(), .searches = searched_};
  for (const auto& [id, listed] : listed_) {
    const services::RegistrationCounters& each = listed.registration->counters();
    counters.registered += each.registered ? 1 : 0;
    if (!each.last_error.empty()) counters.problem = each.last_error;
  }
  return counters;
}

// --- those of others ---

void GroupDirectory::search(Answer answer, std::string_view words, size_t limit) {
  if (searches_.size() >= kMaxSearches) {
    return answer.finish(Error{
        VISOR_EAGAIN, std::to_string(kMaxSearches) + " searches for groups are under way; try again later"});
  }
  ++searched_;
  auto search = std::make_shared<Search>();
  searches_.push_back(search);
  search->words = lower(words);
  search->limit = limit;
  search->answer = std::move(answer);
  search->answer.on_canceled([this, one = search.get()] { drop(*one); });
  search->call =
      directory_->list({.type = std::string(services::kSkychat), .limit = kAsked},
                       [this, one = search.get()](Result<std::vector<services::Service>> services) {
                         found(*one, std::move(services));
                       });
}

/* On the next turn, since one of its functions is under way. */
void GroupDirectory::drop(const Search& search) {
  auto at = std::ranges::find(searches_, &search, &std::shared_ptr<Search>::get);
  if (at == searches_.end()) return;
  post(host_, [gone = std::move(*at)] {});
  searches_.erase(at);
}

void GroupDirectory::found(Search& search, Result<std::vector<services::Service>> services) {
  if (!services) {
    search.answer.finish(services.error());
    return drop(search);
  }
  std::map<std::pair<codec::Uuid, visor_key>, Found> groups;
  for (const services::Service& service : *services) {
    Found one;
    if (!read_entry(service, one)) continue;
    auto [at, first] = groups.try_emplace({one.invite.group, one.invite.owner}, one);
    if (!first) merge(at->second, std::move(one));
  }
  std::vector<const Found*> shown;
  for (const auto& [name, group] : groups) {
    if (matches(group, search.words)) shown.push_back(&group);
  }
  // Not by members: anybody may claim any number.
  std::ranges::stable_sort(shown, {}, [](const Found* group) { return lower(group->invite.name); });
  if (shown.size() > search.limit) shown.resize(search.limit);
  json::array rows;
  for (const Found* group : shown) {
    const GroupRecord* known = store_.find(group->invite.group);
    rows.push_back(report(*group, known && known->owner == group->invite.owner ? known : nullptr));
  }
  search.answer.say(json::serialize(rows));
  search.answer.finish();
  drop(search);
}

}  // namespace visor::chat
