// The loop over libuv: timers, posts from other threads, work.
#include "kernel/native/loop.hpp"

#include <poll.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

namespace visor::kernel::native {

TEST_CASE("timers ring when they should, in real time", "[kernel]") {
  UvLoop loop;
  std::string order;
  uint64_t start_ns = loop.now_ns(), rang_ns = 0;
  loop.timer(30, 0, [&] {
    order += 'c';
    rang_ns = loop.now_ns();
  });
  loop.timer(10, 0, [&] { order += 'a'; });
  uint64_t never = loop.timer(15, 0, [&] { order += 'x'; });
  loop.timer(0, 0, [&] {
    order += '0';
    loop.cancel(never);
    loop.timer(20, 0, [&] { order += 'b'; });
  });
  REQUIRE(loop.run_until([&] { return rang_ns > 0; }, 5000));
  CHECK(order == "0abc");
  CHECK(rang_ns - start_ns >= 30000000u);
  CHECK_FALSE(loop.run_until([] { return false; }, 5));
  CHECK(loop.counters().timers == 0);
}

TEST_CASE("tasks posted from other threads run on the loop's, first posted, first run", "[kernel]") {
  UvLoop loop;
  constexpr int kEach = 10000;
  std::vector<int> next(4, 0);
  bool in_order = true, on_loop = true;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < next.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop.post([&, t, i] {
          in_order = in_order && next[t] == i;
          on_loop = on_loop && loop.on_loop_thread();
          next[t] = i + 1;
        });
      }
    });
  }
  auto all = [&] { return std::ranges::all_of(next, [](int n) { return n == kEach; }); };
  CHECK(loop.run_until(all, 20000));
  for (std::thread& thread : threads) thread.join();
  CHECK(in_order);
  CHECK(on_loop);
}

TEST_CASE("what another thread posts wakes a loop that waits", "[kernel]") {
  UvLoop loop;
  uint64_t posted_ns = 0, ran_ns = 0;
  loop.timer(20, 0, [&] {
    /* Tasks of the loop's own, before and after, take nothing from the other's. */
    loop.post([] {});
  });
  std::thread other([&] {
    for (int i = 0; i < 3; ++i) {
      std::atomic<bool> ran = false;
      posted_ns = loop.now_ns();
      loop.post([&] {
        ran_ns = loop.now_ns();
        ran = true;
        ran.notify_one();
      });
      ran.wait(false);
    }
    loop.post([&] { loop.stop(); });
  });
  loop.run(); /* nothing else than the other thread ends it: run() sets no timer that could do so */
  other.join();
  CHECK(ran_ns >= posted_ns);
  CHECK(loop.counters().posted == 0);
}

TEST_CASE("the loop's own tasks need no wake-up: they run in the turn in which they are posted", "[kernel]") {
  UvLoop loop;
  uint64_t turns = 0;
  uv_prepare_t count;
  uv_prepare_init(loop.uv(), &count);
  count.data = &turns;
  uv_prepare_start(&count, [](uv_prepare_t* h) { ++*static_cast<uint64_t*>(h->data); });
  std::string order;
  uint64_t first_turn = 0, last_turn = 0;
  loop.timer(5, 0, [&] {
    first_turn = turns;
    loop.post([&] {
      order += 'a';
      loop.post([&] {
        order += 'c';
        last_turn = turns;
        loop.stop();
      });
    });
    loop.post([&] { order += 'b'; });
    order += '0';
  });
  loop.run();
  CHECK(order == "0abc");
  CHECK(last_turn <= first_turn + 1);
  uv_close(reinterpret_cast<uv_handle_t*>(&count), nullptr);
}

TEST_CASE("only another thread's task goes through the descriptor that wakes the loop", "[kernel]") {
  UvLoop loop;
  auto wakes = [&] {
    pollfd descriptor{uv_backend_fd(loop.uv()), POLLIN, 0};
    return ::poll(&descriptor, 1, 0) == 1;
  };
  int ran = 0;
  loop.run_until([] { return false; }, 1); /* libuv makes known what it waits for when it first waits */
  loop.post([&] { ++ran; });
  CHECK_FALSE(wakes());
  std::thread([&] { loop.post([&] { ++ran; }); }).join();
  CHECK(wakes());
  CHECK(loop.run_until([&] { return ran == 2; }, 5000));
}

TEST_CASE("a task that posts again does not keep the loop from its timers", "[kernel]") {
  UvLoop loop;
  bool rang = false;
  std::function<void()> again = [&] {
    if (!rang) loop.post(again);
  };
  loop.post(again);
  loop.timer(5, 0, [&] { rang = true; });
  CHECK(loop.run_until([&] { return rang; }, 5000));
}

TEST_CASE("work runs elsewhere, is bounded, and reports on the loop", "[kernel]") {
  UvLoop loop;
  std::atomic<int> ran = 0;
  int done = 0;
  bool on_loop = true, elsewhere = true;
  size_t limit = loop.counters().work_limit;
  for (size_t i = 0; i < limit; ++i) {
    REQUIRE(loop.work(
                [&] {
                  if (loop.on_loop_thread()) elsewhere = false;
                  ++ran;
                },
                [&] {
                  on_loop = on_loop && loop.on_loop_thread();
                  ++done;
                }) == VISOR_OK);
  }
  CHECK(loop.work([] {}, [] {}) == VISOR_EAGAIN);
  CHECK(loop.counters().working == limit);
  REQUIRE(loop.run_until([&] { return done == int(limit); }, 20000));
  CHECK(ran == int(limit));
  CHECK(on_loop);
  CHECK(elsewhere);
  CHECK(loop.work([] {}, [] {}) == VISOR_OK);
  CHECK(loop.run_until([&] { return loop.counters().working == 0; }, 5000));
}

TEST_CASE("the process survives a broken pipe, and randomness is none of the seed", "[kernel]") {
  UvLoop loop;
  CHECK(std::raise(SIGPIPE) == 0);
  std::array<uint8_t, 32> first{}, second{};
  loop.random(first);
  loop.random(second);
  CHECK(first != second);
  CHECK(loop.unix_ns() > 1767225600LL * 1000000000);
}

}  // namespace visor::kernel::native
