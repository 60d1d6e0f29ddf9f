// Chat as visors talk: kernels with real sockets on one loop, over skynet (Noise and yamux over TCP on
// loopback).  The floor of each row is the same network with nothing on it: a stream that is written to and,
// for one to one, answered.
//
//   bench_chat [ROW...]   one_to_one, group10, burst; CHAT_BENCH_MESSAGES=n for another size of the burst
#include <visor/bundle.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <deque>
#include <optional>
#include <visor/plugin.hpp>

#include "bench/bench.hpp"
#include "bench/machine.hpp"
#include "kernel/kernel.hpp"
#include "kernel/native/loop.hpp"
#include "kernel/native/sockets.hpp"

namespace visor::bench {
namespace {

namespace json = boost::json;

constexpr uint64_t kPatienceMs = 600'000;
constexpr uint16_t kFloorPort = 4000;
constexpr int kMessages = 500, kGroupMessages = 50;
constexpr size_t kTextBytes = 100;

/* A command's values, as they come. */
struct Call {
  std::function<void(std::string_view)> value;
  bool finished = false;
  visor_status status = VISOR_OK;
};

constexpr visor_caller kCaller = {sizeof(visor_caller), 0,
                                  [](void* ctx, visor_span value) {
                                    auto* self = static_cast<Call*>(ctx);
                                    if (self->value) self->value(text(value));
                                    return visor_status{VISOR_OK};
                                  },
                                  [](void* ctx, visor_status status, visor_span) {
                                    auto* self = static_cast<Call*>(ctx);
                                    self->status = status;
                                    self->finished = true;
                                  }};

/* Visors that are all connected with each other. */
class Town {
 public:
  explicit Town(size_t count) {
    catalog_.add_bundle(visor_bundle);
    for (size_t i = 0; i < count; ++i) add();
    for (auto& visor : visors_) {
      run_until(
          [&] { return json::parse(ask(*visor, "transports", "list")).as_array().size() == count - 1; });
    }
  }
  ~Town() {
    floor_.clear();
    listeners_.clear();
    for (auto& visor : visors_) {
      bool stopped = false;
      visor->stop([&] { stopped = true; });
      run_until([&] { return stopped; });
    }
  }

  kernel::Kernel& at(size_t i) { return *visors_[i]; }
  size_t size() const { return visors_.size(); }
  std::string key(size_t i) const { return to_hex(visors_[i]->key()); }
  void run_until(const std::function<bool()>& condition) {
    if (!loop_.run_until(condition, kPatienceMs)) give_up("what is awaited does not come about");
  }
  void start(kernel::Kernel& visor, const char* instance, const char* command, const std::string& args,
             Call& call) {
    visor_ticket* ticket = nullptr;
    visor_commands* commands = visor.commands();
    const visor_status status = commands->api->call(
        commands, instance, command, to_span(std::string_view(args)), &kCaller, &call, &ticket);
    if (status != VISOR_OK) give_up(visor.host().error(status).text);
  }
  std::string ask(kernel::Kernel& visor, const char* instance, const char* command,
                  const std::string& args = "{}") {
    Call call;
    std::string last;
    call.value = [&](std::string_view value) { last = value; };
    start(visor, instance, command, args, call);
    while (!call.finished) turn();
    if (call.status != VISOR_OK) give_up(std::string(command) + " failed: " + last);
    return last;
  }
  /* Whatever is due, without waiting longer than for the next of it. */
  void turn() { uv_run(loop_.uv(), UV_RUN_ONCE); }

  /* --- the floor: plain streams of the network, from the first to each of the others --- */

  void open_floor(bool answer) {
    floor_.clear();
    listeners_.clear();
    for (size_t i = 1; i < size(); ++i) {
      auto* net = at(i).find<visor_net>(VISOR_NET_1, "skynet");
      auto listening = listeners_.emplace_back(std::make_unique<Listener>())
                           ->listen(at(i).host(), net, kFloorPort, [this, i, answer](visor_stream* stream) {
                             take(at(i).host(), stream, answer);
                           });
      if (!listening) give_up(listening.error().text);
      dial(at(i).key());
    }
    run_until([&] { return floor_.size() == 2 * (size() - 1); });
  }
  /* Once to each; until it has come to all, or the answers have. */
  void use_floor(bool answer) {
    heard_ = 0;
    const std::string said(kTextBytes, 'x');
    for (Stream* stream : ours_) stream->write(bytes(said));
    const size_t wanted = ours_.size() * kTextBytes * (answer ? 2 : 1);
    while (heard_ < wanted) turn();
  }

