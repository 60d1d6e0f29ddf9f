/* Many clients of the relay network, few servers, and everything that goes wrong between them.
 *
 * While connections break, servers stop and come back, and machines fall silent, clients dial each other and
 * say something.  Every dial ends within its limit; what is said arrives or the stream ends; and once the
 * network is whole again, every listener is reached and nothing is left behind. */
#ifndef VISOR_TESTS_SIM_DMSG_SWARM_HPP
#define VISOR_TESTS_SIM_DMSG_SWARM_HPP
#include "tests/conformance/dmsg_network.hpp"

namespace visor::test::dmsg {

struct SwarmTerms {
  uint64_t seed = 1;
  size_t clients = 200, servers = 3;
  uint64_t trouble_ms = 5'000; /* how long it goes on */
  uint64_t dial_every_ms = 40, trouble_every_ms = 150;
};

class Swarm {
 public:
  explicit Swarm(SwarmTerms terms)
      : terms_(terms),
        world_(terms.seed, {.latency_min_ms = 1,
                            .latency_max_ms = 20,
                            .split = true,
                            .lost_per_million = 2000,
                            .cut_per_million = 30}) {
    discovery_node(world_);
    for (size_t i = 0; i < terms.servers; ++i) {
      Server server{nullptr, i, {}};
      world_.loop().random(server.secret);
      servers_.push_back(server);
      switch_on(servers_.back());
    }
    for (size_t i = 0; i < terms.clients; ++i) {
      std::string address = "10.0." + std::to_string(1 + i / 250) + "." + std::to_string(1 + i % 250);
      Node& node = client_node(world_, address);
      clients_.push_back({&node, std::make_unique<Echo>(node, kPort)});
    }
  }

  void run() {
    trouble();
    heal();
    reach_everybody();
    nothing_is_left();
  }
  uint64_t trace() { return world_.loop().trace(); }
  size_t dialed = 0, failed = 0, echoed = 0, broken = 0;

 private:
  static constexpr uint16_t kPort = 7;
  static constexpr uint64_t kLimitMs = 20'000; /* of a dial */
  struct Server {
    Node* node; /* null: off */
    size_t number;
    std::array<uint8_t, 32> secret;
  };
  struct Client {
    Node* node;
    std::unique_ptr<Echo> echo;
  };
  /* One dial and what is said on it. */
  struct Talk {
    std::unique_ptr<Dialing> dialing;
    std::string words;
    bool counted = false, said = false;
  };

  size_t below(size_t limit) { return static_cast<size_t>(world_.loop().below(limit)); }
  Node& any_client() { return *clients_[below(clients_.size())].node; }

  void trouble() {
    uint64_t end = now() + terms_.trouble_ms, next_trouble = now() + 2000;
    for (uint64_t number = 0; now() < end; ++number) {
      Node &from = any_client(), &to = any_client();
      talks_.push_back({begin_dial(from, to.key(), kPort), "words number " + std::to_string(number)});
      world_.run_for(terms_.dial_every_ms);
      follow();
      if (now() < next_trouble) continue;
      next_trouble = now() + terms_.trouble_every_ms;
      make_trouble();
    }
  }

  void switch_on(Server& server) {
    world_.network().set_silent(server_machine(server.number), false);
    if (!server.node) server.node = &server_node(world_, server.number, kDiscoveryUrl, server.secret);
  }

  void make_trouble() {
    Server& server = servers_[below(servers_.size())];
    const std::string machine = server_machine(server.number);
    auto& network = world_.network();
    switch (below(10)) {
      case 0:
        return network.drop(any_client().machine());
      case 1:
        return network.drop(machine);
      case 2: /* stopped by its operator */
        if (Node* node = std::exchange(server.node, nullptr)) world_.remove(*node);
        return;
      case 3: /* its power fails */
        network.set_silent(machine, true);
        return network.drop(machine);
      case 4:
      case 5:
        for (Server& each : servers_) switch_on(each);
        return;
      case 6:
        network.set_silent(kDiscoveryMachine, true);
        return network.drop(kDiscoveryMachine);
      case 7:
        return network.set_silent(kDiscoveryMachine, false);
      case 8: {
        const std::string& client = any_client().machine();
        network.cut(client, machine);
        cuts_.emplace_back(client, machine);
        return;
      }
      default:
        if (cuts_.empty()) return;
        network.heal(cuts_.back().first, cuts_.back().second);
        cuts_.pop_back();
    }
  }

