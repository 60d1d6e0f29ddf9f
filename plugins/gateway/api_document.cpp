#include "api_document.hpp"

#include <boost/json.hpp>

namespace visor::gateway {
namespace {

namespace json = boost::json;

/* The schema of the arguments; an object of anything where the plugin gives none. */
json::value schema_of(const visor_command& command) {
  json::error_code failed;
  json::value schema = command.params ? json::parse(command.params, failed) : json::value();
  if (failed || !schema.is_object()) return json::object{{"type", "object"}};
  return schema;
}

json::object content(std::string_view type, json::value schema) {
  json::object media{{"schema", std::move(schema)}};
  return {{json::string_view(type.data(), type.size()), std::move(media)}};
}

json::object response(std::string_view description, json::object content_of) {
  return {{"description", json::string_view(description.data(), description.size())},
          {"content", std::move(content_of)}};
}

json::object answers(const CommandRow& row) {
  json::object good = row.streams() ? content("application/x-ndjson", json::object{})
                                    : content("application/json", json::object{});
  if (row.streams()) good["text/event-stream"] = json::object{{"schema", json::object{}}};
  json::object reference{{"$ref", "#/components/schemas/Error"}};
  return {{"200", response(row.streams() ? "Values as they come" : "The value", std::move(good))},
          {"default", response("What went wrong", content("application/json", std::move(reference)))}};
}

json::object operation(const CommandRow& row, std::string_view method) {
  std::string id = std::string(method) + "_" + row.instance + "_" + row.command->name;
  return {{"operationId", id},
          {"summary", row.command->summary ? row.command->summary : ""},
          {"tags", json::array{json::string(row.instance)}},
          {"responses", answers(row)}};
}

/* Each property of the arguments as a part of the query. */
json::array query_parameters(const json::value& schema) {
  json::array out;
  const json::value* properties = schema.if_object()->if_contains("properties");
  if (!properties || !properties->is_object()) return out;
  const json::value* required = schema.if_object()->if_contains("required");
  for (const auto& [name, property] : *properties->if_object()) {
    bool needed = false;
    if (required && required->is_array()) {
      for (const json::value& other : *required->if_array()) needed |= other == json::value(name);
    }
    out.push_back(json::object{{"name", name}, {"in", "query"}, {"required", needed}, {"schema", property}});
  }
  return out;
}

}  // namespace

std::string list_json(const std::vector<CommandRow>& rows) {
  json::array commands;
  for (const CommandRow& row : rows) {
    if (row.hidden()) continue;
    json::array methods{"POST"};
    if (row.reads()) methods.insert(methods.begin(), "GET");
    commands.push_back(json::object{{"instance", row.instance},
                                    {"plugin", row.plugin},
                                    {"command", row.command->name},
                                    {"summary", row.command->summary ? row.command->summary : ""},
                                    {"path", row.path()},
                                    {"methods", std::move(methods)},
                                    {"streams", row.streams()},
                                    {"params", schema_of(*row.command)}});
  }
  return json::serialize(json::object{{"commands", std::move(commands)}});
}

std::string openapi_json(const std::vector<CommandRow>& rows) {
  json::object paths;
  for (const CommandRow& row : rows) {
    if (row.hidden()) continue;
    json::value schema = schema_of(*row.command);
    json::object methods;
    json::object post = operation(row, "post");
    post["requestBody"] = json::object{{"content", content("application/json", schema)}};
    methods["post"] = std::move(post);
    if (row.reads()) {
      json::object get = operation(row, "get");
      get["parameters"] = query_parameters(schema);
      methods["get"] = std::move(get);
    }
    paths[row.path()] = std::move(methods);
  }
  json::object text{{"type", "string"}};
  json::object error{{"type", "object"}, {"properties", json::object{{"status", text}, {"message", text}}}};
  json::object schemas{
      {"Error", json::object{{"type", "object"}, {"properties", json::object{{"error", std::move(error)}}}}}};
  json::object schemes{{"token", json::object{{"type", "http"}, {"scheme", "bearer"}}}};
  return json::serialize(
      json::object{{"openapi", "3.1.0"},
                   {"info", json::object{{"title", "Visor"},
                                         {"version", "1"},
                                         {"description", "The commands of this visor's running instances"}}},
                   {"paths", std::move(paths)},
                   {"security", json::array{json::object{}, json::object{{"token", json::array{}}}}},
                   {"components",
                    json::object{{"schemas", std::move(schemas)}, {"securitySchemes", std::move(schemes)}}}});
}

}  // namespace visor::gateway
