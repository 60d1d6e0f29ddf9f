// From connections to the TPD's sums through real leaves: reconnects, restarts of either side, Roots that are
// skipped or come again, and every byte that was published counts once.
#include "fixture.hpp"
#include "plugins/telemetry/publisher.hpp"
#include "plugins/transport-discovery/ingest.hpp"
#include "plugins/transport-discovery/store.hpp"

using namespace visor;
using namespace visor::test;

namespace {

constexpr uint64_t kLingerMs = 120'000;
using Leaves = std::map<std::string, Bytes>;
using Map = std::map<Bytes, Bytes>;

std::vector<visor_op> ops_of(const Leaves& from, const Leaves& to) {
  std::vector<visor_op> ops;
  for (const auto& [path, value] : to) {
    auto before = from.find(path);
    if (before == from.end() || before->second != value) {
      ops.push_back({VISOR_PUT, 0, to_span(std::string_view(path)), to_span(ByteView(value))});
    }
  }
  for (const auto& [path, value] : from) {
    if (!to.contains(path)) ops.push_back({VISOR_DELETE, 0, to_span(std::string_view(path)), {}});
  }
  return ops;
}

// One visor with transports to the others, its telemetry and its feed.
class Reporter {
 public:
  Reporter(Seeded& random, const visor_key& own, std::vector<visor_key> peers) : random_(random), own_(own) {
    for (const visor_key& peer : peers) connections_.push_back({peer, {}, {}});
    restart();
  }

  // The process is new: nothing is remembered but what is on the feed.
  void restart() {
    tracker_ = std::make_unique<telemetry::Tracker>(own_, kLingerMs);
    publisher_ = std::make_unique<telemetry::Publisher>("v1");
    for (const auto& [path, value] : feed) publisher_->inherit(path, value);
    for (Connection& one : connections_) {
      one.open.reset();
      one.closed.reset();
    }
  }
  void traffic() {
    for (Connection& one : connections_) {
      if (one.open && random_.below(3) != 0) {
        one.open->sent += random_.below(1000);
        one.open->received += random_.below(1000);
      }
      one.closed.reset();
      if (!one.open && random_.below(2) == 0) {
        one.open = Life{++last_epoch_ * 7919 + 1, 0, 0};
      } else if (one.open && random_.below(6) == 0) {
        one.closed = std::exchange(one.open, std::nullopt);
        if (random_.below(2) == 0) one.open = Life{++last_epoch_ * 7919 + 1, 0, 0};
      }
    }
  }
  void publish(uint64_t now_ms, int64_t unix_s) {
    tracker_->begin();
    for (const Connection& one : connections_) {
      if (one.closed) see(one, *one.closed, VISOR_TRANSPORT_CLOSED, unix_s);
    }
    for (const Connection& one : connections_) {
      if (one.open) see(one, *one.open, VISOR_TRANSPORT_SERVING, unix_s);
    }
    tracker_->end(now_ms);
    auto changes = publisher_->changes(*tracker_);
    for (const telemetry::LeafChange& change : changes) {
      if (change.value) {
        feed[change.path] = *change.value;
      } else {
        feed.erase(change.path);
      }
    }
    publisher_->written(changes);
    tracker_->mark_told(tracker_->revision());
    // What a reader of this Root can know of each counter that was ever begun.
    for (const auto& [id, tracked] : tracker_->transports()) {
      published[{id, tracked.epoch}] = {tracked.sent_bytes, tracked.received_bytes};
    }
  }
  const visor_key& key() const { return own_; }

  Leaves feed;
  std::map<std::pair<TransportId, uint64_t>, Traffic> published;

 private:
  struct Life {
    uint64_t epoch, sent, received;
  };
  struct Connection {
    visor_key peer;
    std::optional<Life> open, closed;
  };
  void see(const Connection& one, const Life& life, uint32_t state, int64_t unix_s) {
    visor_transport row{};
    row.size = sizeof row;
    row.state = state;
    TransportId id = id_of(own_, one.peer);
    std::copy_n(id.bytes.begin(), id.bytes.size(), row.id);
    auto edges = codec::sorted_edges(own_, one.peer);
    row.edges[0] = edges[0];
    row.edges[1] = edges[1];
    row.type = VISOR_TEXT("swsr");
    row.label = VISOR_TEXT("automatic");
    row.sent_bytes = life.sent;
    row.received_bytes = life.received;
    row.epoch = life.epoch;
    tracker_->see(row, unix_s);
  }

