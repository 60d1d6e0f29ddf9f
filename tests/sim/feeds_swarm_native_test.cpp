// Feeds on a network that breaks: who joins is cut off at any byte and still gets all, and nothing twice;
// very many follow one feed.  VISOR_SOAK_SEEDS=first..last for other seeds, VISOR_SOAK_JOINS for how many
// join in each, VISOR_SOAK_FOLLOWERS for how many follow.
#include <cstdlib>
#include <cstring>
#include <map>

#include "tests/conformance/feeds_user.hpp"

namespace visor::test {
namespace {

constexpr uint64_t kPatienceMs = 600000;  // of virtual time

std::string visor_config(const std::string& feeds) {
  return R"({"plugins":[{"plugin":"storage_memory"},{"plugin":"feeds","config":)" + feeds + "}]}";
}

std::array<uint8_t, 32> secret(uint64_t number) {
  std::array<uint8_t, 32> secret{};
  secret.fill(9);
  std::memcpy(secret.data() + 24, &number, sizeof number);
  return secret;
}

/* The number that stands behind `"name":`, wherever that is first. */
uint64_t number_in(const std::string& json, const std::string& name) {
  const size_t at = json.find("\"" + name + "\":");
  REQUIRE(at != std::string::npos);
  return std::strtoull(json.c_str() + at + name.size() + 3, nullptr, 10);
}

using Leaves = std::map<std::string, std::string>;

/* A visor that follows a feed, and all that it was told. */
class Reader {
 public:
  Reader(SimWorld& world, const std::string& machine, uint64_t number, bool streams)
      : world_(world),
        node_(world.add(machine, visor_config(streams ? "{}" : R"({"stream":false})"),
                        {.secret = secret(number), .log_level = VISOR_WARN})) {}
  ~Reader() {
    handle_.reset();
    feed_.reset();
    world_.remove(node_);
  }
  void follow(const visor_key& owner) {
    feed_ = open_feed(world_, node_, &owner, "tcp://10.0.0.1:8870");
    static constexpr visor_feed_events kEvents = {sizeof(visor_feed_events), 0, &changed, nullptr};
    visor_handle* made = nullptr;
    REQUIRE(feed_->api->subscribe(feed_.get(), {}, 0, &kEvents, this, &made) == VISOR_OK);
    handle_.reset(made);
  }
  Node& node() { return node_; }
  Leaves leaves;
  bool wrong = false;

