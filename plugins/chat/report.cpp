#include "report.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "lib/codec/queue_report.hpp"
#include "lib/codec/telemetry_text.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

/* For a list: a line of it, cut between two characters. */
std::string beginning(std::string_view text) {
  constexpr size_t kBytes = 160;
  if (text.size() <= kBytes) return std::string(text);
  size_t end = kBytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "\xe2\x80\xa6";
}

/* directory: null where there is none. */
json::object report_groups(const Groups& groups, const GroupDirectory* directory) {
  size_t open = 0;
  for (const auto& [id, record] : groups.store().groups()) open += groups.session(id) ? 1 : 0;
  json::object out{{"known", groups.store().groups().size()}, {"open", open}};
  if (!directory) return out;
  const GroupDirectory::Counters c = directory->counters();
  out["directory"] =
      json::object{{"listed", codec::queue_report(c.listed, GroupDirectory::kMaxListed)},
                   {"not_listed", c.refused},
                   {"registered", c.registered},
                   {"searching", codec::queue_report(c.searching, GroupDirectory::kMaxSearches)},
                   {"searches", c.searches},
                   {"problem", c.problem}};
  return out;
}

}  // namespace

std::string report(const visor_key& peer, const Message& message) {
  codec::JsonObjectText out;
  out.text("id", message.id)
      .text("peer", to_hex(peer))
      .boolean("out", message.direction == Direction::kOut)
      .text("text", message.text)
      .json("time_ms", std::to_string(message.time_ns / 1000000))
      .text("state", name_of(message.state))
      .text("network", message.network)
      .text("number", std::to_string(message.number)); /* text: JavaScript's numbers do not hold it */
  if (!message.reply_to.empty()) out.text("reply_to", message.reply_to);
  if (message.deleted) out.boolean("deleted", true);
  return out.finish();
}

std::string report(const Conversation& conversation, History& history, const Direct& direct) {
  codec::JsonObjectText out;
  out.text("peer", to_hex(conversation.peer))
      .integer("messages", conversation.messages)
      .integer("unread", conversation.unread)
      .integer("last_ms", conversation.last / 1000000)
      .text("network", direct.network_of(conversation.peer));
  Result<std::vector<Message>> latest = history.list(conversation.peer, 0, 1);
  if (latest && !latest->empty()) {
    Message& message = latest->front();
    message.text = beginning(message.text);
    out.json("latest", report(conversation.peer, message));
  }
  return out.finish();
}

std::string report(const Groups& groups, const GroupRecord& record, const visor_key& own, bool members) {
  const GroupSession* session = groups.session(record.id);
  const GroupTally tally = groups.store().tally(record.id);
  codec::JsonObjectText out;
  out.text("id", codec::to_text(record.id))
      .text("name", record.name)
      .text("mode", name_of(record.mode))
      .text("role", record.owner == own ? "owner" : "member")
      .boolean("admin", record.is_admin(own))
      .text("status", name_of(record.status))
      .integer("members", record.members.size())
      .integer("port", record.port)
      .text("owner", to_hex(record.owner))
      .text("topic", record.topic)
      .boolean("listed", record.is_listed_by(own))
      .integer("messages", tally.messages)
      .integer("unread", tally.unread)
      .json("last_ms", std::to_string(std::max(tally.arrived_ns, record.joined_ns) / 1000000));
  if (std::optional<StoredGroupMessage> latest = groups.store().latest(record.id)) {
    latest->text = beginning(latest->text);
    out.json("latest", report(record.id, *latest, own));
  }
  if (session) {
    const GroupSession::Counters& c = session->counters();
    codec::JsonObjectText counters;
    counters.integer("sent", c.sent)
        .integer("received", c.received)
        .integer("passed_on", c.passed_on)
        .integer("repeated", c.repeated)
        .integer("refused", c.refused)
        .integer("decisions", c.decisions)
        .integer("relayed", c.relayed)
        .integer("decisions_refused", c.decisions_refused)
        .integer("keys", c.keys)
        .integer("unreadable", c.unreadable);
    codec::JsonObjectText feed;
    feed.integer("messages", session->feed_messages()).integer("limit", session->most_feed_messages());
    out.integer("following", session->following())
        .integer("attached", session->attached())
        .json("counters", counters.finish())
        .json("feed", feed.finish());
  }
  if (!members) return out.finish();
  std::vector<std::string> rows;
  rows.reserve(record.members.size());
  for (const visor_key& member : record.members) {
    codec::JsonObjectText row;
    row.text("pk", to_hex(member))
        .boolean("admin", record.is_admin(member))
        .boolean("reached", member == own || (session && session->reached(member)));
    rows.push_back(row.finish());
  }
  return out.json("member_list", json_list(rows)).finish();
}

std::string report(const codec::Uuid& group, const StoredGroupMessage& message, const visor_key& own) {
  const std::string from = to_hex(message.path.sender);
  codec::JsonObjectText out;
  out.text("group", codec::to_text(group))
      .text("from", from)
      .boolean("out", message.path.sender == own)
      .text("text", message.text)
      .json("time_ms", std::to_string(message.path.time_ns / 1000000))
      .json("arrived_ms", std::to_string(message.arrived_ns / 1000000))
      .text("path", to_text(message.path));
  if (message.deleted) out.boolean("deleted", true);
  // As a path begins: the number of the one that is answered is not said.
  if (message.answers) {
    out.text("reply_to",
             "msgs/" + to_hex(message.answers->sender) + "/" + std::to_string(message.answers->time_ns));
  }
  return out.finish();
}

std::string json_list(const std::vector<std::string>& rows) {
  std::string out = "[";
  for (const std::string& row : rows) {
    if (out.size() > 1) out += ',';
    out += row;
  }
  return out + "]";
}

std::string report_status(const visor_key& own, const History& history, const HistoryLimits& limits,
                          const Direct& direct, const Groups& groups, const GroupDirectory* directory,
                          size_t watchers, size_t max_watchers) {
  const Direct::Counters& c = direct.counters();
  uint64_t waiting = 0;
  for (const auto& [peer, owed] : history.owing()) waiting += owed;
  json::array listening;
  for (const std::string& name : direct.listening()) listening.emplace_back(name);
  return json::serialize(
      json::object{{"key", to_hex(own)},
                   {"port", direct.options().port},
                   {"listening", std::move(listening)},
                   {"conversations", codec::queue_report(history.conversations().size(), limits.peers)},
                   {"history_bytes", codec::queue_report(history.kept_bytes(), limits.bytes)},
                   {"lines", codec::queue_report(direct.lines(), direct.options().lines)},
                   {"watchers", codec::queue_report(watchers, max_watchers)},
                   {"groups", report_groups(groups, directory)},
                   {"waiting", json::object{{"messages", waiting},
                                            {"peers", history.owing().size()},
                                            {"limit_per_peer", limits.owed_per_peer}}},
                   {"messages", json::object{{"sent", c.sent},
                                             {"acknowledged", c.acknowledged},
                                             {"received", c.received},
                                             {"repeated", c.repeated},
                                             {"refused", c.refused},
                                             {"given_up", c.given_up}}},
                   {"line_events", json::object{{"dialed", c.dialed},
                                                {"dials_failed", c.dials_failed},
                                                {"accepted", c.accepted},
                                                {"lost", c.lines_lost},
                                                {"half_open", c.half_open}}}});
}

}  // namespace visor::chat