  Seeded& random_;
  visor_key own_;
  uint64_t last_epoch_ = 0;
  std::vector<Connection> connections_;
  std::unique_ptr<telemetry::Tracker> tracker_;
  std::unique_ptr<telemetry::Publisher> publisher_;
};

// The TPD's view of one feed.
struct Followed {
  std::unique_ptr<ReporterFeed> ingest;
  Leaves seen, old;
};

}  // namespace

TEST_CASE("tpd chain: every published byte counts once, whatever happens in between", "[telemetry][tpd]") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Seeded random(seed);
    auto keys = make_keys(5, seed);
    auto tpd = std::make_unique<Tpd>();
    Map drive;
    IngestCounters counters;
    std::vector<std::unique_ptr<Reporter>> reporters;
    std::vector<Followed> followed(2);
    for (size_t i = 0; i < 2; ++i) {
      std::vector<visor_key> peers;
      for (size_t other = 0; other < keys.size(); ++other) {
        if (other != i) peers.push_back(keys[other]);
      }
      reporters.push_back(std::make_unique<Reporter>(random, keys[i], peers));
    }
    auto follow = [&] {
      for (size_t i = 0; i < 2; ++i) {
        followed[i].ingest = std::make_unique<ReporterFeed>(tpd->aggregator, counters, keys[i]);
        followed[i].seen.clear();
      }
    };
    auto read = [&](size_t i, const Leaves& now) {
      followed[i].ingest->root(
          ops_of(followed[i].seen, now),
          [&](std::string_view path) -> std::optional<ByteView> {
            auto at = now.find(std::string(path));
            return at == now.end() ? std::nullopt : std::optional<ByteView>(at->second);
          },
          tpd->now);
      followed[i].seen = now;
    };
    follow();
    for (int step = 0; step < 300; ++step) {
      for (size_t i = 0; i < 2; ++i) {
        reporters[i]->traffic();
        reporters[i]->publish(static_cast<uint64_t>(tpd->now.mono_ms), tpd->now.unix_s);
        // A reader that falls behind gets the list of each Root, and skips the rest of some, but not for as
        // long as a closed transport lingers.
        Leaves list_only = followed[i].seen;
        list_only["tp-list"] = reporters[i]->feed["tp-list"];
        followed[i].ingest->early(ops_of(followed[i].seen, list_only), tpd->now);
        if (step % 2 == 0 || random.below(2) == 0) read(i, reporters[i]->feed);
        // Lives further back than a few restarts are forgotten.
        if (random.below(20) == 0 || step % 8 == 0) followed[i].old = reporters[i]->feed;
        if (random.below(20) == 0) {
          read(i, followed[i].old);  // a Root of the past
          read(i, reporters[i]->feed);
        }
        if (random.below(25) == 0) {
          read(i, reporters[i]->feed);
          reporters[i]->restart();
        }
      }
      tpd->pass(30);
      if (random.below(25) == 0) {  // the TPD restarts
        collect_changes(tpd->aggregator, 1000, [&](const Batch& batch) {
          for (const visor_op& op : batch.ops()) {
            ByteView key = bytes(op.key), value = bytes(op.value);
            if (op.kind == VISOR_PUT) {
              drive[Bytes(key.begin(), key.end())] = Bytes(value.begin(), value.end());
            } else {
              drive.erase(Bytes(key.begin(), key.end()));
            }
          }
        });
        Moment now = tpd->now;
        tpd = std::make_unique<Tpd>();
        tpd->now = now;
        for (char kind : kRestoreOrder) {
          for (const auto& [key, value] : drive) {
            if (static_cast<char>(key[0]) == kind) REQUIRE(restore_entry(tpd->aggregator, key, value));
          }
        }
        tpd->aggregator.finish_restore(now);
        follow();
      }
    }
    for (size_t i = 0; i < 2; ++i) read(i, reporters[i]->feed);

    for (size_t i = 0; i < 2; ++i) {
      std::map<TransportId, Traffic> expected;
      for (const auto& [life, traffic] : reporters[i]->published) expected[life.first] += traffic;
      CHECK(expected.size() == 4);
      for (const auto& [id, traffic] : expected) {
        const Transport* transport = tpd->find(id);
        REQUIRE(transport != nullptr);
        size_t side = transport->sides[0].visor->key == keys[i] ? 0 : 1;
        CHECK(transport->sides[side].total.sent == traffic.sent);
        CHECK(transport->sides[side].total.received == traffic.received);
      }
    }
    CHECK(counters.bad_leaves == 0);
    CHECK(tpd->aggregator.counters().refused_samples_not_edge == 0);
  }
}
