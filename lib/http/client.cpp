#include "lib/http/client.hpp"

#include "lib/http/deadline.hpp"
#include "lib/http/outbox.hpp"

namespace visor::http {
namespace {

Result<std::string> write_request(const ClientRequest& request, const Url& url) {
  const std::string host = request.host.empty() ? url.authority() : request.host;
  std::string out = request.method + " " + url.path + " HTTP/1.1\r\nHost: " + host + "\r\n";
  if (!valid_header("host", host)) return failure(VISOR_EINVAL, "the host must be one line");
  if (!valid_header(request.method, {})) return failure(VISOR_EINVAL, "the method must be one word");
  for (const auto& [name, value] : request.headers) {
    if (!valid_header(name, value)) return failure(VISOR_EINVAL, "\"" + name + "\" is not a legal header");
    out += name + ": " + value + "\r\n";
  }
  bool with_length = !request.body.empty() || (request.method != "GET" && request.method != "HEAD");
  if (with_length) out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  out += "Connection: close\r\n\r\n";
  out += request.body;
  return out;
}

Error broken(const ParseError& error, const std::string& from) {
  return {VISOR_EPROTO, "the answer of " + from + " cannot be read: " + error.text};
}

}  // namespace

struct ClientCall::State : std::enable_shared_from_this<State> {
  State(Host h, const ClientRequest& r, Url u, std::string text, Events e)
      : host(h),
        outbox(stream),
        deadline(h, [this] { expired(); }),
        parser({r.max_header_bytes, r.max_body_bytes}, r.method == "HEAD"),
        limits{r.max_header_bytes, r.max_body_bytes},
        events(std::move(e)),
        where(u.authority()),
        timeout_ms(r.timeout_ms),
        idle_timeout_ms(r.idle_timeout_ms),
        head_only(r.method == "HEAD"),
        url(std::move(u)) {
    outbox.append(text);
    if (timeout_ms) deadline.set(timeout_ms);
  }

  Result<void> connect(visor_sockets* sockets) {
    std::string to = url.socket();
    visor_status status = connecting.start(
        [&](visor_done done) { return sockets->api->connect(sockets, to_span(std::string_view(to)), done); },
        [this](visor_status result, visor_stream* connection) {
          if (result != VISOR_OK) return finish(std::unexpected(host.error(result)));
          use(connection);
        },
        [sockets](void* ctx) { sockets->api->cancel(sockets, ctx); });
    if (status != VISOR_OK) return std::unexpected(host.error(status));
    return {};
  }

  void use(visor_stream* connection) {
    stream = Stream(host, connection);
    stream.attach({.data = [this](ByteView data) { receive(data); },
                   .end = [this] { ended(); },
                   .ready = [this] { (void)outbox.flush(); },
                   .closed =
                       [this](const Error& error) {
                         if (error.status == VISOR_OK) return ended();
                         finish(std::unexpected(error));
                       }});
    stream.pause(paused);
    (void)outbox.flush();
  }

  void receive(ByteView data) {
    auto keep = shared_from_this();
    input += text(data);
    while (!over && !input.empty()) {
      auto used = parser.put(input);
      if (!used) return finish(std::unexpected(broken(used.error(), where)));
      input.erase(0, *used);
      if (interim()) continue;
      progress();
      if (parser.done()) return finish({});
      break; /* the parser is eager: what it left, it wants with more */
    }
  }

  /* 100 Continue and its like come before the answer. */
  bool interim() {
    int32_t status = parser.header_done() ? parser.head().status : 200;
    if (status >= 200 || status == 101 || !parser.done()) return false;
    parser = ResponseParser(limits, head_only);
    return true;
  }

  void progress() {
    if (!parser.header_done()) return;
    if (!std::exchange(head_told, true)) {
      deadline.clear();
      if (auto fn = events.head) fn(parser.head());
    }
    if (over) return;
    if (idle_timeout_ms && !paused) deadline.set(idle_timeout_ms);
    std::string body = parser.take_body();
    if (body.empty()) return;
    if (auto fn = events.body) fn(bytes(std::string_view(body)));
  }

