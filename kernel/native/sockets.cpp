#include "kernel/native/sockets.hpp"

#include <algorithm>
#include <list>
#include <visor/net.hpp>

#include "kernel/address.hpp"
#include "kernel/native/tcp_stream.hpp"
#include "kernel/native/uv_error.hpp"

namespace visor::kernel::native {
namespace {

bool parse_number(const TcpAddress& address, sockaddr_storage& out) {
  const char* host = address.host == "localhost" ? "127.0.0.1" : address.host.c_str();
  return uv_ip4_addr(host, address.port, reinterpret_cast<sockaddr_in*>(&out)) == 0 ||
         uv_ip6_addr(host, address.port, reinterpret_cast<sockaddr_in6*>(&out)) == 0;
}

class Sockets final : public SocketsProvider, public ServiceObject {
 public:
  Sockets(Host host, UvLoop& loop, SocketLimits limits)
      : SocketsProvider(host, VISOR_SOCKETS_TCP | VISOR_SOCKETS_LISTEN),
        loop_(loop),
        limits_(limits),
        shared_(loop),
        handles_(host) {}
  ~Sockets() override;

  void* object() override { return static_cast<visor_sockets*>(this); }
  std::string status() const override;

 private:
  /* A connect under way: name to numbers, then one number after another. */
  struct Attempt {
    Attempt(Sockets& s, visor_done d, TcpAddress a) : sockets(s), done(s.host(), d), address(std::move(a)) {}
    Sockets& sockets;
    Done done;
    TcpAddress address;
    std::vector<sockaddr_storage> numbers;
    size_t next = 0;
    int error = 0; /* of the latest number */
    uint64_t timer = 0;
    TcpHandle* handle = nullptr;
    Attempt** asked = nullptr; /* where the resolver's answer looks for this; null: no question is open */
  };
  struct Listener {
    uv_tcp_t tcp;
    Sockets* sockets;
    void (*fn)(void* ctx, visor_stream*);
    void* ctx;
  };

  visor_status connect(visor_span url, visor_done done) override;
  visor_status listen(visor_span url, void (*fn)(void* ctx, visor_stream*), void* ctx,
                      visor_handle** handle) override;
  void cancel(void* done_ctx) override;

  int resolve(Attempt& attempt);
  void resolved(Attempt& attempt, int error, const addrinfo* list);
  void try_next(Attempt& attempt);
  void tried(Attempt& attempt, int error);
  void end_attempt(Attempt& attempt);
  void fail_attempt(Attempt& attempt, visor_status status, const std::string& why);
  void accept(Listener& listener, int error);
  void close_listener(Listener* listener);

