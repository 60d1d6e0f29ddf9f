/* What the commands of chat show: JSON. */
#ifndef VISOR_CHAT_REPORT_HPP
#define VISOR_CHAT_REPORT_HPP
#include <boost/json.hpp>

#include "direct.hpp"
#include "groups.hpp"

namespace visor::chat {

boost::json::object report(const visor_key& peer, const Message& message);
boost::json::object report(const Conversation& conversation, History& history, const Direct& direct);
/* member: the members' keys and whether each is reached; else their number. */
boost::json::object report(const Groups& groups, const GroupRecord& record, const visor_key& own,
                           bool members);
boost::json::object report(const codec::Uuid& group, const StoredGroupMessage& message, const visor_key& own);
boost::json::object report_groups(const Groups& groups);
std::string report_status(const visor_key& own, const History& history, const HistoryLimits& limits,
                          const Direct& direct, const Groups& groups, size_t watchers, size_t max_watchers);

}  // namespace visor::chat
#endif  // VISOR_CHAT_REPORT_HPP
