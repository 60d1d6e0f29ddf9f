/* visor <instance> <command> [--key value]...: a command of a running visor, called on its gateway. */
#include <fmt/core.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <optional>

#include "kernel/kernel.hpp"
#include "kernel/native/loop.hpp"
#include "kernel/native/sockets.hpp"
#include "lib/http/client.hpp"
#include "program.hpp"

namespace visor::programs {
namespace {

namespace json = boost::json;

struct Line {
  std::string gateway = "http://127.0.0.1:8080", token, instance, command;
  std::vector<std::pair<std::string, std::string>> arguments; /* a flag without a value has "true" */
};

Result<Line> read_line(const std::vector<std::string>& words) {
  Line line;
  if (const char* gateway = std::getenv("VISOR_GATEWAY")) line.gateway = gateway;
  if (const char* token = std::getenv("VISOR_TOKEN")) line.token = token;
  if (words.size() < 2) {
    return failure(VISOR_EINVAL,
                   "expected visor <instance> <command> [--key value]..., e.g. visor transports list");
  }
  line.instance = words[0];
  line.command = words[1];
  for (size_t i = 2; i < words.size(); ++i) {
    if (!words[i].starts_with("--"))
      return failure(VISOR_EINVAL, "expected --key value, got \"" + words[i] + "\"");
    std::string key = words[i].substr(2), value = "true";
    if (size_t equals = key.find('='); equals != std::string::npos) {
      value = key.substr(equals + 1);
      key.resize(equals);
    } else if (i + 1 < words.size() && !words[i + 1].starts_with("--")) {
      value = words[++i];
    }
    if (key == "gateway") {
      line.gateway = value;
    } else if (key == "token") {
      line.token = value;
    } else {
      line.arguments.emplace_back(std::move(key), std::move(value));
    }
  }
  return line;
}

/* The row of GET /api that the line names; an error that lists what there is. */
Result<json::object> find_row(const std::string& api, const Line& line) {
  json::error_code failed;
  json::value value = json::parse(api, failed);
  const json::object* body = value.if_object();
  const json::value* rows = body ? body->if_contains("commands") : nullptr;
  if (failed || !rows || !rows->is_array())
    return failure(VISOR_EPROTO, "the gateway's /api is not what was expected");
  std::string known;
  for (const json::value& row : rows->get_array()) {
    const json::object& fields = row.get_object();
    std::string name = std::string(fields.at("instance").get_string()) + " " +
                       std::string(fields.at("command").get_string());
    if (name == line.instance + " " + line.command) return fields;
    known += "\n  " + name + "  " + std::string(fields.at("summary").get_string());
  }
  return failure(VISOR_ENOENT,
                 "no command " + line.instance + " " + line.command + " runs there; what does:" + known);
}

/* Texts of the command line as the command's schema wants them; what the schema does not know goes as text,
 * for the gateway's check to name. */
json::object typed(const Line& line, const json::object& row) {
  const json::value* properties = nullptr;
  if (const json::value* params = row.if_contains("params"); params && params->is_object()) {
    properties = params->get_object().if_contains("properties");
  }
  json::object out;
  for (const auto& [key, text] : line.arguments) {
    const json::value* property =
        properties && properties->is_object() ? properties->get_object().if_contains(key) : nullptr;
    const json::value* type =
        property && property->is_object() ? property->get_object().if_contains("type") : nullptr;
    json::error_code failed;
    json::value parsed = json::parse(text, failed);
    bool as_text = failed || !type || *type == json::value("string");
    out[key] = as_text ? json::value(json::string(text)) : parsed;
  }
  return out;
}

std::string reason(const std::string& body, int32_t status) {
  json::error_code failed;
  json::value value = json::parse(body, failed);
  const json::value* message = failed ? nullptr : value.find_pointer("/error/message", failed);
  if (message && message->is_string()) return std::string(message->get_string());
  return fmt::format("the gateway answered {}: {}", status, body);
}

class Caller {
 public:
  Caller(kernel::native::UvLoop& loop, kernel::Kernel& kernel, Line line)
      : loop_(loop), kernel_(kernel), line_(std::move(line)) {}

