// Three seeds; VISOR_SOAK_SEEDS=first..last for others, VISOR_SOAK_HUB for how many transports the hub has.
#include <cstdlib>
#include <cstring>

#include "tests/sim/telemetry_swarm.hpp"

namespace visor::test {

NodeOptions TelemetrySwarm::secret_of(uint32_t number) {
  NodeOptions options;
  options.secret = std::array<uint8_t, 32>{};
  options.secret->fill(7);
  for (size_t i = 0; i < 4; ++i) (*options.secret)[28 + i] = static_cast<uint8_t>(number >> (8 * i));
  options.log_level = VISOR_WARN;
  return options;
}

TelemetrySwarm::TelemetrySwarm(const TelemetrySwarmOptions& options)
    : options_(options),
      world_(options.seed, {.latency_min_ms = 2, .latency_max_ms = 30}),
      tpd_clock_(world_.make_clock()),
      hub_(world_.make_clock()) {
  start_tpd();
  hub_.machine = "hub";
  hub_.number = 2;
  start_hub();
  for (size_t i = 0; i < options.spokes; ++i) {
    auto spoke = std::make_unique<Visor>(world_.make_clock());
    spoke->machine = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    spoke->number = static_cast<uint32_t>(100 + i);
    start(*spoke);
    spokes_.push_back(std::move(spoke));
  }
  world_.next_on(world_.make_clock());
  liar_ = std::make_unique<HandWritten>(world_, "10.2.0.1", *tpd_, secret_of(3));
}

TelemetrySwarm::~TelemetrySwarm() {
  liar_.reset();
  accepted_.clear();
  listener_.close();
  for (auto& spoke : spokes_) spoke->counted.reset();
  hub_.counted.reset();
}

void TelemetrySwarm::start_tpd() {
  auto list = base_plugins("");
  list[0] = plugin("storage_leveldb", R"({"path":")" + folder_.path().string() + "\"}", "disk");
  list.push_back(
      plugin("transport_discovery", R"({"drive":"disk","interval_ms":)" + std::to_string(kIntervalMs) + "}"));
  world_.next_on(tpd_clock_);
  tpd_ = &world_.add("tpd", plugins_config(list), secret_of(1));
  tpd_key_ = tpd_->key();
}

void TelemetrySwarm::start_hub() {
  auto list = base_plugins(peer_of(*tpd_));
  list.push_back(plugin("telemetry", telemetry_config(tpd_key_)));
  world_.next_on(hub_.clock);
  hub_.node = &world_.add(hub_.machine, plugins_config(list), secret_of(hub_.number));
  hub_.counted = std::make_unique<Counted>(*hub_.node);
  REQUIRE(listener_.listen(
      hub_.node->host(), hub_.node->find<visor_net>(VISOR_NET_1, "skynet"), 777, [this](visor_stream* raw) {
        accepted_.emplace_back(hub_.node->host(), raw);
        accepted_.back().attach({.data = [](ByteView) {}, .end = {}, .ready = {}, .closed = {}});
      }));
}

void TelemetrySwarm::start(Visor& visor) {
  auto list = base_plugins(peer_of(*tpd_) + "," + peer_of(*hub_.node));
  list.push_back(plugin("telemetry", telemetry_config(tpd_key_)));
  world_.next_on(visor.clock);
  visor.node = &world_.add(visor.machine, plugins_config(list), secret_of(visor.number));
  visor.counted = std::make_unique<Counted>(*visor.node);
}

// What it had not told goes with it: from here on the TPD may know less than it has sent, and never more.
void TelemetrySwarm::stop(Visor& visor) {
  visor.counted->look();
  for (const auto& [uuid, lives] : visor.counted->lives) {
    Bytes2 bytes = visor.counted->sum(uuid);
    visor.before[uuid].sent += bytes.sent;
    visor.before[uuid].received += bytes.received;
  }
  visor.exact = false;
  visor.counted.reset();
  world_.remove(*visor.node);
  visor.node = nullptr;
}

