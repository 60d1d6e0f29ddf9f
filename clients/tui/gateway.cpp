#include "gateway.hpp"

#include "kernel/native/sockets.hpp"

namespace visor::tui {
namespace {

namespace json = boost::json;

constexpr uint64_t kTimeoutMs = 30'000;
constexpr uint64_t kSilenceMs = 60'000; /* a gateway's streams say something every 15 s */

/* The sentence in a refusal, or the beginning of whatever came. */
Error refusal(const std::string& body, int32_t status) {
  json::error_code failed;
  json::value value = json::parse(body, failed);
  const json::value* message = failed ? nullptr : value.find_pointer("/error/message", failed);
  std::string text = message && message->is_string()
                         ? std::string(message->get_string())
                         : "the gateway answered " + std::to_string(status) + ": " + body.substr(0, 200);
  if (status == 401) text += "; give its token with --token or VISOR_TOKEN";
  return {status == 401 || status == 403 ? VISOR_EPERM : VISOR_EIO, text};
}

}  // namespace

Gateway::Gateway(kernel::native::UvLoop& loop, Options options) : options_(std::move(options)), loop_(loop) {
  while (options_.address.ends_with('/')) options_.address.pop_back();
  // A kernel without plugins: what HTTP needs is its loop and its sockets.
  kernel::KernelOptions kernel_options{.loop = loop_, .catalog = nothing_, .config = R"({"plugins":[]})"};
  kernel_options.services = {kernel::native::sockets(loop_)};
  kernel_ = std::make_unique<kernel::Kernel>(std::move(kernel_options));
  kernel_->start([this](const Result<void>&) { loop_.stop(); });
  loop_.run();
}

Gateway::~Gateway() {
  calls_.clear();
  watching_.reset();
  kernel_->stop([this] { loop_.stop(); });
  loop_.run();
}

http::ClientRequest Gateway::request(const std::string& command) const {
  http::ClientRequest out;
  out.method = "POST";
  out.url = options_.address + "/api/" + options_.instance + "/" + command;
  out.timeout_ms = kTimeoutMs;
  out.headers.emplace_back("content-type", "application/json");
  if (!options_.token.empty()) out.headers.emplace_back("authorization", "Bearer " + options_.token);
  return out;
}

/* On the next turn: one of its functions is under way. */
void Gateway::drop(const Call& call) {
  auto at = std::ranges::find(calls_, &call, &std::shared_ptr<Call>::get);
  if (at == calls_.end()) return;
  post(host(), [gone = std::move(*at)] {});
  calls_.erase(at);
}

void Gateway::ask(const std::string& command, const json::object& args, Answered answered) {
  http::ClientRequest asked = request(command);
  asked.body = json::serialize(args);
  auto call = std::make_shared<Call>();
  calls_.push_back(call);
  auto* sockets = kernel_->find<visor_sockets>(VISOR_SOCKETS_1);
  auto finish = [this, answered](Call& of, const Result<void>& done) {
    Result<json::value> answer = std::unexpected(done ? refusal(of.body, of.status) : done.error());
    if (done && of.status == 200) {
      json::error_code failed;
      json::value value = json::parse(of.body, failed);
      answer = failed ? Result<json::value>(failure(VISOR_EPROTO, "the gateway answered no JSON")) : value;
    }
    drop(of);
    answered(std::move(answer));
  };
  Result<void> begun = call->http.start(
      host(), sockets, asked,
      {.head = [of = call.get()](const http::ResponseHead& head) { of->status = head.status; },
       .body = [of = call.get()](ByteView piece) { of->body += text(piece); },
       .done = [of = call.get(), finish](Result<void> done) { finish(*of, done); }});
  if (!begun) finish(*call, begun);
}

void Gateway::watch(std::function<void(const json::object&)> event, std::function<void(const Error&)> ended) {
  http::ClientRequest asked = request("watch");
  asked.body = "{}";
  asked.idle_timeout_ms = kSilenceMs;
  asked.max_body_bytes = UINT64_MAX;
  auto call = std::make_shared<Call>();
  lines_ = http::Lines(1u << 20);
  auto heard = [this, of = call.get(), event = std::move(event)](ByteView piece) {
    if (of->status != 200) {
      of->body += text(piece);
      return;
    }
    (void)lines_.feed(piece, [&](std::string_view line) {
      json::error_code failed;
      json::value value = json::parse(line, failed); /* an empty line says that it is alive */
      if (!failed && value.is_object()) event(value.get_object());
    });
  };
  auto finish = [this, of = call.get(), ended](const Result<void>& done) {
    const Error error = !done               ? done.error()
                        : of->status != 200 ? refusal(of->body, of->status)
                                            : Error{VISOR_ECLOSED, "the visor has ended"};
    post(host(), [gone = std::move(watching_)] {});
    ended(error);
  };
  post(host(), [gone = std::exchange(watching_, call)] {});
  Result<void> begun = call->http.start(
      host(), kernel_->find<visor_sockets>(VISOR_SOCKETS_1), asked,
      {.head = [of = call.get()](const http::ResponseHead& head) { of->status = head.status; },
       .body = std::move(heard),
       .done = [finish](Result<void> done) { finish(done); }});
  if (!begun) finish(begun);
}

}  // namespace visor::tui
