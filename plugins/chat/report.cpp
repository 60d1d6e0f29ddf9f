#include "report.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

json::object queue(uint64_t now, uint64_t limit) {
  return {{"now", now}, {"limit", limit}};
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

json::object report(const Conversation& conversation, const Direct& direct) {
  return {{"peer", to_hex(conversation.peer)},
          {"messages", conversation.messages},
          {"unread", conversation.unread},
          {"last_ms", conversation.last / 1000000},
          {"network", direct.network_of(conversation.peer)}};
}

std::string report_status(const visor_key& own, const History& history, const HistoryLimits& limits,
                          const Direct& direct, size_t watchers, size_t max_watchers) {
  const Direct::Counters& c = direct.counters();
  uint64_t waiting = 0;
  for (const auto& [peer, owed] : history.owing()) waiting += owed;
  json::array listening;
  for (const std::string& name : direct.listening()) listening.emplace_back(name);
  return json::serialize(json::object{{"key", to_hex(own)},
                                      {"port", direct.options().port},
                                      {"listening", std::move(listening)},
                                      {"conversations", queue(history.conversations().size(), limits.peers)},
                                      {"lines", queue(direct.lines(), direct.options().lines)},
                                      {"watchers", queue(watchers, max_watchers)},
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
