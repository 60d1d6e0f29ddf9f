// The relay network as its users meet it: four processes, one of them a relay, on this machine's loopback.
// Beside it the same two hops in plain libuv.
//
//   bench_dmsg            all rows
//   bench_dmsg ROW...     some of them: setup, stream, echo, session, hostile
#include <algorithm>
#include <cstdio>
#include <random>

#include "bench/bench.hpp"
#include "bench/child.hpp"
#include "bench/dmsg_attack.hpp"
#include "bench/dmsg_floor.hpp"
#include "bench/dmsg_visor.hpp"
#include "bench/machine.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "lib/session/session.hpp"

namespace visor::bench {
namespace {

constexpr uint16_t kEchoPort = 7, kSinkPort = 9;
constexpr uint64_t kStreamBytes = 256u << 20;
constexpr size_t kBlock = 65536, kEchoBytes = 100;
constexpr int kDials = 200, kEchoes = 20'000, kIdleSessions = 10'000;
constexpr double kMemoryMb = 64; /* what attackers may cost a relay */

/* As anybody's would be. */
std::string plain_relay_config() {
  return R"({"plugin":"dmsg_server","config":{"listen":"tcp://127.0.0.1:0"}})";
}

std::string relay_config() {
  return R"({"plugin":"dmsg_server","config":{"listen":"tcp://127.0.0.1:0","max_sessions":20000,"limits":{
    "sessions_per_address":20000,"handshakes_per_address":512,"handshakes_burst":1000000,"handshakes_per_s":1000000,
    "requests_burst":1000000,"requests_per_s":1000000,"address_requests_burst":1000000,"address_requests_per_s":1000000}}})";
}

std::string client_config(const std::string& relay_key, const std::string& relay_url) {
  return R"({"plugin":"dmsg","config":{"servers":[{"pk":")" + relay_key + R"(","address":")" + relay_url +
         R"("}],"interval_ms":60000}})";
}

/* --- children ------------------------------------------------------------------------------- */

/* "memory", "peak" since "reset", in kilobytes; "status". */
std::string tell(Visor& visor, const std::string& what) {
  if (what == "status") return visor.call("dmsg_server", "status");
  if (what == "peak") return std::to_string(peak_kb());
  if (what == "reset") reset_peak();
  return std::to_string(resident_kb());
}

void run_relay(const std::string& config) {
  Visor visor(config);
  std::printf("%s %s\n", to_hex(visor.key()).c_str(),
              json_field(visor.call("dmsg_server", "status"), "listening").c_str());
  std::fflush(stdout);
  visor.obey([&](const std::string& what) { return tell(visor, what); });
}

/* What is dialled on one port is sent back, on the other counted. */
class Ends {
 public:
  explicit Ends(Visor& visor) : host_(visor.host()) {
    for (uint16_t port : {kEchoPort, kSinkPort}) {
      auto& listener = listeners_.emplace_back(std::make_unique<Listener>());
      auto listening = listener->listen(host_, visor.dmsg(), port,
                                        [this, port](visor_stream* stream) { take(port, stream); });
      if (!listening) give_up(listening.error().text);
    }
  }

 private:
  struct End {
    Stream stream;
    uint64_t received = 0;
    Bytes refused;
  };
  void take(uint16_t port, visor_stream* raw) {
    auto end = std::make_shared<End>();
    end->stream = Stream(host_, raw);
    ends_.push_back(end);
    End* self = end.get();
    auto forget = [this, self] {
      std::erase_if(ends_, [self](const auto& known) { return known.get() == self; });
    };
    end->stream.attach({.data =
                            [self, port](ByteView data) {
                              if (port == kEchoPort) return echo(*self, data);
                              self->received += data.size();
                              if (self->received >= kStreamBytes) (void)self->stream.write(bytes("!"));
                            },
                        .end = forget,
                        .ready =
                            [self] {
                              if (self->stream.write(self->refused) != VISOR_OK) return;
                              self->refused.clear();
                              self->stream.pause(false);
                            },
                        .closed = [forget](const Error&) { forget(); }});
  }
  static void echo(End& end, ByteView data) {
    if (end.stream.write(data) != VISOR_EAGAIN) return;
    end.refused.assign(data.begin(), data.end());
    end.stream.pause(true);
  }
  Host host_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::shared_ptr<End>> ends_;
};

void run_end(const std::string& key, const std::string& url) {
  Visor visor(client_config(key, url));
  Ends ends(visor);
  visor.run_until([&] { return visor.call("dmsg", "sessions").find("\"pk\"") != std::string::npos; });
  std::printf("%s\n", to_hex(visor.key()).c_str());
  std::fflush(stdout);
  visor.obey([](const std::string&) { return std::to_string(resident_kb()); });
}

