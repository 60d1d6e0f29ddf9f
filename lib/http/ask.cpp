#include "lib/http/ask.hpp"

#include <visor/offer.hpp>

namespace visor::http {
namespace {

struct Asking : std::enable_shared_from_this<Asking> {
  Asking(Host host, std::function<void(Result<Answer>)> then) : tasks(host), done(std::move(then)) {}
  Request<visor_response> request;
  Tasks tasks; /* for what fails at once */
  std::function<void(Result<Answer>)> done;

  void finish(Result<Answer> answer) {
    auto keep = shared_from_this();
    if (auto fn = std::exchange(done, nullptr)) fn(std::move(answer));
  }
  void fail_later(Error error) {
    tasks.post([this, error = std::move(error)] { finish(std::unexpected(error)); });
  }
};

}  // namespace

Call ask(Host host, const Question& question, std::function<void(Result<Answer>)> done) {
  auto asking = std::make_shared<Asking>(host, std::move(done));
  auto fetch = find<visor_fetch>(host);
  if (!fetch) {
    asking->fail_later(fetch.error());
    return Call(std::move(asking));
  }
  visor_request request{};
  request.method = to_span(std::string_view(question.method));
  request.url = to_span(std::string_view(question.url));
  request.body = to_span(std::string_view(question.body));
  visor_span headers[] = {VISOR_TEXT("Content-Type"), VISOR_TEXT("application/json")};
  request.headers = headers;
  request.header_count = question.body.empty() ? 0 : 2;
  request.timeout_ms = question.timeout_ms;
  request.max_body = question.max_body;
  auto answered = [host, asking = asking.get()](visor_status status, visor_response* response) {
    if (status != VISOR_OK) return asking->finish(std::unexpected(host.error(status)));
    asking->finish(Answer{response->status, std::string(text(response->body))});
  };
  visor_status status = asking->request.start(
      [&](visor_done asked) { return (*fetch)->api->send(*fetch, &request, asked); }, std::move(answered),
      [host, provider = *fetch](void* ctx) {
        // It may have gone with its answer still out: then there is nobody to tell.
        if (host.find<visor_fetch>(VISOR_FETCH_1) == provider) provider->api->cancel(provider, ctx);
      });
  if (status != VISOR_OK) asking->fail_later(host.error(status));
  return Call(std::move(asking));
}

}  // namespace visor::http
