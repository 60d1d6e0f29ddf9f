#include "api_call.hpp"

#include <algorithm>

namespace visor::gateway {
namespace {

constexpr size_t kPiece = 64u << 10;      /* a value may be larger than a stream takes at once */
constexpr uint64_t kHeartbeatMs = 15'000; /* so that proxies and dead clients are noticed */

}  // namespace

const visor_caller ApiCall::kCaller = {
    sizeof(visor_caller), 0,
    [](void* ctx, visor_span json) { return static_cast<ApiCall*>(ctx)->value(text(json)); },
    [](void* ctx, visor_status status, visor_span error) {
      static_cast<ApiCall*>(ctx)->finished(status, text(error));
    }};

void ApiCall::start(http::Exchange& exchange, const char* instance, const char* command,
                    const std::string& args) {
  exchange_ = &exchange;
  events_ = exchange.header("accept").find("text/event-stream") != std::string_view::npos;
  visor_status status = commands_->api->call(commands_, instance, command, to_span(std::string_view(args)),
                                             &kCaller, this, &ticket_);
  if (status != VISOR_OK) {
    ticket_ = nullptr;
    refuse(status, host_.error(status).text);
    return end();
  }
  exchange.on_left([this] { cancel(); });
  /* A call that fails at once has its turn before this, and is answered with a status of its own. */
  if (streams_) tasks_.post([this] { begin_stream(); });
}

void ApiCall::refuse(visor_status status, std::string_view why) {
  http::Exchange* exchange = std::exchange(exchange_, nullptr);
  if (!exchange) return;
  exchange->respond_error(http::http_status(status), status, why.empty() ? "the command failed" : why);
}

/* --- from the command ---------------------------------------------------------------------- */

visor_status ApiCall::value(std::string_view json) {
  if (!streams_) {
    value_ = json;
    return VISOR_OK;
  }
  begin_stream();
  if (!pending_.empty()) {
    held_ = true;
    return VISOR_EAGAIN;
  }
  pending_ = written_as(json);
  pump();
  return VISOR_OK;
}

void ApiCall::finished(visor_status status, std::string_view error) {
  ticket_ = nullptr;
  over_ = true;
  if (exchange_ && status != VISOR_OK) {
    refuse(status, error);
  } else if (exchange_ && !streams_) {
    visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("application/json"),
                            VISOR_TEXT("cache-control"), VISOR_TEXT("no-store")};
    std::string body = value_.empty() ? "null" : std::move(value_);
    std::exchange(exchange_, nullptr)->respond(200, headers, 4, to_span(std::string_view(body)));
  } else if (streams_) {
    begin_stream();
    std::string why = status == VISOR_OK ? "" : http::error_json(status, error);
    if (events_) {
      pending_ += status == VISOR_OK ? "event: end\ndata: {}\n\n" : "event: failed\ndata: " + why + "\n\n";
    } else if (status != VISOR_OK) {
      pending_ += why + "\n";
    }
    if (stream_) return pump();
  }
  end();
}

void ApiCall::cancel() {
  if (ticket_) commands_->api->cancel(commands_, ticket_);
}

/* --- to the client ------------------------------------------------------------------------- */

void ApiCall::begin_stream() {
  http::Exchange* exchange = std::exchange(exchange_, nullptr);
  if (!exchange) return;
  visor_span headers[] = {VISOR_TEXT("content-type"),
                          events_ ? VISOR_TEXT("text/event-stream") : VISOR_TEXT("application/x-ndjson"),
                          VISOR_TEXT("cache-control"),
                          VISOR_TEXT("no-store"),
                          VISOR_TEXT("x-accel-buffering"),
                          VISOR_TEXT("no")}; /* proxies must not gather values */
  stream_ = Stream(host_, exchange->stream(200, headers, 6));
  stream_.attach({.data = {},
                  .end = {},
                  .ready = [this] { pump(); },
                  .closed = [this](const Error&) { client_left(); }});
  if (!events_) return;
  heartbeat_ = Timer::every(host_, kHeartbeatMs, [this] {
    if (pending_.empty()) (void)stream_.write(bytes(std::string_view(": still here\n\n")));
  });
}

/* JSON needs no line ends, so what a plugin writes over several lines becomes one. */
std::string ApiCall::written_as(std::string_view json) const {
  std::string out = events_ ? "data: " : "";
  size_t from = out.size();
  out += json;
  std::replace_if(
      out.begin() + static_cast<ptrdiff_t>(from), out.end(), [](char c) { return c == '\n' || c == '\r'; },
      ' ');
  out += events_ ? "\n\n" : "\n";
  return out;
}

void ApiCall::pump() {
  while (sent_ < pending_.size()) {
    std::string_view piece = std::string_view(pending_).substr(sent_, kPiece);
    if (stream_.write(bytes(piece)) != VISOR_OK) return; /* `ready` or `closed` follows */
    sent_ += piece.size();
  }
  pending_.clear();
  sent_ = 0;
  if (over_) {
    stream_.end();
    return end();
  }
  if (ticket_ && std::exchange(held_, false)) commands_->api->resume(commands_, ticket_);
}

void ApiCall::client_left() {
  if (over_) return end();
  pending_.clear();
  sent_ = 0;
  cancel();
}

void ApiCall::end() {
  if (std::exchange(ended_, true)) return;
  heartbeat_.cancel();
  api_.ended(this);
}

}  // namespace visor::gateway
