#include "stores.hpp"

namespace visor::feeds {

Stores::Stores(Host host, const StoresOptions& options, const visor_key& own, InUse in_use)
    : host_(host),
      tasks_(host),
      options_(options),
      own_(own),
      in_use_(std::move(in_use)),
      opened_ms_(host.now_ms()) {
  sweep_ = Timer::every(host_, options_.sweep_ms, [this] { sweep(); });
}

void Stores::open(const std::string& wanted, Opened done) {
  std::string drive = wanted.empty() ? options_.drive : wanted;
  // A drive has one store, by whichever of its names it is asked for.
  if (auto* known = host_.find<visor_drive>(VISOR_DRIVE_1, drive.empty() ? nullptr : drive.c_str())) {
    drive = names_.try_emplace(known, drive).first->second;
  }
  if (auto at = stores_.find(drive); at != stores_.end()) {
    return tasks_.post([store = at->second, done = std::move(done)] { done(store); });
  }
  Opening& opening = opening_[drive];
  opening.waiting.push_back(std::move(done));
  if (opening.waiting.size() > 1) return;
  opening.search = std::make_unique<storage::DriveSearch>(host_);
  opening.search->find(drive, [this, drive](Result<visor_drive*> found) {
    found ? open_on(drive, *found) : opened(drive, std::unexpected(found.error()));
  });
}

void Stores::open_on(const std::string& drive, visor_drive* provider) {
  StoreOptions options = options_.store;
  options.durable = (provider->api->caps & VISOR_DRIVE_DURABLE) != 0;
  const visor_status status = opening_.at(drive).request.start(
      [&](visor_done d) { return provider->api->open(provider, VISOR_TEXT("feeds"), d); },
      [this, drive, options](visor_status result, visor_kv* kv) {
        if (result != VISOR_OK) return opened(drive, std::unexpected(host_.error(result)));
        Result<std::unique_ptr<Store>> store = Store::open(host_, Owned<visor_kv>(kv), options);
        if (!store) return opened(drive, std::unexpected(store.error()));
        opened(drive, std::shared_ptr<Store>(std::move(*store)));
      });
  if (status == VISOR_OK) return;
  tasks_.post([this, drive, why = host_.error(status)] { opened(drive, std::unexpected(why)); });
}

void Stores::opened(const std::string& drive, Result<std::shared_ptr<Store>> store) {
  auto opening = std::move(opening_.extract(drive).mapped());
  if (store) stores_[drive] = *store;
  for (const Opened& waiting : opening.waiting) waiting(store);
  check_drained();
}

void Stores::drain(std::function<void()> fn) {
  drained_ = std::move(fn);
  sweep_.cancel();
  for (const auto& [drive, store] : stores_) store->on_synced([this] { check_drained(); });
  check_drained();
}

void Stores::check_drained() {
  if (!drained_ || !opening_.empty()) return;
  for (const auto& [drive, store] : stores_) {
    if (store->syncing()) return;
  }
  post(host_, std::exchange(drained_, nullptr));
}

void Stores::sweep() {
  for (const auto& [drive, store] : stores_) {
    forget(*store);
    sweep_on(drive);
  }
}

/* Some of it a turn, so that nothing else waits long. */
void Stores::sweep_on(const std::string& drive) {
  auto at = stores_.find(drive);
  if (at == stores_.end()) return;
  Result<bool> more = at->second->sweep();
  if (!more) return host_.warn("the store of feeds is not swept: " + more.error().text);
  if (*more) tasks_.post([this, drive] { sweep_on(drive); });
}

/* Feeds of others that nobody here has opened for long; one that comes back is fetched again. */
void Stores::forget(Store& store) {
  const uint64_t now_ms = host_.now_ms();
  std::vector<FeedId> out;
  for (const auto& [id, root] : store.roots()) {
    if (id.feed == own_ || in_use_(id)) {
      unused_since_ms_.erase(id);
    } else if (now_ms - unused_since_ms_.try_emplace(id, now_ms).first->second >= options_.forget_ms) {
      out.push_back(id);
    }
  }
  for (const FeedId& id : out) {
    unused_since_ms_.erase(id);
    if (Result<void> dropped = store.drop(id); !dropped) {
      host_.warn("a feed that nobody follows is not forgotten: " + dropped.error().text);
    }
  }
}

}  // namespace visor::feeds