 private:
  static void changed(void* ctx, visor_feed*, uint64_t, uint32_t, const visor_op* ops, size_t count) {
    auto* self = static_cast<Reader*>(ctx);
    for (size_t i = 0; i < count; ++i) {
      std::string path(text(ops[i].key));
      if (ops[i].kind == VISOR_PUT) {
        self->leaves[path] = text(ops[i].value);
      } else if (self->leaves.erase(path) != 1) {
        self->wrong = true;
      }
    }
  }
  SimWorld& world_;
  Node& node_;
  Owned<visor_feed> feed_;
  Owned<visor_handle> handle_;
};

class Owner {
 public:
  Owner(SimWorld& world, uint64_t number)
      : world_(world),
        node_(world.add("10.0.0.1", visor_config(R"({"listen":"tcp://0.0.0.0:8870"})"),
                        {.secret = secret(number), .log_level = VISOR_WARN})),
        feed_(open_feed(world, node_, nullptr)) {}
  void write(const Leaves& changes) {
    std::vector<visor_op> ops;
    for (const auto& [path, value] : changes) {
      ops.push_back(value.empty() ? erase(bytes(path)) : put(std::string_view(path), bytes(value)));
      if (value.empty()) {
        leaves.erase(path);
      } else {
        leaves[path] = value;
      }
    }
    auto written = world_.await<void>(
        node_, [&](visor_done done) { return feed_->api->write(feed_.get(), ops.data(), ops.size(), done); });
    REQUIRE(written.has_value());
  }
  Node& node() { return node_; }
  Leaves leaves;

 private:
  SimWorld& world_;
  Node& node_;
  Owned<visor_feed> feed_;
};

Leaves some_leaves(kernel::sim::SimLoop& loop, size_t count) {
  Leaves leaves;
  for (size_t i = 0; i < count; ++i) {
    std::string value(100 + loop.below(300), 'v');
    for (char& c : value) c = static_cast<char>('a' + loop.below(26));
    leaves["d" + std::to_string(i % 9) + "/" + std::to_string(i)] = value;
  }
  return leaves;
}

struct Seeds {
  uint64_t first = 1, last = 10;
};
Seeds seeds() {
  Seeds seeds;
  const char* range = std::getenv("VISOR_SOAK_SEEDS");
  if (!range) return seeds;
  seeds.first = seeds.last = std::strtoull(range, nullptr, 10);
  if (const char* dots = std::strstr(range, "..")) seeds.last = std::strtoull(dots + 2, nullptr, 10);
  return seeds;
}
size_t setting(const char* name, size_t usual) {
  const char* said = std::getenv(name);
  return said ? std::strtoull(said, nullptr, 10) : usual;
}

/* What one join costs without trouble. */
struct Cost {
  uint64_t bytes = 0, objects = 0;
};

Cost join(SimWorld& world, Owner& owner, uint64_t number, bool streams, uint32_t cuts_per_million,
          uint64_t* cuts) {
  const uint64_t delivered = world.network().delivered_bytes();
  Reader reader(world, "10.1.0.1", number, streams);
  world.network().options().cut_per_million = cuts_per_million;
  reader.follow(owner.node().key());
  // For a while nothing holds; then the network is what it should be.
  world.run_until([&] { return reader.leaves == owner.leaves; }, 3000);
  world.network().options().cut_per_million = 0;
  REQUIRE(world.run_until([&] { return reader.leaves == owner.leaves; }, kPatienceMs));
  CHECK_FALSE(reader.wrong);
  const auto list = reader.node().call("feeds", "list");
  const auto status = reader.node().call("feeds", "status");
  REQUIRE((list && status));
  *cuts = number_in(*status, "closed");
  return {world.network().delivered_bytes() - delivered, number_in(*list, "objects")};
}

TEST_CASE("feeds: who joins while the connection is cut at any byte gets all, and nothing twice",
          "[feeds][swarm]") {
  const size_t joins = setting("VISOR_SOAK_JOINS", 6);
  uint64_t all_cuts = 0, number = 2;
  for (uint64_t seed = seeds().first; seed <= seeds().last; ++seed) {
    SimWorld world(seed, {.latency_min_ms = 1, .latency_max_ms = 30});
    Owner owner(world, 1);
    owner.write(some_leaves(world.loop(), 400));
    uint64_t cuts = 0;
    const Cost streamed = join(world, owner, number++, true, 0, &cuts);
    const Cost plain = join(world, owner, number++, false, 0, &cuts);
    REQUIRE(cuts == 0);
    for (size_t i = 0; i < joins; ++i) {
      const bool streams = i % 2 == 0;
      CAPTURE(seed, i, streams);
      const Cost usual = streams ? streamed : plain;
      const Cost cost = join(world, owner, number++, streams, streams ? 150000 : 20000, &cuts);
      all_cuts += cuts;
      // What was whole when the connection ended is not built, or asked for, again.
      CHECK(cost.objects == usual.objects);
      // Of what was under way, a message of the extension or as many answers as may be outstanding, and
      // handshakes.
      const uint64_t under_way = streams ? (64u << 10) : 64u * 420;
      CHECK(cost.bytes <= usual.bytes + 4000 + cuts * (under_way + 4000));
    }
  }
  CHECK(all_cuts > 0);
}

TEST_CASE("feeds: very many follow one feed, and all have the same", "[feeds][swarm]") {
  const size_t count = setting("VISOR_SOAK_FOLLOWERS", 25);
  SimWorld world(seeds().first, {.latency_min_ms = 1, .latency_max_ms = 80});
  Owner owner(world, 1);
  owner.write(some_leaves(world.loop(), 50));
  std::vector<std::unique_ptr<Reader>> readers;
  auto machine = [](size_t i) {
    return "10.2." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
  };
  for (size_t i = 0; i < count; ++i) {
    readers.push_back(std::make_unique<Reader>(world, machine(i), 100 + i, i % 5 != 0));
    readers.back()->follow(owner.node().key());
  }
  for (size_t round = 0; round < 8; ++round) {
    Leaves changes = some_leaves(world.loop(), 1 + world.loop().below(20));
    changes["d1/" + std::to_string(1 + 9 * round)] = "";
    owner.write(changes);
    // Some lose their connection, one is replaced by somebody new.
    for (size_t i = 0; i < count / 20 + 1; ++i) world.network().drop(machine(world.loop().below(count)));
    const size_t gone = world.loop().below(count);
    readers[gone].reset();
    readers[gone] = std::make_unique<Reader>(world, machine(gone), 100000 + 1000 * round + gone, true);
    readers[gone]->follow(owner.node().key());
    world.run_for(world.loop().below(3000));
  }
  for (size_t i = 0; i < count; ++i) {
    CAPTURE(i);
    REQUIRE(world.run_until([&] { return readers[i]->leaves == owner.leaves; }, kPatienceMs));
    CHECK_FALSE(readers[i]->wrong);
  }
}

}  // namespace
}  // namespace visor::test
