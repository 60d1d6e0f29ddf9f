// Streams, handles, networks and sockets, watched.
#include "check/native/strict.hpp"
#include "kernel/address.hpp"

namespace visor::check {
namespace {

/* Writes may be refused this often before the writer has heard `ready`: another event may make it try again.
 */
constexpr int kPatience = 64;

class StrictStream final : public Object<visor_stream> {
 public:
  StrictStream(const Side& side, visor_stream* inner)
      : Object(side.host, &kApi), side_(side), inner_(inner), holding_(side, "a stream") {}

  void attach(const visor_stream_events* events, void* ctx) {
    if (!usable("attach")) return;
    events_ = events;
    ctx_ = ctx;
    Call call(*this, "attach");
    inner_->api->attach(inner_, events ? &kEvents : nullptr, events ? this : nullptr);
  }
  visor_status write(const visor_span* parts, size_t count) {
    if (!usable("write")) return VISOR_EINVAL;
    if (visor_status status = refuse(); status != VISOR_OK) return status;
    std::vector<Lent> lent;
    std::vector<visor_span> copies(parts, parts + count);
    for (visor_span& part : copies)
      part = lent.emplace_back(part, "the bytes given to a stream's write").span();
    Call call(*this, "write");
    visor_status status = inner_->api->write(inner_, copies.data(), copies.size());
    if (status == VISOR_EAGAIN) waiting_ = true;
    if (status == VISOR_OK) ++taken_;
    return status;
  }
  void pause(bool paused) {
    if (!usable("pause")) return;
    paused_ = paused;
    Call call(*this, "pause");
    inner_->api->pause(inner_, paused);
  }
  void end() {
    if (!usable("end")) return;
    Call call(*this, "end");
    inner_->api->end(inner_);
  }
  void close() {
    if (!usable("close")) return;
    holding_.release();
    bool last = !events_; /* nobody will hear of it: gone at once */
    Call call(*this, "close");
    visor_stream* inner = inner_;
    if (last) inner_ = nullptr;
    inner->api->close(inner);
  }
  const visor_addr* peer() { return usable("peer") ? inner_->api->peer(inner_) : nullptr; }
  visor_span origin() {
    if (!usable("origin")) return {};
    origin_ = Lent(inner_->api->origin(inner_), "what a stream's origin gave, after the next call of it");
    return origin_.span();
  }

 private:
  /* While a call on the stream lasts, it must run no event. */
  struct Call {
    Call(StrictStream& s, const char* name) : stream(s), before(std::exchange(s.in_call_, name)) {}
    ~Call() { stream.in_call_ = before; }
    StrictStream& stream;
    const char* before;
  };
  bool usable(const char* call) {
    if (!side_.called(std::string("a stream's ") + call)) return false;
    if (inner_) return true;
    side_.blame_user(Rule::kMisuse, std::string("called ") + call + " on a stream after its `closed`");
    return false;
  }
  /* Pressure: as if the queue were full. */
  visor_status refuse() {
    if (refusing_) {
      if (++refused_ == kPatience) {
        side_.blame_user(Rule::kPressure,
                         "wrote " + std::to_string(kPatience) +
                             " times to a stream that had answered VISOR_EAGAIN; wait for `ready`");
      }
    } else if (side_.ledger.pressure && side_.subject_uses() && events_ && taken_ > 0 &&
               side_.ledger.below(4) == 0) {
      refusing_ = true;
      refused_ = 1;
      side_.ledger.after(1 + side_.ledger.below(20), [this] {
        refusing_ = false;
        if (inner_ && events_ && events_->ready) events_->ready(ctx_, this);
      });
    }
    return refusing_ ? side_.host.fail(VISOR_EAGAIN, "the stream is full; go on when ready") : VISOR_OK;
  }
  bool expected(const char* event) {
    if (in_call_) {
      side_.blame_provider(Rule::kEvents, std::string("a stream's `") + event + "` ran inside " + in_call_ +
                                              "; events run later, from the loop");
    }
    if (!side_.ledger.on_loop_thread()) {
      side_.blame_provider(Rule::kThread,
                           std::string("a stream's `") + event + "` ran on another thread than the loop's");
    }
    if (closed_) {
      side_.blame_provider(Rule::kEvents,
                           std::string("a stream's `") + event + "` ran after `closed`, which is the last");
      return false;
    }
    return events_ != nullptr;
  }
  static void on_data(void* ctx, visor_stream*, visor_span data) {
    auto& self = *static_cast<StrictStream*>(ctx);
    if (!self.expected("data")) return;
    if (self.paused_) self.side_.blame_provider(Rule::kPressure, "a stream's `data` ran while it was paused");
    if (self.peer_ended_)
      self.side_.blame_provider(Rule::kEvents, "a stream's `data` ran after the one of size 0");
    self.peer_ended_ |= data.size == 0;
    if (!self.events_->data) return;
    Lent lent(data, "the bytes that a stream's `data` was given");
    self.events_->data(self.ctx_, &self, lent.span());
  }
  static void on_ready(void* ctx, visor_stream*) {
    auto& self = *static_cast<StrictStream*>(ctx);
    if (!self.expected("ready")) return;
    if (!std::exchange(self.waiting_, false)) {
      self.side_.blame_provider(Rule::kPressure, "a stream's `ready` ran although no write had been refused");
    }
    if (!self.refusing_ && self.events_->ready) self.events_->ready(self.ctx_, &self);
  }
  static void on_closed(void* ctx, visor_stream*, visor_status status) {
    auto& self = *static_cast<StrictStream*>(ctx);
    bool heard = self.expected("closed");
    if (self.closed_) return;
    self.closed_ = true;
    self.inner_ = nullptr;
    self.holding_.release();
    const visor_stream_events* events = std::exchange(self.events_, nullptr);
    if (heard && events->closed) events->closed(self.ctx_, &self, status);
  }
  static constexpr visor_stream_events kEvents = {sizeof(visor_stream_events), 0, &StrictStream::on_data,
                                                  &StrictStream::on_ready, &StrictStream::on_closed};
  static const visor_stream_api kApi;

