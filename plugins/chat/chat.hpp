/* The instance: messages of all kinds on one map of a drive, and the commands about them. */
#ifndef VISOR_CHAT_CHAT_HPP
#define VISOR_CHAT_CHAT_HPP
#include "config.hpp"
#include "group_commands.hpp"
#include "lib/storage/drive_search.hpp"
#include "watchers.hpp"

namespace visor::chat {

class Chat final : public Instance {
 public:
  explicit Chat(Host host) : Instance(host), search_(host), tasks_(host), watchers_(host) {}

  void start(Started started) override;
  void stop(Stopped stopped) override;

  void send(Answer answer, std::string_view args);
  void watch(Answer answer, std::string_view) { watchers_.watch(std::move(answer), {}); }
  void group_watch(Answer answer, std::string_view args);
  Result<std::string> status(std::string_view);
  Result<std::string> conversations(std::string_view);
  Result<std::string> messages(std::string_view args);
  Result<std::string> history(std::string_view args);
  Result<std::string> read(std::string_view args);
  Result<std::string> unsend(std::string_view args);
  Result<std::string> forget(std::string_view args);
  void group_directory(Answer answer, std::string_view args);
  template <auto Method>
  Result<std::string> group(std::string_view args) {
    return (*group_commands_.*Method)(args);
  }

 private:
  Result<void> begin(Owned<visor_kv> kv);
  Result<void> begin_groups();
  void group_changed(const codec::Uuid& group);
  /* To who watches: {"event":..., <of>: <json>}; group: what it is about, if it is. */
  void tell(std::string_view event, std::string_view of, std::string_view json,
            const codec::Uuid* group = nullptr);
  void end(Stopped stopped);

  visor_identity* identity_ = nullptr;
  Config config_;
  storage::DriveSearch search_;
  Request<visor_kv> opening_;
  Tasks tasks_;
  Watchers watchers_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Direct> direct_;
  std::unique_ptr<Groups> groups_;
  std::unique_ptr<GroupDirectory> directory_; /* null: not configured */
  std::unique_ptr<GroupCommands> group_commands_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_CHAT_HPP
