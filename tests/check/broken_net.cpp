// A network over plain TCP, and variants of it that break one promise of net.h each (VISOR_CHECK_DEFECT=...).
// A stream begins with the dialer's key, the dialled key and the port, 68 bytes, which the listener answers
// with one; nothing is authenticated.
#include <visor/plugin.hpp>

#include <cstdlib>
#include <list>
#include <map>
#include <optional>
#include <set>

namespace {

using visor::Bytes;
using visor::ByteView;
using visor::Done;
using visor::Error;
using visor::Host;
using visor::Stream;

/* The one rule that this process's copy breaks, named by the environment. */
bool is(std::string_view defect) {
  static const char* chosen = std::getenv("VISOR_CHECK_DEFECT");
  return chosen && defect == chosen;
}

constexpr uint16_t kTcpPort = 7000;
constexpr size_t kHeader = 2 * sizeof(visor_key) + 2;

/* A TCP stream past its header, with a peer.  Takes over from the glue what takes_large needs to do wrong. */
class Carried final : public visor::StreamProvider {
 public:
  Carried(Host host, Stream tcp, const visor_addr& peer, Bytes early)
      : StreamProvider(host), tcp_(std::move(tcp)), peer_(peer), early_(std::move(early)) {
    all().insert(this);
    if (is("takes_large")) {
      table_ = *glue_;
      table_.write = [](visor_stream* stream, const visor_span* parts, size_t count) -> visor_status {
        bool large = count == 1 && parts[0].size > 1u << 20;
        return large ? VISOR_OK : static_cast<Carried*>(stream)->glue_->write(stream, parts, count);
      };
      this->api = &table_;
    }
    if (is("wrong_peer")) peer_.port = 1;
    tcp_.attach({.data = [this](ByteView data) { take(data); },
                 .end =
                     [this] {
                       over_ = true;
                       drain();
                     },
                 .ready =
                     [this] {
                       if (!is("never_ready")) deliver_ready();
                     },
                 .closed =
                     [this](const Error& error) {
                       finish(is("closes_fine") ? VISOR_OK : error.status, error.text);
                     }});
    tcp_.pause(true);
  }
  ~Carried() override { all().erase(this); }

 protected:
  visor_status on_write(std::span<const visor_span> parts) override {
    if (is("takes_everything")) {
      for (const visor_span& part : parts) {
        if (tcp_.write({&part, 1}) != VISOR_OK) lost_ += part.size;
      }
      return VISOR_OK;
    }
    if (is("echoes_in_call")) deliver(visor::bytes(parts[0]));
    if (is("keeps_parts")) {
      if (kept_.size > 0) lost_ += static_cast<const uint8_t*>(kept_.data)[0];
      kept_ = parts[0];
    }
    return tcp_.write(parts);
  }
  void on_flow(bool flowing) override {
    if (!is("ignores_pause")) tcp_.pause(!flowing);
    if (flowing) tasks().post([this] { drain(); });
  }
  void on_end() override {
    if (!is("ends_both")) return tcp_.end();
    tcp_.close();
    finish(VISOR_OK);
  }
  void on_close() override {
    tcp_.close();
    if (!is("closes_others")) return;
    for (Carried* other : all()) {
      if (other == this || other->finished()) continue;
      other->tcp_.close();
      other->finish(VISOR_ECLOSED, "another stream was closed");
    }
  }
  const visor_addr* on_peer() override { return &peer_; }

 private:
  /* Of every instance in the process. */
  static std::set<Carried*>& all() {
    static std::set<Carried*> carried;
    return carried;
  }
  void take(ByteView data) {
    if (is("swaps_bytes") && data.size() > 1000) {
      Bytes wrong(data.rbegin(), data.rend());
      return deliver(wrong);
    }
    if (is("ignores_pause")) {
      early_.insert(early_.end(), data.begin(), data.end());
      return drain();
    }
    early_.insert(early_.end(), data.begin(), data.end());
    drain();
  }
  void drain() {
    if (!early_.empty() && flowing()) {
      Bytes now = std::exchange(early_, {});
      deliver(now);
    }
    if (over_ && early_.empty() && flowing()) {
      over_ = false;
      deliver_end();
    }
  }
  const visor_stream_api* const glue_ = this->api;
  visor_stream_api table_{};
  Stream tcp_;
  visor_addr peer_;
  Bytes early_;
  visor_span kept_{};
  size_t lost_ = 0;
  bool over_ = false;
};

class Net final : public visor::NetProvider {
 public:
  Net(Host host, std::string peer_machine, const visor_key& own)
      : NetProvider(host), peer_machine_(std::move(peer_machine)), own_(own), handles_(host) {}