  void heal() {
    for (const auto& [client, machine] : cuts_) world_.network().heal(client, machine);
    cuts_.clear();
    for (Server& server : servers_) switch_on(server);
    world_.network().set_silent(kDiscoveryMachine, false);
    world_.network().options().cut_per_million = 0;
    world_.run_for(12'000); /* connections that were begun into silence are given up */
    REQUIRE(comes(3 * kLimitMs, [&] {
      follow();
      return talks_.empty();
    }));
    REQUIRE(comes(180'000, [&] {
      return std::ranges::all_of(
          clients_, [](Client& each) { return connected(*each.node) > 0 && registered(*each.node); });
    }));
  }

  /* Each dial ends in time; each word comes back, or the stream ends. */
  void follow() {
    std::erase_if(talks_, [this](Talk& talk) {
      if (!talk.dialing->done()) {
        CHECK(now() - talk.dialing->begun_ms <= kLimitMs + 100);
        return false;
      }
      if (!std::exchange(talk.counted, true)) ++(talk.dialing->user ? dialed : failed);
      if (!talk.dialing->user) return true;
      StreamUser& user = *talk.dialing->user;
      if (!talk.said && !user.closed) talk.said = user.write(talk.words) == VISOR_OK;
      if (user.text() == talk.words) {
        ++echoed;
        return true;
      }
      if (!user.closed) return false;
      ++broken;
      CHECK(talk.words.starts_with(user.text()));
      return true;
    });
  }

  /* Asked ten times a virtual second: asking 200 clients at every turn would be most of the work. */
  bool comes(uint64_t limit_ms, const std::function<bool()>& condition) {
    for (uint64_t end = now() + limit_ms; now() < end; world_.run_for(100)) {
      if (condition()) return true;
    }
    return condition();
  }

  void reach_everybody() {
    std::vector<std::unique_ptr<Dialing>> dials;
    std::vector<Node*> from;
    for (Client& client : clients_) {
      from.push_back(&any_client());
      dials.push_back(begin_dial(*from.back(), client.node->key(), kPort));
    }
    REQUIRE(world_.run_until([&] { return std::ranges::all_of(dials, [](auto& d) { return d->done(); }); },
                             2 * kLimitMs));
    for (size_t i = 0; i < dials.size(); ++i) {
      auto& each = dials[i];
      INFO((each->error ? each->error->text : ""));
      INFO("at " << from[i]->machine() << ": " << from[i]->call("dmsg", "sessions").value_or(""));
      REQUIRE(each->user);
      REQUIRE(each->user->write("still there?") == VISOR_OK);
    }
    REQUIRE(world_.run_until([&] {
      return std::ranges::all_of(dials, [](auto& d) { return d->user->text() == "still there?"; });
    }));
  }

  void nothing_is_left() {
    /* Streams whose relay broke without a word end by their idle limit. */
    REQUIRE(comes(300'000, [&] {
      return std::ranges::all_of(clients_, [](Client& each) { return each.echo->open() == 0; });
    }));
    world_.run_for(10'000);
    for (Client& client : clients_) {
      INFO(client.node->machine());
      boost::json::object all = status(*client.node);
      for (const char* name : {"dials", "setups", "accepting", "leaving", "ephemeral_ports"}) {
        INFO(name);
        CHECK(*all.if_contains(name)->if_object()->if_contains("now")->if_int64() == 0);
      }
      CHECK(*all.if_contains("waiting_for_sessions")->if_int64() == 0);
    }
  }

  uint64_t now() { return world_.loop().now_ns() / 1'000'000; }

  const SwarmTerms terms_;
  SimWorld world_;
  std::vector<Server> servers_;
  std::vector<Client> clients_;
  std::vector<Talk> talks_;
  std::vector<std::pair<std::string, std::string>> cuts_;
};

}  // namespace visor::test::dmsg
#endif  // VISOR_TESTS_SIM_DMSG_SWARM_HPP
