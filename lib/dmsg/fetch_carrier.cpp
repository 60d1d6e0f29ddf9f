#include <visor/offer.hpp>

#include "lib/dmsg/directory_carrier.hpp"

namespace visor::dmsg {
namespace {

struct Fetching : std::enable_shared_from_this<Fetching> {
  explicit Fetching(Host host) : tasks(host) {}
  Request<visor_response> request;
  Tasks tasks; /* for what fails at once */
  std::function<void(Result<Directory::Answer>)> done;

  void finish(Result<Directory::Answer> answer) {
    auto keep = shared_from_this();
    if (auto fn = std::exchange(done, nullptr)) fn(std::move(answer));
  }
};

}  // namespace

Call Directory::FetchCarrier::ask(Question question, Asked done) {
  auto fetching = std::make_shared<Fetching>(host_);
  fetching->done = std::move(done);
  auto fail_later = [fetching = fetching.get()](Error error) {
    fetching->tasks.post(
        [fetching, error = std::move(error)] { fetching->finish(std::unexpected(unreachable(error))); });
  };
  auto fetch = find<visor_fetch>(host_);
  if (!fetch) {
    fail_later(fetch.error());
    return Call(std::move(fetching));
  }
  std::string url = base_ + question.path;
  visor_request request{};
  request.method = to_span(std::string_view(question.method));
  request.url = to_span(std::string_view(url));
  request.body = to_span(std::string_view(question.body));
  visor_span headers[] = {VISOR_TEXT("Content-Type"), VISOR_TEXT("application/json")};
  request.headers = headers;
  request.header_count = question.body.empty() ? 0 : 2;
  request.timeout_ms = options_.timeout_ms;
  request.max_body = options_.max_body;
  auto answered = [host = host_, fetching = fetching.get()](visor_status status, visor_response* response) {
    if (status != VISOR_OK) return fetching->finish(std::unexpected(unreachable(host.error(status))));
    fetching->finish(Answer{response->status, std::string(text(response->body))});
  };
  visor_status status = fetching->request.start(
      [&](visor_done asked) { return (*fetch)->api->send(*fetch, &request, asked); }, std::move(answered),
      [host = host_, provider = *fetch](void* ctx) {
        // It may have gone with its answer still out: then there is nobody to tell.
        if (host.find<visor_fetch>(VISOR_FETCH_1) == provider) provider->api->cancel(provider, ctx);
      });
  if (status != VISOR_OK) fail_later(host_.error(status));
  return Call(std::move(fetching));
}

}  // namespace visor::dmsg
