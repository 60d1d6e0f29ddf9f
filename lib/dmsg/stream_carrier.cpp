#include "lib/dmsg/directory_carrier.hpp"
#include "lib/http/client.hpp"

namespace visor::dmsg {

struct Directory::StreamCarrier::Asking : std::enable_shared_from_this<Asking> {
  Asking(Host h, Question q, const visor_addr& to, const DirectoryOptions& options, Asked d)
      : host(h), done(std::move(d)) {
    std::string where = to_hex(to.key) + ":" + std::to_string(to.port);
    request.method = std::move(q.method);
    request.url = "http://" + where + q.path;
    request.host = where;
    request.body = std::move(q.body);
    if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.max_body_bytes = options.max_body;
    request.timeout_ms = request.idle_timeout_ms = 0; /* the whole has one limit */
    timer = Timer::once(host, options.timeout_ms, [this, ms = options.timeout_ms] {
      finish(failure(VISOR_ETIMEDOUT, "it did not answer within " + std::to_string(ms) + " ms"));
    });
  }

  void opened(Result<visor_stream*> stream) {
    auto keep = shared_from_this();
    opening = {};
    if (!stream) return finish(std::unexpected(stream.error()));
    auto started =
        call.start(host, *stream, request,
                   {.head = [this](const http::ResponseHead& head) { answer.status = head.status; },
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
    if (!result) result = std::unexpected(unreachable(result.error()));
    if (auto fn = std::exchange(done, nullptr)) fn(std::move(result));
  }

  Host host;
  Asked done;
  http::ClientRequest request;
  Answer answer;
  Call opening;
  http::ClientCall call;
  Timer timer;
};

Call Directory::StreamCarrier::ask(Question question, Asked done) {
  auto asking = std::make_shared<Asking>(host_, std::move(question), to_, options_, std::move(done));
  asking->opening = open_([weak = std::weak_ptr(asking)](Result<visor_stream*> stream) {
    if (auto alive = weak.lock()) return alive->opened(std::move(stream));
    if (stream) (*stream)->api->close(*stream);
  });
  return Call(std::move(asking));
}

OpenStream open_by_dialling(Host host, visor_net* net, const visor_addr& to) {
  struct Dialling : std::enable_shared_from_this<Dialling> {
    explicit Dialling(Host h) : tasks(h) {}
    Request<visor_stream> request;
    Tasks tasks;
  };
  return [host, net, to](std::function<void(Result<visor_stream*>)> done) {
    auto dialling = std::make_shared<Dialling>(host);
    auto dialled = [host, self = dialling.get(), done](visor_status status, visor_stream* stream) {
      auto keep = self->shared_from_this();
      if (status != VISOR_OK) return done(std::unexpected(host.error(status)));
      done(stream);
    };
    visor_status status =
        dialling->request.start([&](visor_done asked) { return net->api->dial(net, &to, asked); },
                                std::move(dialled), [net](void* ctx) { net->api->cancel(net, ctx); });
    if (status != VISOR_OK) {
      dialling->tasks.post([self = dialling.get(), error = host.error(status), done] {
        auto keep = self->shared_from_this();
        done(std::unexpected(error));
      });
    }
    return Call(std::move(dialling));
  };
}

}  // namespace visor::dmsg
