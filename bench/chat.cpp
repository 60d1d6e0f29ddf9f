// Chat as visors talk: kernels with real sockets on one loop, over skynet (Noise and yamux over TCP on
// loopback).  The floor of each row is the same network with nothing on it: a stream that is written to and,
// for one to one, answered.
//
//   bench_chat [ROW...]   one_to_one, group10, burst, first_message, first_message_ten; with a process a
//   visor
//                         burst_processes, first_message_processes, first_message_ten_processes;
//                         CHAT_BENCH_MESSAGES=n in a burst or one to one, CHAT_BENCH_TRIALS=n first
//                         messages, CHAT_BENCH_ALONE=1 without those of others
#include <algorithm>
#include <cstdlib>

#include "bench/bench.hpp"
#include "bench/chat_peers.hpp"
#include "bench/chat_processes.hpp"
#include "bench/chat_town.hpp"

namespace visor::bench {
namespace {

constexpr int kGroupMessages = 50;
constexpr size_t kPeerBurst = 500; /* messages; a rate either way */

double percentile(std::vector<double> all, double share) {
  std::ranges::sort(all);
  return all[std::min(all.size() - 1, static_cast<size_t>(share * static_cast<double>(all.size())))];
}

std::vector<double> times_us(int count, const std::function<void()>& once) {
  std::vector<double> all;
  all.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) all.push_back(seconds(once) * 1e6);
  return all;
}

size_t number_from(const char* name, size_t otherwise) {
  const char* said = std::getenv(name);
  return said ? std::strtoull(said, nullptr, 10) : otherwise;
}

bool alone() {
  return std::getenv("CHAT_BENCH_ALONE") != nullptr;
}

/* Kept, sealed, sent, opened, kept there, acknowledged. */
void one_to_one() {
  const int messages = static_cast<int>(number_from("CHAT_BENCH_MESSAGES", 500));
  Town town({.visors = 2});
  town.start();
  town.open_floor(true);
  std::unique_ptr<Tox> tox = alone() ? nullptr : make_tox();
  const std::string args =
      R"({"to":")" + town.key(1) + R"(","text":")" + std::string(kTextBytes, 'x') + "\"}";
  auto once = [&] { town.ask(0, "chat", "send", args); };
  times_us(messages, once);  // the line stands
  for (const auto& [name, share] :
       {std::pair("chat.one_to_one_us", 0.5), std::pair("chat.one_to_one_p99_us", 0.99)}) {
    Row row{.name = name, .unit = "us", .better = Better::kLess};
    row.ours = [&, share] { return percentile(times_us(messages, once), share); };
    row.floor = [&, share] { return percentile(times_us(messages, [&] { town.use_floor(true); }), share); };
    if (tox) {
      row.peer = "toxcore";
      row.peer_value = [&, share] {
        return percentile(times_us(messages, [&] { tox->ask(std::string(kTextBytes, 'x')); }), share);
      };
    }
    measure(row);
  }
}

void group10() {
  Friends friends({.visors = 10});
  friends.town.open_floor(false);
  std::unique_ptr<Gossip> gossip = alone() ? nullptr : make_gossip(friends.town.size());
  for (const auto& [name, share] :
       {std::pair("chat.group10_us", 0.5), std::pair("chat.group10_p99_us", 0.99)}) {
    Row row{.name = name, .unit = "us", .better = Better::kLess};
    row.ours = [&, share] { return percentile(times_us(kGroupMessages, [&] { friends.say(1); }), share); };
    row.floor = [&, share] {
      return percentile(times_us(kGroupMessages, [&] { friends.town.use_floor(false); }), share);
    };
    if (gossip) {
      row.peer = "gossipsub";
      row.peer_value = [&, share] { return percentile(gossip->times_us(kGroupMessages), share); };
    }
    measure(row);
  }
}

