#include "gateway_client.hpp"

#include <boost/json.hpp>
#include <cstdlib>

#include "kernel/kernel.hpp"
#include "kernel/native/loop.hpp"
#include "kernel/native/signals.hpp"
#include "kernel/native/sockets.hpp"
#include "lib/http/client.hpp"
#include "lib/http/lines.hpp"
#include "reader_gone.hpp"

namespace visor::programs {
namespace {

constexpr uint64_t kListTimeoutMs = 10'000;
constexpr size_t kMaxValueBytes = 64u << 20;
constexpr uint64_t kSilenceMs = 60'000; /* a gateway's streams say something every 15 s */

/* A gateway's refusal as an error: its sentence, and a status that tells what kind it is. */
Error refusal(const std::string& body, int32_t http) {
  namespace json = boost::json;
  visor_status status = http == 400   ? VISOR_EINVAL
                        : http == 404 ? VISOR_ENOENT
                        : http == 401 ? VISOR_EPERM
                        : http == 403 ? VISOR_EPERM
                                      : VISOR_EIO;
  json::error_code failed;
  json::value value = json::parse(body, failed);
  const json::value* message = failed ? nullptr : value.find_pointer("/error/message", failed);
  std::string text = message && message->is_string()
                         ? std::string(message->get_string())
                         : "the gateway answered " + std::to_string(http) + ": " + body.substr(0, 200);
  if (http == 401) text += "; give it with --token or VISOR_TOKEN";
  return {status, text};
}

/* Server-sent events, as far as a gateway writes them: a line of data each. */
class Events {
 public:
  enum class Kind { kValue, kEnd, kFailed };
  /* fn(kind, data) says whether it wants more. */
  Result<void> feed(ByteView bytes, const std::function<bool(Kind, std::string_view)>& fn) {
    return lines_.feed(bytes, [&](std::string_view line) {
      if (stopped_) return;
      if (line.starts_with("event: ")) name_ = line.substr(7);
      if (line.starts_with("data: ")) data_ = line.substr(6);
      if (!line.empty() || !data_) return;
      Kind kind = name_ == "end" ? Kind::kEnd : name_ == "failed" ? Kind::kFailed : Kind::kValue;
      stopped_ = !fn(kind, *data_);
      name_.clear();
      data_.reset();
    });
  }

 private:
  http::Lines lines_{kMaxValueBytes};
  std::string name_;
  std::optional<std::string> data_;
  bool stopped_ = false;
};

}  // namespace

/* A kernel without plugins: what HTTP needs is its loop and its sockets. */
struct GatewayClient::Impl {
  explicit Impl(Options o) : options(std::move(o)) {
    kernel::KernelOptions kernel_options{.loop = loop, .catalog = nothing, .config = R"({"plugins":[]})"};
    kernel_options.services = {kernel::native::sockets(loop)};
    kernel = std::make_unique<kernel::Kernel>(std::move(kernel_options));
    kernel->start([this](Result<void> started) {
      if (!started) failed_start = started.error();
      loop.stop();
    });
    loop.run();
  }
  ~Impl() {
    under_way = http::ClientCall();
    kernel->stop([this] { loop.stop(); });
    loop.run();
  }

  /* Runs the loop until finish() is called. */
  Result<void> wait() {
    kernel::native::StopSignals signals(loop, [this](int) {
      under_way = http::ClientCall(); /* closes its connection, which cancels the command */
      finish(failure(VISOR_ECANCELED, "interrupted"));
    });
    ReaderGone reader(loop, [this] { finish({}); });
    if (!result) {
      running = true;
      loop.run();
      running = false;
    }
    under_way = http::ClientCall();
    return *std::exchange(result, std::nullopt);
  }
  void finish(Result<void> with) {
    if (result) return;
    result = std::move(with);
    if (running) loop.stop();
  }
  void start(const http::ClientRequest& request, http::ClientCall::Events events) {
    result.reset();
    if (failed_start) return finish(std::unexpected(*failed_start));
    auto* sockets = kernel->find<visor_sockets>(VISOR_SOCKETS_1);
    auto begun = under_way.start(kernel->host(), sockets, request, std::move(events));
    if (!begun) finish(std::unexpected(begun.error()));
  }
  http::ClientRequest request(std::string method, const std::string& path) const {
    http::ClientRequest out;
    out.method = std::move(method);
    out.url = options.address + path;
    out.max_body_bytes = kMaxValueBytes;
    if (!options.token.empty()) out.headers.emplace_back("authorization", "Bearer " + options.token);
    return out;
  }

