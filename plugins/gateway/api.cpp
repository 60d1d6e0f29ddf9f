#include "api.hpp"

#include "api_call.hpp"
#include "lib/arguments/arguments.hpp"

namespace visor::gateway {
namespace {

void answer_json(http::Exchange& exchange, const std::string& body) {
  visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("application/json"),
                          VISOR_TEXT("cache-control"), VISOR_TEXT("no-store")};
  exchange.respond(200, headers, 4, to_span(std::string_view(body)));
}

bool is_read(const http::Exchange& exchange) {
  return exchange.method() == "GET" || exchange.method() == "HEAD";
}

/* A query as the command's arguments. */
Result<std::string> arguments_of(std::string_view query, const visor_command& row) {
  auto parameters = http::parse_query(query);
  if (!parameters) return std::unexpected(parameters.error());
  std::vector<arguments::Argument> out;
  for (http::Parameter& parameter : *parameters) {
    out.push_back({std::move(parameter.name), std::move(parameter.value)});
  }
  return arguments::to_json(out, row.params ? row.params : "");
}

void refuse_method(http::Exchange& exchange, std::string_view allowed) {
  exchange.add_header("Allow", allowed);
  exchange.respond_error(405, VISOR_EINVAL,
                         "expected " + std::string(allowed) + "; got " + std::string(exchange.method()) +
                             (allowed == "POST" ? ", which is for commands that only read" : ""));
}

}  // namespace

Api::Api(Host host, visor_commands* commands, bool needs_token)
    : host_(host), commands_(commands), needs_token_(needs_token), tasks_(host) {}
Api::~Api() = default;

std::vector<CommandRow> Api::rows() const {
  std::vector<CommandRow> out;
  commands_->api->each(
      commands_,
      [](void* ctx, const char* instance, const char* plugin, const visor_command* command) {
        static_cast<std::vector<CommandRow>*>(ctx)->push_back({instance, plugin, command});
      },
      &out);
  return out;
}

void Api::answer(http::Exchange& exchange) {
  std::string_view path = exchange.path();
  path.remove_prefix(std::string_view("/api").size());
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) {
    if (!is_read(exchange)) return refuse_method(exchange, "GET, HEAD");
    return answer_json(exchange, openapi_json(rows(), needs_token_));
  }
  path.remove_prefix(1);
  size_t slash = path.find('/');
  if (slash == std::string_view::npos || path.find('/', slash + 1) != std::string_view::npos) {
    return exchange.respond_error(404, VISOR_ENOENT,
                                  "expected /api/<instance>/<command>; GET /api describes what there is");
  }
  call(exchange, std::string(path.substr(0, slash)), std::string(path.substr(slash + 1)));
}

void Api::call(http::Exchange& exchange, const std::string& instance, const std::string& command) {
  const visor_command* row = nullptr;
  for (const CommandRow& known : rows()) {
    if (known.instance == instance && known.command->name == command) row = known.command;
  }
  bool query = is_read(exchange);
  if (row && query && !(row->flags & VISOR_COMMAND_READS)) return refuse_method(exchange, "POST");
  if (!query && exchange.method() != "POST") {
    return refuse_method(exchange, row && row->flags & VISOR_COMMAND_READS ? "GET, HEAD, POST" : "POST");
  }
  std::string args(exchange.body());
  if (query && row) {
    auto parsed = arguments_of(exchange.query(), *row);
    if (!parsed) return exchange.respond_error(400, parsed.error().status, parsed.error().text);
    args = std::move(*parsed);
  }
  ++total_;
  bool streams = row && row->flags & VISOR_COMMAND_STREAMS;
  if (streams && exchange.method() == "HEAD") { /* would run for nobody */
    visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("application/x-ndjson")};
    return exchange.respond(200, headers, 2, {});
  }
  auto call = std::make_unique<ApiCall>(*this, host_, commands_, streams);
  ApiCall* raw = call.get();
  calls_.push_back(std::move(call));
  raw->start(exchange, instance.c_str(), command.c_str(), args);
}

void Api::ended(ApiCall* call) {
  tasks_.post([this, call] {
    calls_.remove_if([call](const auto& known) { return known.get() == call; });
    if (calls_.empty() && stopped_) std::exchange(stopped_, nullptr)();
  });
}

void Api::stop(std::function<void()> stopped) {
  if (calls_.empty()) return stopped();
  stopped_ = std::move(stopped);
  for (const auto& call : calls_) call->cancel();
}

}  // namespace visor::gateway
