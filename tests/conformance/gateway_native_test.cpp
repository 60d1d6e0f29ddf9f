// The gateway on a real port: what it serves, to whom, and what hostile clients change for others.
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "lib/http/client.hpp"
#include "lib/http/dial.hpp"
#include "lib/http/lines.hpp"
#include "tests/support/native_world.hpp"
#include "tests/support/stream_user.hpp"

namespace visor::test {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

/* --- an instance whose commands show how calls end ------------------------------------------ */

class Ticker final : public Instance {
 public:
  using Instance::Instance;
  void start(Started started) override { started({}); }

  struct Count {
    Ticker* ticker;
    visor_call* call;
    int64_t next = 0, limit = 0;
    size_t size = 0;
    bool fail = false; /* in the end */
  };
  static void ready(void* ctx, visor_call*) { pump(static_cast<Count*>(ctx)); }
  static void canceled(void* ctx, visor_call* call) {
    std::unique_ptr<Count> owned(static_cast<Count*>(ctx));
    ++owned->ticker->canceled_;
    call->api->finish(call, VISOR_ECANCELED);
  }
  static constexpr visor_call_events kEvents = {sizeof(visor_call_events), 0, &ready, &canceled};
  static void pump(Count* count) {
    for (; count->next < count->limit; ++count->next) {
      std::string value =
          "{\"n\":" + std::to_string(count->next) + ",\n\"pad\":\"" + std::string(count->size, 'x') + "\"}";
      if (count->call->api->emit(count->call, to_span(std::string_view(value))) != VISOR_OK) return;
      ++count->ticker->emitted_;
    }
    if (count->limit == 0) return; /* stays until the caller leaves */
    std::unique_ptr<Count> owned(count);
    Host host = count->ticker->host();
    count->call->api->finish(count->call,
                             count->fail ? host.fail(VISOR_ENOSPC, "no more \"numbers\"") : VISOR_OK);
  }
  Result<void> count(visor_call* call, std::string_view args) {
    auto object = json::parse(args).as_object();
    auto number = [&](const char* name) { return object.contains(name) ? object.at(name).as_int64() : 0; };
    if (number("limit") < 0) return failure(VISOR_ENOSPC, "there is no room for fewer than none");
    auto* count = new Count{
        this, call, 0, number("limit"), static_cast<size_t>(number("size")), object.contains("fail")};
    call->api->attach(call, &kEvents, count);
    pump(count);
    return {};
  }
  Result<std::string> echo(std::string_view args) { return std::string(args); }
  Result<std::string> refuse(std::string_view) { return failure(VISOR_EEXIST, "it \"exists\""); }
  Result<std::string> seen(std::string_view) {
    return "{\"canceled\":" + std::to_string(canceled_) + ",\"emitted\":" + std::to_string(emitted_) + "}";
  }

 private:
  int canceled_ = 0;
  int64_t emitted_ = 0;
};

constexpr const char* kCountArguments = R"({"type":"object","additionalProperties":false,"properties":{
  "limit":{"type":"integer"},"size":{"type":"integer"},"fail":{"type":"boolean"}}})";
constexpr const char* kEchoArguments = R"({"type":"object","additionalProperties":false,"properties":{
  "integer":{"type":"integer"},"number":{"type":"number"},"flag":{"type":"boolean"},"text":{"type":"string"},
  "list":{"type":"array","items":{"type":"integer"}}}})";
constexpr visor_command kCommands[] = {
    {"count", "Numbers as they come", kCountArguments, VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0,
     command<&Ticker::count>},
    {"wait", "Nothing, for ever", kCountArguments, VISOR_COMMAND_READS, 0, command<&Ticker::count>},
    {"echo", "The arguments", kEchoArguments, VISOR_COMMAND_READS, 0, command<&Ticker::echo>},
    {"change", "The arguments, with an effect", kEchoArguments, 0, 0, command<&Ticker::echo>},
    {"refuse", "An error", kCountArguments, VISOR_COMMAND_READS, 0, command<&Ticker::refuse>},
    {"seen", "What happened", kCountArguments, VISOR_COMMAND_READS | VISOR_COMMAND_HIDDEN, 0,
     command<&Ticker::seen>},
};
const visor_plugin kTicker = {VISOR_PLUGIN_HEAD,
                              .name = "ticker",
                              .version = "1.0.0",
                              .summary = "Counts",
                              .license = "MIT",
                              .schema = nullptr,
                              .needs = nullptr,
                              .offers = nullptr,
                              .commands = kCommands,
                              .command_count = std::size(kCommands),
                              .command_size = sizeof(visor_command),
                              .start = visor::start<Ticker>,
                              .stop = visor::stop<Ticker>,
                              .configure = nullptr};

const kernel::Catalog& catalog() {
  static const kernel::Catalog all = [] {
    kernel::Catalog out = plugins();
    REQUIRE(out.add(&kTicker, "this test").has_value());
    return out;
  }();
  return all;
}

/* --- a gateway, and clients ------------------------------------------------------------------- */

json::object with_port(json::object config) {
  config.emplace("listen", "tcp://127.0.0.1:0");
  return config;
}