  UvLoop& loop_;
  SocketLimits limits_;
  TcpShared shared_;
  Registrations<Listener*> handles_;
  std::list<Attempt> attempts_;
  std::vector<Listener*> listeners_;
  size_t refused_ = 0;
};

Sockets::~Sockets() {
  for (Listener* listener : std::exchange(listeners_, {})) close_listener(listener);
  while (!attempts_.empty()) end_attempt(attempts_.front());
  auto streams = shared_.streams;
  for (TcpStream* stream : streams) delete stream;
}

std::string Sockets::status() const {
  size_t queued = 0;
  for (const TcpStream* stream : shared_.streams) queued += stream->queued_bytes();
  auto number = [](const char* name, uint64_t value) {
    return "\"" + std::string(name) + "\":" + std::to_string(value);
  };
  return "{" + number("streams", shared_.streams.size()) + "," + number("streams_limit", limits_.streams) +
         "," + number("accepted_limit", limits_.accepted) + "," + number("refused", refused_) + "," +
         number("listeners", listeners_.size()) + "," + number("connecting", attempts_.size()) + "," +
         number("connecting_limit", limits_.connecting) + "," + number("queued_bytes", queued) + "," +
         number("queued_bytes_limit_each", TcpStream::kMaxQueuedBytes) + "," +
         number("received_bytes", shared_.received_bytes) + "," + number("sent_bytes", shared_.sent_bytes) +
         "}";
}

// --- connect
// ------------------------------------------------------------------------------------------------------

visor_status Sockets::connect(visor_span url, visor_done done) {
  auto address = parse_tcp_url(text(url));
  if (!address) return host().fail(address.error());
  if (attempts_.size() >= limits_.connecting || shared_.streams.size() >= limits_.streams) {
    return host().fail(VISOR_EAGAIN, "too many connections are open; close some before " + to_url(*address));
  }
  Attempt& attempt = attempts_.emplace_back(*this, done, std::move(*address));
  attempt.timer = loop_.timer(kConnectTimeoutMs, 0, [this, &attempt] {
    fail_attempt(attempt, VISOR_ETIMEDOUT,
                 "did not answer in " + std::to_string(kConnectTimeoutMs / 1000) + " s");
  });
  sockaddr_storage number{};
  if (parse_number(attempt.address, number)) {
    attempt.numbers.push_back(number);
    try_next(attempt);
  } else if (int error = resolve(attempt)) {
    fail_attempt(attempt, status_of(error), uv_strerror(error));
  }
  return VISOR_OK;
}

int Sockets::resolve(Attempt& attempt) {
  struct Question {
    uv_getaddrinfo_t request;
    Attempt* attempt; /* null: nobody waits any more */
  };
  auto* question = new Question{{}, &attempt};
  question->request.data = question;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  auto answered = [](uv_getaddrinfo_t* request, int error, addrinfo* list) {
    std::unique_ptr<Question> owned(static_cast<Question*>(request->data));
    if (Attempt* waiting = owned->attempt) waiting->sockets.resolved(*waiting, error, list);
    uv_freeaddrinfo(list);
  };
  int error = uv_getaddrinfo(loop_.uv(), &question->request, answered, attempt.address.host.c_str(),
                             std::to_string(attempt.address.port).c_str(), &hints);
  if (error) {
    delete question;
  } else {
    attempt.asked = &question->attempt;
  }
  return error;
}

void Sockets::resolved(Attempt& attempt, int error, const addrinfo* list) {
  attempt.asked = nullptr;
  constexpr size_t kMaxNumbers = 8;
  for (; list && attempt.numbers.size() < kMaxNumbers; list = list->ai_next) {
    if (list->ai_addrlen > sizeof(sockaddr_storage)) continue;
    sockaddr_storage& number = attempt.numbers.emplace_back();
    std::memcpy(&number, list->ai_addr, list->ai_addrlen);
  }
  if (attempt.numbers.empty()) {
    return fail_attempt(
        attempt, status_of(error ? error : UV_EAI_NONAME),
        "the name cannot be resolved: " + std::string(uv_strerror(error ? error : UV_EAI_NONAME)));
  }
  try_next(attempt);
}

void Sockets::try_next(Attempt& attempt) {
  while (attempt.next < attempt.numbers.size()) {
    const sockaddr_storage& number = attempt.numbers[attempt.next++];
    attempt.handle = TcpHandle::make(loop_);
    attempt.handle->user = &attempt;
    auto connected = [](uv_connect_t* request, int error) {
      auto* waiting = static_cast<Attempt*>(static_cast<TcpHandle*>(request->handle->data)->user);
      if (waiting) waiting->sockets.tried(*waiting, error);
    };
    attempt.error = uv_tcp_connect(&attempt.handle->connect, &attempt.handle->tcp,
                                   reinterpret_cast<const sockaddr*>(&number), connected);
    if (attempt.error == 0) return;
    std::exchange(attempt.handle, nullptr)->close();
  }
  fail_attempt(attempt, status_of(attempt.error), uv_strerror(attempt.error));
}

void Sockets::tried(Attempt& attempt, int error) {
  TcpHandle* handle = std::exchange(attempt.handle, nullptr);
  if (error) {
    attempt.error = error;
    handle->close();
    return try_next(attempt);
  }
  auto* stream = new TcpStream(host(), shared_, handle);
  Done done = std::move(attempt.done);
  end_attempt(attempt);
  done.complete(VISOR_OK, static_cast<visor_stream*>(stream));
}

void Sockets::fail_attempt(Attempt& attempt, visor_status status, const std::string& why) {
  attempt.done.later(Error{status, to_url(attempt.address) + ": " + why});
  end_attempt(attempt);
}

void Sockets::end_attempt(Attempt& attempt) {
  loop_.cancel(attempt.timer);
  if (attempt.handle) attempt.handle->close();
  if (attempt.asked) *attempt.asked = nullptr;
  attempts_.remove_if([&](const Attempt& known) { return &known == &attempt; });
}

void Sockets::cancel(void* done_ctx) {
  auto at =
      std::ranges::find_if(attempts_, [&](const Attempt& attempt) { return attempt.done.is(done_ctx); });
  if (at != attempts_.end()) end_attempt(*at); /* an unanswered Done completes with VISOR_ECANCELED */
}

// --- listen
// -------------------------------------------------------------------------------------------------------

visor_status Sockets::listen(visor_span url, void (*fn)(void* ctx, visor_stream*), void* ctx,
                             visor_handle** handle) {
  auto address = parse_tcp_url(text(url));
  if (!address) return host().fail(address.error());
  sockaddr_storage number{};
  if (!parse_number(*address, number)) {
    return host().fail(
        VISOR_EINVAL,
        to_url(*address) +
            ": a program listens on a number, not on a name; use 127.0.0.1, or 0.0.0.0 for everywhere");
  }
  auto* listener = new Listener{{}, this, fn, ctx};
  uv_tcp_init(loop_.uv(), &listener->tcp);
  listener->tcp.data = listener;
  int error = uv_tcp_bind(&listener->tcp, reinterpret_cast<const sockaddr*>(&number), 0);
  if (!error) {
    error =
        uv_listen(reinterpret_cast<uv_stream_t*>(&listener->tcp), SOMAXCONN, [](uv_stream_t* s, int status) {
          auto* self = static_cast<Listener*>(s->data);
          self->sockets->accept(*self, status);
        });
  }
  if (error) {
    close_listener(listener);
    if (error == UV_EADDRINUSE) {
      return host().fail(
          VISOR_EEXIST,
          to_url(*address) +
              " is in use by another program; choose another with \"listen\" in the configuration");
    }
    return host().fail(uv_failure(error, "listening on " + to_url(*address)));
  }
  sockaddr_storage bound{};
  int size = sizeof bound;
  uv_tcp_getsockname(&listener->tcp, reinterpret_cast<sockaddr*>(&bound), &size);
  listeners_.push_back(listener);
  *handle = handles_.add(
      listener,
      [this, listener] {
        if (std::erase(listeners_, listener) > 0) close_listener(listener);
      },
      "tcp://" + address_text(bound));
  return VISOR_OK;
}

void Sockets::close_listener(Listener* listener) {
  uv_close(reinterpret_cast<uv_handle_t*>(&listener->tcp),
           [](uv_handle_t* h) { delete static_cast<Listener*>(h->data); });
}

void Sockets::accept(Listener& listener, int error) {
  if (error) {
    ++refused_;
    return host().warn(std::string("a connection could not be accepted: ") + uv_strerror(error));
  }
  TcpHandle* handle = TcpHandle::make(loop_);
  if (uv_accept(reinterpret_cast<uv_stream_t*>(&listener.tcp), handle->stream()) != 0 ||
      shared_.streams.size() >= limits_.accepted) {
    ++refused_;
    return handle->close();
  }
  listener.fn(listener.ctx, new TcpStream(host(), shared_, handle));
}

}  // namespace

Service sockets(UvLoop& loop, SocketLimits limits) {
  return {VISOR_SOCKETS_1, "tcp", [&loop, limits](Host host) -> std::unique_ptr<ServiceObject> {
            return std::make_unique<Sockets>(host, loop, limits);
          }};
}

}  // namespace visor::kernel::native