void burst() {
  const size_t count = number_from("CHAT_BENCH_MESSAGES", 10'000);
  Friends friends({.visors = 10});
  friends.town.open_floor(false);
  std::unique_ptr<Gossip> gossip = alone() ? nullptr : make_gossip(friends.town.size());
  const double deliveries = static_cast<double>(count * (friends.town.size() - 1));
  Row row{.name = "chat.burst_s", .unit = "1/s", .better = Better::kMore};
  row.ours = [&] { return deliveries / seconds([&] { friends.say(count); }); };
  row.floor = [&] { return deliveries / seconds([&] { friends.town.burst_floor(count); }); };
  if (gossip) {
    row.peer = "gossipsub";
    row.peer_value = [&] { return gossip->deliveries_s(kPeerBurst); };
  }
  measure(row);
}

/* The same with a process a visor: as many cores are used as there are. */
void burst_processes() {
  constexpr size_t kVisors = 10;
  const size_t count = number_from("CHAT_BENCH_MESSAGES", 10'000);
  Processes friends(kVisors, Processes::What::kChat), plain(kVisors, Processes::What::kNetwork);
  friends.start();
  plain.start();
  const double deliveries = static_cast<double>(count * (kVisors - 1));
  Row row{.name = "chat.burst_processes_s", .unit = "1/s", .better = Better::kMore};
  row.ours = [&] { return deliveries / friends.burst_s(count); };
  row.floor = [&] { return deliveries / plain.burst_s(count); };
  measure(row);
}

void tell_times(const std::string& name, const std::vector<double>& ours_ms,
                const std::vector<double>& floor_ms) {
  for (const auto& [suffix, share] : {std::pair("_ms", 0.5), std::pair("_p99_ms", 0.99)}) {
    tell({.name = name + suffix,
          .unit = "ms",
          .better = Better::kLess,
          .ours = percentile(ours_ms, share),
          .floor = percentile(floor_ms, share),
          .runs = static_cast<int>(ours_ms.size())});
  }
}

/* All of them start at the same instant, with what they knew before on LevelDB.  Floor: the same without
 * feeds and chat, until a stream to each has brought as many bytes. */
void first_message(size_t visors, const std::string& name) {
  const size_t trials = number_from("CHAT_BENCH_TRIALS", 200);
  const Folder ours_on, floor_on;
  Friends friends({.visors = visors, .folder = ours_on.path});
  Town plain({.visors = visors, .folder = floor_on.path, .chat = false});
  plain.start();
  auto floor_s = [&] {
    plain.stop();
    return seconds([&] {
      plain.start_together([&](size_t visor) {
        if (visor > 0) return plain.listen_for_floor(visor, false);
        for (size_t i = 1; i < visors; ++i) plain.dial_floor(i);
      });
      while (plain.floor_streams() < visors - 1) plain.turn();
      plain.use_floor(false);
    });
  };
  std::vector<double> ours, floor;
  for (size_t i = 0; i < trials; ++i) {
    ours.push_back(friends.first_message_s() * 1e3);
    floor.push_back(floor_s() * 1e3);
  }
  tell_times(name, ours, floor);
}

/* Real processes, from before the first of them is made.  Floor: as above; told besides: how long it takes
 * until as many processes run, each a visor with the same plugins that knows nobody. */
void first_message_processes(size_t visors, const std::string& name) {
  const size_t trials = number_from("CHAT_BENCH_TRIALS", 200);
  using What = Processes::What;
  Processes friends(visors, What::kChat), plain(visors, What::kNetwork), each(visors, What::kStart);
  std::vector<double> ours, floor, start;
  for (size_t i = 0; i < trials; ++i) {
    ours.push_back(friends.first_message_s() * 1e3);
    floor.push_back(plain.first_message_s() * 1e3);
    start.push_back(each.first_message_s() * 1e3);
  }
  tell_times(name, ours, floor);
  std::fprintf(stderr, "  (until %zu such processes run, each for itself: p50 %.1f ms, p99 %.1f ms)\n",
               visors, percentile(start, 0.5), percentile(start, 0.99));
}

int run(int argc, char** argv) {
  const std::vector<std::string> rows(argv + 1, argv + argc);
  if (!rows.empty() && rows[0] == kOneVisor) return run_one_visor({rows.begin() + 1, rows.end()});
  auto wanted = [&](const char* name) { return rows.empty() || std::ranges::find(rows, name) != rows.end(); };
  if (wanted("one_to_one")) one_to_one();
  if (wanted("group10")) group10();
  if (wanted("burst")) burst();
  if (wanted("first_message")) first_message(2, "chat.first_message");
  if (wanted("first_message_ten")) first_message(10, "chat.first_message_ten");
  if (wanted("first_message_processes")) first_message_processes(2, "chat.first_message_processes");
  if (wanted("first_message_ten_processes")) first_message_processes(10, "chat.first_message_ten_processes");
  if (wanted("burst_processes")) burst_processes();
  return 0;
}

}  // namespace
}  // namespace visor::bench

int main(int argc, char** argv) {
  return visor::bench::run(argc, argv);
}
