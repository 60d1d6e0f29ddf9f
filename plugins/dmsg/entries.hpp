/* Peers' entries: asked from the discovery, kept for a while, asked once for many who wait. */
#ifndef VISOR_DMSG_CLIENT_ENTRIES_HPP
#define VISOR_DMSG_CLIENT_ENTRIES_HPP
#include <map>

#include "lib/dmsg/directory.hpp"

namespace visor::dmsg_client {

class Entries {
 public:
  struct Answer {
    Result<dmsg::Entry> entry;
    bool cached;
  };
  /* Runs once, later, unless canceled. */
  using Got = std::function<void(const Answer&)>;

  Entries(Host host, dmsg::Directory& directory) : host_(host), directory_(directory), tasks_(host) {}

  /* fresh: from the discovery, whatever is kept. */
  uint64_t get(const visor_key& key, bool fresh, Got got);
  void cancel(uint64_t number);

  size_t cached() const { return cache_.size(); }
  size_t under_way() const { return lookups_.size(); }
  static constexpr size_t kMaxCached = 4096, kMaxLookups = 512;

 private:
  static constexpr uint64_t kKeptMs = 30'000;
  struct Cached {
    dmsg::Entry entry;
    uint64_t since_ms;
  };
  struct Waiter {
    uint64_t number;
    Got got;
  };
  struct Lookup {
    dmsg::Call call;
    std::vector<Waiter> waiters;
  };
  void answer_later(uint64_t number, Got got, Answer answer);
  void got(const visor_key& key, Result<dmsg::Entry> entry);
  void keep(const visor_key& key, dmsg::Entry entry);

  Host host_;
  dmsg::Directory& directory_;
  std::map<visor_key, Cached> cache_;
  std::map<visor_key, Lookup> lookups_;
  std::map<uint64_t, Got> answering_;
  uint64_t last_number_ = 0;
  Tasks tasks_;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_ENTRIES_HPP
