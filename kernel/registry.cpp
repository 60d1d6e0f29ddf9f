#include "kernel/registry.hpp"

#include <algorithm>

namespace visor::kernel {

struct Registry::Watch final : Object<visor_handle> {
  Watch(Host host, Registry& r, std::string o, std::string i, Watcher f, void* c)
      : Object<visor_handle>(host, &kApi),
        registry(r),
        owner(std::move(o)),
        id(std::move(i)),
        fn(f),
        ctx(c) {}
  void close() { registry.close(this); }
  visor_span address() { return {}; }
  static constexpr visor_handle_api kApi = {sizeof(visor_handle_api), 0, thunk<&Watch::close>,
                                            thunk<&Watch::address>};

  Registry& registry;
  const std::string owner, id;
  const Watcher fn;
  void* const ctx;
  uint64_t told = 0; /* every entry up to this sequence */
  bool telling = false, closed = false;
};

void* Registry::find(std::string_view id, const char* name) const {
  for (const Entry& entry : entries_) {
    if (entry.id == id && (!name || entry.name == name)) return entry.object;
  }
  return nullptr;
}

Result<void> Registry::offer(const std::string& owner, std::string id, std::string name, void* object) {
  for (const Entry& entry : entries_) {
    if (entry.id == id && entry.name == name) {
      return failure(VISOR_EEXIST, id + " \"" + name + "\" is already offered by " + entry.owner +
                                       "; give one of them another name with \"as\"");
    }
  }
  entries_.push_back({std::move(id), std::move(name), owner, object, ++sequence_});
  for (const auto& watch : watches_) {
    if (watch->id == entries_.back().id) tell_later(watch);
  }
  return {};
}

void Registry::withdraw(const std::string& owner, const void* object) {
  withdraw_if([&](const Entry& entry) { return entry.object == object && entry.owner == owner; });
}

void Registry::withdraw_all(const std::string& owner) {
  withdraw_if([&](const Entry& entry) { return entry.owner == owner; });
}

void Registry::withdraw_if(const std::function<bool(const Entry&)>& gone) {
  for (;;) {
    auto at = std::ranges::find_if(entries_, gone);
    if (at == entries_.end()) return;
    Entry entry = std::move(*at);
    entries_.erase(at);
    std::vector<std::weak_ptr<Watch>> watches(watches_.begin(), watches_.end());
    for (const auto& weak : watches) {
      auto watch = weak.lock();
      if (watch && !watch->closed && watch->id == entry.id && watch->told >= entry.sequence) {
        watch->fn(watch->ctx, entry.name.c_str(), nullptr);
      }
    }
  }
}

visor_handle* Registry::watch(Host host, const std::string& owner, std::string id, Watcher fn, void* ctx) {
  auto watch = std::make_shared<Watch>(host, *this, owner, std::move(id), fn, ctx);
  watches_.push_back(watch);
  tell_later(watch);
  return watch.get();
}

size_t Registry::forget_watches(const std::string& owner) {
  return std::erase_if(watches_, [&](const auto& watch) {
    if (watch->owner == owner) watch->closed = true;
    return watch->closed;
  });
}

void Registry::tell_later(const std::shared_ptr<Watch>& watch) {
  if (std::exchange(watch->telling, true)) return;
  loop_.post([weak = std::weak_ptr(watch)] {
    if (auto alive = weak.lock()) alive->registry.tell(*alive);
  });
}

void Registry::tell(Watch& watch) {
  watch.telling = false;
  while (!watch.closed) {
    auto at = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return entry.id == watch.id && entry.sequence > watch.told; });
    if (at == entries_.end()) return;
    watch.told = at->sequence;
    std::string name = at->name;
    watch.fn(watch.ctx, name.c_str(), at->object);
  }
}

void Registry::close(Watch* watch) {
  watch->closed = true;
  std::erase_if(watches_, [watch](const auto& known) { return known.get() == watch; });
}

}  // namespace visor::kernel
