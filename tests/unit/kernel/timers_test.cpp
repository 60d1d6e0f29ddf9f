#include "kernel/timers.hpp"

#include <catch2/catch.hpp>
#include <string>

using visor::kernel::TimerQueue;

namespace {
constexpr uint64_t kMs = 1000000;
}

TEST_CASE("timers run by due time, equal ones in the order in which they were asked for", "[kernel]") {
  TimerQueue queue;
  std::string order;
  queue.add(0, 20, 0, [&] { order += 'c'; });
  queue.add(0, 10, 0, [&] { order += 'a'; });
  queue.add(0, 10, 0, [&] { order += 'b'; });
  CHECK(queue.next_due_ns() == 10 * kMs);
  queue.run_due(9 * kMs);
  CHECK(order.empty());
  queue.run_due(30 * kMs);
  CHECK(order == "abc");
  CHECK(queue.size() == 0);
  CHECK_FALSE(queue.next_due_ns().has_value());
}

TEST_CASE("numbers of timers are never given again, and cancelling one that has gone is harmless",
          "[kernel]") {
  TimerQueue queue;
  int runs = 0;
  uint64_t first = queue.add(0, 1, 0, [&] { ++runs; });
  queue.run_due(1 * kMs);
  uint64_t second = queue.add(0, 1, 0, [&] { ++runs; });
  CHECK(second > first);
  queue.cancel(first);
  queue.cancel(0);
  queue.run_due(1 * kMs);
  CHECK(runs == 2);
}

TEST_CASE("a timer may cancel itself, another one, or set one while it runs", "[kernel]") {
  TimerQueue queue;
  std::string order;
  uint64_t repeated = 0, victim = 0;
  repeated = queue.add(0, 10, 10, [&] {
    order += 'r';
    queue.cancel(victim);
    queue.add(10 * kMs, 0, 0, [&] { order += 'n'; });
    if (order.size() > 2) queue.cancel(repeated);
  });
  victim = queue.add(0, 10, 0, [&] { order += 'v'; });
  queue.run_due(10 * kMs);
  CHECK(order == "r"); /* what is set while it runs waits, though it is due */
  queue.run_due(10 * kMs);
  CHECK(order == "rn");
  queue.run_due(20 * kMs);
  CHECK(order == "rnr");
  queue.run_due(1000 * kMs);
  CHECK(order == "rnrn");
}

TEST_CASE("a repeating timer that is late by several periods runs once, and keeps its beat", "[kernel]") {
  TimerQueue queue;
  int runs = 0;
  queue.add(0, 10, 10, [&] { ++runs; });
  queue.run_due(57 * kMs);
  CHECK(runs == 1);
  CHECK(queue.next_due_ns() == 60 * kMs);
}

TEST_CASE("a time beyond the clock's end never comes, and does not overflow", "[kernel]") {
  TimerQueue queue;
  queue.add(UINT64_MAX - 5, UINT64_MAX, UINT64_MAX, [] {});
  CHECK(queue.next_due_ns() == UINT64_MAX);
  queue.run_due(UINT64_MAX - 1);
  CHECK(queue.size() == 1);
}

TEST_CASE("cancelled timers do not pile up", "[kernel]") {
  TimerQueue queue;
  int runs = 0;
  queue.add(0, 5, 0, [&] { ++runs; });
  for (int i = 0; i < 100000; ++i) queue.cancel(queue.add(0, 1000000, 0, [&] { ++runs; }));
  CHECK(queue.size() == 1);
  CHECK(queue.next_due_ns() == 5 * kMs);
  queue.run_due(UINT64_MAX);
  CHECK(runs == 1);
}