struct Site {
  explicit Site(json::object config = {}) : node(world.add("alpha", text_of(with_port(config)), options())) {
    auto status = node.call("gateway", "status");
    REQUIRE(status.has_value());
    address = std::string(json::parse(*status).as_object().at("address").as_string());
  }
  static NodeOptions options() {
    NodeOptions out;
    out.catalog = &catalog();
    return out;
  }
  static std::string text_of(const json::object& gateway) {
    return json::serialize(
        json::object{{"plugins", json::array{json::object{{"plugin", "ticker"}},
                                             json::object{{"plugin", "gateway"}, {"config", gateway}}}}});
  }

  using Headers = std::vector<std::pair<std::string, std::string>>;
  http::ClientResponse ask(std::string method, const std::string& path, Headers headers = {},
                           std::string body = {}) {
    http::ClientRequest request;
    request.method = std::move(method);
    request.url = address + path;
    request.headers = std::move(headers);
    request.body = std::move(body);
    std::optional<Result<http::ClientResponse>> result;
    auto call = http::fetch(clients.host(), sockets(), request,
                            [&](Result<http::ClientResponse> got) { result = std::move(got); });
    REQUIRE(call.has_value());
    REQUIRE(world.run_until([&] { return result.has_value(); }, 10'000));
    INFO(path << ": " << (result->has_value() ? "" : result->error().text));
    REQUIRE(result->has_value());
    return std::move(**result);
  }
  http::ClientResponse get(const std::string& path, Headers headers = {}) {
    return ask("GET", path, std::move(headers));
  }
  visor_sockets* sockets() { return clients.find<visor_sockets>(VISOR_SOCKETS_1); }
  std::unique_ptr<StreamUser> connect() {
    std::string url = "tcp" + address.substr(4);
    auto stream = world.await<visor_stream>(clients, [&](visor_done done) {
      return sockets()->api->connect(sockets(), to_span(std::string_view(url)), done);
    });
    REQUIRE(stream.has_value());
    return std::make_unique<StreamUser>(clients.host(), *stream);
  }
  int64_t status_number(const char* name) {
    auto status = node.call("gateway", "status");
    REQUIRE(status.has_value());
    return json::parse(*status).as_object().at(name).to_number<int64_t>();
  }
  int64_t seen(const char* name) {
    return json::parse(*node.call("ticker", "seen")).as_object().at(name).to_number<int64_t>();
  }

  NativeWorld world;
  Node& node;
  Node& clients = world.add("beta", R"({"plugins":[]})");
  std::string address;
};

std::string error_status(const http::ClientResponse& response) {
  json::error_code failed;
  auto value = json::parse(response.body, failed);
  REQUIRE_FALSE(failed);
  return std::string(value.as_object().at("error").as_object().at("status").as_string());
}

}  // namespace

/* --- pages ------------------------------------------------------------------------------------ */

TEST_CASE("the gateway serves a folder from memory", "[gateway]") {
  Scratch folder;
  folder.write("index.html", "<p>hello");
  folder.write("app.wasm", std::string("\0asm", 4));
  folder.write("app.wasm.br", "brotli");
  folder.write("app.wasm.gz", "gzip");
  folder.write("app.3f9a2c81.js", "export {}");
  folder.write("help/index.html", "<p>help");
  folder.write(".secret", "secret");
  folder.write("with space.txt", "space");
  std::ofstream(folder.path().parent_path() / (folder.path().filename().string() + ".outside")) << "outside";
  std::string outside = "/../" + folder.path().filename().string() + ".outside";
  Site site({{"root", folder.path().string()}});

  auto index = site.get("/");
  CHECK(index.status == 200);
  CHECK(index.body == "<p>hello");
  CHECK(index.headers.find("content-type") == "text/html; charset=utf-8");
  CHECK(index.headers.find("cache-control") == "no-cache");
  CHECK(index.headers.find("cross-origin-opener-policy") == "same-origin");
  CHECK(index.headers.find("cross-origin-embedder-policy") == "require-corp");
  CHECK(index.headers.find("access-control-allow-origin").empty());
  auto head = site.ask("HEAD", "/index.html");
  CHECK(head.headers.find("content-length") == "8");
  CHECK(head.body.empty());

  std::string etag(index.headers.find("etag"));
  CHECK(etag.size() == 34);
  auto unchanged = site.get("/", {{"If-None-Match", "\"other\", W/" + etag}});
  CHECK(unchanged.status == 304);
  CHECK(unchanged.headers.find("etag") == etag);

  auto plain = site.get("/app.wasm");
  CHECK(plain.headers.find("content-type") == "application/wasm");
  CHECK(plain.headers.find("content-encoding").empty());
  CHECK(plain.headers.find("vary") == "accept-encoding");
  auto brotli = site.get("/app.wasm", {{"Accept-Encoding", "gzip, deflate, br"}});
  CHECK(brotli.body == "brotli");
  CHECK(brotli.headers.find("content-encoding") == "br");
  CHECK(brotli.headers.find("content-type") == "application/wasm");
  CHECK(brotli.headers.find("etag") != plain.headers.find("etag"));
  CHECK(site.get("/app.wasm", {{"Accept-Encoding", "gzip, br;q=0"}}).body == "gzip");
  CHECK(site.get("/app.wasm.br").status == 404);

  CHECK(site.get("/app.3f9a2c81.js").headers.find("cache-control") == "public, max-age=31536000, immutable");
  CHECK(site.get("/with%20space.txt").body == "space");
  auto redirect = site.get("/help");
  CHECK(redirect.status == 308);
  CHECK(redirect.headers.find("location") == "/help/");
  CHECK(site.get("/help/").body == "<p>help");
  CHECK(site.get("/?query").status == 200);

  for (const std::string& path :
       {std::string("/.secret"), outside, "/%2e%2e" + outside.substr(3), "/help/.." + outside,
        std::string("//etc/passwd"), std::string("/%00"), std::string("/%"), std::string("//help")}) {
    INFO(path);
    CHECK(site.get(path).status == 404);
  }
  auto missing = site.get("/none");
  CHECK(error_status(missing) == "ENOENT");
  CHECK(missing.body.find("/api, /bootstrap.json") != std::string::npos);
  auto post = site.ask("POST", "/index.html", {}, "x");
  CHECK(post.status == 405);
  CHECK(post.headers.find("allow") == "GET, HEAD");

  folder.write("index.html", "<p>changed");
  CHECK(site.get("/").body == "<p>hello");
  REQUIRE(site.node.call("gateway", "reload").has_value());
  CHECK(site.get("/").body == "<p>changed");
  fs::remove(folder.path().parent_path() / (folder.path().filename().string() + ".outside"));
}

TEST_CASE("a gateway without a page says what it is", "[gateway]") {
  Site site;
  auto welcome = site.get("/");
  CHECK(welcome.status == 200);
  CHECK(welcome.body.find("\"root\"") != std::string::npos);
  CHECK(welcome.body.find("GET /api") != std::string::npos);
}

TEST_CASE("what a gateway cannot start with is said", "[gateway]") {
  NativeWorld world;
  auto why = [&](json::object config) {
    Node& node = world.make("alpha", Site::text_of(with_port(std::move(config))), Site::options());
    auto started = node.start();
    REQUIRE_FALSE(started.has_value());
    return started.error().text;
  };
  CHECK(why({{"root", "/nowhere/at/all"}}).find("\"root\"") != std::string::npos);
  CHECK(why({{"listen", "tcp://nonsense"}}).find("\"listen\"") != std::string::npos);
  CHECK(why({{"listn", "tcp://127.0.0.1:0"}}).find("listen") != std::string::npos);
  CHECK(why({{"token", "short"}}).find("token") != std::string::npos);
  CHECK(why({{"hosts", json::array{"a b"}}}).find("hosts") != std::string::npos);
  for (const char* open : {"tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://192.0.2.1:0", "tcp://visor.example:0"}) {
    INFO(open);
    std::string said = why({{"listen", open}});
    CHECK(said.find(open) != std::string::npos);
    CHECK(said.find("\"token\"") != std::string::npos);
  }

  Site site;
  std::string taken = "tcp" + site.address.substr(4);
  std::string said = why({{"listen", taken}});
  CHECK(said.find(taken) != std::string::npos);
  CHECK(said.find("in use") != std::string::npos);
  CHECK(said.find("\"listen\"") != std::string::npos);
  CHECK(site.get("/").status == 200);
}

TEST_CASE("a new configuration changes what is served, while it runs", "[gateway]") {
  Scratch folder;
  folder.write("index.html", "page");
  Site site({{"bootstrap", json::object{{"step", 1}}}});
  auto first = site.get("/bootstrap.json", {{"Origin", "http://elsewhere"}});
  CHECK(first.body == R"({"step":1})");
  CHECK(first.headers.find("access-control-allow-origin") == "*");
  CHECK(first.headers.find("content-type") == "application/json");

  auto configure = [&](json::object config) {
    return site.node.kernel().configure("gateway", json::serialize(with_port(std::move(config))));
  };
  REQUIRE(
      configure({{"bootstrap", json::object{{"step", 2}}}, {"root", folder.path().string()}}).has_value());
  CHECK(site.get("/bootstrap.json").body == R"({"step":2})");
  REQUIRE(site.world.run_until([&] { return site.get("/").body == "page"; }, 5'000));
  CHECK(configure({{"listen", "tcp://127.0.0.1:1"}}).error().status == VISOR_ENOSYS);
  CHECK(configure({{"bootstrap", 7}}).has_value() == false);
  CHECK(site.get("/bootstrap.json").body == R"({"step":2})");
  CHECK(site.ask("POST", "/bootstrap.json").status == 404);
}

/* --- commands --------------------------------------------------------------------------------- */

TEST_CASE("commands are called over HTTP", "[gateway]") {
  Site site;
  auto status = site.get("/api/kernel/status");
  CHECK(status.status == 200);
  CHECK(status.headers.find("content-type") == "application/json");
  CHECK(status.headers.find("access-control-allow-origin").empty());
  CHECK(json::parse(status.body).as_object().at("state").as_string() == "running");
  CHECK(site.ask("POST", "/api/kernel/status").status == 200);
  CHECK(site.ask("POST", "/api/ticker/change", {}, R"({"integer":1})").body == R"({"integer":1})");
  CHECK(site.ask("HEAD", "/api/kernel/status").body.empty());

  auto typed = site.get("/api/ticker/echo?integer=5&number=1.5&flag&text=%E2%82%AC+7&list=1&list=2");
  CHECK(json::parse(typed.body) ==
        json::parse(R"({"integer":5,"number":1.5,"flag":true,"text":"€ 7","list":[1,2]})"));
  CHECK(json::parse(site.get("/api/ticker/echo?text=5&flag=false&list=[3]").body) ==
        json::parse(R"({"text":"5","flag":false,"list":[3]})"));

  auto wrong = site.get("/api/ticker/echo?integer=five");
  CHECK(wrong.status == 400);
  CHECK(wrong.body.find("integer") != std::string::npos);
  CHECK(site.get("/api/ticker/echo?integer=1&integer=2").status == 400);
  CHECK(site.get("/api/ticker/echo?unknown=1").status == 400);
  CHECK(site.ask("POST", "/api/ticker/change", {}, "{").status == 400);
  CHECK(site.ask("POST", "/api/ticker/change", {}, "[]").status == 400);

  auto change = site.get("/api/ticker/change?integer=1");
  CHECK(change.status == 405);
  CHECK(change.headers.find("allow") == "POST");
  CHECK(site.ask("DELETE", "/api/ticker/echo").status == 405);
  auto refused = site.get("/api/ticker/refuse");
  CHECK(refused.status == 409);
  CHECK(json::parse(refused.body) ==
        json::parse(R"({"error":{"status":"EEXIST","message":"it \"exists\""}})"));
  auto unknown = site.get("/api/tiker/echo");
  CHECK(unknown.status == 404);
  CHECK(unknown.body.find("ticker") != std::string::npos);
  CHECK(site.get("/api/ticker/ech").body.find("echo") != std::string::npos);
  CHECK(site.get("/api/ticker").status == 404);
  CHECK(site.get("/api/ticker/echo/more").status == 404);
  CHECK(site.get("/apiary").status == 404);
}

/* --- the document ------------------------------------------------------------------------------ */

/* Follows every "$ref" below a part of the document. */
void check_references(const json::value& document, const json::value& part) {
  if (const auto* array = part.if_array()) {
    for (const json::value& item : *array) check_references(document, item);
  }
  const auto* object = part.if_object();
  if (!object) return;
  if (const auto* to = object->if_contains("$ref")) {
    std::string reference(to->as_string());
    INFO(reference);
    REQUIRE(reference.starts_with("#/"));
    json::error_code failed;
    const json::value* found = document.find_pointer(reference.substr(1), failed);
    REQUIRE_FALSE(failed);
    CHECK(found->is_object());
  }
  for (const auto& member : *object) check_references(document, member.value());
}

const json::value& at(json::value&&, std::string_view) = delete; /* it would not live long enough */
const json::value& at(const json::value& value, std::string_view pointer) {
  json::error_code failed;
  const json::value* found = value.find_pointer(pointer, failed);
  INFO(pointer);
  REQUIRE(found);
  return *found;
}

void check_operation(const json::object& operation, std::set<std::string>& ids) {
  std::string id(operation.at("operationId").as_string());
  INFO(id);
  CHECK(ids.insert(id).second);
  CHECK_FALSE(operation.at("summary").as_string().empty());
  CHECK(operation.at("tags").as_array().at(0) == operation.at("x-instance"));
  bool streams = operation.at("x-streaming").as_bool();
  const json::value& answers = operation.at("responses");
  CHECK(at(answers, "/200/content").as_object().contains("text/event-stream") == streams);
  CHECK(at(answers, "/200/content").as_object().contains("application/json") != streams);
  const json::object& responses = answers.as_object();
  for (const char* status : {"400", "401", "403", "404", "503", "default"}) CHECK(responses.contains(status));
  for (const auto& response : responses) {
    CHECK((response.value().as_object().contains("$ref") ||
           response.value().as_object().contains("description")));
  }
}

/* The rows as the kernel gives them to anybody. */
std::map<std::string, const visor_command*> rows_of(Node& node) {
  std::map<std::string, const visor_command*> out;
  visor_commands* commands = node.kernel().commands();
  commands->api->each(
      commands,
      [](void* ctx, const char* instance, const char*, const visor_command* row) {
        static_cast<decltype(out)*>(ctx)->emplace("/api/" + std::string(instance) + "/" + row->name, row);
      },
      &out);
  return out;
}

TEST_CASE("GET /api is an OpenAPI document of all rows that are not hidden", "[gateway]") {
  Site site;
  auto response = site.get("/api");
  CHECK(response.headers.find("content-type") == "application/json");
  json::value document = json::parse(response.body);
  CHECK(at(document, "/openapi") == "3.1.0");
  CHECK(at(document, "/info/title").is_string());
  CHECK(at(document, "/info/version").is_string());
  check_references(document, document);
  CHECK(at(document, "/components/securitySchemes/token/scheme") == "bearer");

  std::set<std::string> ids;
  const json::object& paths = at(document, "/paths").as_object();
  auto rows = rows_of(site.node);
  size_t shown = 0;
  for (const auto& [path, row] : rows) {
    INFO(path);
    bool hidden = row->flags & VISOR_COMMAND_HIDDEN;
    REQUIRE(paths.contains(path) == !hidden);
    if (hidden) continue;
    ++shown;
    const json::value& item = paths.at(path);
    json::value params = json::parse(row->params);
    check_operation(at(item, "/post").as_object(), ids);
    CHECK(at(item, "/post/summary").as_string() == row->summary);
    CHECK(at(item, "/post/requestBody/content").as_object().at("application/json").at("schema") == params);
    bool reads = row->flags & VISOR_COMMAND_READS;
    REQUIRE(item.as_object().contains("get") == reads);
    if (!reads) continue;
    check_operation(at(item, "/get").as_object(), ids);
    const json::value* properties = params.as_object().if_contains("properties");
    const json::array& parameters = at(item, "/get/parameters").as_array();
    REQUIRE(parameters.size() == (properties ? properties->as_object().size() : 0));
    for (const json::value& parameter : parameters) {
      CHECK(parameter.at("in") == "query");
      CHECK(parameter.at("schema") == properties->at(parameter.at("name").as_string()));
    }
  }
  CHECK(paths.size() == shown);
  CHECK(shown + 1 == rows.size()); /* ticker seen */
  CHECK(paths.contains("/api/kernel/log"));
  CHECK(at(document, "/paths/~1api~1ticker~1count/get/x-streaming").as_bool());
  CHECK(at(document, "/tags").as_array().size() == 3);
  CHECK(site.ask("POST", "/api").status == 405);
  CHECK(site.get("/api/").body == response.body);
}

TEST_CASE("streaming commands come as events or lines", "[gateway]") {
  Site site;
  auto events = site.get("/api/ticker/count?limit=2", {{"Accept", "text/event-stream"}});
  CHECK(events.headers.find("content-type") == "text/event-stream");
  CHECK(events.body ==
        "data: {\"n\":0, \"pad\":\"\"}\n\ndata: {\"n\":1, \"pad\":\"\"}\n\nevent: end\ndata: {}\n\n");
  auto lines = site.get("/api/ticker/count?limit=2");
  CHECK(lines.headers.find("content-type") == "application/x-ndjson");
  CHECK(lines.body == "{\"n\":0, \"pad\":\"\"}\n{\"n\":1, \"pad\":\"\"}\n");
  CHECK(site.ask("HEAD", "/api/ticker/count?limit=0").status == 200);
  auto failed = site.get("/api/ticker/count?limit=-1");
  CHECK(failed.status == 507); /* at once: the status still tells it */
  CHECK(error_status(failed) == "ENOSPC");
  std::string why = R"({"error":{"status":"ENOSPC","message":"no more \"numbers\""}})";
  auto late = site.get("/api/ticker/count?limit=1&fail", {{"Accept", "text/event-stream"}});
  CHECK(late.status == 200);
  CHECK(late.body == "data: {\"n\":0, \"pad\":\"\"}\n\nevent: failed\ndata: " + why + "\n\n");
  CHECK(site.get("/api/ticker/count?limit=1&fail").body == "{\"n\":0, \"pad\":\"\"}\n" + why + "\n");
  auto large = site.get("/api/ticker/count?limit=2&size=3000000");
  CHECK(large.body.size() > 6'000'000);
}

