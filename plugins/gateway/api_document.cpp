#include "api_document.hpp"

#include <boost/json.hpp>

namespace visor::gateway {
namespace {

namespace json = boost::json;

/* The schema of the arguments; an object of anything where the plugin gives none. */
json::object schema_of(const visor_command& command) {
  json::error_code failed;
  json::value schema = command.params ? json::parse(command.params, failed) : json::value();
  if (failed || !schema.is_object()) return {{"type", "object"}};
  return std::move(*schema.if_object());
}

json::object content(std::string_view type, json::value schema) {
  json::object media{{"schema", std::move(schema)}};
  return {{json::string_view(type.data(), type.size()), std::move(media)}};
}

json::object reference(std::string_view to) {
  return {{"$ref", "#/components/" + std::string(to)}};
}

/* --- answers ------------------------------------------------------------------------------- */

struct Refusal {
  const char* http;
  const char* name; /* among the document's components */
  const char* description;
};
constexpr Refusal kRefusals[] = {
    {"400", "NotUnderstood", "The arguments do not fit the command's schema, or the command refused them"},
    {"401", "NoToken", "This gateway has a token, and the request had none or another"},
    {"403", "NotAllowed", "Who asks may not: another machine without a token, or a page of another origin"},
    {"404", "NotThere", "No such instance or command, or what the command was to find is not there"},
    {"503", "Busy", "Too many calls are open, or the instance is stopping; try again"},
    {"default", "Failed", "The command failed"},
};

json::object refusals() {
  json::object out;
  for (const Refusal& refusal : kRefusals) {
    out[refusal.name] = {{"description", refusal.description},
                         {"content", content("application/json", reference("schemas/Error"))}};
  }
  return out;
}

json::object error_schema() {
  json::object members{
      {"status", {{"type", "string"}, {"description", "Of the plugin ABI: EINVAL, ENOENT..."}}},
      {"message", {{"type", "string"}, {"description", "What was expected, what came, what to do"}}}};
  json::object error{{"type", "object"}, {"required", {"status", "message"}}, {"properties", members}};
  return {{"type", "object"}, {"required", json::array{"error"}}, {"properties", {{"error", error}}}};
}

json::object answers(const CommandRow& row) {
  json::object good;
  if (row.streams()) {
    good["description"] =
        "Values as they come.  Events: each value is the data of one, and the last is named \"end\", or "
        "\"failed\" with an Error as its data.  Lines: each value is one, and an Error is the last if it "
        "failed.  Whoever closes the connection cancels the command.";
    good["content"] = {{"text/event-stream", {{"schema", {{"type", "string"}}}}},
                       {"application/x-ndjson", {{"schema", json::object()}}}};
  } else {
    good["description"] = "The value; null where the command gives none";
    good["content"] = content("application/json", json::object());
  }
  json::object out{{"200", std::move(good)}};
  for (const Refusal& refusal : kRefusals) {
    out[refusal.http] = reference("responses/" + std::string(refusal.name));
  }
  return out;
}

/* --- operations ---------------------------------------------------------------------------- */

json::object operation(const CommandRow& row, std::string_view suffix) {
  json::object out{{"operationId", row.instance + "." + row.command->name + std::string(suffix)},
                   {"summary", row.command->summary ? row.command->summary : ""},
                   {"tags", json::array{json::string(row.instance)}},
                   {"x-instance", row.instance},
                   {"x-plugin", row.plugin},
                   {"x-command", row.command->name},
                   {"x-streaming", row.streams()}};
  out["responses"] = answers(row);
  return out;
}

bool is_object(const json::value& schema) {
  const json::object* fields = schema.if_object();
  const json::value* type = fields ? fields->if_contains("type") : nullptr;
  return type && *type == json::value("object");
}

/* Each property of the arguments as a part of the query. */
json::array query_parameters(const json::object& schema) {
  json::array out;
  const json::value* properties = schema.if_contains("properties");
  if (!properties || !properties->is_object()) return out;
  const json::value* required = schema.if_contains("required");
  for (const auto& [name, property] : *properties->if_object()) {
    bool needed = false;
    if (required && required->is_array()) {
      for (const json::value& other : *required->if_array()) needed |= other == json::value(name);
    }
    json::object parameter{{"name", name}, {"in", "query"}, {"required", needed}};
    const json::object* fields = property.if_object();
    if (const json::value* text = fields ? fields->if_contains("description") : nullptr) {
      parameter["description"] = *text;
    }
    if (is_object(property)) {
      parameter["content"] = content("application/json", property);
    } else {
      parameter["schema"] = property;
    }
    out.push_back(std::move(parameter));
  }
  return out;
}

json::object operations(const CommandRow& row) {
  json::object schema = schema_of(*row.command);
  const json::value* required = schema.if_contains("required");
  bool needs_body = required && required->is_array() && !required->if_array()->empty();
  json::object out;
  if (row.reads()) {
    json::object get = operation(row, ".get");
    get["parameters"] = query_parameters(schema);
    out["get"] = std::move(get);
  }
  json::object post = operation(row, "");
  post["requestBody"] = {{"required", needs_body},
                         {"content", content("application/json", std::move(schema))}};
  out["post"] = std::move(post);
  return out;
}

}  // namespace

std::string openapi_json(const std::vector<CommandRow>& rows, bool needs_token) {
  json::object paths;
  json::array tags;
  for (const CommandRow& row : rows) {
    if (row.hidden()) continue;
    json::object tag{{"name", row.instance}, {"description", "An instance of the plugin " + row.plugin}};
    if (tags.empty() || tags.back() != json::value(tag)) tags.push_back(std::move(tag));
    paths[row.path()] = operations(row);
  }
  json::object components{{"schemas", {{"Error", error_schema()}}},
                          {"responses", refusals()},
                          {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}};
  json::object document{{"openapi", "3.1.0"},
                        {"info",
                         {{"title", "Visor"},
                          {"version", "1"},
                          {"description", "The commands of this visor's running instances"}}},
                        {"servers", json::array{json::object{{"url", "/"}}}}};
  document["security"] = needs_token ? json::array{json::object{{"token", json::array{}}}} : json::array{};
  document["tags"] = std::move(tags);
  document["paths"] = std::move(paths);
  document["components"] = std::move(components);
  return json::serialize(document);
}

}  // namespace visor::gateway