/* Clients that do nothing: each its key, its connection and its session. */
class Idler final : public IdentityProvider {
 public:
  Idler(Host host, uint32_t number) : IdentityProvider(host) {
    for (size_t i = 0; i < 4; ++i) secret_.data()[28 + i] = static_cast<uint8_t>(number >> (8 * (3 - i)));
    key_ = *crypto::public_key_of(secret_);
  }
  const visor_key* key() override { return &key_; }
  visor_status sign(const uint8_t*, uint8_t*) override { return VISOR_ENOSYS; }
  visor_status agree(const visor_key* peer, uint8_t secret[32]) override {
    auto shared = crypto::ecdh(*peer, secret_);
    if (!shared) return host().fail(shared.error());
    std::ranges::copy(shared->bytes(), secret);
    return VISOR_OK;
  }
  std::unique_ptr<session::Session> session;
  Request<visor_stream> connecting;
  bool ready = false;

 private:
  crypto::SecretKey secret_;
  visor_key key_{};
};

void connect(Visor& visor, Idler& idler, const visor_key& relay, const std::string& url) {
  auto* sockets = visor.host().find<visor_sockets>(VISOR_SOCKETS_1);
  visor_status status = idler.connecting.start(
      [&](visor_done done) { return sockets->api->connect(sockets, to_span(std::string_view(url)), done); },
      [&](visor_status result, visor_stream* stream) {
        if (result != VISOR_OK) give_up(visor.host().error(result).text);
        session::Options options;
        options.initiator = true;
        options.pattern = noise::Pattern::kXK;
        options.expected_peer = relay;
        options.seal_mux = false;
        idler.session = std::make_unique<session::Session>(
            visor.host(), &idler, stream, options,
            session::Events{.ready = [&idler](const visor_key&, ByteView) { idler.ready = true; },
                            .accept = {},
                            .closed = [](const Error& error) { give_up("an idle session: " + error.text); }});
      });
  if (status != VISOR_OK) give_up(visor.host().error(status).text);
}

void run_idlers(const std::string& key, const std::string& url) {
  Visor visor("");
  auto relay = key_from_hex(key);
  std::vector<std::unique_ptr<Idler>> idlers;
  for (uint32_t i = 1; i <= kIdleSessions; ++i) {
    idlers.push_back(std::make_unique<Idler>(visor.host(), i));
    connect(visor, *idlers.back(), *relay, url);
    if (i % 64 == 0) visor.run_until([&] { return std::ranges::all_of(idlers, &Idler::ready); });
  }
  visor.run_until([&] { return std::ranges::all_of(idlers, &Idler::ready); });
  std::printf("%zu\n", idlers.size());
  std::fflush(stdout);
  visor.obey([](const std::string&) { return std::to_string(resident_kb()); });
}

/* --- this process --------------------------------------------------------------------------- */

std::string program;

/* A relay, an end behind it, and this process's client. */
class Network {
 public:
  explicit Network(const std::string& role = "relay") : relay_({program, role}) {
    std::string words = relay_.hear();
    relay_key_ = words.substr(0, words.find(' '));
    relay_url_ = words.substr(words.find(' ') + 1);
    end_ = std::make_unique<Child>(std::vector<std::string>{program, "end", relay_key_, relay_url_});
    end_key_ = *key_from_hex(end_->hear());
    visor_ = std::make_unique<Visor>(client_config(relay_key_, relay_url_));
    /* Both clients know of their sessions before the relay does. */
    for (;;) {
      auto stream = visor_->try_dial({end_key_, kEchoPort});
      if (stream) {
        (*stream)->api->close(*stream);
        break;
      }
      visor_->loop().run_until([] { return false; }, 20);
    }
  }

  Child& relay() { return relay_; }
  std::vector<std::string> attack(const std::string& what, const std::string& from) const {
    return {program, "attack", what, relay_key_, relay_url_, from};
  }

  double setup_ms() {
    std::vector<double> each;
    for (int i = 0; i < kDials; ++i) {
      visor_stream* stream = nullptr;
      each.push_back(1000 * seconds([&] { stream = visor_->dial({end_key_, kEchoPort}); }));
      stream->api->close(stream);
    }
    std::ranges::nth_element(each, each.begin() + kDials / 2);
    return each[kDials / 2];
  }

  double echo_s() {
    Stream stream(visor_->host(), visor_->dial({end_key_, kEchoPort}));
    Bytes words(kEchoBytes, 'x');
    int done = 0;
    size_t received = 0;
    stream.attach({.data =
                       [&](ByteView data) {
                         received += data.size();
                         if (received < kEchoBytes) return;
                         received -= kEchoBytes;
                         if (++done < kEchoes) {
                           (void)stream.write(words);
                         } else {
                           visor_->loop().stop();
                         }
                       },
                   .end = {},
                   .ready = {},
                   .closed = [](const Error& error) { give_up("the echo's stream: " + error.text); }});
    return kEchoes / seconds([&] {
             (void)stream.write(words);
             while (done < kEchoes) visor_->loop().run();
           });
  }

  double stream_mb_s() {
    Stream stream(visor_->host(), visor_->dial({end_key_, kSinkPort}));
    Bytes block(kBlock, 'x');
    uint64_t sent = 0;
    bool done = false;
    auto write_on = [&] {
      while (sent < kStreamBytes && stream.write(block) == VISOR_OK) sent += kBlock;
    };
    stream.attach({.data =
                       [&](ByteView) {
                         done = true;
                         visor_->loop().stop();
                       },
                   .end = {},
                   .ready = write_on,
                   .closed = [](const Error& error) { give_up("the stream: " + error.text); }});
    double took = seconds([&] {
      write_on();
      while (!done) visor_->loop().run();
    });
    return static_cast<double>(kStreamBytes) / 1e6 / took;
  }