  Side side_;
  visor_stream* inner_;
  const visor_stream_events* events_ = nullptr;
  void* ctx_ = nullptr;
  const char* in_call_ = nullptr;
  Lent origin_;
  size_t taken_ = 0;
  int refused_ = 0;
  bool refusing_ = false, waiting_ = false, paused_ = false, peer_ended_ = false, closed_ = false;
  Holding holding_;
};

const visor_stream_api StrictStream::kApi = {sizeof(visor_stream_api),     0,
                                             thunk<&StrictStream::attach>, thunk<&StrictStream::write>,
                                             thunk<&StrictStream::pause>,  thunk<&StrictStream::end>,
                                             thunk<&StrictStream::close>,  thunk<&StrictStream::peer>,
                                             thunk<&StrictStream::origin>};

/* What a handle keeps alive for the callback that it ends. */
class StrictHandle final : public Object<visor_handle> {
 public:
  StrictHandle(const Side& side, visor_handle* inner, std::string what)
      : Object(side.host, &kApi), side_(side), inner_(inner), what_(std::move(what)), holding_(side, what_) {}
  void close() {
    if (!side_.called("a handle's close")) return;
    if (!inner_) return side_.blame_user(Rule::kMisuse, "closed the handle of " + what_ + " twice");
    visor_handle* inner = std::exchange(inner_, nullptr);
    holding_.release();
    if (closed) closed();
    inner->api->close(inner);
  }
  visor_span address() {
    if (!inner_) {
      side_.blame_user(Rule::kMisuse, "asked the closed handle of " + what_ + " for its address");
      return {};
    }
    address_ = Lent(inner_->api->address(inner_), "the address that a handle gave");
    return address_.span();
  }
  bool open() const { return inner_ != nullptr; }
  std::function<void()> closed;

