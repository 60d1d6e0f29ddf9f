#include "lib/http/connection.hpp"

#include "lib/http/body_stream.hpp"
#include "lib/http/server_state.hpp"
#include "lib/http/websocket_handshake.hpp"

namespace visor::http {
namespace {

constexpr size_t kFlush = 64u << 10; /* a body gathers up to this much within a turn */

/* Statuses whose answers have no body, whatever is given (RFC 9110, 6.4.1). */
bool bodiless(int32_t status) {
  return status == 204 || status == 304;
}

/* Headers that the server itself writes. */
bool reserved(std::string_view name) {
  for (std::string_view own : {"content-length", "transfer-encoding", "connection", "date", "upgrade"}) {
    if (same_text(name, own)) return true;
  }
  return false;
}

bool sound(int32_t status, std::span<const visor_span> headers) {
  if (status < 200 || status > 599 || headers.size() % 2 != 0) return false;
  for (size_t i = 0; i < headers.size(); i += 2) {
    if (!valid_header(text(headers[i]), text(headers[i + 1]))) return false;
  }
  return true;
}

/* A chunk's size in hex, and the line's end. */
std::string chunk_header(size_t size) {
  uint8_t bytes[] = {static_cast<uint8_t>(size >> 16), static_cast<uint8_t>(size >> 8),
                     static_cast<uint8_t>(size)}; /* a write is at most 1 MiB */
  return to_hex(ByteView(bytes)) + "\r\n";
}

/* "/path?query" of a request's target, which may name the server again; nothing when it is something else. */
std::optional<std::string_view> path_of(std::string_view target, std::string_view host) {
  if (target.starts_with('/') || target == "*") return target;
  size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  std::string_view rest = target.substr(scheme + 3);
  size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  if (!same_text(rest.substr(0, slash), host)) return std::nullopt;
  return slash < rest.size() && rest[slash] == '/' ? rest.substr(slash) : std::string_view("/");
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> state, uint64_t id, Stream stream,
                       std::shared_ptr<AddressSlot> slot, std::string early, std::string origin)
    : state_(std::move(state)),
      id_(id),
      stream_(std::move(stream)),
      outbox_(stream_),
      deadline_(state_->host, [this] { expired(); }),
      tasks_(state_->host),
      slot_(std::move(slot)),
      input_(std::move(early)),
      origin_(std::move(origin)) {
  state_->counters.received_bytes += input_.size();
  if (const visor_addr* peer = stream_.peer()) peer_ = *peer;
  stream_.attach({.data = [this](ByteView data) { receive(data); },
                  .end = [this] { peer_ended(); },
                  .ready =
                      [this] {
                        flush();
                        advance();
                        after_event();
                      },
                  .closed = [this](const Error& error) { peer_closed(error); }});
  watch();
  if (!input_.empty()) schedule_turn();
}

Connection::~Connection() {
  if (phase_ != Phase::kGone) close("the server stops");
}

/* --- requests ------------------------------------------------------------------------------ */

void Connection::receive(ByteView data) {
  state_->counters.received_bytes += data.size();
  if (phase_ == Phase::kLingering || phase_ == Phase::kGone) return;
  input_.erase(0, read_);
  read_ = 0;
  input_ += text(data);
  advance();
  after_event();
}

/* Takes requests out of the input as long as they are answered at once and the client takes the answers. */
void Connection::advance() {
  if (std::exchange(advancing_, true)) return;
  auto room = [this] { return outbox_.queued() <= state_->limits.queued_bytes; };
  while (phase_ == Phase::kReading && room() && parse_one()) {
  }
  advancing_ = false;
  if (phase_ == Phase::kReading && room() && input_ended_) {
    if (parser_ || !unread().empty()) {
      refuse(400, VISOR_EPROTO, "the request is cut short");
    } else {
      linger();
    }
  }
}

/* True when a request was complete, so that another may follow. */
bool Connection::parse_one() {
  if (unread().empty()) return false;
  if (!parser_) {
    parser_.emplace(state_->limits.message);
    continued_ = false;
  }
  auto used = parser_->put(unread());
  if (!used) {
    ++state_->counters.malformed;
    refuse(used.error().http, used.error().http == 501 ? VISOR_ENOSYS : VISOR_EPROTO, used.error().text);
    return false;
  }
  read_ += *used;
  if (!parser_->done()) {
    expect_body();
    return false;
  }
  dispatch();
  return true;
}

/* A client that asked first is told to send the body; Beast has refused one that is too long. */
void Connection::expect_body() {
  if (!parser_->header_done() || continued_) return;
  continued_ = true;
  std::string_view expected = parser_->message().headers.find("expect");
  if (expected.empty()) return;
  if (same_text(expected, "100-continue")) {
    outbox_.append("HTTP/1.1 100 Continue\r\n\r\n");
  } else {
    refuse(417, VISOR_ENOSYS, "the only expectation understood here is 100-continue");
  }
}

void Connection::dispatch() {
  RequestMessage message = std::move(parser_->message());
  parser_.reset();
  ++requests_;
  ++state_->counters.requests;
  keep_alive_ = message.keep_alive && !state_->stopping;
  head_only_ = message.method == "HEAD";
  http_1_0_ = message.version < 11;
  auto target = path_of(message.target, message.headers.find("host"));
  if (!target) {
    ++state_->counters.malformed;
    return refuse(400, VISOR_EPROTO, "expected a path of this server; got another target");
  }
  std::string path(*target);
  phase_ = Phase::kServing;
  exchange_ = new Exchange(state_, this, std::move(message), path, origin_, peer_);
  auto keep = state_;
  keep->handler(*exchange_);
}

/* --- answers ------------------------------------------------------------------------------- */

std::string Connection::head(int32_t status, std::span<const visor_span> headers, std::string_view extra) {
  ++state_->counters.answers[status / 100];
  std::string out = "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\nDate: ";
  out += http_date(state_->host.unix_ns() / 1'000'000'000);
  out += "\r\n";
  for (size_t i = 0; i < headers.size(); i += 2) {
    if (reserved(text(headers[i]))) continue;
    out += text(headers[i]);
    out += ": ";
    out += text(headers[i + 1]);
    out += "\r\n";
  }
  out += extra;
  if (!keep_alive_) out += "Connection: close\r\n";
  if (keep_alive_ && http_1_0_) out += "Connection: keep-alive\r\n";
  return out;
}

void Connection::respond(Exchange& exchange, int32_t status, std::span<const visor_span> headers,
                         std::string_view body, std::shared_ptr<const std::string> shared) {
  std::string spare;
  if (!sound(status, headers)) {
    state_->host.log(VISOR_ERROR, "an answer to " + std::string(exchange.path()) +
                                      " has an illegal status or header, so 500 was sent instead");
    spare = error_json(VISOR_EINTERNAL, "the handler of this path gave an illegal status or header");
    status = 500;
    headers = {};
    body = spare;
    shared = nullptr;
  }
  if (input_ended_) keep_alive_ = false;
  std::string out = head(status, headers, exchange.extra_);
  if (!bodiless(status)) {
    out += "Content-Length: ";
    out += std::to_string(shared ? shared->size() : body.size());
    out += "\r\n";
  }
  out += "\r\n";
  bool with_body = !head_only_ && !bodiless(status);
  if (with_body && !shared) out += body;
  outbox_.append(out);
  if (with_body && shared) outbox_.append(std::move(shared));
  answered();
}

visor_stream* Connection::stream(Exchange& exchange, int32_t status, std::span<const visor_span> headers) {
  if (!sound(status, headers)) {
    respond(exchange, 0, {}, {}, nullptr);
    return new BodyStream(state_, nullptr, origin_);
  }
  chunked_ = !http_1_0_ && !bodiless(status);
  discard_body_ = head_only_ || bodiless(status);
  if (http_1_0_) keep_alive_ = false; /* the body ends where the connection does */
  std::string out = head(status, headers, exchange.extra_);
  if (chunked_) out += "Transfer-Encoding: chunked\r\n";
  out += "\r\n";
  outbox_.append(out);
  exchange_ = nullptr;
  phase_ = Phase::kStreaming;
  body_ = new BodyStream(state_, this, origin_);
  BodyStream* body = body_;
  if (input_ended_) {
    close("the client has left");
  } else {
    schedule_turn();
  }
  return body;
}

visor_stream* Connection::upgrade(Exchange& exchange) {
  auto sound_request =
      check_websocket_request(exchange.method(), http_1_0_ ? 10 : 11, exchange.message_.headers);
  if (!sound_request) {
    exchange.add_header("Upgrade", "websocket");
    exchange.add_header("Sec-WebSocket-Version", "13");
    std::string body = error_json(VISOR_EPROTO, sound_request.error().text);
    visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("application/json")};
    respond(exchange, 426, headers, body, nullptr);
    return nullptr;
  }
  std::string out = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  out += "Sec-WebSocket-Accept: " + websocket_accept(exchange.header("sec-websocket-key")) + "\r\n\r\n";
  ++state_->counters.answers[1];
  ++state_->counters.websockets;
  outbox_.append(out);
  exchange_ = nullptr;
  phase_ = Phase::kGone;
  deadline_.clear();
  state_->counters.sent_bytes += outbox_.written() + outbox_.queued() - counted_;

  auto lease = std::make_shared<WebSocketLease>(state_, id_, std::move(slot_));
  auto* socket = new WebSocketStream(state_->host, std::move(stream_), WebSocketRole::kServer, outbox_.take(),
                                     std::string(unread()), state_->limits.websocket, lease);
  state_->websockets[id_] = socket;
  remove();
  return socket;
}

/* An answer is in the outbox, and what follows it may come. */
void Connection::answered() {
  exchange_ = nullptr;
  body_ = nullptr;
  phase_ = Phase::kReading;
  if (!keep_alive_) return linger();
  if (advancing_) return; /* whoever advances goes on and writes */
  flush();
  schedule_turn();
}

/* Answers what is no request, and ends: nobody knows where the next one would begin. */
void Connection::refuse(int32_t http, visor_status status, std::string_view why) {
  parser_.reset();
  keep_alive_ = false;
  http_1_0_ = false;
  visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("application/json")};
  std::string body = error_json(status, why);
  std::string out = head(http, headers, {});
  out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  outbox_.append(out);
  linger();
}

/* --- streamed bodies ----------------------------------------------------------------------- */

visor_status Connection::body_write(std::span<const visor_span> parts) {
  size_t size = 0;
  for (const visor_span& part : parts) size += part.size;
  if (discard_body_) return VISOR_OK;
  if (outbox_.queued() > 0 && outbox_.queued() + size > state_->limits.queued_bytes) {
    want_ready_ = true;
    return VISOR_EAGAIN;
  }
  if (chunked_) outbox_.append(chunk_header(size));
  outbox_.append(parts);
  if (chunked_) outbox_.append("\r\n");
  if (outbox_.queued() >= kFlush && !outbox_.blocked()) (void)outbox_.flush();
  schedule_turn();
  return VISOR_OK;
}

void Connection::body_end() {
  if (chunked_ && !discard_body_) outbox_.append("0\r\n\r\n");
  answered();
}

/* Cut where it is, so that the client sees that the body is not whole. */
void Connection::body_abort() {
  body_ = nullptr;
  (void)outbox_.flush();
  close("the body was given up");
}

/* --- the turn of the loop ------------------------------------------------------------------ */

void Connection::schedule_turn() {
  if (std::exchange(turn_scheduled_, true)) return;
  tasks_.post([this] {
    turn_scheduled_ = false;
    flush();
    advance();
    after_event();
  });
}

void Connection::flush() {
  if (phase_ == Phase::kGone) return;
  (void)outbox_.flush(); /* an error other than "full" is followed by `closed` */
  state_->counters.sent_bytes += outbox_.written() - counted_;
  counted_ = outbox_.written();
  if (want_ready_ && body_ && outbox_.queued() <= state_->limits.queued_bytes / 2) {
    want_ready_ = false;
    body_->deliver_ready();
  }
  if (phase_ == Phase::kLingering && outbox_.queued() == 0) stream_.end();
}

void Connection::after_event() {
  flush();
  if (phase_ == Phase::kGone) return;
  bool full = unread().size() >= state_->limits.read_ahead_bytes && phase_ != Phase::kLingering;
  if (full != paused_) {
    paused_ = full;
    stream_.pause(full);
  }
  watch();
}

/* What is waited for, and since when: the deadline moves only when that has changed. */
void Connection::watch() {
  const ServerLimits& limits = state_->limits;
  Wait wait = Wait::kNothing;
  uint64_t marker = requests_, timeout_ms = 0;
  if (outbox_.blocked()) {
    wait = Wait::kWrite;
    marker = outbox_.written();
    timeout_ms = limits.write_timeout_ms;
  } else if (phase_ == Phase::kLingering) {
    wait = Wait::kLinger;
    timeout_ms = limits.linger_timeout_ms;
  } else if (phase_ == Phase::kReading) {
    wait = parser_ ? Wait::kRequest : Wait::kIdle;
    timeout_ms = parser_ || requests_ == 0 ? limits.request_timeout_ms : limits.idle_timeout_ms;
  }
  if (wait == wait_ && marker == marker_) return;
  wait_ = wait;
  marker_ = marker;
  if (wait == Wait::kNothing) return deadline_.clear();
  deadline_.set(timeout_ms);
}

void Connection::expired() {
  if (wait_ == Wait::kRequest) {
    ++state_->counters.timeouts;
    refuse(408, VISOR_ETIMEDOUT,
           "the request took longer than " + std::to_string(state_->limits.request_timeout_ms) + " ms");
    return after_event();
  }
  if (wait_ == Wait::kWrite) ++state_->counters.timeouts;
  close("the client was silent for too long");
}

/* --- the end ------------------------------------------------------------------------------- */

/* Lets the last answer out, then waits a moment for the client's end: closing a socket with unread input
 * would destroy the answer on its way. */
void Connection::linger() {
  phase_ = Phase::kLingering;
  input_.clear();
  read_ = 0;
  if (!advancing_) schedule_turn();
}

void Connection::peer_ended() {
  input_ended_ = true;
  if (phase_ == Phase::kStreaming) return close("the client has left");
  advance();
  after_event();
}

void Connection::peer_closed(const Error& error) {
  close(error.status == VISOR_OK ? "the client has left" : std::string_view(error.text));
}

void Connection::close(std::string_view why) {
  if (phase_ == Phase::kGone) return;
  phase_ = Phase::kGone;
  deadline_.clear();
  Exchange* unanswered = std::exchange(exchange_, nullptr);
  if (unanswered) unanswered->connection_ = nullptr;
  if (body_) std::exchange(body_, nullptr)->gone(std::string(why));
  stream_.close();
  remove();
  if (!unanswered) return;
  if (auto left = std::exchange(unanswered->left_, nullptr)) left();
}

void Connection::remove() {
  tasks_.post([state = state_, id = id_] {
    state->connections.erase(id);
    state->settle();
  });
}

}  // namespace visor::http