  visor_status dial(const visor_addr* to, visor_done raw) override {
    if (peer_machine_.empty()) return host().fail(VISOR_ENOENT, "no peer is configured");
    auto* sockets = host().find<visor_sockets>(VISOR_SOCKETS_1);
    std::string url = "tcp://" + peer_machine_ + ":" + std::to_string(kTcpPort);
    Dial& dial = dials_.emplace_back(Dial{*to, Done(host(), raw), {}, {}, {}});
    auto at = std::prev(dials_.end());
    dial.timeout = visor::Timer::once(host(), 5000, [this, at] {
      if (!is("dials_for_ever")) end(at, Error{VISOR_ETIMEDOUT, "nobody answered in 5 s"});
    });
    return dial.connecting.start(
        [&](visor_done done) {
          return sockets->api->connect(sockets, visor::to_span(std::string_view(url)), done);
        },
        [this, at](visor_status status, visor_stream* stream) { connected(at, status, stream); },
        [sockets](void* ctx) { sockets->api->cancel(sockets, ctx); });
  }
  visor_status listen(uint16_t port, void (*fn)(void*, visor_stream*), void* ctx,
                      visor_handle** handle) override {
    if (listeners_.contains(port) && !is("shares_ports")) {
      return host().fail(VISOR_EEXIST, "somebody listens on that port");
    }
    listeners_[port] = [fn, ctx](visor_stream* stream) { fn(ctx, stream); };
    *handle = handles_.add(0, [this, port] {
      if (!is("keeps_ports")) listeners_.erase(port);
    });
    return VISOR_OK;
  }
  void cancel(void* done_ctx) override {
    for (auto at = dials_.begin(); at != dials_.end(); ++at) {
      if (!at->done.is(done_ctx) || is("cannot_cancel")) continue;
      if (is("cancels_in_call")) at->done.complete(VISOR_ECANCELED);
      at->done.later(VISOR_ECANCELED);
      dials_.erase(at);
      return;
    }
  }
  std::function<void()> on_rubbish; /* after something that was not for it */
  /* A connection came in. */
  void accept(visor_stream* tcp) {
    auto at = greetings_.emplace(greetings_.end());
    at->tcp = Stream(host(), tcp);
    at->tcp.attach({.data =
                        [this, at](ByteView data) {
                          at->header.insert(at->header.end(), data.begin(), data.end());
                          if (at->header.size() >= kHeader) greeted(at);
                        },
                    .end = {},
                    .ready = {},
                    .closed = [this, at](const Error&) { greetings_.erase(at); }});
  }

 private:
  struct Dial {
    visor_addr to;
    Done done;
    visor::Request<visor_stream> connecting;
    Stream tcp;
    visor::Timer timeout;
  };
  struct Greeting {
    Stream tcp;
    Bytes header;
  };
  using Dials = std::list<Dial>;

