#include "kernel/sim/network.hpp"

#include <algorithm>
#include <optional>

#include "kernel/sim/endpoint.hpp"

namespace visor::kernel::sim {
namespace {

constexpr uint64_t kConnectTimeoutMs = 10000;

bool is_loopback(std::string_view host) {
  return host == "127.0.0.1" || host == "localhost" || host == "::1";
}
bool is_any(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}

}  // namespace

class SimNetwork::Sockets final : public SocketsProvider, public ServiceObject {
 public:
  Sockets(Host host, SimNetwork& network, std::string machine)
      : SocketsProvider(host, VISOR_SOCKETS_TCP | VISOR_SOCKETS_LISTEN),
        network_(network),
        machine_(std::move(machine)),
        handles_(host) {}

  ~Sockets() override {
    std::erase_if(network_.listeners_, [this](const auto& row) { return row.second.sockets == this; });
    auto endpoints = network_.endpoints_;
    for (Endpoint* end : endpoints) {
      if (end->host().raw() == host().raw()) delete end;
    }
    for (auto& [number, attempt] : attempts_) network_.loop_.cancel(attempt.timer);
  }

  void* object() override { return static_cast<visor_sockets*>(this); }
  std::string status() const override {
    auto open = std::ranges::count_if(network_.endpoints_,
                                      [this](Endpoint* end) { return end->host().raw() == host().raw(); });
    return "{\"streams\":" + std::to_string(open) + ",\"listeners\":" + std::to_string(handles_.size()) +
           ",\"connecting\":" + std::to_string(attempts_.size()) + "}";
  }

 private:
  struct Attempt {
    Done done;
    uint64_t timer = 0;
  };

  visor_status connect(visor_span url, visor_done done) override {
    auto address = parse_tcp_url(text(url));
    if (!address) return host().fail(address.error());
    if (is_loopback(address->host)) address->host = machine_;
    bool silent = network_.silent_.contains(address->host) || !network_.reachable(machine_, address->host);
    uint64_t wait_ms = silent ? kConnectTimeoutMs : 2 * network_.latency_ms();
    uint64_t number = ++last_attempt_;
    uint64_t timer = network_.loop_.timer(wait_ms, 0, [this, number, silent, to = *address] {
      auto node = attempts_.extract(number);
      connected(std::move(node.mapped().done), to, silent);
    });
    attempts_.emplace(number, Attempt{Done(host(), done), timer});
    return VISOR_OK;
  }

  void connected(Done done, const TcpAddress& to, bool silent) {
    if (silent) return done.complete(Error{VISOR_ETIMEDOUT, to_url(to) + " did not answer in 10 s"});
    Listener* listener = network_.find_listener(machine_, to);
    if (!listener) return done.complete(Error{VISOR_ECLOSED, to_url(to) + " refused the connection"});
    TcpAddress from{machine_, network_.next_port()};
    auto [mine, theirs] = Endpoint::connect(network_, host(), from, listener->sockets->host(), to);
    network_.loop_.note(network_.loop_.now_ns());
    network_.loop_.note(bytes(std::string_view(to_text(to))));
    auto accept = listener->accept;
    accept(theirs);
    done.complete(VISOR_OK, static_cast<visor_stream*>(mine));
  }

  visor_status listen(visor_span url, void (*fn)(void* ctx, visor_stream*), void* ctx,
                      visor_handle** handle) override {
    auto address = parse_tcp_url(text(url));
    if (!address) return host().fail(address.error());
    if (!is_loopback(address->host) && !is_any(address->host) && address->host != machine_) {
      return host().fail(VISOR_EINVAL, to_url(*address) + " is no address of this machine, " + machine_);
    }
    if (address->port == 0) address->port = network_.next_port();
    TcpAddress key{machine_, address->port};
    if (network_.listeners_.contains(key)) {
      return host().fail(VISOR_EEXIST,
                         to_url(*address) + " is in use by another program; choose another port");
    }
    network_.listeners_.emplace(key, Listener{this, is_loopback(address->host),
                                              [fn, ctx](visor_stream* stream) { fn(ctx, stream); }});
    *handle = handles_.add(0, [this, key] { network_.listeners_.erase(key); }, to_url(*address));
    return VISOR_OK;
  }

  void cancel(void* done_ctx) override {
    auto at = std::ranges::find_if(attempts_, [&](const auto& row) { return row.second.done.is(done_ctx); });
    if (at == attempts_.end()) return;
    network_.loop_.cancel(at->second.timer);
    at->second.done.later(VISOR_ECANCELED);
    attempts_.erase(at);
  }

  SimNetwork& network_;
  const std::string machine_;
  Registrations<int> handles_;
  std::map<uint64_t, Attempt> attempts_;
  uint64_t last_attempt_ = 0;
};

Service SimNetwork::sockets(std::string machine) {
  return {VISOR_SOCKETS_1, "tcp",
          [this, machine = std::move(machine)](Host host) -> std::unique_ptr<ServiceObject> {
            return std::make_unique<Sockets>(host, *this, machine);
          }};
}

void SimNetwork::cut(const std::string& a, const std::string& b) {
  cuts_.insert(ordered(a, b));
  auto endpoints = endpoints_;
  for (Endpoint* end : endpoints) {
    if (ordered(end->machine(), end->peer_machine()) == ordered(a, b)) end->cut();
  }
}

void SimNetwork::heal(const std::string& a, const std::string& b) {
  cuts_.erase(ordered(a, b));
}

void SimNetwork::drop(const std::string& machine) {
  auto endpoints = endpoints_;
  for (Endpoint* end : endpoints) {
    if (end->machine() == machine) end->cut();
  }
}

void SimNetwork::set_silent(const std::string& machine, bool silent) {
  if (silent) {
    silent_.insert(machine);
  } else {
    silent_.erase(machine);
  }
}

uint64_t SimNetwork::latency_ms() {
  uint64_t spread = options_.latency_max_ms - options_.latency_min_ms + 1;
  uint64_t ms = options_.latency_min_ms + loop_.below(spread);
  const bool lost = options_.lost_per_million > 0 && loop_.below(1000000) < options_.lost_per_million;
  return lost ? ms + kSentAgainMs : ms;
}

uint16_t SimNetwork::next_port() {
  constexpr uint16_t kFirst = 32768;
  last_port_ = last_port_ < kFirst ? kFirst : static_cast<uint16_t>(last_port_ + 1);  // 65535 + 1 begins anew
  return last_port_;
}

bool SimNetwork::reachable(const std::string& from, const std::string& to) const {
  return !cuts_.contains(ordered(from, to));
}

SimNetwork::Listener* SimNetwork::find_listener(const std::string& from, const TcpAddress& to) {
  auto at = listeners_.find(to);
  if (at == listeners_.end() || (at->second.loopback && from != to.host)) return nullptr;
  return &at->second;
}

}  // namespace visor::kernel::sim