  void ended() {
    if (over) return;
    auto keep = shared_from_this();
    auto whole = parser.end();
    if (!whole) return finish(std::unexpected(broken(whole.error(), where)));
    progress();
    finish({});
  }

  void expired() {
    std::string what = !head_told ? " did not answer within " + std::to_string(timeout_ms)
                                  : " sent nothing for " + std::to_string(idle_timeout_ms);
    finish(failure(VISOR_ETIMEDOUT, where + what + " ms"));
  }

  void finish(Result<void> result) {
    if (std::exchange(over, true)) return;
    auto keep = shared_from_this();
    release();
    if (auto fn = std::exchange(events, {}).done) fn(std::move(result));
  }

  void release() {
    over = true;
    deadline.clear();
    connecting = {};
    stream.close();
  }

  Host host;
  Stream stream;
  Outbox outbox;
  Deadline deadline;
  Request<visor_stream> connecting;
  ResponseParser parser;
  ParserLimits limits;
  Events events;
  std::string where, input;
  uint64_t timeout_ms, idle_timeout_ms;
  bool head_only, head_told = false, over = false, paused = false;
  Url url;
};

ClientCall::ClientCall() = default;
ClientCall::ClientCall(std::shared_ptr<State> state) : state_(std::move(state)) {}
ClientCall::ClientCall(ClientCall&&) noexcept = default;
ClientCall& ClientCall::operator=(ClientCall&& other) noexcept {
  if (this != &other) {
    if (state_) state_->release();
    state_ = std::move(other.state_);
  }
  return *this;
}
ClientCall::~ClientCall() {
  if (state_) state_->release();
}

Result<void> ClientCall::start(Host host, visor_sockets* sockets, const ClientRequest& request,
                               Events events) {
  auto url = parse_url(request.url);
  if (!url) return std::unexpected(url.error());
  if (url->scheme != "http") {
    return failure(VISOR_ENOSYS, "expected an address that begins with http://; got " + request.url);
  }
  auto text = write_request(request, *url);
  if (!text) return std::unexpected(text.error());
  auto state = std::make_shared<State>(host, request, std::move(*url), std::move(*text), std::move(events));
  auto connecting = state->connect(sockets);
  if (connecting) *this = ClientCall(std::move(state));
  return connecting;
}

Result<void> ClientCall::start(Host host, visor_stream* connection, const ClientRequest& request,
                               Events events) {
  Stream owned(host, connection);
  auto url = parse_url(request.url);
  if (!url) return std::unexpected(url.error());
  auto text = write_request(request, *url);
  if (!text) return std::unexpected(text.error());
  auto state = std::make_shared<State>(host, request, std::move(*url), std::move(*text), std::move(events));
  state->use(owned.release());
  *this = ClientCall(std::move(state));
  return {};
}

void ClientCall::pause(bool paused) {
  if (!state_ || state_->over) return;
  state_->paused = paused;
  state_->stream.pause(paused);
  if (!state_->head_told) return;
  if (paused)
    state_->deadline.clear();
  else if (state_->idle_timeout_ms)
    state_->deadline.set(state_->idle_timeout_ms);
}

Result<ClientCall> fetch(Host host, visor_sockets* sockets, const ClientRequest& request,
                         std::function<void(Result<ClientResponse>)> done) {
  auto response = std::make_shared<ClientResponse>();
  ClientCall call;
  auto started = call.start(host, sockets, request,
                            {.head =
                                 [response](const ResponseHead& head) {
                                   response->status = head.status;
                                   response->headers = head.headers;
                                 },
                             .body = [response](ByteView piece) { response->body += text(piece); },
                             .done =
                                 [response, done = std::move(done)](Result<void> result) {
                                   if (!result) return done(std::unexpected(result.error()));
                                   done(std::move(*response));
                                 }});
  if (!started) return std::unexpected(started.error());
  return call;
}

}  // namespace visor::http
