/* Feeds that a test turns by hand: what is written is there at once, and told when the test says so. */
#ifndef VISOR_TESTS_UNIT_CHAT_HAND_FEEDS_HPP
#define VISOR_TESTS_UNIT_CHAT_HAND_FEEDS_HPP
#include <list>

#include "tests/support/memory_host.hpp"
#include "tests/support/memory_kv.hpp"

namespace visor::test {

/* A feed as it is everywhere; outlives those who have it open. */
struct HandLeaves {
  explicit HandLeaves(Host host) : followers(host) {}
  struct Follower {
    const visor_feed_events* events;
    void* ctx;
    visor_feed* feed;
    uint64_t number;
    bool ended = false;
  };
  std::map<std::string, std::string> map;
  Registrations<Follower> followers;
  uint64_t last_follower = 0, sequence = 0;

  void tell(const Follower& follower, const std::map<std::string, std::string>& leaves) {
    if (follower.ended) return;
    std::vector<visor_op> ops;
    for (const auto& [path, value] : leaves)
      ops.push_back(put(bytes(std::string_view(path)), bytes(std::string_view(value))));
    follower.events->changed(follower.ctx, follower.feed, sequence, 0, ops.data(), ops.size());
  }
  /* Everybody is told of one more leaf. */
  void say(const std::string& path, const std::string& value) {
    map[path] = value;
    ++sequence;
    followers.each([&](const Follower& follower) { tell(follower, {{path, value}}); });
  }
  /* For those who follow it now it ends. */
  void end(visor_status why) {
    followers.each([&](Follower& follower) {
      if (!std::exchange(follower.ended, true)) follower.events->closed(follower.ctx, follower.feed, why);
    });
  }
};

class HandFeed final : public FeedProvider {
 public:
  HandFeed(Host host, HandLeaves& leaves) : FeedProvider(host), leaves_(leaves) {}

 private:
  visor_status write(const visor_op* ops, size_t count, visor_done done) override {
    for (const visor_op& op : std::span(ops, count)) {
      if (op.kind == VISOR_PUT) leaves_.map[std::string(text(op.key))] = text(op.value);
      if (op.kind == VISOR_DELETE) leaves_.map.erase(std::string(text(op.key)));
    }
    Done(host(), done).later(VISOR_OK);
    return VISOR_OK;
  }
  visor_status get(visor_span, visor_span*) override { return VISOR_ENOSYS; }
  visor_status cursor(visor_span prefix, visor_cursor** out) override {
    MemoryDisk& branch = branches_.emplace_back();
    for (const auto& [path, value] : leaves_.map) {
      if (path.starts_with(text(prefix))) branch.map[path] = value;
    }
    kvs_.push_back(open_disk(host(), branch));
    return kvs_.back()->api->cursor(kvs_.back().get(), out);
  }
  /* All that is there is told on the next turn. */
  visor_status subscribe(visor_span, uint32_t, const visor_feed_events* events, void* ctx,
                         visor_handle** out) override {
    const uint64_t number = ++leaves_.last_follower;
    *out = leaves_.followers.add({events, ctx, this, number});
    post(host(), [&leaves = leaves_, number] {
      leaves.followers.each([&](const HandLeaves::Follower& follower) {
        if (follower.number == number && !leaves.map.empty()) leaves.tell(follower, leaves.map);
      });
    });
    return VISOR_OK;
  }
  void pause(bool) override {}
  visor_status admit(const visor_key*, size_t) override { return VISOR_OK; }
  void close() override { delete this; }

  HandLeaves& leaves_;
  std::list<MemoryDisk> branches_;
  std::list<Owned<visor_kv>> kvs_;
};

class HandFeeds final : public FeedsProvider {
 public:
  explicit HandFeeds(Host host) : FeedsProvider(host) {}
  HandLeaves own{host()};
  HandLeaves& of(const visor_key& owner) { return of_.try_emplace(owner, host()).first->second; }

 private:
  visor_status open(const visor_feed_options* options, visor_done done) override {
    HandLeaves& leaves = options->owner ? of(*options->owner) : own;
    Done(host(), done).later(VISOR_OK, static_cast<visor_feed*>(new HandFeed(host(), leaves)));
    return VISOR_OK;
  }
  void cancel(void*) override {}
  visor_status announce(visor_span, const visor_addr*, void (*)(void*, visor_status), void*,
                        visor_handle**) override {
    return VISOR_ENOSYS;
  }
  visor_status serve(visor_span, uint16_t, void (*)(void*, const visor_addr*, bool), void*,
                     visor_handle**) override {
    return VISOR_ENOSYS;
  }

  std::map<visor_key, HandLeaves> of_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_CHAT_HAND_FEEDS_HPP
