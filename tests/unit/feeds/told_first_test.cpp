// On a drive in memory a Root of few leaves is told before it is stored: nobody can see the difference.
#include "tests/unit/feeds/machines.hpp"
#include "tests/unit/seeded.hpp"

namespace visor::test {
namespace {

/* An owner and who follows it, both on drives that forget with their process. */
struct Told : MemoryWorld {
  explicit Told(uint64_t seed = 1) : MemoryWorld(seed) {
    owner.serve();
    owner.write(Ops().put("a/x", "1").put("a/y", "2").put("b", "3"));
    other.follow(owner.key(), follower);
    host.advance_ms(3000);
  }
  bool same() { return other.leaves(owner.key()) == owner.leaves(owner.key()); }

  Machine owner{host, wire, 1, {}, false}, other{host, wire, 2, {}, false};
  Follower follower;
};

TEST_CASE("feeds: Roots that are told before they are stored are stored as any", "[feeds]") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Told t(seed);
    Follower beside;
    t.owner.follow(t.owner.key(), beside);
    t.host.advance_ms(100);
    Seeded random(seed);
    for (int round = 0; round < 100; ++round) {
      const std::string path = "d" + std::to_string(random.below(3)) + "/" + std::to_string(random.below(20));
      Ops ops;
      if (t.owner.leaves(t.owner.key()).contains(path) && random.below(2) == 0) {
        ops.erase(path);
      } else {
        ops.put(path, std::to_string(random.below(4)));
      }
      t.owner.write(std::move(ops));
      if (random.below(2) == 0) t.host.advance_ms(random.below(30));
    }
    t.host.advance_ms(1000);
    CHECK(t.same());
    CHECK(t.follower.leaves == t.owner.leaves(t.owner.key()));
    CHECK(beside.leaves == t.follower.leaves);
    CHECK(std::ranges::is_sorted(t.follower.roots));
    CHECK(audit(t.owner.disk).live > 0);
    CHECK(audit(t.other.disk).live > 0);
    CHECK(objects_asked(t.other) == 0);
  }
}

TEST_CASE("feeds: whoever is told of a Root reads it", "[feeds]") {
  Told t;
  struct Looking {
    Machine& machine;
    visor_key owner;
    size_t looked = 0;
  } looking{t.other, t.owner.key()};
  static constexpr visor_feed_events kEvents = {
      sizeof(visor_feed_events), 0,
      [](void* ctx, visor_feed*, uint64_t seq, uint32_t, const visor_op* ops, size_t count) {
        auto& self = *static_cast<Looking*>(ctx);
        CHECK(self.machine.seq(self.owner) == seq);
        const auto leaves = self.machine.leaves(self.owner);
        for (size_t i = 0; i < count; ++i)
          CHECK(leaves.at(std::string(text(ops[i].key))) == text(ops[i].value));
        ++self.looked;
      },
      nullptr};
  auto subscription =
      std::make_shared<Subscription>(t.host.host(), t.other.store, FeedId{kPort, t.owner.key()}, nullptr,
                                     SubscriptionOptions{"", 0, &kEvents, &looking});
  t.other.open(t.owner.key()).follow(subscription);
  t.host.advance_ms(100);
  for (int i = 0; i < 5; ++i) {
    t.owner.write(Ops().put("a/x", "new" + std::to_string(i)));
    t.host.advance_ms(100);
  }
  CHECK(looking.looked == 6);
}

TEST_CASE("feeds: a number that was told is not used again, stored or not", "[feeds]") {
  Told t;
  const uint64_t before = *t.owner.seq(t.owner.key());
  t.owner.disk.fail_write = 1;
  auto failed = t.owner.write(Ops().put("a/x", "told"));
  t.host.advance_ms(500);
  CHECK(*failed == VISOR_EIO);
  CHECK(t.owner.own().publisher()->frozen());
  CHECK(t.follower.leaves.at("a/x") == "told");
  CHECK(t.other.seq(t.owner.key()) == before + 1);
  CHECK(t.owner.seq(t.owner.key()) == before);
  t.owner.disk.fail_write = 0;
  t.owner.write(Ops().put("b", "later"));
  t.host.advance_ms(60000);
  CHECK_FALSE(t.owner.own().publisher()->frozen());
  CHECK(*t.owner.seq(t.owner.key()) > before + 1);
  CHECK(t.same());
  CHECK(t.follower.leaves == t.owner.leaves(t.owner.key()));
  audit(t.owner.disk);
  audit(t.other.disk);
}

TEST_CASE("feeds: who was told of a Root that is not stored after all hears that it ends", "[feeds]") {
  Told t;
  t.other.disk.fail_write = 1;
  t.owner.write(Ops().put("a/x", "told"));
  t.host.advance_ms(100);
  CHECK(t.follower.closed == VISOR_EIO);
  t.other.disk.fail_write = 0;
  t.owner.write(Ops().put("a/y", "next"));
  t.host.advance_ms(60000);
  CHECK(t.same());
  audit(t.other.disk);
}

TEST_CASE("feeds: what is told is stored when the feed closes, and when its process ends", "[feeds]") {
  Told t;
  t.owner.write(Ops().put("a/x", "last"));
  t.owner.own().publisher()->flush();
  t.owner.close(t.owner.key());
  CHECK(t.owner.leaves(t.owner.key()).at("a/x") == "last");
  audit(t.owner.disk);
}

}  // namespace
}  // namespace visor::test