  Options options;
  kernel::native::UvLoop loop;
  kernel::Catalog nothing;
  std::unique_ptr<kernel::Kernel> kernel;
  std::optional<Error> failed_start;
  http::ClientCall under_way;
  std::optional<Result<void>> result;
  bool running = false; /* else a stop would end the next run */
};

GatewayClient::GatewayClient(Options options) {
  while (options.address.ends_with('/')) options.address.pop_back();
  impl_ = std::make_unique<Impl>(std::move(options));
}
GatewayClient::~GatewayClient() = default;

Result<std::string> GatewayClient::get(const std::string& path) {
  http::ClientRequest request = impl_->request("GET", path);
  request.timeout_ms = impl_->options.timeout_ms ? impl_->options.timeout_ms : kListTimeoutMs;
  int32_t status = 0;
  std::string body;
  impl_->start(request, {.head = [&](const http::ResponseHead& head) { status = head.status; },
                         .body = [&](ByteView piece) { body += text(piece); },
                         .done = [&](Result<void> done) { impl_->finish(std::move(done)); }});
  if (auto done = impl_->wait(); !done) {
    if (done.error().status == VISOR_ECANCELED) return std::unexpected(done.error());
    return std::unexpected(unreachable(impl_->options.address, done.error()));
  }
  if (status != 200) return std::unexpected(refusal(body, status));
  return body;
}

Result<std::vector<Row>> GatewayClient::rows() {
  auto document = get("/api");
  if (!document) return std::unexpected(document.error());
  return rows_of_document(*document);
}

Result<void> GatewayClient::call(const Row& row, std::string args,
                                 std::function<bool(std::string_view json)> value) {
  http::ClientRequest request = impl_->request("POST", "/api/" + row.instance + "/" + row.command);
  request.body = std::move(args);
  request.timeout_ms = impl_->options.timeout_ms;
  request.idle_timeout_ms = kSilenceMs;
  if (row.streams) request.max_body_bytes = UINT64_MAX;
  request.headers.emplace_back("content-type", "application/json");
  request.headers.emplace_back("accept", row.streams ? "text/event-stream" : "application/json");

  int32_t status = 0;
  std::string body;
  Events events;
  auto take = [&](Events::Kind kind, std::string_view data) {
    if (kind == Events::Kind::kFailed) {
      impl_->finish(std::unexpected(Error{VISOR_EIO, refusal(std::string(data), 500).text}));
    } else if (kind == Events::Kind::kEnd || !value(data)) {
      impl_->finish({});
    }
    return !impl_->result.has_value();
  };
  impl_->start(request, {.head = [&](const http::ResponseHead& head) { status = head.status; },
                         .body =
                             [&](ByteView piece) {
                               if (!row.streams || status != 200) {
                                 body += text(piece);
                               } else if (auto fed = events.feed(piece, take); !fed) {
                                 impl_->finish(std::unexpected(fed.error()));
                               }
                             },
                         .done =
                             [&](Result<void> done) {
                               if (done && row.streams && status == 200) {
                                 done = failure(VISOR_ECLOSED, "the visor ended before the command did");
                               }
                               impl_->finish(std::move(done));
                             }});
  auto done = impl_->wait();
  if (!done) return done;
  if (status != 200) return std::unexpected(refusal(body, status));
  if (!row.streams) (void)value(body);
  return {};
}

GatewayClient::Options gateway_options(const std::optional<std::string>& address,
                                       const std::optional<std::string>& token) {
  const char *gateway = std::getenv("VISOR_GATEWAY"), *secret = std::getenv("VISOR_TOKEN");
  GatewayClient::Options out{.address = gateway && *gateway ? gateway : "http://127.0.0.1:8080",
                             .token = secret ? secret : ""};
  if (address) out.address = *address;
  if (token) out.token = *token;
  return out;
}

Error unreachable(const std::string& address, const Error& error) {
  if (error.status == VISOR_EINVAL || error.status == VISOR_ENOSYS) return error; /* no such address */
  return {VISOR_ECLOSED, "no visor answers at " + address + " (" + error.text +
                             "); start one with `visor run demo` or `visor run --config FILE`, or say where "
                             "its gateway is with --gateway URL"};
}

int exit_code_of(const Error& error) {
  switch (error.status) {
    case VISOR_EINVAL:
      return kUsage;
    case VISOR_ECLOSED:
      return kUnmet;
    case VISOR_ECANCELED:
      return kInterrupted;
    default:
      return kFailed;
  }
}

}  // namespace visor::programs