  void connected(Dials::iterator at, visor_status status, visor_stream* stream) {
    if (status != VISOR_OK) return end(at, host().error(status));
    at->tcp = Stream(host(), stream);
    at->tcp.attach({.data = [this, at](ByteView data) { answered(at, data); },
                    .end = [this, at] { end(at, Error{VISOR_ECLOSED, "nobody listens there"}); },
                    .ready = {},
                    .closed = [this, at](const Error& error) { end(at, error); }});
    Bytes header(own_.bytes, own_.bytes + sizeof own_.bytes);
    header.insert(header.end(), at->to.key.bytes, at->to.key.bytes + sizeof at->to.key.bytes);
    header.push_back(static_cast<uint8_t>(at->to.port >> 8));
    header.push_back(static_cast<uint8_t>(at->to.port));
    (void)at->tcp.write(header);
  }
  void answered(Dials::iterator at, ByteView data) {
    visor_stream* raw = at->tcp.release();
    Done done = std::move(at->done);
    visor_addr to = at->to;
    dials_.erase(at);
    Bytes early(data.begin() + 1, data.end());
    done.complete(VISOR_OK,
                  static_cast<visor_stream*>(new Carried(host(), Stream(host(), raw), to, std::move(early))));
  }
  void end(Dials::iterator at, const Error& error) {
    Done done = std::move(at->done);
    dials_.erase(at);
    done.later(is("fails_silently") ? Error{error.status, ""} : error);
  }
  void greeted(std::list<Greeting>::iterator at) {
    visor_addr from{};
    std::copy_n(at->header.begin(), sizeof from.key.bytes, from.key.bytes);
    auto port = static_cast<uint16_t>(at->header[kHeader - 2] << 8 | at->header[kHeader - 1]);
    Bytes early(at->header.begin() + kHeader, at->header.end());
    auto listener = listeners_.find(port);
    bool mine =
        std::equal(own_.bytes, own_.bytes + sizeof own_.bytes, at->header.begin() + sizeof(visor_key));
    if (!mine && on_rubbish) on_rubbish();
    if (!mine || listener == listeners_.end()) return void(greetings_.erase(at));
    uint8_t yes = 1;
    (void)at->tcp.write(ByteView(&yes, 1));
    visor_stream* raw = at->tcp.release();
    greetings_.erase(at);
    auto fn = listener->second;
    fn(new Carried(host(), Stream(host(), raw), from, std::move(early)));
  }

  const std::string peer_machine_;
  const visor_key own_;
  visor::Registrations<int> handles_;
  std::map<uint16_t, std::function<void(visor_stream*)>> listeners_;
  Dials dials_;
  std::list<Greeting> greetings_;
};

class Plugin final : public visor::Instance {
 public:
  using Instance::Instance;
  void start(Started started) override {
    std::string config(host().config());
    auto from = config.find("\"peer\":\"");
    std::string peer =
        from == config.npos ? "" : config.substr(from + 8, config.find('"', from + 8) - from - 8);
    auto* identity = host().find<visor_identity>(VISOR_IDENTITY_1);
    net_.emplace(host(), peer, *identity->api->key(identity));
    auto* sockets = host().find<visor_sockets>(VISOR_SOCKETS_1);
    std::string url = "tcp://0.0.0.0:" + std::to_string(kTcpPort);
    if (is("gives_up_on_rubbish")) net_->on_rubbish = [this] { listener_.close(); };
    auto heard = listener_.listen(host(), sockets, url, [this](visor_stream* tcp) { net_->accept(tcp); });
    if (!heard) return started(heard);
    started(host().offer(VISOR_NET_1, "plain", static_cast<visor_net*>(&*net_)));
  }
  void stop(Stopped stopped) override {
    host().withdraw(static_cast<visor_net*>(&*net_));
    listener_.close();
    net_.reset();
    stopped();
  }

 private:
  std::optional<Net> net_;
  visor::Listener listener_;
};

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_SOCKETS_1, nullptr};
constexpr const char* kOffers[] = {VISOR_NET_1, nullptr};

}  // namespace

VISOR_PLUGIN(broken_net) = {
    VISOR_PLUGIN_HEAD,
    .name = "broken_net",
    .version = "1.0.0",
    .summary = "A network for the tests of visor check",
    .license = "MIT",
    .schema = R"({"type":"object","additionalProperties":false,"properties":{"peer":{"type":"string"}}})",
    .needs = kNeeds,
    .offers = kOffers,
    .commands = nullptr,
    .command_count = 0,
    .command_size = sizeof(visor_command),
    .start = visor::start<Plugin>,
    .stop = visor::stop<Plugin>,
    .configure = nullptr,
};
