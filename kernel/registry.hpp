/* Who offers what: the only way in which one plugin finds another. */
#ifndef VISOR_KERNEL_REGISTRY_HPP
#define VISOR_KERNEL_REGISTRY_HPP
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <visor/host.hpp>

#include "kernel/loop.hpp"

namespace visor::kernel {

/* Entries keep the order in which they were offered; the first of an id is its default provider. */
class Registry {
 public:
  using Watcher = void (*)(void* ctx, const char* name, void* object);
  struct Entry {
    std::string id, name;
    std::string owner; /* the instance that offers it */
    void* object;
    uint64_t sequence;
  };

  explicit Registry(Loop& loop) : loop_(loop) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /* name null: the first. */
  void* find(std::string_view id, const char* name) const;
  /* VISOR_EEXIST: the id has that name already. */
  Result<void> offer(const std::string& owner, std::string id, std::string name, void* object);
  /* Watchers that know the object hear of it before this returns.  Only the owner's. */
  void withdraw(const std::string& owner, const void* object);
  void withdraw_all(const std::string& owner);

  /* Tells of each object of the id, those that are there now first; on later turns, except for an object that
   * goes (object null), which is told at once.  Each handle is closed once, or forgotten by forget_watches().
   */
  visor_handle* watch(Host host, const std::string& owner, std::string id, Watcher fn, void* ctx);
  /* Ends what the owner has left open; how many. */
  size_t forget_watches(const std::string& owner);

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  struct Watch;
  void withdraw_if(const std::function<bool(const Entry&)>& gone);
  void tell_later(const std::shared_ptr<Watch>& watch);
  void tell(Watch& watch);
  void close(Watch* watch);

  Loop& loop_;
  std::vector<Entry> entries_;
  std::vector<std::shared_ptr<Watch>> watches_;
  uint64_t sequence_ = 0;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_REGISTRY_HPP
