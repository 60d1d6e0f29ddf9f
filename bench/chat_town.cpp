#include "bench/chat_town.hpp"

#include <visor/bundle.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <deque>
#include <fstream>

#include "bench/bench.hpp"
#include "kernel/native/sockets.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::bench {
namespace {

namespace json = boost::json;

constexpr uint64_t kPatienceMs = 600'000;
constexpr uint16_t kFloorPort = 4000;
constexpr const char* kPeople = "people";

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

}  // namespace

Folder::Folder() {
  std::string name = std::filesystem::temp_directory_path() / "visor-bench-XXXXXX";
  if (!::mkdtemp(name.data())) give_up("there is no room for files at " + name);
  path = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

Town::Town(TownOptions options) : options_(std::move(options)) {
  catalog_.add_bundle(visor_bundle);
  if (options_.remembered) recall();
  for (size_t i = 0; i < options_.visors && !options_.remembered; ++i) {
    auto pair = crypto::random_key_pair([this](std::span<uint8_t> out) { loop_.random(out); });
    if (!pair) give_up(pair.error().text);
    visors_.push_back({std::move(pair->secret), to_hex(pair->key), {}, nullptr});
  }
}

void Town::remember() const {
  std::ofstream out(options_.folder / kPeople);
  for (const Visor& each : visors_) out << to_hex(each.secret.bytes()) << ' ' << each.address << '\n';
}

void Town::recall() {
  std::ifstream in(options_.folder / kPeople);
  for (std::string hex, address; in >> hex >> address;) {
    crypto::SecretKey secret;
    auto key = from_hex(hex, secret.bytes()) ? crypto::public_key_of(secret) : failure(VISOR_EINVAL, hex);
    if (!key) give_up("who lives in the town cannot be read: " + key.error().text);
    visors_.push_back({std::move(secret), to_hex(*key), address, nullptr});
  }
}

/* As long as the others' addresses are not known, it waits for them. */
std::string Town::config_of(size_t visor) const {
  json::array peers;
  for (const Visor& other : visors_) {
    if (&other == &visors_[visor] || other.address.empty()) continue;
    peers.push_back(json::object{{"type", "stcpr"}, {"pk", other.pk}, {"address", other.address}});
  }
  const std::string& own = visors_[visor].address;
  auto plugin = [](const char* name, json::object config) {
    return json::object{{"plugin", name}, {"config", std::move(config)}};
  };
  json::object drive = plugin("storage_memory", {});
  if (!options_.folder.empty())
    drive = plugin("storage_leveldb", {{"path", (options_.folder / std::to_string(visor)).string()}});
  drive["as"] = "disk";
  json::array plugins{drive, plugin("transports", {{"listen", own.empty() ? "tcp://127.0.0.1:0" : own},
                                                   {"peers", std::move(peers)}})};
  if (options_.chat) {
    plugins.push_back(plugin("feeds", {{"drive", "disk"}}));
    plugins.push_back(plugin("chat", {{"drive", "disk"},
                                      {"networks", json::array{"skynet"}},
                                      {"keep", json::object{{"messages", 1'000'000}}},
                                      {"groups", json::object{{"mesh", 16}, {"messages", 1'000'000}}}}));
  }
  return json::serialize(json::object{{"plugins", std::move(plugins)}});
}

void Town::make(size_t visor) {
  visors_[visor].kernel = std::make_unique<kernel::Kernel>(
      kernel::KernelOptions{.loop = loop_,
                            .catalog = catalog_,
                            .config = config_of(visor),
                            .secret_key = crypto::SecretKey(visors_[visor].secret.bytes()),
                            .log_level = VISOR_ERROR,
                            .services = {kernel::native::sockets(loop_)}});
}

void Town::start() {
  for (size_t i = 0; i < size(); ++i) {
    make(i);
    std::optional<Result<void>> started;
    at(i).start([&](Result<void> result) { started = std::move(result); });
    run_until([&] { return started.has_value(); });
    if (!*started) give_up(started->error().text);
    const json::value status = json::parse(ask(i, "transports", "status"));
    visors_[i].address = status.at("listening").at("stcpr").get_string();
  }
  for (size_t i = 0; i < size(); ++i) {
    run_until([&] { return json::parse(ask(i, "transports", "list")).as_array().size() == size() - 1; });
  }
}

void Town::stop() {
  ours_.clear();
  floor_.clear();
  listeners_.clear();
  retries_.clear();
  dialing_.clear();
  for (Visor& visor : visors_) {
    if (!visor.kernel) continue;
    bool stopped = false;
    visor.kernel->stop([&] { stopped = true; });
    run_until([&] { return stopped; });
    visor.kernel.reset();
  }
}

void Town::start_together(std::function<void(size_t)> started) {
  for (size_t i = 0; i < size(); ++i) start_one(i, [i, started] { started(i); });
}

void Town::start_one(size_t visor, std::function<void()> started) {
  make(visor);
  at(visor).start([started = std::move(started)](Result<void> result) {
    if (!result) give_up(result.error().text);
    started();
  });
}

void Town::run_until(const std::function<bool()>& condition) {
  if (!loop_.run_until(condition, kPatienceMs)) give_up("what is awaited does not come about");
}

void Town::start(size_t visor, const char* instance, const char* command, const std::string& args,
                 Call& call) {
  visor_ticket* ticket = nullptr;
  visor_commands* commands = at(visor).commands();
  const visor_status status = commands->api->call(commands, instance, command,
                                                  to_span(std::string_view(args)), &kCaller, &call, &ticket);
  if (status != VISOR_OK) give_up(at(visor).host().error(status).text);
}

std::string Town::ask(size_t visor, const char* instance, const char* command, const std::string& args) {
  std::string last;
  Call call{.value = [&](std::string_view value) { last = value; }};
  start(visor, instance, command, args, call);
  while (!call.finished) turn();
  if (call.status != VISOR_OK) give_up(std::string(command) + " failed: " + last);
  return last;
}

// --- the floor ---

void Town::listen_for_floor(size_t visor, bool answer) {
  auto* net = at(visor).find<visor_net>(VISOR_NET_1, "skynet");
  Host host = at(visor).host();
  auto listening = listeners_.emplace_back(std::make_unique<Listener>())
                       ->listen(host, net, kFloorPort,
                                [this, host, answer](visor_stream* stream) { take(host, stream, answer); });
  if (!listening) give_up(listening.error().text);
}

void Town::dial_floor(size_t visor) {
  auto* net = at(0).find<visor_net>(VISOR_NET_1, "skynet");
  auto to = key_from_hex(visors_[visor].pk);
  const visor_addr address{*to, kFloorPort};
  auto request = dialing_.emplace_back(std::make_shared<Request<visor_stream>>());
  const visor_status status = request->start(
      [&](visor_done done) { return net->api->dial(net, &address, done); },
      [this, visor](visor_status result, visor_stream* stream) {
        if (result == VISOR_OK) {
          ours_.push_back(take(at(0).host(), stream, false));
        } else {
          retries_.push_back(Timer::once(at(0).host(), 1, [this, visor] { dial_floor(visor); }));
        }
      },
      [net](void* ctx) { net->api->cancel(net, ctx); });
  if (status != VISOR_OK)
    retries_.push_back(Timer::once(at(0).host(), 1, [this, visor] { dial_floor(visor); }));
}

void Town::open_floor(bool answer) {
  for (size_t i = 1; i < size(); ++i) {
    listen_for_floor(i, answer);
    dial_floor(i);
  }
  run_until([&] { return floor_.size() == 2 * (size() - 1); });
}

void Town::use_floor(bool answer) {
  heard_ = 0;
  const std::string said(kTextBytes, 'x');
  for (Stream* stream : ours_) stream->write(bytes(said));
  const size_t wanted = ours_.size() * kTextBytes * (answer ? 2 : 1);
  while (heard_ < wanted) turn();
}

void Town::burst_floor(size_t count) {
  heard_ = 0;
  const size_t each = ours_.size() * kTextBytes;
  for (size_t i = 0; i < count; ++i) {
    while (i * each >= heard_ + kAtOnce * each) turn();
    say_floor(1);
  }
  while (heard_ < count * each) turn();
}

void Town::say_floor(size_t count) {
  const std::string said(kTextBytes, 'x');
  for (size_t i = 0; i < count; ++i) {
    for (Stream* stream : ours_) {
      while (stream->write(bytes(said)) == VISOR_EAGAIN) turn();
    }
  }
}

void Town::hear_floor(size_t count) {
  while (heard_ < count * kTextBytes) turn();
  heard_ -= count * kTextBytes;
}

Stream* Town::take(Host host, visor_stream* raw, bool answer) {
  Stream* stream = floor_.emplace_back(std::make_unique<Stream>(host, raw)).get();
  // Other processes may end before this one.
  auto over = [apart = options_.remembered](const std::string& why) {
    if (!apart) give_up(why);
  };
  stream->attach({.data =
                      [this, stream, answer](ByteView data) {
                        heard_ += data.size();
                        if (answer) stream->write(data);
                      },
                  .end = [over] { over("a stream ended"); },
                  .ready = [] {},
                  .closed = [over](const Error& why) { over(why.text); }});
  return stream;
}

// --- friends ---

Friends::Friends(TownOptions options) : town(std::move(options)) {
  town.start();
  json::array others;
  for (size_t i = 1; i < town.size(); ++i) others.emplace_back(town.key(i));
  const json::value made = json::parse(town.ask(
      0, "chat", "group_create", json::serialize(json::object{{"name", "bench"}, {"members", others}})));
  name(std::string(made.at("id").as_string()));
  const std::string join = json::serialize(json::object{{"invite", made.at("invite")}});
  for (size_t i = 1; i < town.size(); ++i) {
    town.ask(i, "chat", "group_join", join);
    watch(i);
  }
  for (size_t i = 0; i < town.size(); ++i) {
    town.run_until([&] {
      return json::parse(town.ask(i, "chat", "group_show", group_)).at("attached") == town.size() - 1;
    });
  }
  say(1);
}

Friends::Friends(TownOptions options, const std::string& group) : town(std::move(options)) {
  name(group);
}

void Friends::name(const std::string& group) {
  id_ = group;
  group_ = json::serialize(json::object{{"group", group}});
  send_ = json::serialize(json::object{{"group", group}, {"text", std::string(kTextBytes, 'x')}});
}

void Friends::watch(size_t visor) {
  calls_.push_back(std::make_unique<Call>(Call{.value = [this](std::string_view event) {
    if (event.find(R"("event":"group-message")") != event.npos) ++heard_;
  }}));
  town.start(visor, "chat", "watch", "{}", *calls_.back());
}

void Friends::say_once() {
  calls_.push_back(std::make_unique<Call>());
  town.start(0, "chat", "group_send", send_, *calls_.back());
}

void Friends::say(size_t count) {
  const size_t wanted = heard_ + count * (town.size() - 1);
  say_all(count);
  while (heard_ < wanted) town.turn();
}

void Friends::say_all(size_t count) {
  std::deque<Call> calls;
  for (size_t i = 0; i < count; ++i) {
    town.start(0, "chat", "group_send", send_, calls.emplace_back());
    while (calls.size() >= kAtOnce && !calls.front().finished) town.turn();
    while (!calls.empty() && calls.front().finished) {
      if (calls.front().status != VISOR_OK) give_up("a message is refused");
      calls.pop_front();
    }
  }
  while (!std::ranges::all_of(calls, &Call::finished)) town.turn();
}

void Friends::hear_all(size_t count) {
  while (heard_ < count) town.turn();
  heard_ -= count;
}

void Friends::first_message_of(size_t visor) {
  bool begun = false;
  town.start_one(visor, [&, visor] {
    begun = true;
    if (visor > 0) return watch(visor);
    say_once();
  });
  while (!begun) town.turn();
  if (visor > 0) hear_all(1);
}

double Friends::first_message_s() {
  town.stop();
  calls_.clear();
  heard_ = 0;
  return seconds([&] {
    town.start_together([this](size_t visor) {
      if (visor == 0) {
        say_once();
      } else {
        watch(visor);
      }
    });
    while (heard_ < town.size() - 1) town.turn();
  });
}

}  // namespace visor::bench