 private:
  Child relay_;
  std::string relay_key_, relay_url_;
  std::unique_ptr<Child> end_;
  visor_key end_key_{};
  std::unique_ptr<Visor> visor_;
};

/* Kilobytes of the relay's memory for one of many sessions that do nothing. */
double session_kb() {
  Child relay({program, "relay"});
  std::string words = relay.hear();
  size_t space = words.find(' ');
  uint64_t before = std::stoull(relay.ask("memory"));
  Child idlers({program, "idlers", words.substr(0, space), words.substr(space + 1)});
  (void)idlers.hear();
  uint64_t after = std::stoull(relay.ask("memory"));
  return static_cast<double>(after - before) / kIdleSessions;
}

/* Everybody at once, each from an address of its own, which no earlier run has used. */
class Attackers {
 public:
  explicit Attackers(const Network& network) {
    static int run = 0;
    ++run;
    for (size_t i = 0; i < kAttacks.size(); ++i) {
      std::string from = "127.1." + std::to_string(run) + "." + std::to_string(i + 1);
      each_.push_back(std::make_unique<Child>(network.attack(kAttacks[i], from)));
    }
    for (auto& child : each_) (void)child->hear();
  }

 private:
  std::vector<std::unique_ptr<Child>> each_;
};

/* What those whom a relay serves have of it while it is attacked; the floor is the same without. */
void measure_hostile() {
  Network network("plain_limits_relay");
  double peak_mb = 0;
  auto attacked = [&](const std::function<double()>& measured) {
    double before = std::stod(network.relay().ask("reset"));
    double value = 0;
    {
      Attackers attackers(network);
      value = measured();
      peak_mb = std::max(peak_mb, (std::stod(network.relay().ask("peak")) - before) / 1000);
    }
    return value;
  };
  auto echo = [&] { return network.echo_s(); };
  auto stream = [&] { return network.stream_mb_s(); };
  measure({"dmsg.hostile_echo_s", "1/s", Better::kMore, [&] { return attacked(echo); }, echo});
  measure({"dmsg.hostile_stream_mb_s", "MB/s", Better::kMore, [&] { return attacked(stream); }, stream});
  measure({"dmsg.hostile_memory_mb", "MB", Better::kLess, [&] { return peak_mb; }, [] { return kMemoryMb; }});
  std::fprintf(stderr, "the relay says: %s\n", network.relay().ask("status").c_str());
}

void run(const std::vector<std::string>& rows) {
  auto wanted = [&](const std::string& row) { return rows.empty() || std::ranges::count(rows, row) > 0; };
  Child plain_end({program, "plain_end"});
  Child plain_relay({program, "plain_relay", plain_end.hear()});
  auto port = static_cast<uint16_t>(std::stoi(plain_relay.hear()));
  if (wanted("setup") || wanted("stream") || wanted("echo")) {
    Network network;
    if (wanted("setup")) {
      measure({"dmsg.setup_ms", "ms", Better::kLess, [&] { return network.setup_ms(); },
               [&] { return plain_setup_ms(port, kDials); }});
    }
    if (wanted("stream")) {
      measure({"dmsg.stream_mb_s", "MB/s", Better::kMore, [&] { return network.stream_mb_s(); },
               [&] { return plain_stream_mb_s(port, kStreamBytes, kBlock); }});
    }
    if (wanted("echo")) {
      measure({"dmsg.echo_s", "1/s", Better::kMore, [&] { return network.echo_s(); },
               [&] { return plain_echo_s(port, kEchoes, kEchoBytes); }});
    }
  }
  if (wanted("hostile")) measure_hostile();
  if (wanted("session")) {
    double kb = session_kb(); /* memory is the same each time: once is enough */
    measure({"dmsg.session_kb", "kB", Better::kLess, [kb] { return kb; }, [] { return 16.0; }});
  }
}

}  // namespace
}  // namespace visor::bench

int main(int argc, char** argv) {
  using namespace visor::bench;
  std::vector<std::string> words(argv + 1, argv + argc);
  program = "/proc/self/exe";
  std::string role = words.empty() ? "" : words[0];
  if (role == "relay") {
    run_relay(relay_config());
  } else if (role == "plain_limits_relay") {
    run_relay(plain_relay_config());
  } else if (role == "attack" && words.size() == 5) {
    run_attack({words.begin() + 1, words.end()});
  } else if (role == "end" && words.size() == 3) {
    run_end(words[1], words[2]);
  } else if (role == "idlers" && words.size() == 3) {
    run_idlers(words[1], words[2]);
  } else if (role == "plain_relay" && words.size() == 2) {
    run_plain_relay(static_cast<uint16_t>(std::stoi(words[1])));
  } else if (role == "plain_end") {
    run_plain_end(kStreamBytes);
  } else {
    run(words);
  }
  return 0;
}
