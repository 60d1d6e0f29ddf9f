/* Who follows whom in a group (specification chat.md, 8.2): up to `mesh` members all follow each other;
 * beyond, who is no admin follows the admins and the two next on the ring of sorted keys. */
#ifndef VISOR_CHAT_GROUP_RING_HPP
#define VISOR_CHAT_GROUP_RING_HPP
#include <set>

#include "group_record.hpp"

namespace visor::chat {

/* Whom `self` follows. */
std::set<visor_key> followed_by(const GroupRecord& group, const visor_key& self, size_t mesh);
/* Who follows `self`. */
std::set<visor_key> followers_of(const GroupRecord& group, const visor_key& self, size_t mesh);

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_RING_HPP
