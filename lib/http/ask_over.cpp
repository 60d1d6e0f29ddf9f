#include "lib/http/ask_over.hpp"

#include <visor/offer.hpp>

#include "lib/http/client.hpp"

namespace visor::http {
namespace {

struct Asking : std::enable_shared_from_this<Asking> {
  Asking(Host h, const Question& question, std::function<void(Result<Answer>)> then)
      : host(h), done(std::move(then)) {
    request.method = question.method;
    request.url = question.url;
    if (auto url = parse_url(question.url)) request.host = url->host + ":" + std::to_string(url->port);
    request.body = question.body;
    if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.max_body_bytes = question.max_body;
    request.timeout_ms = request.idle_timeout_ms = 0; /* the whole has one limit */
    timer = Timer::once(host, question.timeout_ms, [this, ms = question.timeout_ms] {
      finish(failure(VISOR_ETIMEDOUT, "it did not answer within " + std::to_string(ms) + " ms"));
    });
  }

  void opened(Result<visor_stream*> stream) {
    auto keep = shared_from_this();
    opening = {};
    if (!stream) return finish(std::unexpected(stream.error()));
    auto started = call.start(host, *stream, request,
                              {.head = [this](const ResponseHead& head) { answer.status = head.status; },
                               .body = [this](ByteView piece) { answer.body += text(piece); },
                               .done =
                                   [this](Result<void> result) {
                                     if (!result) return finish(std::unexpected(result.error()));
                                     finish(std::move(answer));
                                   }});
    if (!started) finish(std::unexpected(started.error()));
  }

  void finish(Result<Answer> result) {
    auto keep = shared_from_this();
    timer.cancel();
    opening = {};
    call = {};
    if (auto fn = std::exchange(done, nullptr)) fn(std::move(result));
  }

  Host host;
  std::function<void(Result<Answer>)> done;
  ClientRequest request;
  Answer answer;
  Call opening;
  ClientCall call;
  Timer timer;
};

struct Dialling : std::enable_shared_from_this<Dialling> {
  explicit Dialling(Host h) : tasks(h) {}
  Request<visor_stream> request;
  Tasks tasks;
};
using Dialled = std::function<void(Result<visor_stream*>)>;

Call dial(Host host, visor_net* net, const visor_addr& to, Dialled done, std::function<bool()> is_there) {
  auto dialling = std::make_shared<Dialling>(host);
  auto fail_later = [&](Error error) {
    dialling->tasks.post([self = dialling.get(), error = std::move(error), done] {
      auto keep = self->shared_from_this();
      done(std::unexpected(error));
    });
  };
  if (!net) {
    fail_later({VISOR_ENOENT, "the network is not there"});
    return Call(std::move(dialling));
  }
  auto dialled = [host, self = dialling.get(), done](visor_status status, visor_stream* stream) {
    auto keep = self->shared_from_this();
    if (status != VISOR_OK) return done(std::unexpected(host.error(status)));
    done(stream);
  };
  visor_status status = dialling->request.start(
      [&](visor_done asked) { return net->api->dial(net, &to, asked); }, std::move(dialled),
      [net, is_there = std::move(is_there)](void* ctx) {
        if (is_there()) net->api->cancel(net, ctx);
      });
  if (status != VISOR_OK) fail_later(host.error(status));
  return Call(std::move(dialling));
}

}  // namespace

OpenStream open_by_dialling(Host host, visor_net* net, const visor_addr& to) {
  return [host, net, to](Dialled done) { return dial(host, net, to, std::move(done), [] { return true; }); };
}

OpenStream open_on(Host host, std::string network, const visor_addr& to) {
  return [host, network = std::move(network), to](Dialled done) {
    auto* net = host.find<visor_net>(VISOR_NET_1, network.c_str());
    // It may have gone with its answer still out: then there is nobody to tell.
    return dial(host, net, to, std::move(done),
                [host, network, net] { return host.find<visor_net>(VISOR_NET_1, network.c_str()) == net; });
  };
}

Call ask_over(Host host, const OpenStream& open, const Question& question,
              std::function<void(Result<Answer>)> done) {
  auto asking = std::make_shared<Asking>(host, question, std::move(done));
  asking->opening = open([weak = std::weak_ptr(asking)](Result<visor_stream*> stream) {
    if (auto alive = weak.lock()) return alive->opened(std::move(stream));
    if (stream) (*stream)->api->close(*stream);
  });
  return Call(std::move(asking));
}

Call ask_at(Host host, const Origin& origin, Question question, std::function<void(Result<Answer>)> done) {
  question.url.insert(0, origin.base);
  return origin.open ? ask_over(host, origin.open, question, std::move(done))
                     : ask(host, question, std::move(done));
}

Error unreachable(std::string_view who, Error error) {
  if (error.status == VISOR_ENOENT || error.status == VISOR_EEXIST || error.status == VISOR_EINVAL) {
    error.status = VISOR_EIO;
  }
  error.text = std::string(who) + " cannot be asked: " + error.text;
  return error;
}

}  // namespace visor::http