void TelemetrySwarm::traffic(Visor& visor) {
  auto* net = visor.node->find<visor_net>(VISOR_NET_1, "skynet");
  visor_addr to{hub_.node->key(), 777};
  auto dialed = world_.await<visor_stream>(*visor.node,
                                           [&](visor_done done) { return net->api->dial(net, &to, done); });
  if (!dialed) return;
  Stream stream(visor.node->host(), *dialed);
  stream.attach({.data = {}, .end = {}, .ready = {}, .closed = {}});
  Bytes data(1 + world_.sim().below(20'000), 7);
  if (stream.write(data) == VISOR_OK) sent_bytes += data.size();
  world_.run_for(100);
}

void TelemetrySwarm::lie() {
  Visor& victim = *spokes_[world_.sim().below(spokes_.size())];
  if (!victim.node) return;
  codec::TelemetryRow row;
  row.id = codec::transport_id(victim.node->key(), hub_.node->key(), "stcpr");
  row.sent_bytes = uint64_t(1) << 50;
  row.latency_min_ms = row.latency_max_ms = row.latency_avg_ms = 29'000;
  row.sampled_at_s = static_cast<uint32_t>(tpd_->host().unix_ns() / 1'000'000'000);
  row.type_code = 1;
  codec::TransportEntry stolen =
      codec::make_transport_entry(victim.node->key(), hub_.node->key(), "stcpr", "user");
  std::vector<codec::ListRow> own{{tpd_key_, "stcpr", "automatic"}};
  uint8_t shard = codec::telemetry_shard_of(row.id);
  liar_->write({{"tp-list", HandWritten::text(codec::encode_transport_list("v1", own))},
                {"transports/list", HandWritten::text(R"({"entries":[)" + codec::to_json(stolen) + "]}")},
                {"transports/" + codec::to_uuid(row.id) + "/tombstone", HandWritten::text("{}")},
                {codec::shard_path(shard), codec::encode_telemetry_shard(shard, {&row, 1})}});
}

// The TPD's goes ahead by hours, a visor's is off by minutes.  Samples from more than five minutes ahead are
// refused, and what they say is lost where the transport is forgotten meanwhile.
void TelemetrySwarm::jump() {
  constexpr int64_t kMinuteNs = 60'000'000'000;
  auto minutes = [this](int64_t from, int64_t to) {
    return (from + static_cast<int64_t>(world_.sim().below(static_cast<uint64_t>(to - from)))) * kMinuteNs;
  };
  ++jumps;
  Visor& spoke = *spokes_[world_.sim().below(spokes_.size())];
  switch (world_.sim().below(4)) {
    case 0:
      return tpd_clock_.set_offset_ns(minutes(0, 120));
    case 1:
      spoke.exact = false;
      return spoke.clock.set_offset_ns(minutes(-60, 60));
    default:
      return spoke.clock.set_offset_ns(minutes(-4, 4));
  }
}

void TelemetrySwarm::trouble() {
  Visor& spoke = *spokes_[world_.sim().below(spokes_.size())];
  switch (world_.sim().below(8)) {
    case 0:
      world_.network().drop(spoke.machine);
      return;
    case 1:  // an announcement that lives a round trip
      world_.network().drop(spoke.machine);
      world_.run_for(70);
      world_.network().drop(spoke.machine);
      return;
    case 2:
      world_.network().cut(spoke.machine, world_.sim().below(2) == 0 ? "tpd" : "hub");
      world_.run_for(kIntervalMs);
      heal();
      return;
    case 3:
      if (!spoke.node) return start(spoke);
      ++restarts;
      return stop(spoke);
    case 4:
      ++restarts;
      world_.remove(*tpd_);
      world_.run_for(world_.sim().below(kIntervalMs));
      return start_tpd();
    case 5:
      return lie();
    case 6:
      return jump();
    default:
      if (spoke.node) traffic(spoke);
  }
}

void TelemetrySwarm::heal() {
  for (auto& spoke : spokes_) {
    world_.network().heal(spoke->machine, "tpd");
    world_.network().heal(spoke->machine, "hub");
  }
}

void TelemetrySwarm::look() {
  hub_.counted->look();
  for (auto& spoke : spokes_) {
    if (spoke->counted) spoke->counted->look();
  }
}

Bytes2 TelemetrySwarm::truth(const Visor& visor, const std::string& uuid) const {
  Bytes2 sum;
  if (auto at = visor.before.find(uuid); at != visor.before.end()) sum = at->second;
  if (!visor.counted) return sum;
  Bytes2 now = visor.counted->sum(uuid);
  return {sum.sent + now.sent, sum.received + now.received};
}

namespace {

Bytes2 counted_for(const json::object& row, const visor_key& reporter) {
  Bytes2 out;
  const char* side = row.at("edges").get_array().at(0).get_string() == to_hex(reporter) ? "a" : "b";
  for (const json::value& day : row.at("daily").get_array()) {
    const json::object& bytes = day.get_object().at(side).get_object();
    out.sent += bytes.at("sent").to_number<uint64_t>();
    out.received += bytes.at("recv").to_number<uint64_t>();
  }
  return out;
}

}  // namespace

// At any moment: no byte that was not sent, whoever says so.
void TelemetrySwarm::nothing_too_much() {
  look();
  std::map<std::string, const Visor*, std::less<>> visors;
  if (hub_.node) visors[to_hex(hub_.node->key())] = &hub_;
  for (const auto& spoke : spokes_) {
    if (spoke->node) visors[to_hex(spoke->node->key())] = spoke.get();
  }
  for (const auto& [uuid, row] : shown(*tpd_)) {
    for (const json::value& edge : row.at("edges").get_array()) {
      auto at = visors.find(std::string_view(edge.get_string()));
      if (at == visors.end()) continue;
      const Visor& visor = *at->second;
      Bytes2 told = counted_for(row, visor.node->key()), known = truth(visor, uuid);
      ++checked_rows;
      INFO(uuid << " as " << visor.machine << " reports it");
      CHECK(told.sent <= known.sent);
      CHECK(told.received <= known.received);
    }
  }
}

// Every transport that serves is live at the TPD, and nothing else is.
bool TelemetrySwarm::covered() {
  look();
  std::set<std::string> serving = hub_.counted->serving;
  for (auto& spoke : spokes_) {
    if (spoke->counted) serving.insert(spoke->counted->serving.begin(), spoke->counted->serving.end());
  }
  std::set<std::string> live;
  for (const auto& [uuid, row] : shown(*tpd_, R"({"live":"true","limit":5000})")) live.insert(uuid);
  live.erase(codec::to_uuid(codec::transport_id(liar_->node.key(), tpd_key_, "stcpr")));
  return live == serving;
}

// The hub's transports are closed, so that nothing more is counted; what has been counted is told to the
// byte.
void TelemetrySwarm::must_be_exact() {
  for (auto& spoke : spokes_) {
    codec::TransportId id = codec::transport_id(spoke->node->key(), hub_.node->key(), "stcpr");
    auto* transports = spoke->node->find<visor_transports>(VISOR_TRANSPORTS_1);
    CHECK(transports->api->remove(transports, id.bytes.data()) == VISOR_OK);
  }
  world_.run_for(4 * kIntervalMs);
  look();
  auto rows = shown(*tpd_);
  for (auto& spoke : spokes_) {
    std::string uuid = uuid_between(*spoke->node, *hub_.node);
    for (const Visor* visor : {static_cast<const Visor*>(spoke.get()), static_cast<const Visor*>(&hub_)}) {
      if (!visor->exact) continue;
      Bytes2 told, known = truth(*visor, uuid);
      if (rows.contains(uuid)) told = counted_for(rows[uuid], visor->node->key());
      INFO(uuid << " of " << visor->machine);
      CHECK(told.sent == known.sent);
      CHECK(told.received == known.received);
      CHECK(known.sum() > 0);
      ++exact_rows;
    }
  }
}

// Asked now and then: each look costs the whole list.
bool TelemetrySwarm::soon(const std::function<bool()>& condition) {
  for (int i = 0; i < 100; ++i) {
    if (condition()) return true;
    world_.run_for(kIntervalMs / 5);
  }
  return false;
}

void TelemetrySwarm::run() {
  REQUIRE(soon([&] { return covered(); }));
  for (size_t round = 0; round < options_.rounds; ++round) {
    trouble();
    world_.run_for(world_.sim().below(2 * kIntervalMs));
    nothing_too_much();
  }
  heal();
  tpd_clock_.set_offset_ns(0);
  for (auto& spoke : spokes_) {
    spoke->clock.set_offset_ns(0);
    if (!spoke->node) start(*spoke);
  }
  // Whoever is gone has expired by then, and whoever is here has been heard.
  world_.run_for(kExpiryMs + 2 * kIntervalMs);
  CHECK(soon([&] { return covered(); }));
  nothing_too_much();
  must_be_exact();
}

TEST_CASE("visors around a hub are all shown, and their bytes to the byte", "[tpd][swarm]") {
  uint64_t first = 1, last = 3;
  if (const char* range = std::getenv("VISOR_SOAK_SEEDS")) {
    first = std::strtoull(range, nullptr, 10);
    last = first;
    if (const char* dots = std::strstr(range, "..")) last = std::strtoull(dots + 2, nullptr, 10);
  }
  size_t spokes = 6, rounds = 12;
  if (const char* hub = std::getenv("VISOR_SOAK_HUB")) {
    spokes = std::strtoull(hub, nullptr, 10);
    rounds = 40;
  }
  for (uint64_t seed = first; seed <= last; ++seed) {
    INFO("seed " << seed);
    TelemetrySwarm swarm({.seed = seed, .spokes = spokes, .rounds = rounds});
    swarm.run();
    CHECK(swarm.checked_rows > 0);
    CHECK(swarm.exact_rows > 0);
  }
}

}  // namespace visor::test
