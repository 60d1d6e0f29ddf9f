/* All groups of a visor (specification chat.md, section 9): made, joined, left; open as long as there are
 * feeds. */
#ifndef VISOR_CHAT_GROUPS_HPP
#define VISOR_CHAT_GROUPS_HPP
#include "group_order.hpp"
#include "group_session.hpp"

namespace visor::chat {

class Groups final : private GroupSession::Owner {
 public:
  struct Events {
    std::function<void(const codec::Uuid& group, const StoredGroupMessage&)> said;
    std::function<void(const codec::Uuid& group, const MessagePath&)> took_back;
    std::function<void(const codec::Uuid& group)> changed;
  };

  Groups(Host host, visor_identity* identity, std::unique_ptr<GroupStore> store, const GroupOptions& options,
         Events events);
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;
  ~Groups() override;

  /* Opens what is not over, as soon and as long as feeds are there. */
  Result<void> start();

  const GroupStore& store() const { return *store_; }
  const GroupSession* session(const codec::Uuid& id) const;

  struct Plan {
    std::string_view name, topic;
    Mode mode = Mode::kPrivate;
    bool listed = true;             /* in the directory, if it is public */
    std::vector<visor_key> members; /* besides us: added by us, so that they can join */
  };
  Result<const GroupRecord*> create(const Plan& plan);
  Result<const GroupRecord*> join(std::string_view link);
  Result<std::string> invite(const codec::Uuid& id) const;
  Result<StoredGroupMessage> send(const codec::Uuid& id, std::string_view text,
                                  const std::optional<Answered>& answers);
  /* A person has seen all of it. */
  Result<size_t> read(const codec::Uuid& id);
  Result<void> take_back(const codec::Uuid& id, const MessagePath& path);
  Result<void> decide(const codec::Uuid& id, Domain domain, Op op, const visor_key& peer);
  /* Whether we list it in the directory: VISOR_EPERM unless we are an admin, VISOR_EINVAL of a private one.
   */
  Result<void> set_listed(const codec::Uuid& id, bool listed);
  /* We say and hear no more; the history stays. */
  Result<void> leave(const codec::Uuid& id);
  /* Its record and history. */
  Result<void> forget(const codec::Uuid& id);
  /* In the order of display, the latest last, at most `limit`. */
  Result<std::vector<StoredGroupMessage>> messages(const codec::Uuid& id, size_t limit) const;

 private:
  void group_said(const codec::Uuid& group, const StoredGroupMessage& message) override;
  void group_took_back(const codec::Uuid& group, const MessagePath& path) override;
  void group_changed(const codec::Uuid& group) override;

  Result<const GroupRecord*> find(const codec::Uuid& id) const;
  Result<GroupSession*> open_session(const codec::Uuid& id) const;
  void open(const codec::Uuid& id);
  void close(const codec::Uuid& id);
  Result<uint16_t> free_port() const;
  Result<void> check_port(const Invite& invite) const;

  Host host_;
  Tasks tasks_;
  visor_identity* identity_;
  std::unique_ptr<GroupStore> store_;
  GroupOptions options_;
  Events events_;
  visor_feeds* feeds_ = nullptr;
  std::map<codec::Uuid, std::unique_ptr<GroupSession>> sessions_;
  Watch<visor_feeds> watch_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUPS_HPP
