#include "group_ring.hpp"

namespace visor::chat {
namespace {

constexpr size_t kRing = 2; /* successors on the ring that are followed */

/* The successors of self on the ring, or its predecessors, with the admins. */
std::set<visor_key> neighbours(const GroupRecord& group, const visor_key& self, size_t mesh,
                               bool successors) {
  std::set<visor_key> all(group.members.begin(), group.members.end());
  all.insert(group.admins.begin(), group.admins.end());
  all.erase(self);
  if (group.members.size() <= mesh || group.is_admin(self) || all.empty()) return all;
  std::set<visor_key> some(group.admins.begin(), group.admins.end());
  auto at = all.upper_bound(self);
  for (size_t i = 0; i < kRing; ++i) {
    if (successors) {
      if (at == all.end()) at = all.begin();
      some.insert(*at++);
    } else {
      if (at == all.begin()) at = all.end();
      some.insert(*--at);
    }
  }
  return some;
}

}  // namespace

std::set<visor_key> followed_by(const GroupRecord& group, const visor_key& self, size_t mesh) {
  return neighbours(group, self, mesh, true);
}

std::set<visor_key> followers_of(const GroupRecord& group, const visor_key& self, size_t mesh) {
  return neighbours(group, self, mesh, false);
}

}  // namespace visor::chat
