/* What the commands of chat show: JSON. */
#ifndef VISOR_CHAT_REPORT_HPP
#define VISOR_CHAT_REPORT_HPP
#include <boost/json.hpp>

#include "direct.hpp"

namespace visor::chat {

boost::json::object report(const visor_key& peer, const Message& message);
boost::json::object report(const Conversation& conversation, const Direct& direct);
std::string report_status(const visor_key& own, const History& history, const HistoryLimits& limits,
                          const Direct& direct, size_t watchers, size_t max_watchers);

}  // namespace visor::chat
#endif  // VISOR_CHAT_REPORT_HPP
