/* The commands of groups: arguments in, JSON out. */
#ifndef VISOR_CHAT_GROUP_COMMANDS_HPP
#define VISOR_CHAT_GROUP_COMMANDS_HPP
#include "groups.hpp"

namespace visor::chat {

class GroupCommands {
 public:
  GroupCommands(Groups& groups, const visor_key& own) : groups_(groups), own_(own) {}

  Result<std::string> create(std::string_view args);
  Result<std::string> join(std::string_view args);
  Result<std::string> invite(std::string_view args);
  Result<std::string> send(std::string_view args);
  Result<std::string> unsend(std::string_view args);
  Result<std::string> add(std::string_view args) { return decide(args, Domain::kRoster, Op::kAdd); }
  Result<std::string> remove(std::string_view args) { return decide(args, Domain::kRoster, Op::kRemove); }
  Result<std::string> promote(std::string_view args) { return decide(args, Domain::kAdmin, Op::kAdd); }
  Result<std::string> demote(std::string_view args) { return decide(args, Domain::kAdmin, Op::kRemove); }
  Result<std::string> list(std::string_view args);
  Result<std::string> show(std::string_view args);
  Result<std::string> messages(std::string_view args);
  Result<std::string> read(std::string_view args);
  Result<std::string> set_listed(std::string_view args);
  Result<std::string> leave(std::string_view args);
  Result<std::string> forget(std::string_view args);

 private:
  Result<std::string> decide(std::string_view args, Domain domain, Op op);
  std::string shown(const codec::Uuid& id, bool members) const;

  Groups& groups_;
  const visor_key own_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_COMMANDS_HPP
