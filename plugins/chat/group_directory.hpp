/* Public groups in a service directory (specification chat.md, section 14): ours are listed there as long as
 * we are one of their admins and want it, and those of others are found.
 *
 * An entry is "skychat", <key of the admin who lists it>:<port of the group>, the group's id, with
 * `group_id`, `name`, `topic`, `mode`, `feed_pk` (that admin's), `owner_pk` and `members` (how many) as
 * metadata.  It is signed by that admin, who may say anything: who joins takes the founder's key out of it,
 * follows that admin as a member, and learns who decides from the founder's own decisions. */
#ifndef VISOR_CHAT_GROUP_DIRECTORY_HPP
#define VISOR_CHAT_GROUP_DIRECTORY_HPP
#include <list>

#include "group_record.hpp"
#include "lib/services/registration.hpp"

namespace visor::chat {

struct DirectoryOptions {
  std::string url; /* http://host:port or dmsg://key; empty: none */
  uint64_t interval_ms = 60'000;
};

class GroupDirectory {
 public:
  static constexpr size_t kMaxListed = 32;   /* of ours, at once; directories bound what a key may list */
  static constexpr size_t kMaxSearches = 16; /* under way */

  struct Counters {
    size_t listed = 0, registered = 0; /* ours that should be there; and are, as far as is known */
    size_t refused = 0;                /* ours beyond kMaxListed */
    size_t searching = 0;
    uint64_t searches = 0;
    std::string problem = {}; /* the latest of a registration; empty: none */
  };

  /* Identity and store must outlive it.  VISOR_EINVAL: the address is none. */
  static Result<std::unique_ptr<GroupDirectory>> open(Host host, visor_identity* identity,
                                                      const GroupStore& store,
                                                      const DirectoryOptions& options);

  /* Lists what is to be listed, and takes out what is not: to be called whenever a group has changed. */
  void update();
  /* JSON array of groups whose name, topic or founder's key contains `words`, by name, at most `limit`. */
  void search(Answer answer, std::string_view words, size_t limit);
  /* Takes everything out; `done` runs once, from the loop. */
  void stop(std::function<void()> done);

  Counters counters() const;

 private:
  struct Listed {
    services::Service entry;
    std::unique_ptr<services::Registration> registration;
  };
  struct Search {
    Answer answer;
    std::string words;
    size_t limit = 0;
    http::Call call;
  };

  GroupDirectory(Host host, visor_identity* identity, const GroupStore& store, DirectoryOptions options,
                 std::unique_ptr<services::Directory> directory);
  services::Service entry_of(const GroupRecord& record) const;
  void list(const codec::Uuid& id, services::Service entry);
  void take_out(const codec::Uuid& id);
  void renew();
  void found(Search& search, Result<std::vector<services::Service>> services);
  void drop(const Search& search);

  Host host_;
  Tasks tasks_;
  visor_identity* identity_;
  const GroupStore& store_;
  const DirectoryOptions options_;
  std::unique_ptr<services::Directory> directory_;
  std::map<codec::Uuid, Listed> listed_;
  std::list<std::unique_ptr<services::Registration>> leaving_;
  std::list<std::shared_ptr<Search>> searches_;
  std::function<void()> stopped_; /* set: nothing is listed any more */
  size_t refused_ = 0;
  uint64_t searched_ = 0;
  Timer renew_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_DIRECTORY_HPP
