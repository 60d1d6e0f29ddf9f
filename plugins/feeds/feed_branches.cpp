// A feed of which only branches are fetched: as the one who follows, and as the one who pushes to such.
#include <algorithm>

#include "extension.hpp"
#include "feed.hpp"
#include "treestore.hpp"

namespace visor::feeds {

// --- following ---

bool Feed::wants_whole() {
  if (publisher_ || std::ranges::any_of(users_, [](const User* user) { return user->wants_whole(); }))
    return true;
  const auto all = followers();
  if (all.empty()) return !id_.branches;
  if (std::ranges::any_of(all, [](const auto& s) { return !s->wants_branch(); })) return true;
  return wanted_branches().size() > kMaxBranches;
}

std::vector<std::string> Feed::wanted_branches() {
  std::vector<std::string> branches;
  for (const auto& subscription : followers()) branches.push_back(subscription->prefix());
  return outermost(std::move(branches));
}

/* Whether what is stored has all that is wanted. */
bool Feed::covers_wanted() {
  return std::ranges::all_of(wanted_branches(), [&](const std::string& wanted) { return covers(wanted); });
}

bool Feed::covers(const std::string& wanted) const {
  return !id_.branches ||
         std::ranges::any_of(covered_, [&](const std::string& branch) { return under(wanted, branch); });
}

void Feed::learn_covered() {
  covered_ = id_.branches ? stored_branches(*store_, id_) : std::vector<std::string>();
}

/* From the whole tree to branches only as long as nothing of it has come; back at any time. */
void Feed::reconsider() {
  const bool whole = wants_whole();
  if (whole == !id_.branches || (!whole && began_whole_)) return;
  if (fill_) supersede_fill();
  pending_.reset();
  way_.clear();
  following_ = nullptr;
  id_.branches = !whole;
  learn_covered();
  for (const auto& subscription : followers()) subscription->move(id_);
  if (whole) return ask_again();
  for (const Member& m : members_) {
    if ((m.we || m.asked) && m.connection->extended()) follow_branches(*m.connection);
  }
}

/* Somebody wants a branch that is not among those that are here. */
void Feed::widen() {
  if (!id_.branches || fill_ || covers_wanted()) return;
  for (const Member& m : members_) {
    if (m.asked && m.connection->extended()) follow_branches(*m.connection);
  }
  ask_again();
}

void Feed::attach(const User& user) {
  users_.push_back(&user);
  tasks_.post([this] { reconsider(); });  // it may subscribe yet
}

void Feed::follow_branches(Connection& connection) {
  Follow follow{id_.feed, node_.follow(connection, *this), {}, false, {}, {}, wanted_branches()};
  if (!follow.branches.empty()) connection.send_extension(encode(follow));
}

// --- pushing ---

/* The Root, unless what this subscriber wants of it is what it was pushed before. */
std::shared_ptr<const Bytes> Feed::branch_push(Followed& followed) {
  const StoredRoot* stored = current();
  if (!stored) return nullptr;
  BranchWalk walk(*store_, stored->top, followed.branches);
  if (Result<std::set<Hash>> missing = walk.run(); missing && missing->empty()) {
    if (followed.told == walk.top()) return nullptr;
    followed.told = walk.top();
  }
  return root_push(false);
}

}  // namespace visor::feeds
