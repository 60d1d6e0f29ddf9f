#include "fetcher.hpp"

#include <algorithm>

namespace visor::fetch {
namespace {

uint64_t limit(uint64_t asked, uint64_t most) {
  return asked == 0 ? most : std::min(asked, most);
}

}  // namespace

visor_status Fetcher::send(const visor_request* asked, visor_done raw) {
  if (requests_.size() >= config_.max_requests) {
    ++counters_.refused;
    return host().fail(VISOR_EAGAIN, std::to_string(config_.max_requests) +
                                         " requests are under way, which is the limit; ask again later");
  }
  if (asked->body.size > config_.max_body) {
    ++counters_.refused;
    return host().fail(VISOR_EINVAL, "a request's body has at most " + std::to_string(config_.max_body) +
                                         " bytes; got " + std::to_string(asked->body.size));
  }
  http::ClientRequest request;
  if (asked->method.size > 0) request.method = text(asked->method);
  request.url = text(asked->url);
  request.body = text(asked->body);
  for (size_t i = 0; i + 1 < asked->header_count; i += 2) {
    request.headers.emplace_back(text(asked->headers[i]), text(asked->headers[i + 1]));
  }
  request.max_body_bytes = limit(asked->max_body, config_.max_body);
  request.timeout_ms = request.idle_timeout_ms = 0;  // one limit for the whole

  auto at = requests_.emplace(requests_.end(), Done(host(), raw));
  auto call = http::fetch(host(), sockets_, request, [this, at](Result<http::ClientResponse> response) {
    answered(at, std::move(response));
  });
  if (!call) {
    at->done.dismiss();
    requests_.erase(at);
    ++counters_.refused;
    return host().fail(call.error());
  }
  at->call = std::move(*call);
  uint64_t timeout_ms = limit(asked->timeout_ms, config_.max_timeout_ms);
  at->timer = Timer::once(host(), timeout_ms, [this, at, timeout_ms, url = request.url] {
    ++counters_.timeouts;
    answered(at, failure(VISOR_ETIMEDOUT,
                         url + " did not answer in whole within " + std::to_string(timeout_ms) + " ms"));
  });
  ++counters_.requests;
  counters_.sent_bytes += request.body.size();
  return VISOR_OK;
}

void Fetcher::answered(Requests::iterator at, Result<http::ClientResponse> response) {
  Requests over;  // goes when this returns: its connection is closed, its timer has run
  over.splice(over.end(), requests_, at);
  if (!response) {
    ++counters_.failures;
    return at->done.complete(response.error());
  }
  ++counters_.answers;
  counters_.received_bytes += response->body.size();
  std::vector<visor_span> headers = response->headers.spans();
  visor_response lent{response->status, to_span(std::string_view(response->body)), headers.data(),
                      headers.size()};
  at->done.complete(VISOR_OK, &lent);
}

void Fetcher::cancel(void* done_ctx) {
  auto at = std::ranges::find_if(requests_, [&](const Under& each) { return each.done.is(done_ctx); });
  if (at == requests_.end()) return;
  ++counters_.canceled;
  requests_.erase(at);
}

}  // namespace visor::fetch