 private:
  static constexpr visor_handle_api kApi = {sizeof(visor_handle_api), 0, thunk<&StrictHandle::close>,
                                            thunk<&StrictHandle::address>};
  Side side_;
  visor_handle* inner_;
  const std::string what_;
  Lent address_;
  Holding holding_;
};

/* A listener's callback: what it hands over is watched too. */
struct Acceptor {
  Side side;
  void (*fn)(void*, visor_stream*);
  void* ctx;
  StrictHandle* handle = nullptr;
  bool in_listen = true;
  static void accept(void* raw, visor_stream* stream) {
    auto& self = *static_cast<Acceptor*>(raw);
    if (self.in_listen) self.side.blame_provider(Rule::kEvents, "a listener's callback ran inside listen");
    if (self.handle && !self.handle->open()) {
      self.side.blame_provider(Rule::kEvents, "a listener's callback ran after its handle was closed");
      return stream->api->close(stream);
    }
    self.fn(self.ctx, strict_stream(self.side, stream));
  }
};

template <class Listen>
visor_status listen_through(const Side& side, std::string what, void (*fn)(void*, visor_stream*), void* ctx,
                            visor_handle** out, Listen&& listen) {
  auto* acceptor = side.ledger.keep(std::make_unique<Acceptor>(Acceptor{side, fn, ctx}));
  visor_handle* made = nullptr;
  visor_status status = listen(&Acceptor::accept, acceptor, &made);
  acceptor->in_listen = false;
  if (status != VISOR_OK) return status;
  acceptor->handle = side.ledger.keep(std::make_unique<StrictHandle>(side, made, std::move(what)));
  *out = acceptor->handle;
  return VISOR_OK;
}

template <class Inner>
void cancel_through(const Side& side, Inner* inner, void* done_ctx) {
  Promise* promise = side.ledger.find_promise(done_ctx);
  if (!promise) return inner->api->cancel(inner, done_ctx); /* gone already: harmless */
  promise->set_canceling(true);
  inner->api->cancel(inner, promise->done().ctx);
  promise->set_canceling(false);
}

class StrictNet final : public NetProvider {
 public:
  StrictNet(const Side& side, visor_net* inner) : NetProvider(side.host), side_(side), inner_(inner) {}
  visor_status dial(const visor_addr* to, visor_done done) override {
    if (!side_.called("dial")) return VISOR_EINVAL;
    Promise& promise =
        side_.ledger.promise(side_.host, side_.provider, side_.user, done, "dial", [this](void* stream) {
          return stream ? strict_stream(side_, static_cast<visor_stream*>(stream)) : nullptr;
        });
    Lent lent(visor_bytes(to, sizeof *to), "the address given to dial");
    return promise.returned(
        inner_->api->dial(inner_, static_cast<const visor_addr*>(lent.span().data), promise.done()));
  }
  visor_status listen(uint16_t port, void (*fn)(void*, visor_stream*), void* ctx,
                      visor_handle** out) override {
    if (!side_.called("listen")) return VISOR_EINVAL;
    return listen_through(side_, "the listener of port " + std::to_string(port), fn, ctx, out,
                          [&](auto accept, void* acceptor, visor_handle** made) {
                            return inner_->api->listen(inner_, port, accept, acceptor, made);
                          });
  }
  void cancel(void* done_ctx) override {
    if (!side_.called("cancel of a dial")) return;
    cancel_through(side_, inner_, done_ctx);
  }

 private:
  Side side_;
  visor_net* inner_;
};

class StrictSockets final : public SocketsProvider {
 public:
  StrictSockets(const Side& side, visor_sockets* inner)
      : SocketsProvider(side.host, inner->api->caps), side_(side), inner_(inner) {}
  visor_status connect(visor_span url, visor_done done) override {
    if (!side_.called("connect")) return VISOR_EINVAL;
    Promise& promise =
        side_.ledger.promise(side_.host, side_.provider, side_.user, done, "connect", [this](void* stream) {
          return stream ? strict_stream(side_, static_cast<visor_stream*>(stream)) : nullptr;
        });
    Lent lent(url, "the address given to connect");
    return promise.returned(inner_->api->connect(inner_, lent.span(), promise.done()));
  }
  visor_status listen(visor_span url, void (*fn)(void*, visor_stream*), void* ctx,
                      visor_handle** out) override {
    if (!side_.called("listen")) return VISOR_EINVAL;
    Lent lent(url, "the address given to listen");
    visor_status status =
        listen_through(side_, "the listener of " + std::string(text(url)), fn, ctx, out,
                       [&](auto accept, void* acceptor, visor_handle** made) {
                         return inner_->api->listen(inner_, lent.span(), accept, acceptor, made);
                       });
    if (status == VISOR_OK && side_.user) note_listener(static_cast<StrictHandle*>(*out));
    return status;
  }
  void cancel(void* done_ctx) override {
    if (!side_.called("cancel of a connect")) return;
    cancel_through(side_, inner_, done_ctx);
  }

 private:
  void note_listener(StrictHandle* handle) {
    auto address = kernel::parse_tcp_url(text(handle->address()));
    if (!address) return;
    const std::string& machine = side_.user->machine;
    std::string url = "tcp://" + machine + ":" + std::to_string(address->port);
    side_.ledger.set_listening(machine, url, true);
    handle->closed = [&ledger = side_.ledger, machine, url] { ledger.set_listening(machine, url, false); };
  }
  Side side_;
  visor_sockets* inner_;
};

}  // namespace

visor_stream* strict_stream(const Side& side, visor_stream* stream) {
  return side.ledger.keep(std::make_unique<StrictStream>(side, stream));
}
visor_handle* strict_handle(const Side& side, visor_handle* handle, std::string what) {
  return side.ledger.keep(std::make_unique<StrictHandle>(side, handle, std::move(what)));
}
visor_net* strict_net(const Side& side, visor_net* net) {
  return side.ledger.keep(std::make_unique<StrictNet>(side, net));
}
visor_sockets* strict_sockets(const Side& side, visor_sockets* sockets) {
  return side.ledger.keep(std::make_unique<StrictSockets>(side, sockets));
}

}  // namespace visor::check
