#include "web.hpp"

namespace visor::transport_discovery {
namespace {

constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kTurnBytes = 1024 * 1024; /* then others have their turn of the loop */

}  // namespace

Result<void> Web::start() {
  // A path that somebody else has is said and left to them; the others still work.
  return routes_.open(host_, {std::begin(kRoutes), std::end(kRoutes)},
                      {.asked = [this](visor_exchange* exchange) { answer(exchange); },
                       .refused =
                           [this](std::string_view path, const Error& error) {
                             // /health is whose it was first.
                             host_.log(path == "/health" ? VISOR_DEBUG : VISOR_WARN, error.text);
                           },
                       .left = [this] { streams_.clear(); }});
}

void Web::stop() {
  routes_.close();
  streams_.clear();
}

void Web::answer(visor_exchange* exchange) {
  ++counters_.requests;
  const visor_http_request* request = exchange->api->request(exchange);
  ApiRequest asked{text(request->method),
                   text(request->path),
                   text(request->query),
                   header(*request, "accept"),
                   header(*request, "accept-encoding"),
                   text(request->body),
                   [request](std::string_view name) { return header(*request, name); }};
  uint64_t began_us = host_.now_ns() / 1000;
  Answer answer = api_.answer(asked, {static_cast<int64_t>(host_.now_ms()), host_.unix_ns() / 1'000'000'000});
  counters_.answering_us += host_.now_ns() / 1000 - began_us;
  std::vector<visor_span> headers;
  for (const auto& [name, value] : answer.headers) {
    headers.push_back(to_span(std::string_view(name)));
    headers.push_back(to_span(std::string_view(value)));
  }
  bool head_only = asked.method == "HEAD";
  if (!answer.rest || head_only) {
    return exchange->api->respond(exchange, answer.status, headers.data(), headers.size(),
                                  to_span(std::string_view(answer.body)));
  }
  begin(exchange, std::move(answer), headers);
}

void Web::begin(visor_exchange* exchange, Answer answer, std::span<const visor_span> headers) {
  if (streams_.size() >= kMaxStreams) {
    ++counters_.refused;
    return respond(
        exchange, 503, "application/json",
        R"({"error":"too many long answers are under way; ask again, or in pages with limit and cursor"})");
  }
  visor_stream* raw = exchange->api->stream(exchange, answer.status, headers.data(), headers.size());
  if (!raw) return;
  ++counters_.streamed;
  streams_.push_front({Stream(host_, raw), std::move(answer.rest), std::move(answer.body)});
  auto at = streams_.begin();
  at->stream.attach({.data = {},
                     .end = {},
                     .ready = [this, at] { pump(at); },
                     .closed = [this, at](const Error&) { streams_.erase(at); }});
  pump(at);
}

void Web::pump(std::list<Streaming>::iterator at) {
  size_t written = 0;
  for (;;) {
    while (at->piece.size() < kPieceBytes && at->body) {
      if (!at->body->next(at->piece)) at->body.reset();
    }
    if (at->piece.empty()) return at->stream.end();
    // The beginning may be larger than a write may be.
    std::string_view part = std::string_view(at->piece).substr(0, kTurnBytes);
    visor_status status = at->stream.write(bytes(part));
    if (status == VISOR_EAGAIN) return;  // `ready` follows
    if (status != VISOR_OK) return;      // `closed` follows
    written += part.size();
    at->piece.erase(0, part.size());
    if (written < kTurnBytes) continue;
    return tasks_.post([this, stream = at->stream.raw()] {
      for (auto next = streams_.begin(); next != streams_.end(); ++next) {
        if (next->stream.raw() == stream) return pump(next);
      }
    });
  }
}

}  // namespace visor::transport_discovery
