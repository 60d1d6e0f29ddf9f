/* The order in which a group's messages are shown (specification chat.md, section 13): the same at every
 * member for any order of arrival, and that of its author for the messages of one author, whatever their
 * clock did. */
#ifndef VISOR_CHAT_GROUP_ORDER_HPP
#define VISOR_CHAT_GROUP_ORDER_HPP
#include "group_record.hpp"

namespace visor::chat {

/* Sorts by (effective time, sender, number): a message's effective time is the greatest time of its author's
 * messages up to its number.  An answer stands after what it answers, if that is there, and its author's
 * later messages after it.  What is dated more than 5 minutes after now_ns stands where it arrived until it
 * is due: a clock that is a year ahead does not hold the end of the conversation for a year. */
void sort_for_display(std::vector<StoredGroupMessage>& messages, int64_t now_ns);

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_ORDER_HPP