 private:
  void add() {
    std::string peers;
    for (auto& [pk, address] : addresses_) {
      peers += (peers.empty() ? "" : ",") + std::string(R"({"type":"stcpr","pk":")") + pk +
               R"(","address":")" + address + "\"}";
    }
    visors_.push_back(std::make_unique<kernel::Kernel>(kernel::KernelOptions{
        .loop = loop_,
        .catalog = catalog_,
        .config =
            R"({"plugins":[{"plugin":"storage_memory","as":"disk"},{"plugin":"transports","config":{"listen":"tcp://127.0.0.1:0","peers":[)" +
            peers +
            R"(]}},{"plugin":"feeds","config":{"drive":"disk"}},{"plugin":"chat","config":{"drive":"disk","networks":["skynet"],"keep":{"messages":1000000},"groups":{"mesh":16,"messages":1000000}}}]})",
        .log_level = VISOR_WARN,
        .services = {kernel::native::sockets(loop_)}}));
    std::optional<Result<void>> started;
    visors_.back()->start([&](Result<void> result) { started = std::move(result); });
    run_until([&] { return started.has_value(); });
    if (!*started) give_up(started->error().text);
    const json::value status = json::parse(ask(*visors_.back(), "transports", "status"));
    addresses_.emplace_back(key(size() - 1), std::string(status.at("listening").at("stcpr").get_string()));
  }
  Stream* take(Host host, visor_stream* raw, bool answer) {
    Stream* stream = floor_.emplace_back(std::make_unique<Stream>(host, raw)).get();
    stream->attach({.data =
                        [this, stream, answer](ByteView data) {
                          heard_ += data.size();
                          if (answer) stream->write(data);
                        },
                    .end = [] { give_up("a stream ended"); },
                    .ready = [] {},
                    .closed = [](const Error& why) { give_up(why.text); }});
    return stream;
  }
  void dial(const visor_key& key) {
    auto* net = at(0).find<visor_net>(VISOR_NET_1, "skynet");
    const visor_addr to{key, kFloorPort};
    Request<visor_stream> request;
    bool done = false;
    const visor_status status = request.start([&](visor_done d) { return net->api->dial(net, &to, d); },
                                              [&](visor_status result, visor_stream* stream) {
                                                if (result != VISOR_OK)
                                                  give_up(at(0).host().error(result).text);
                                                ours_.push_back(take(at(0).host(), stream, false));
                                                done = true;
                                              });
    if (status != VISOR_OK) give_up(at(0).host().error(status).text);
    run_until([&] { return done; });
  }

