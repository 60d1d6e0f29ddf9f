#include <boost/json.hpp>

#include "lib/codec/json_fields.hpp"
#include "lib/codec/parse_json.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "lib/services/service.hpp"

namespace visor::services {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDepth = 8; /* members that are not ours may nest */

std::unexpected<Error> wrong(std::string_view name, std::string_view expected) {
  return failure(VISOR_EPROTO, "a service's \"" + std::string(name) + "\" must be " + std::string(expected));
}

/* An absent member leaves `out` empty. */
Result<void> read_text(const json::object& object, std::string_view name, std::string& out) {
  const json::value* value = object.if_contains(name);
  if (!value || value->is_null()) return {};
  const json::string* string = value->if_string();
  if (!string) return wrong(name, "a text");
  out.assign(string->data(), string->size());
  return {};
}

Result<void> read_addresses(const json::object& object, std::vector<Address>& out) {
  const json::value* value = object.if_contains("addresses");
  if (!value || value->is_null()) return {};
  const json::array* list = value->if_array();
  if (!list || list->size() > kMaxAddresses) return wrong("addresses", "a list of at most 8");
  for (const json::value& element : *list) {
    const json::object* each = element.if_object();
    if (!each) return wrong("addresses", "objects with \"type\" and \"address\"");
    Address address;
    if (auto read = read_text(*each, "type", address.type); !read) return read;
    if (auto read = read_text(*each, "address", address.address); !read) return read;
    out.push_back(std::move(address));
  }
  return {};
}

Result<void> read_metadata(const json::object& object, std::map<std::string, std::string>& out) {
  const json::value* value = object.if_contains("metadata");
  if (!value || value->is_null()) return {};
  const json::object* members = value->if_object();
  if (!members || members->size() > kMaxMetadata) return wrong("metadata", "an object of at most 16 members");
  for (const auto& member : *members) {
    const json::string* text = member.value().if_string();
    if (!text) return wrong("metadata", "an object of texts");
    out.emplace(std::string(member.key()), std::string(text->data(), text->size()));
  }
  return {};
}

Result<void> read_name(const json::object& object, ServiceName& name) {
  std::string address;
  if (auto read = read_text(object, "address", address); !read) return read;
  auto parsed = parse_address(address);
  if (!parsed) return wrong("address", "\"<public key>:<port>\"");
  name.key = parsed->first;
  name.port = parsed->second;
  if (auto read = read_text(object, "type", name.type); !read) return read;
  return read_text(object, "id", name.id);
}

Result<Service> read_service(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object) return failure(VISOR_EPROTO, "a service is a JSON object");
  Service service;
  if (auto read = read_name(*object, service.name); !read) return std::unexpected(read.error());
  if (auto read = read_text(*object, "version", service.version); !read) return std::unexpected(read.error());
  if (auto read = read_addresses(*object, service.addresses); !read) return std::unexpected(read.error());
  if (auto read = read_metadata(*object, service.metadata); !read) return std::unexpected(read.error());
  auto time = codec::number_at<int64_t>(*object, "timestamp_ms");
  if (!time) return wrong("timestamp_ms", "milliseconds since 1970");
  service.timestamp_ms = *time;
  if (const json::value* gone = object->if_contains("withdrawn")) {
    if (!gone->is_bool()) return wrong("withdrawn", "true or false");
    service.withdrawn = *gone->if_bool();
  }
  if (!from_hex(codec::string_at(*object, "signature"), service.signature.bytes)) {
    return wrong("signature", "130 hex digits");
  }
  if (auto valid = validate(service); !valid) return failure(VISOR_EPROTO, valid.error().text);
  return service;
}

}  // namespace

std::string to_json(const Service& service) {
  codec::JsonObjectText out;
  out.text("address", service.name.address()).text("type", service.name.type);
  if (!service.name.id.empty()) out.text("id", service.name.id);
  if (!service.version.empty()) out.text("version", service.version);
  if (!service.addresses.empty()) {
    std::string list = "[";
    for (const Address& each : service.addresses) {
      if (list.size() > 1) list += ',';
      list += codec::JsonObjectText().text("type", each.type).text("address", each.address).finish();
    }
    out.json("addresses", list + "]");
  }
  if (!service.metadata.empty()) {
    codec::JsonObjectText members;
    for (const auto& [name, value] : service.metadata) members.text(name, value);
    out.json("metadata", members.finish());
  }
  out.integer("timestamp_ms", static_cast<uint64_t>(service.timestamp_ms));
  if (service.withdrawn) out.boolean("withdrawn", true);
  return out.text("signature", to_hex(service.signature.bytes)).finish();
}

Result<Service> parse_service(std::string_view text) {
  auto value = codec::parse_json(text, {"a service", kMaxServiceJson, kMaxDepth});
  if (!value) return std::unexpected(value.error());
  return read_service(*value);
}

Result<std::vector<Service>> parse_services(std::string_view text, size_t most) {
  auto value = codec::parse_json(text, {"a list of services", most, kMaxDepth});
  if (!value) return std::unexpected(value.error());
  const json::array* array = value->if_array();
  if (!array) return failure(VISOR_EPROTO, "expected a JSON array of services");
  std::vector<Service> services;
  for (const json::value& element : *array) {
    if (auto service = read_service(element)) services.push_back(std::move(*service));
  }
  return services;
}

}  // namespace visor::services
