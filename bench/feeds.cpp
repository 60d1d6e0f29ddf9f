// Feeds between two processes over loopback TCP, through the real plugins, verified and stored; beside them
// git, npm's hypercore, and a pair of processes that only hash, send and verify.
#include "bench/bench.hpp"
#include "bench/feeds_floor.hpp"
#include "bench/feeds_many.hpp"
#include "bench/feeds_net.hpp"
#include "bench/feeds_peers.hpp"
#include "bench/machine.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <iostream>
#include <optional>
#include <thread>

namespace visor::bench {
namespace {

std::string program;

// --- the owner, a child ---

/* Publishes `leaves` leaves. */
void publish(NativeVisor& visor, visor_feed* feed, size_t leaves) {
  std::vector<std::string> paths(leaves);
  std::vector<std::array<uint8_t, 200>> values(leaves);
  std::vector<visor_op> ops;
  for (size_t i = 0; i < leaves; ++i) {
    paths[i] = leaf_path(i);
    fill_leaf(i, 0, values[i]);
    ops.push_back(put(std::string_view(paths[i]), values[i]));
  }
  visor.write(feed, ops);
}

void owner(size_t leaves, bool leveldb, bool streams) {
  NativeVisor visor({leveldb}, std::string(R"({"drive":"disk","listen":"tcp://127.0.0.1:0","stream":)") +
                                   (streams ? "true}" : "false}"));
  Owned<visor_feed> feed = visor.open(nullptr, "");
  publish(visor, feed.get(), leaves);
  std::cout << to_hex(visor.key()) << ' ' << visor.listening() << std::endl;

  std::atomic<bool> over = false;
  uint64_t version = 0;
  std::thread reader([&] {
    for (std::string line; std::getline(std::cin, line);) {
      const size_t number = std::stoul(line);
      visor.loop().post([&, number] {
        std::array<uint8_t, 200> value;
        fill_leaf(number, ++version, value);
        const uint64_t now_ns = monotonic_ns();
        std::memcpy(value.data(), &now_ns, sizeof now_ns);
        const std::string path = leaf_path(number);
        const visor_op op = put(std::string_view(path), value);
        const visor_done nobody{[](void*, visor_status, void*) {}, nullptr};
        if (feed->api->write(feed.get(), &op, 1, nobody) != VISOR_OK) give_up("a leaf is not written");
      });
    }
    over = true;
    visor.loop().post([&] { visor.loop().stop(); });
  });
  while (!over) visor.loop().run();
  reader.join();
}

struct Owner {
  explicit Owner(size_t leaves, bool leveldb = false, bool streams = true)
      : child({program, "owner", std::to_string(leaves), leveldb ? "1" : "0", streams ? "1" : "0"}) {
    const std::string line = child.hear();
    const size_t space = line.find(' ');
    key = *key_from_hex(line.substr(0, space));
    network = line.substr(space + 1);
  }
  Child child;
  visor_key key{};
  std::string network;
};

// --- the reader ---

struct Reader {
  explicit Reader(bool leveldb = false, bool streams = true)
      : visor({leveldb}, std::string(R"({"drive":"disk","stream":)") + (streams ? "true}" : "false}")) {}
  ~Reader() {
    handle.reset();
    feed.reset();
  }
  void follow(const Owner& owner) {
    feed = visor.open(&owner.key, owner.network);
    visor_handle* made = nullptr;
    static constexpr visor_feed_events kEvents = {sizeof(visor_feed_events), 0, &changed, nullptr};
    if (feed->api->subscribe(feed.get(), {}, 0, &kEvents, this, &made) != VISOR_OK)
      give_up("nobody can subscribe");
    handle.reset(made);
  }
  static void changed(void* ctx, visor_feed*, uint64_t, uint32_t, const visor_op* ops, size_t count) {
    auto* self = static_cast<Reader*>(ctx);
    self->leaves += count;
    ++self->roots;
    if (count == 1) {
      uint64_t then_ns = 0;
      std::memcpy(&then_ns, ops[0].value.data, sizeof then_ns);
      self->took_ns = monotonic_ns() - then_ns;
    }
  }
  void wait_for_roots(size_t count) {
    visor.loop().run_until([&] { return roots >= count; }, 600'000);
    if (roots < count) give_up("a Root does not come");
  }

  NativeVisor visor;
  Owned<visor_feed> feed;
  Owned<visor_handle> handle;
  size_t leaves = 0, roots = 0;
  uint64_t took_ns = 0;
};

double replicate_ms(const Owner& owner, size_t leaves, bool leveldb, bool streams) {
  Reader reader(leveldb, streams);
  const double took_s = seconds([&] {
    reader.follow(owner);
    reader.wait_for_roots(1);
  });
  if (reader.leaves != leaves) give_up("leaves are missing");
  return took_s * 1000;
}

std::string count_text(size_t leaves) {
  return leaves >= 1'000'000 ? std::to_string(leaves / 1'000'000) + "m" : std::to_string(leaves / 1000) + "k";
}

void replicate_row(size_t leaves, bool leveldb, bool streams, const std::string& peer) {
  const Owner owner(leaves, leveldb, streams);
  Floor floor(program, leaves);
  Row row{.name = std::string("feeds.") + (streams ? "replicate_" : "plain_") + count_text(leaves) + "_ms" +
                  (leveldb ? "_leveldb" : ""),
          .unit = "ms",
          .better = Better::kLess,
          .ours = [&] { return replicate_ms(owner, leaves, leveldb, streams); },
          .floor = [&] { return floor.replicate_ms(); }};
  std::unique_ptr<Peer> other = make_peer(peer, leaves);
  if (other) {
    row.peer = peer;
    row.peer_value = [&] { return other->replicate_ms(); };
  }
  measure(row);
}

// --- one leaf ---

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

void update_rows(size_t leaves, bool leveldb) {
  constexpr size_t kUpdates = 200;
  Owner owner(leaves, leveldb);
  Reader reader(leveldb);
  reader.follow(owner);
  reader.wait_for_roots(1);
  Floor floor(program, 1);
  const std::string suffix = leveldb ? "_leveldb" : "";
  size_t next = 0;
  double bytes_each = 0;
  measure({.name = "feeds.update_" + count_text(leaves) + "_us" + suffix,
           .unit = "us",
           .better = Better::kLess,
           .ours =
               [&] {
                 std::vector<double> took;
                 const uint64_t before = reader.visor.wire_bytes();
                 for (size_t i = 0; i < kUpdates; ++i) {
                   const size_t roots = reader.roots;
                   owner.child.say(std::to_string((next += 7919) % leaves));
                   reader.wait_for_roots(roots + 1);
                   took.push_back(static_cast<double>(reader.took_ns) / 1000);
                 }
                 bytes_each = static_cast<double>(reader.visor.wire_bytes() - before) / kUpdates;
                 return median(took);
               },
           .floor = [&] { return floor.update_us(); }});
  if (leveldb) return;
  measure(
      {.name = leaves >= 1'000'000 ? "feeds.update_bytes" : "feeds.update_" + count_text(leaves) + "_bytes",
       .unit = "B",
       .better = Better::kLess,
       .ours = [&] { return bytes_each; },
       .floor = [] { return 200.0 + 65 + 12; }});
}

// --- building ---

struct Build {
  static constexpr size_t kLeaves = 100'000;
  Build() : paths(kLeaves), values(kLeaves) {
    for (size_t i = 0; i < kLeaves; ++i) {
      paths[i] = leaf_path(i);
      fill_leaf(i, 0, values[i]);
      ops.push_back(put(std::string_view(paths[i]), values[i]));
    }
  }
  double leaves_s(bool leveldb) const {
    NativeVisor visor({leveldb}, R"({"drive":"disk"})");
    Owned<visor_feed> feed = visor.open(nullptr, "");
    return kLeaves / seconds([&] { visor.write(feed.get(), ops); });
  }
  std::vector<std::string> paths;
  std::vector<std::array<uint8_t, 200>> values;
  std::vector<visor_op> ops;
};

void build_row(bool leveldb) {
  const Build build;
  measure({.name = std::string("feeds.build_leaves_s") + (leveldb ? "_leveldb" : ""),
           .unit = "1/s",
           .better = Better::kMore,
           .ours = [&] { return build.leaves_s(leveldb); },
           .floor = [&] { return Build::kLeaves / seconds([&] { floor_build(build.ops); }); }});
}

/* Building alone, so many times: for profiling. */
void build_again(size_t times) {
  const Build build;
  for (size_t i = 0; i < times; ++i) std::fprintf(stderr, "%.0f leaves a second\n", build.leaves_s(false));
}

/* One leaf after another, so many times: for profiling. */
void update_again(size_t leaves, size_t times, bool leveldb) {
  Owner owner(leaves, leveldb);
  Reader reader(leveldb);
  reader.follow(owner);
  reader.wait_for_roots(1);
  std::vector<double> took;
  for (size_t i = 1; i <= times; ++i) {
    owner.child.say(std::to_string(i * 7919 % leaves));
    reader.wait_for_roots(i + 1);
    took.push_back(static_cast<double>(reader.took_ns) / 1000);
  }
  std::fprintf(stderr, "%zu leaves: %.1f us from a change of one to its reader\n", leaves, median(took));
}

/* One replication, in wall and processor time: for profiling. */
void once(size_t leaves, bool leveldb, bool streams) {
  const Owner owner(leaves, leveldb, streams);
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const double took_ms = replicate_ms(owner, leaves, leveldb, streams);
  getrusage(RUSAGE_SELF, &after);
  auto used_ms = [](const rusage& usage) {
    auto ms = [](const timeval& t) {
      return 1000.0 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1000;
    };
    return ms(usage.ru_utime) + ms(usage.ru_stime);
  };
  std::fprintf(stderr, "%zu leaves: %.1f ms, of which the reader computed for %.1f ms\n", leaves, took_ms,
               used_ms(after) - used_ms(before));
}

int run(int argc, char** argv) {
  program = argv[0];
  const std::string mode = argc > 1 ? argv[1] : "";
  auto flag = [&](int at) { return argc > at && std::string(argv[at]) == "1"; };
  if (mode == "owner") return owner(std::stoul(argv[2]), flag(3), flag(4)), 0;
  if (mode == "floor") return Floor::serve(std::stoul(argv[2])), 0;
  if (mode == "serve_many") return serve_many({argv, argv + argc}), 0;
  if (mode == "follow_many") return follow_many({argv, argv + argc}), 0;
  if (mode == "builds") return build_again(std::stoul(argv[2])), 0;
  if (mode == "updates") return update_again(std::stoul(argv[2]), std::stoul(argv[3]), flag(4)), 0;
  if (mode == "once") return once(std::stoul(argv[2]), flag(3), flag(4)), 0;
  auto wanted = [&](const std::string& name) { return mode.empty() || name.find(mode) != std::string::npos; };
  for (bool leveldb : {false, true}) {
    const std::string suffix = leveldb ? "_leveldb" : "";
    if (wanted("build" + suffix)) build_row(leveldb);
    if (wanted("update_1k" + suffix)) update_rows(1000, leveldb);
    if (wanted("replicate_1k" + suffix)) replicate_row(1000, leveldb, true, leveldb ? "" : "git");
    if (wanted("replicate_10k" + suffix)) replicate_row(10'000, leveldb, true, "");
    if (wanted("replicate_23k" + suffix)) replicate_row(23'000, leveldb, true, leveldb ? "" : "git");
    if (wanted("replicate_100k" + suffix)) replicate_row(100'000, leveldb, true, leveldb ? "" : "hypercore");
    if (wanted("plain_23k" + suffix)) replicate_row(23'000, leveldb, false, leveldb ? "" : "git");
    if (wanted("replicate_1m" + suffix)) replicate_row(1'000'000, leveldb, true, "");
    if (wanted("update_1m" + suffix)) update_rows(1'000'000, leveldb);
  }
  if (wanted("open_10k")) {
    const double mb = many_feeds_mb(program, 10'000, 10);  // memory is the same each time: once is enough
    measure({.name = "feeds.open_10k_mb",
             .unit = "MB",
             .better = Better::kLess,
             .ours = [mb] { return mb; },
             .floor = [] { return 64.0; }});
  }
  return 0;
}

}  // namespace
}  // namespace visor::bench

int main(int argc, char** argv) {
  return visor::bench::run(argc, argv);
}
