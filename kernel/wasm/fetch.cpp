#include "kernel/wasm/fetch.hpp"

#include <algorithm>
#include <list>
#include <visor/net.hpp>

#include "kernel/wasm/imports.hpp"

namespace visor::kernel::wasm {
namespace {

constexpr size_t kMaxUrlBytes = 2048;

uint64_t limit(uint64_t asked, uint64_t most) {
  return asked == 0 ? most : std::min(asked, most);
}

class Fetch final : public FetchProvider, public ServiceObject, public FetchEvents {
 public:
  Fetch(Host host, TabLoop& loop, FetchEvents*& events) : FetchProvider(host), loop_(loop), events_(events) {
    events_ = this;
  }
  ~Fetch() override {
    events_ = nullptr;
    while (!fetches_.empty()) forget(fetches_.begin());
  }

  void* object() override { return static_cast<visor_fetch*>(this); }
  std::string status() const override;

  void answered(uint32_t fetch, int32_t http, std::string_view headers, ByteView body) override;
  void failed(uint32_t fetch, visor_status status, std::string_view why) override;

 private:
  struct Under {
    uint32_t number;
    std::string url;
    Done done;
    uint64_t timer = 0;
  };
  using Fetches = std::list<Under>;

  visor_status send(const visor_request* request, visor_done done) override;
  void cancel(void* done_ctx) override;

  Fetches::iterator find(uint32_t number) { return std::ranges::find(fetches_, number, &Under::number); }
  void give_up(Fetches::iterator at, visor_status status, std::string_view why);
  void forget(Fetches::iterator at);

  TabLoop& loop_;
  FetchEvents*& events_;
  Fetches fetches_;
  uint32_t last_number_ = 0;
  uint64_t answers_ = 0, failures_ = 0, received_bytes_ = 0, sent_bytes_ = 0;
};

/* One text for JavaScript; nothing where a header is not one. */
bool write_headers(const visor_request& request, std::string& out) {
  for (size_t i = 0; i + 1 < request.header_count; i += 2) {
    std::string_view name = text(request.headers[i]), value = text(request.headers[i + 1]);
    constexpr std::string_view kForbidden("\r\n\0", 3);
    if (name.empty() || name.find_first_of(": ") != std::string_view::npos) return false;
    if (name.find_first_of(kForbidden) != std::string_view::npos) return false;
    if (value.find_first_of(kForbidden) != std::string_view::npos) return false;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  return true;
}

std::vector<visor_span> read_headers(std::string_view lines) {
  std::vector<visor_span> out;
  while (!lines.empty()) {
    size_t end = std::min(lines.find("\r\n"), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    out.push_back(to_span(line.substr(0, colon)));
    out.push_back(to_span(line.substr(colon + 2)));
  }
  return out;
}

std::string Fetch::status() const {
  auto number = [](const char* name, uint64_t value) {
    return "\"" + std::string(name) + "\":" + std::to_string(value);
  };
  return "{" + number("under_way", fetches_.size()) + "," + number("under_way_limit", kMaxFetches) + "," +
         number("body_bytes_limit", kMaxFetchBody) + "," + number("timeout_ms_limit", kMaxFetchMs) + "," +
         number("answers", answers_) + "," + number("failures", failures_) + "," +
         number("received_bytes", received_bytes_) + "," + number("sent_bytes", sent_bytes_) + "}";
}

visor_status Fetch::send(const visor_request* request, visor_done done) {
  std::string url(text(request->url)), method(text(request->method)), headers;
  if (method.empty()) method = "GET";
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return host().fail(VISOR_EINVAL,
                       "expected an address that begins with http:// or https://; got " + url.substr(0, 100));
  }
  if (url.size() > kMaxUrlBytes || request->body.size > kMaxFetchBody || !write_headers(*request, headers)) {
    return host().fail(VISOR_EINVAL, "an address has at most " + std::to_string(kMaxUrlBytes) +
                                         " bytes, a body " + std::to_string(kMaxFetchBody) +
                                         ", and headers are lines");
  }
  if (fetches_.size() >= kMaxFetches) {
    return host().fail(VISOR_EAGAIN, std::to_string(kMaxFetches) +
                                         " requests are under way, which is the limit; ask again later");
  }
  uint32_t number = ++last_number_;
  uint64_t max_body = limit(request->max_body, kMaxFetchBody);
  visor_import_fetch_start(number, method.data(), method.size(), url.data(), url.size(), headers.data(),
                           headers.size(), request->body.data, request->body.size,
                           static_cast<double>(max_body));
  Under& under = fetches_.emplace_back(number, std::move(url), Done(host(), done));
  uint64_t timeout_ms = limit(request->timeout_ms, kMaxFetchMs);
  under.timer = loop_.timer(timeout_ms, 0, [this, number, timeout_ms] {
    give_up(find(number), VISOR_ETIMEDOUT,
            "did not answer in whole within " + std::to_string(timeout_ms) + " ms");
  });
  sent_bytes_ += request->body.size;
  return VISOR_OK;
}

void Fetch::cancel(void* done_ctx) {
  auto at = std::ranges::find_if(fetches_, [&](const Under& each) { return each.done.is(done_ctx); });
  if (at != fetches_.end()) forget(at);  // an unanswered Done completes with VISOR_ECANCELED
}

void Fetch::give_up(Fetches::iterator at, visor_status status, std::string_view why) {
  ++failures_;
  at->done.later(Error{status, at->url + ": " + std::string(why)});
  forget(at);
}

void Fetch::forget(Fetches::iterator at) {
  loop_.cancel(at->timer);
  visor_import_fetch_drop(at->number);
  fetches_.erase(at);
}

void Fetch::answered(uint32_t fetch, int32_t http, std::string_view headers, ByteView body) {
  auto at = find(fetch);
  if (at == fetches_.end()) return;
  ++answers_;
  received_bytes_ += body.size();
  loop_.cancel(at->timer);
  Done done = std::move(at->done);
  fetches_.erase(at);
  std::vector<visor_span> spans = read_headers(headers);
  visor_response response{http, to_span(body), spans.data(), spans.size()};
  done.complete(VISOR_OK, &response);
}

void Fetch::failed(uint32_t fetch, visor_status status, std::string_view why) {
  auto at = find(fetch);
  if (at != fetches_.end()) give_up(at, status, why);
}

}  // namespace

Service fetch(TabLoop& loop, FetchEvents*& events) {
  return {VISOR_FETCH_1, "browser", [&loop, &events](Host host) -> std::unique_ptr<ServiceObject> {
            return std::make_unique<Fetch>(host, loop, events);
          }};
}

}  // namespace visor::kernel::wasm
