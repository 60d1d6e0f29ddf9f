#include "plugins/telemetry/tracker.hpp"

#include "fixture.hpp"

using namespace visor;
using namespace visor::test;
using telemetry::Tracked;
using telemetry::Tracker;

namespace {

const visor_key kOwn = numbered_key(1), kPeer = numbered_key(2), kOther = numbered_key(3);

const Tracked& only(const Tracker& tracker) {
  REQUIRE(tracker.transports().size() == 1);
  return tracker.transports().begin()->second;
}

}  // namespace

TEST_CASE("tracker: what serves is tracked, what settles is not", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  collect(tracker,
          {connection(kOwn, kPeer, 5, 10, 20), connection(kOwn, kOther, 6, 0, 0, VISOR_TRANSPORT_SETTLING)},
          1);
  CHECK(tracker.serving() == 1);
  const Tracked& tracked = only(tracker);
  CHECK(tracked.remote == kPeer);
  CHECK(tracked.type == "swsr");
  CHECK(tracked.epoch == 5);
  CHECK(tracked.sent_bytes == 10);
  CHECK(tracked.received_bytes == 20);
}

TEST_CASE("tracker: transports to oneself, of strangers, or without a name are left out",
          "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  visor_transport old = connection(kOwn, kPeer, 1, 1, 1);
  old.size = 8;
  visor_transport nameless = connection(kOwn, kPeer, 1, 1, 1);
  nameless.type = VISOR_TEXT("a name with \"quotes\"");
  collect(tracker, {connection(kOwn, kOwn, 1, 1, 1), connection(kPeer, kOther, 1, 1, 1), old, nameless}, 1);
  CHECK(tracker.transports().empty());
}

TEST_CASE("tracker: a connection made again goes on with the counters", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  collect(tracker, {connection(kOwn, kPeer, 5, 100, 10)}, 1);
  // The old one closed with more than was seen, and is shown beside its successor, and once more.
  auto closed = connection(kOwn, kPeer, 5, 130, 15, VISOR_TRANSPORT_CLOSED);
  collect(tracker, {closed, connection(kOwn, kPeer, 6, 7, 3)}, 2);
  CHECK(only(tracker).sent_bytes == 137);
  CHECK(only(tracker).received_bytes == 18);
  CHECK(only(tracker).epoch == 5);
  collect(tracker, {closed, connection(kOwn, kPeer, 6, 8, 3)}, 3);
  CHECK(only(tracker).sent_bytes == 138);
  CHECK(only(tracker).serving);
}

TEST_CASE("tracker: many connections later no byte is missing", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  uint64_t sent = 0;
  for (uint64_t epoch = 1; epoch <= 50; ++epoch) {
    collect(tracker, {connection(kOwn, kPeer, epoch, epoch, 1)}, epoch);
    sent += epoch;
  }
  CHECK(only(tracker).sent_bytes == sent);
  CHECK(only(tracker).received_bytes == 50);
  CHECK(only(tracker).connections.size() == Tracker::kMaxConnections);
}

TEST_CASE("tracker: a closed transport stays until its last counters are told", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  auto open = connection(kOwn, kPeer, 5, 100, 10);
  open.latency_min_ms = open.latency_max_ms = open.latency_avg_ms = 4;
  open.throughput_bytes_per_s = 99;
  collect(tracker, {open}, 1);
  CHECK(only(tracker).latency_avg_ms == 4);
  collect(tracker, {connection(kOwn, kPeer, 5, 120, 10, VISOR_TRANSPORT_CLOSED)}, 100);
  CHECK(tracker.serving() == 0);
  CHECK(only(tracker).sent_bytes == 120);
  CHECK_FALSE(only(tracker).serving);
  CHECK(only(tracker).latency_avg_ms == 0);
  CHECK(only(tracker).throughput_bytes_per_s == 0);
  collect(tracker, {}, 5000);
  CHECK(tracker.transports().size() == 1);
  tracker.mark_told(tracker.revision() - 1);  // overtaken
  collect(tracker, {}, 5001);
  CHECK(tracker.transports().size() == 1);
  tracker.mark_told(tracker.revision());
  collect(tracker, {}, 5002);
  CHECK(tracker.transports().empty());
  // Begun again, its counters and their epoch are new.
  collect(tracker, {connection(kOwn, kPeer, 9, 3, 3)}, 6000);
  CHECK(only(tracker).epoch == 9);
  CHECK(only(tracker).sent_bytes == 3);
}

TEST_CASE("tracker: what was told is kept for its time", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  collect(tracker, {connection(kOwn, kPeer, 5, 100, 10)}, 1);
  collect(tracker, {}, 10);
  tracker.mark_told(tracker.revision());
  collect(tracker, {}, 1009);
  CHECK(tracker.transports().size() == 1);
  collect(tracker, {}, 1010);
  CHECK(tracker.transports().empty());
}

TEST_CASE("tracker: while the reader is away nothing that has closed is forgotten",
          "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  collect(tracker, {connection(kOwn, kPeer, 5, 100, 10)}, 1);
  tracker.reader(false, 5);
  collect(tracker, {}, 10);
  tracker.mark_told(tracker.revision());
  collect(tracker, {}, 100'000);
  CHECK(tracker.transports().size() == 1);
  tracker.reader(true, 100'001);
  tracker.reader(true, 100'900);  // it stood already
  collect(tracker, {}, 101'000);
  CHECK(only(tracker).sent_bytes == 100);
  collect(tracker, {}, 101'001);
  CHECK(tracker.transports().empty());
}

TEST_CASE("tracker: of more than can be remembered those go that closed first", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  tracker.reader(false, 1);
  auto peer = [](size_t number) {
    visor_key key = kPeer;
    key.bytes[31] = static_cast<uint8_t>(number >> 8);
    key.bytes[32] = static_cast<uint8_t>(number);
    return key;
  };
  constexpr size_t kMore = 3;
  std::vector<visor_transport> later;
  for (size_t i = 0; i < Tracker::kMaxClosed + kMore; ++i) {
    auto closed = connection(kOwn, peer(i), 1 + i, 1, 1, VISOR_TRANSPORT_CLOSED);
    if (i >= kMore) {
      later.push_back(closed);
    } else {
      collect(tracker, {closed}, 10 + i);
    }
  }
  collect(tracker, later, 100);
  CHECK(tracker.transports().size() == Tracker::kMaxClosed);
  for (size_t i : {size_t{0}, kMore - 1, kMore, Tracker::kMaxClosed + kMore - 1}) {
    INFO(i);
    CHECK(tracker.transports().contains(codec::transport_id(kOwn, peer(i), "swsr")) == (i >= kMore));
  }
}

TEST_CASE("tracker: what came and went between two samples is told, and serves never",
          "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  auto gone = connection(kOwn, kPeer, 5, 100, 10, VISOR_TRANSPORT_CLOSED);
  gone.latency_avg_ms = 4;
  collect(tracker, {gone}, 1);
  CHECK(tracker.serving() == 0);
  CHECK_FALSE(only(tracker).serving);
  CHECK(only(tracker).remote == kPeer);
  CHECK(only(tracker).sent_bytes == 100);
  CHECK(only(tracker).received_bytes == 10);
  CHECK(only(tracker).latency_avg_ms == 0);
  collect(tracker, {}, 5000);
  CHECK(tracker.transports().size() == 1);
  tracker.mark_told(tracker.revision());
  collect(tracker, {}, 5001);
  CHECK(tracker.transports().empty());
}
