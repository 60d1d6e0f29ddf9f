// The gateway on a real port: the OpenAPI document of all commands.
#include <map>
#include <set>

#include "tests/conformance/gateway_site.hpp"

namespace visor::test {

namespace {

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

}  // namespace

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

TEST_CASE("the document asks for a token exactly where the gateway does", "[gateway]") {
  Site open;
  json::value document = json::parse(open.get("/api").body);
  CHECK(at(document, "/security").as_array().empty());
  Site guarded({{"token", "0123456789abcdef"}});
  CHECK(guarded.get("/api").status == 401);
  document = json::parse(guarded.get("/api", {{"Authorization", "Bearer 0123456789abcdef"}}).body);
  CHECK(at(document, "/security") == json::value(json::array{json::object{{"token", json::array{}}}}));
}

}  // namespace visor::test