  kernel::native::UvLoop loop_;
  kernel::Catalog catalog_;
  std::vector<std::unique_ptr<kernel::Kernel>> visors_;
  std::vector<std::pair<std::string, std::string>> addresses_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Stream>> floor_;
  std::vector<Stream*> ours_;
  size_t heard_ = 0;
};

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

/* Kept, sealed, sent, opened, kept there, acknowledged. */
void one_to_one() {
  Town town(2);
  town.open_floor(true);
  const std::string args =
      R"({"to":")" + town.key(1) + R"(","text":")" + std::string(kTextBytes, 'x') + "\"}";
  auto once = [&] { town.ask(town.at(0), "chat", "send", args); };
  times_us(kMessages, once);  // the line stands
  for (const auto& [name, share] :
       {std::pair("chat.one_to_one_us", 0.5), std::pair("chat.one_to_one_p99_us", 0.99)}) {
    measure(
        {.name = name,
         .unit = "us",
         .better = Better::kLess,
         .ours = [&, share] { return percentile(times_us(kMessages, once), share); },
         .floor = [&,
                   share] { return percentile(times_us(kMessages, [&] { town.use_floor(true); }), share); }});
  }
}

/* Ten in a private group, and how many messages have come to the others. */
struct Friends {
  Friends() : town(10) {
    std::string members;
    for (size_t i = 1; i < town.size(); ++i) members += (i > 1 ? ",\"" : "\"") + town.key(i) + "\"";
    const json::value made = json::parse(
        town.ask(town.at(0), "chat", "group_create", R"({"name":"bench","members":[)" + members + "]}"));
    id = std::string(made.at("id").get_string());
    const std::string join = json::serialize(json::object{{"invite", made.at("invite")}});
    for (size_t i = 1; i < town.size(); ++i) {
      town.ask(town.at(i), "chat", "group_join", join);
      watching.push_back(std::make_unique<Call>());
      watching.back()->value = [this](std::string_view event) {
        if (event.find(R"("event":"group-message")") != event.npos) ++heard;
      };
      town.start(town.at(i), "chat", "watch", "{}", *watching.back());
    }
    const std::string group = R"({"group":")" + id + "\"}";
    for (size_t i = 0; i < town.size(); ++i) {
      town.run_until([&] {
        return json::parse(town.ask(town.at(i), "chat", "group_show", group)).at("attached") ==
               town.size() - 1;
      });
    }
    args = R"({"group":")" + id + R"(","text":")" + std::string(kTextBytes, 'x') + "\"}";
    say(1);
  }
  /* Until all of it has come to all. */
  void say(size_t count) {
    constexpr size_t kAtOnce = 512; /* calls that are open, as of a program that does not wait for each */
    const size_t wanted = heard + count * (town.size() - 1);
    std::deque<Call> calls;
    for (size_t i = 0; i < count; ++i) {
      town.start(town.at(0), "chat", "group_send", args, calls.emplace_back());
      while (calls.size() >= kAtOnce && !calls.front().finished) town.turn();
      while (!calls.empty() && calls.front().finished) {
        if (calls.front().status != VISOR_OK) give_up("a message is refused");
        calls.pop_front();
      }
    }
    while (heard < wanted || !std::ranges::all_of(calls, &Call::finished)) town.turn();
  }
  std::vector<std::unique_ptr<Call>> watching; /* told of their end when the town stops */
  size_t heard = 0;
  Town town;
  std::string id, args;
};

void group10() {
  Friends friends;
  friends.town.open_floor(false);
  auto once = [&] { friends.say(1); };
  for (const auto& [name, share] :
       {std::pair("chat.group10_us", 0.5), std::pair("chat.group10_p99_us", 0.99)}) {
    measure({.name = name,
             .unit = "us",
             .better = Better::kLess,
             .ours = [&, share] { return percentile(times_us(kGroupMessages, once), share); },
             .floor =
                 [&, share] {
                   return percentile(times_us(kGroupMessages, [&] { friends.town.use_floor(false); }), share);
                 }});
  }
}

void burst() {
  const char* said = std::getenv("CHAT_BENCH_MESSAGES");
  const size_t count = said ? std::strtoull(said, nullptr, 10) : 10'000;
  Friends friends;
  friends.town.open_floor(false);
  const double deliveries = static_cast<double>(count * (friends.town.size() - 1));
  measure({.name = "chat.burst_s",
           .unit = "1/s",
           .better = Better::kMore,
           .ours = [&] { return deliveries / seconds([&] { friends.say(count); }); },
           .floor =
               [&] {
                 return deliveries / seconds([&] {
                          for (size_t i = 0; i < count; ++i) friends.town.use_floor(false);
                        });
               }});
}

int run(int argc, char** argv) {
  const std::vector<std::string> rows(argv + 1, argv + argc);
  auto wanted = [&](const char* name) { return rows.empty() || std::ranges::find(rows, name) != rows.end(); };
  if (wanted("one_to_one")) one_to_one();
  if (wanted("group10")) group10();
  if (wanted("burst")) burst();
  return 0;
}

}  // namespace
}  // namespace visor::bench

int main(int argc, char** argv) {
  return visor::bench::run(argc, argv);
}
