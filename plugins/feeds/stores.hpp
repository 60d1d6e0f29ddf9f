/* The stores of feeds, one on each drive that is asked for, and their upkeep. */
#ifndef VISOR_FEEDS_STORES_HPP
#define VISOR_FEEDS_STORES_HPP
#include <functional>
#include <list>

#include "lib/storage/drive_search.hpp"
#include "store.hpp"

namespace visor::feeds {

struct StoresOptions {
  std::string drive;  // the one that is meant by ""; itself "": the visor's default
  StoreOptions store;
  uint64_t sweep_ms = 60000;
  uint64_t forget_ms = 3600000;  // somebody else's feed that nobody opens
};

class Stores {
 public:
  using Opened = std::function<void(Result<std::shared_ptr<Store>>)>;
  using InUse = std::function<bool(const FeedId& id)>;

  Stores(Host host, const StoresOptions& options, const visor_key& own, InUse in_use);

  /* `opened` runs on a later turn, unless the stores go first. */
  void open(const std::string& drive, Opened opened);
  /* Runs fn on a later turn, when no drive owes us an answer any more. */
  void drain(std::function<void()> fn);
  const std::map<std::string, std::shared_ptr<Store>>& all() const { return stores_; }

 private:
  struct Opening {
    std::unique_ptr<storage::DriveSearch> search;
    Request<visor_kv> request;
    std::vector<Opened> waiting;
  };
  void open_on(const std::string& drive, visor_drive* provider);
  void opened(const std::string& drive, Result<std::shared_ptr<Store>> store);
  void check_drained();
  void sweep();
  void sweep_on(const std::string& drive);
  void forget(Store& store);

  Host host_;
  Tasks tasks_;
  StoresOptions options_;
  visor_key own_;
  InUse in_use_;
  uint64_t opened_ms_;
  std::map<std::string, std::shared_ptr<Store>> stores_;
  std::map<std::string, Opening> opening_;
  std::map<const visor_drive*, std::string> names_;  // looked up in, never gone over
  std::map<FeedId, uint64_t> unused_since_ms_;
  std::function<void()> drained_;
  Timer sweep_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_STORES_HPP
