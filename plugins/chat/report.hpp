/* What the commands of chat show: JSON, written as text, since much of it is told for each message. */
#ifndef VISOR_CHAT_REPORT_HPP
#define VISOR_CHAT_REPORT_HPP
#include "direct.hpp"
#include "group_directory.hpp"
#include "groups.hpp"

namespace visor::chat {

std::string report(const visor_key& peer, const Message& message);
std::string report(const Conversation& conversation, History& history, const Direct& direct);
/* members: with their keys and whether each is reached; else their number alone. */
std::string report(const Groups& groups, const GroupRecord& record, const visor_key& own, bool members);
std::string report(const codec::Uuid& group, const StoredGroupMessage& message, const visor_key& own);
/* An array of what is JSON already. */
std::string json_list(const std::vector<std::string>& rows);
/* directory: null where there is none. */
std::string report_status(const visor_key& own, const History& history, const HistoryLimits& limits,
                          const Direct& direct, const Groups& groups, const GroupDirectory* directory,
                          size_t watchers, size_t max_watchers);

}  // namespace visor::chat
#endif  // VISOR_CHAT_REPORT_HPP
