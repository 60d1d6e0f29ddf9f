#include "report.hpp"

#include <algorithm>

#include "lib/codec/queue_report.hpp"

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

}  // namespace

json::object report(const visor_key& peer, const Message& message) {
  json::object out{{"id", message.id},
                   {"peer", to_hex(peer)},
                   {"out", message.direction == Direction::kOut},
                   {"text", message.text},
                   {"time_ms", message.time_ns / 1000000},
                   {"state", name_of(message.state)},
                   {"network", message.network},
                   /* text: JavaScript's numbers do not hold it */
                   {"number", std::to_string(message.number)}};
  if (!message.reply_to.empty()) out["reply_to"] = message.reply_to;
  if (message.deleted) out["deleted"] = true;
  return out;
}

json::object report(const Conversation& conversation, History& history, const Direct& direct) {
  json::object out{{"peer", to_hex(conversation.peer)},
                   {"messages", conversation.messages},
                   {"unread", conversation.unread},
                   {"last_ms", conversation.last / 1000000},
                   {"network", direct.network_of(conversation.peer)}};
  Result<std::vector<Message>> latest = history.list(conversation.peer, 0, 1);
  if (latest && !latest->empty()) {
    Message& message = latest->front();
    message.text = beginning(message.text);
    out["latest"] = report(conversation.peer, message);
  }
  return out;
}

json::object report(const Groups& groups, const GroupRecord& record, const visor_key& own, bool members) {
  const GroupSession* session = groups.session(record.id);
  const GroupTally tally = groups.store().tally(record.id);
  json::object out{{"id", codec::to_text(record.id)},
                   {"name", record.name},
                   {"mode", name_of(record.mode)},
                   {"role", record.owner == own ? "owner" : "member"},
                   {"admin", record.is_admin(own)},
                   {"status", name_of(record.status)},
                   {"members", record.members.size()},
                   {"port", record.port},
                   {"owner", to_hex(record.owner)},
                   {"messages", tally.messages},
                   {"unread", tally.unread},
                   {"last_ms", std::max(tally.arrived_ns, record.joined_ns) / 1000000}};
  if (std::optional<StoredGroupMessage> latest = groups.store().latest(record.id)) {
    latest->text = beginning(latest->text);
    out["latest"] = report(record.id, *latest, own);
  }
  if (session) {
    const GroupSession::Counters& c = session->counters();
    out["following"] = session->following();
    out["attached"] = session->attached();
    out["counters"] = json::object{{"sent", c.sent},           {"received", c.received},
                                   {"passed_on", c.passed_on}, {"repeated", c.repeated},
                                   {"refused", c.refused},     {"decisions", c.decisions},
                                   {"relayed", c.relayed},     {"decisions_refused", c.decisions_refused},
                                   {"keys", c.keys},           {"unreadable", c.unreadable}};
    out["feed"] =
        json::object{{"messages", session->feed_messages()}, {"limit", session->most_feed_messages()}};
  }
  if (!members) return out;
  json::array rows;
  for (const visor_key& member : record.members) {
    rows.push_back(json::object{{"pk", to_hex(member)},
                                {"admin", record.is_admin(member)},
                                {"reached", member == own || (session && session->reached(member))}});
  }
  out["member_list"] = std::move(rows);
  return out;
}

json::object report(const codec::Uuid& group, const StoredGroupMessage& message, const visor_key& own) {
  json::object out{{"group", codec::to_text(group)},
                   {"from", to_hex(message.path.sender)},
                   {"out", message.path.sender == own},
                   {"text", message.text},
                   {"time_ms", message.path.time_ns / 1000000},
                   {"arrived_ms", message.arrived_ns / 1000000},
                   {"path", to_text(message.path)}};
  if (message.deleted) out["deleted"] = true;
  // As a path begins: the number of the one that is answered is not said.
  if (message.answers) {
    out["reply_to"] =
        "msgs/" + to_hex(message.answers->sender) + "/" + std::to_string(message.answers->time_ns);
  }
  return out;
}

json::object report_groups(const Groups& groups) {
  size_t open = 0;
  for (const auto& [id, record] : groups.store().groups()) open += groups.session(id) ? 1 : 0;
  return {{"known", groups.store().groups().size()}, {"open", open}};
}

std::string report_status(const visor_key& own, const History& history, const HistoryLimits& limits,
                          const Direct& direct, const Groups& groups, size_t watchers, size_t max_watchers) {
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
                   {"lines", codec::queue_report(direct.lines(), direct.options().lines)},
                   {"watchers", codec::queue_report(watchers, max_watchers)},
                   {"groups", report_groups(groups)},
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