TEST_CASE("a stream of events that has nothing to say says so", "[gateway]") {
  SimWorld world(1);
  Node& server =
      world.add("10.0.0.1", Site::text_of({{"listen", "tcp://0.0.0.0:80"}, {"token", "0123456789abcdef"}}),
                Site::options());
  Node& client = world.add("10.0.0.2", R"({"plugins":[]})");
  http::ClientRequest request;
  request.url = "http://10.0.0.1/api/ticker/count?limit=0";
  request.headers = {{"Accept", "text/event-stream"}, {"Authorization", "Bearer 0123456789abcdef"}};
  std::string body;
  bool done = false;
  http::ClientCall call;
  REQUIRE(call.start(client.host(), client.find<visor_sockets>(VISOR_SOCKETS_1), request,
                     {.head = [](const http::ResponseHead& head) { CHECK(head.status == 200); },
                      .body = [&](ByteView piece) { body += text(piece); },
                      .done = [&](Result<void>) { done = true; }})
              .has_value());
  world.run_for(14'000);
  CHECK(body.empty());
  world.run_for(32'000);
  CHECK(body == ": still here\n\n: still here\n\n: still here\n\n");
  CHECK_FALSE(done);
  call = http::ClientCall();
  world.run_for(1'000);
  CHECK(server.call("ticker", "seen")->find("\"canceled\":1") != std::string::npos);
}

TEST_CASE("a client that leaves cancels its call", "[gateway]") {
  Site site;
  auto client = site.connect();
  client->write("GET /api/ticker/count?limit=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(site.world.run_until([&] { return site.status_number("calls") == 1; }, 5'000));
  client->stream.close();
  CHECK(site.world.run_until([&] { return site.seen("canceled") == 1; }, 5'000));
  CHECK(site.world.run_until([&] { return site.status_number("calls") == 0; }, 5'000));
}

TEST_CASE("a slow client slows the command", "[gateway]") {
  Site site;
  http::ClientRequest request;
  request.url = site.address + "/api/ticker/count?limit=100000&size=10000";
  request.max_body_bytes = 2'000'000'000;
  http::Lines lines;
  int64_t received = 0;
  bool done = false;
  http::ClientCall call;
  REQUIRE(call.start(site.clients.host(), site.sockets(), request,
                     {.head = {},
                      .body =
                          [&](ByteView piece) {
                            REQUIRE(lines
                                        .feed(piece,
                                              [&](std::string_view line) {
                                                CHECK(
                                                    line.starts_with("{\"n\":" + std::to_string(received++)));
                                              })
                                        .has_value());
                          },
                      .done = [&](Result<void>) { done = true; }})
              .has_value());
  REQUIRE(site.world.run_until([&] { return received > 10; }, 5'000));
  call.pause(true);
  int64_t before = -1;
  REQUIRE(site.world.run_until(
      [&] {
        int64_t now = site.seen("emitted");
        return std::exchange(before, now) == now;
      },
      20'000));
  CHECK(before < 10'000); /* sockets hold some megabytes, the command's queue one more */
  call.pause(false);
  CHECK(site.world.run_until([&] { return site.seen("emitted") > before + 1'000; }, 20'000));
  CHECK_FALSE(done);
}

TEST_CASE("a gateway stops while clients are there", "[gateway]") {
  Site site;
  auto streaming = site.connect(), waiting = site.connect(), idle = site.connect();
  streaming->write("GET /api/ticker/count?limit=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  waiting->write("GET /api/ticker/wait?limit=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(site.world.run_until([&] { return site.status_number("calls") == 2; }, 5'000));
  site.node.stop();
  CHECK(site.node.kernel().state() == kernel::Kernel::State::kStopped);
}

/* --- who may ask ------------------------------------------------------------------------------ */

TEST_CASE("commands are for pages of this gateway and programs of this machine", "[gateway]") {
  Site site;
  std::string own = site.address.substr(7), port = own.substr(own.rfind(':'));
  auto status = [&](Site::Headers headers) {
    auto raw = site.connect();
    std::string request = "GET /api/kernel/status HTTP/1.1\r\n";
    for (auto& [name, value] : headers) request += name + ": " + value + "\r\n";
    raw->write(request + "Connection: close\r\n\r\n");
    REQUIRE(site.world.run_until([&] { return raw->ended; }, 5'000));
    return std::stoi(raw->text().substr(9, 3));
  };
  CHECK(status({{"Host", own}}) == 200);
  CHECK(status({{"Host", "localhost" + port}}) == 200);
  CHECK(status({{"Host", "visor.localhost" + port}}) == 200);
  CHECK(status({{"Host", "[::1]" + port}}) == 200);
  CHECK(status({{"Host", own}, {"Origin", "http://" + own}}) == 200);
  CHECK(status({{"Host", own}, {"Sec-Fetch-Site", "same-origin"}}) == 200);

  CHECK(status({{"Host", "evil.example" + port}}) == 403); /* DNS rebinding */
  CHECK(status({{"Host", "127.0.0.1.evil.example"}}) == 403);
  CHECK(status({{"Host", "192.168.1.1"}}) == 403);
  CHECK(status({{"Host", own}, {"Origin", "http://evil.example"}}) == 403);
  CHECK(status({{"Host", own}, {"Origin", "http://localhost" + port}}) == 403);
  CHECK(status({{"Host", own}, {"Origin", "null"}}) == 403);
  CHECK(status({{"Host", own}, {"Sec-Fetch-Site", "cross-site"}}) == 403);
  CHECK(site.status_number("requests_turned_away") == 7);
}

TEST_CASE("with a token a gateway may listen anywhere, and shows the token to nobody", "[gateway]") {
  NativeWorld world;
  Node& node =
      world.add("alpha", Site::text_of({{"listen", "tcp://0.0.0.0:0"}, {"token", "0123456789abcdef"}}),
                Site::options());
  CHECK(node.call("gateway", "status")->find("\"token_required\":true") != std::string::npos);
  auto shown = node.call("kernel", "config");
  REQUIRE(shown.has_value());
  CHECK(shown->find("tcp://0.0.0.0:0") != std::string::npos);
  CHECK(shown->find("0123456789abcdef") == std::string::npos);
  auto without = node.kernel().configure("gateway", R"({"listen":"tcp://0.0.0.0:0"})");
  REQUIRE_FALSE(without.has_value());
  CHECK(without.error().text.find("\"token\"") != std::string::npos);
}

TEST_CASE("a token opens the commands, under any name", "[gateway]") {
  Site site({{"token", "0123456789abcdef"}, {"hosts", json::array{"Visor.Example"}}});
  auto none = site.get("/api");
  CHECK(none.status == 401);
  CHECK(none.headers.find("www-authenticate") == "Bearer");
  CHECK(error_status(none) == "EPERM");
  CHECK(site.get("/api", {{"Authorization", "Bearer 0123456789abcdee"}}).status == 401);
  CHECK(site.get("/api", {{"Authorization", "Bearer 0123456789abcdef0"}}).status == 401);
  CHECK(site.get("/api", {{"Authorization", "Basic 0123456789abcdef"}}).status == 401);
  CHECK(site.get("/api", {{"Authorization", "Bearer 0123456789abcdef"}}).status == 200);
  CHECK(site.get("/api", {{"Authorization", "bearer 0123456789abcdef"}}).status == 200);
  CHECK(site.get("/api", {{"Authorization", "Bearer 0123456789abcdef"}, {"Origin", "http://evil"}}).status ==
        403);
  CHECK(site.get("/").status == 200);
  CHECK(site.get("/bootstrap.json").status == 200);
}

/* --- what others mount ------------------------------------------------------------------------ */

TEST_CASE("plugins mount routes; the longest prefix answers", "[gateway]") {
  Site site;
  auto* server = site.node.find<visor_http>(VISOR_HTTP_1);
  REQUIRE(server);
  Host host = site.node.host();
  auto mount = [&](Route& route, std::string_view prefix, uint32_t flags, std::string answer) {
    return route.mount(host, server, prefix, flags, [answer](visor_exchange* exchange) {
      respond(exchange, 200, "text/plain",
              answer + " " + std::string(text(exchange->api->request(exchange)->path)));
    });
  };
  Route open, inner, closed, second;
  REQUIRE(mount(open, "/metrics", VISOR_HTTP_PUBLIC, "outer").has_value());
  REQUIRE(mount(inner, "/metrics/deep/", VISOR_HTTP_PUBLIC, "inner").has_value());
  REQUIRE(mount(closed, "/closed", 0, "closed").has_value());
  CHECK(mount(second, "/metrics", 0, "again").error().status == VISOR_EEXIST);
  CHECK(mount(second, "/metrics/", 0, "again").error().status == VISOR_EEXIST);
  CHECK(mount(second, "/api", 0, "mine").error().status == VISOR_EEXIST);
  CHECK(mount(second, "metrics", 0, "no path").error().status == VISOR_EINVAL);
  CHECK(mount(second, "/a?b", 0, "no path").error().status == VISOR_EINVAL);

  CHECK(site.get("/metrics").body == "outer /metrics");
  CHECK(site.get("/metrics/x?y").body == "outer /metrics/x");
  CHECK(site.get("/metrics/deep/er").body == "inner /metrics/deep/er");
  CHECK(site.get("/metrics/deeper").body == "outer /metrics/deeper");
  CHECK(site.get("/metricsx").status == 404);
  CHECK(site.get("/none").body.find("/metrics, /metrics/deep") != std::string::npos);

  auto foreign = site.get("/metrics", {{"Origin", "http://elsewhere"}, {"Sec-Fetch-Site", "cross-site"}});
  CHECK(foreign.status == 200);
  CHECK(foreign.headers.find("access-control-allow-origin") == "*");
  CHECK(foreign.headers.find("cross-origin-resource-policy") == "cross-origin");
  auto preflight = site.ask("OPTIONS", "/metrics",
                            {{"Origin", "http://elsewhere"},
                             {"Access-Control-Request-Method", "POST"},
                             {"Access-Control-Request-Private-Network", "true"}});
  CHECK(preflight.status == 204);
  CHECK(preflight.headers.find("access-control-allow-methods").find("POST") != std::string_view::npos);
  CHECK(preflight.headers.find("access-control-allow-private-network") == "true");
  CHECK(site.get("/closed").status == 200);
  auto turned = site.get("/closed", {{"Origin", "http://elsewhere"}});
  CHECK(turned.status == 403);
  CHECK(turned.headers.find("access-control-allow-origin").empty());

  auto routes = json::parse(*site.node.call("gateway", "routes")).as_object().at("routes").as_array();
  CHECK(routes.size() == 5);
  inner = Route();
  CHECK(site.get("/metrics/deep/er").body == "outer /metrics/deep/er");
  open = Route();
  CHECK(site.get("/metrics").status == 404);
}

TEST_CASE("a WebSocket on a mounted route", "[gateway]") {
  Site site;
  Host host = site.node.host();
  std::unique_ptr<StreamUser> inside, outside;
  Route route;
  REQUIRE(route
              .mount(host, site.node.find<visor_http>(VISOR_HTTP_1), "/skywire", VISOR_HTTP_PUBLIC,
                     [&](visor_exchange* exchange) {
                       visor_stream* raw = exchange->api->upgrade(exchange);
                       if (raw) inside = std::make_unique<StreamUser>(host, raw);
                     })
              .has_value());
  CHECK(site.get("/skywire").status == 426);
  auto dial =
      http::dial_websocket(site.clients.host(), site.sockets(), "ws" + site.address.substr(4) + "/skywire",
                           5'000, [&](Result<visor_stream*> result) {
                             REQUIRE(result.has_value());
                             outside = std::make_unique<StreamUser>(site.clients.host(), *result);
                           });
  REQUIRE(site.world.run_until([&] { return inside && outside; }, 5'000));
  CHECK(inside->stream.origin().starts_with("127.0.0.1:"));
  CHECK(outside->stream.origin() == site.address.substr(7));

  /* More than every queue on the way holds, both ways at once. */
  std::string sent;
  for (int i = 0; sent.size() < 20'000'000; ++i) sent += std::to_string(i) + ",";
  size_t at[2] = {0, 0};
  auto pump = [&](int which) {
    StreamUser& user = which ? *inside : *outside;
    while (at[which] < sent.size()) {
      std::string_view piece = std::string_view(sent).substr(at[which], 70'000);
      if (user.write(piece) != VISOR_OK) return;
      at[which] += piece.size();
    }
  };
  inside->on_ready = [&] { pump(1); };
  outside->on_ready = [&] { pump(0); };
  pump(0);
  pump(1);
  REQUIRE(site.world.run_until(
      [&] { return inside->data.size() == sent.size() && outside->data.size() == sent.size(); }, 30'000));
  CHECK(inside->text() == sent);
  CHECK(outside->text() == sent);
  CHECK(inside->readies > 0);

  CHECK(site.status_number("websockets") == 1);
  outside->stream.end();
  REQUIRE(site.world.run_until([&] { return inside->closed && outside->closed; }, 10'000));
  CHECK(inside->closed->status == VISOR_OK);
  CHECK(outside->closed->status == VISOR_OK);
  CHECK(site.world.run_until([&] { return site.status_number("websockets") == 0; }, 5'000));
}

/* --- hostile clients -------------------------------------------------------------------------- */

TEST_CASE("garbage on the port harms nobody else", "[gateway]") {
  Site site({{"limits", json::object{{"connections", 64}, {"request_timeout_ms", 500}}}});
  auto well = site.connect();
  auto check_well = [&] {
    size_t before = well->data.size();
    well->write("GET /api/kernel/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(site.world.run_until([&] { return well->data.size() > before && well->text().ends_with("}"); },
                                 5'000));
  };
  check_well();
  std::string binary;
  for (int i = 0; i < 70'000; ++i) binary += static_cast<char>(i * 31 + i / 7);
  std::vector<std::unique_ptr<StreamUser>> clients;
  for (const std::string& input :
       {binary, std::string("GET"), std::string("\x16\x03\x01"), std::string(100'000, 'A'),
        "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'a'),
        std::string("POST /api/kernel/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"),
        std::string(
            "POST /api/kernel/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
        "GET /" + std::string(8'000, '/') + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"}) {
    clients.push_back(site.connect());
    clients.back()->write(input);
    check_well();
  }
  REQUIRE(site.world.run_until(
      [&] {
        return std::ranges::all_of(clients,
                                   [](const auto& client) { return client->ended || client->closed; });
      },
      10'000));
  check_well();
  clients.clear();
  for (int i = 0; i < 80; ++i) clients.push_back(site.connect()); /* above the limit */
  REQUIRE(site.world.run_until([&] { return site.status_number("connections_refused") > 0; }, 5'000));
  check_well();
  CHECK(site.status_number("connections") <= 64);
  clients.clear();
  CHECK(site.world.run_until([&] { return site.status_number("connections") == 1; }, 5'000));
}

TEST_CASE("the limits of the configuration hold", "[gateway]") {
  Site site({{"limits", json::object{{"body_bytes", 100},
                                     {"header_bytes", 1024},
                                     {"connections_per_address", 3},
                                     {"request_timeout_ms", 100},
                                     {"idle_timeout_ms", 100}}}});
  CHECK(site.ask("POST", "/api/ticker/change", {}, std::string(100, ' ')).status == 200);
  auto long_body = site.ask("POST", "/api/ticker/change", {}, std::string(101, ' '));
  CHECK(long_body.status == 413);
  CHECK(long_body.body.find("100 bytes") != std::string::npos);
  CHECK(site.get("/api/kernel/status", {{"X-Long", std::string(1024, 'x')}}).status == 431);

  auto slow = site.connect(), idle = site.connect();
  slow->write("GET /api/kernel/status HTTP/1.1\r\nHost: ");
  REQUIRE(site.world.run_until([&] { return slow->ended && idle->ended; }, 5'000));
  CHECK(slow->text().starts_with("HTTP/1.1 408 "));
  CHECK(idle->text().empty());
  slow.reset();
  idle.reset();
  REQUIRE(site.world.run_until([&] { return site.status_number("connections") == 0; }, 5'000));

  int64_t refused = site.status_number("connections_refused");
  std::vector<std::unique_ptr<StreamUser>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(site.connect());
  REQUIRE(
      site.world.run_until([&] { return site.status_number("connections_refused") == refused + 1; }, 5'000));
  CHECK(site.status_number("timeouts") >= 1);
}

}  // namespace visor::test