  void start() {
    http::ClientRequest request = make_request("GET", "/api");
    auto call = http::fetch(host(), sockets(), request, [this](Result<http::ClientResponse> response) {
      if (!response) return finish(unreachable(response.error()));
      if (response->status != 200)
        return finish(Error{VISOR_EPERM, reason(response->body, response->status)});
      auto row = find_row(response->body, line_);
      if (!row) return finish(row.error());
      run(*row);
    });
    if (!call) return finish(unreachable(call.error()));
    call_ = std::move(*call);
  }
  int exit_code() const { return exit_code_; }

 private:
  Host host() const { return kernel_.host(); }
  visor_sockets* sockets() const { return kernel_.find<visor_sockets>(VISOR_SOCKETS_1); }

  http::ClientRequest make_request(std::string method, const std::string& path) const {
    http::ClientRequest request;
    request.method = std::move(method);
    request.url = line_.gateway + path;
    if (!line_.token.empty()) request.headers.emplace_back("authorization", "Bearer " + line_.token);
    return request;
  }
  Error unreachable(const Error& error) const {
    return {error.status, "no gateway at " + line_.gateway + " (" + error.text +
                              "); is the visor running? --gateway URL names another"};
  }

  void run(const json::object& row) {
    http::ClientRequest request = make_request("POST", std::string(row.at("path").get_string()));
    request.body = json::serialize(typed(line_, row));
    request.headers.emplace_back("content-type", "application/json");
    bool streams = row.at("streams").get_bool();
    request.headers.emplace_back("accept", streams ? "application/x-ndjson" : "application/json");
    if (streams) request.idle_timeout_ms = 0;
    auto begun = answer_.start(host(), sockets(), request,
                               {.head = [this](const http::ResponseHead& head) { status_ = head.status; },
                                .body = [this](ByteView piece) { take(piece); },
                                .done = [this](Result<void> done) { ended(done); }});
    if (!begun) finish(unreachable(begun.error()));
  }
  void take(ByteView piece) {
    if (status_ != 200) {
      refusal_ += text(piece);
    } else {
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
      newline_ = piece.back() == '\n';
    }
  }
  void ended(Result<void> done) {
    if (!done) return finish(done.error());
    if (status_ != 200) return finish(Error{VISOR_EIO, reason(refusal_, status_)});
    if (!newline_) std::fputs("\n", stdout);
    finish(std::nullopt);
  }
  void finish(std::optional<Error> error) {
    if (error) exit_code_ = report(*error);
    loop_.stop();
  }

  kernel::native::UvLoop& loop_;
  kernel::Kernel& kernel_;
  Line line_;
  http::ClientCall call_, answer_;
  std::string refusal_;
  int32_t status_ = 0;
  int exit_code_ = kDone;
  bool newline_ = true;
};

}  // namespace

int call_command(const std::vector<std::string>& arguments) {
  auto line = read_line(arguments);
  if (!line) {
    report(line.error());
    return kUsage;
  }
  kernel::native::UvLoop loop;
  kernel::Catalog nothing;
  kernel::KernelOptions options{.loop = loop, .catalog = nothing, .config = R"({"plugins":[]})"};
  options.services = {kernel::native::sockets(loop)};
  kernel::Kernel kernel(std::move(options));
  int exit_code = kFailed;
  {
    std::optional<Caller> caller;
    kernel.start([&](Result<void> started) {
      if (!started) {
        report(started.error());
        return loop.stop();
      }
      caller.emplace(loop, kernel, std::move(*line));
      caller->start();
    });
    loop.run();
    if (caller) exit_code = caller->exit_code();
  }
  kernel.stop([&] { loop.stop(); });
  loop.run();
  return exit_code;
}

}  // namespace visor::programs
