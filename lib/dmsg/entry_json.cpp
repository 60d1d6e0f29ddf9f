#include <boost/json.hpp>

#include "lib/codec/parse_json.hpp"
#include "lib/dmsg/entry.hpp"

namespace visor::dmsg {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDepth = 16;              // members that are not ours may nest
constexpr size_t kMaxEntriesJson = 8u << 20;  // a discovery lists at most 512 servers
constexpr size_t kMaxDelegatedServers = 512;

// --- writing, as the network's own encoder writes strings: signatures depend on each byte

void put_escape(std::string& out, unsigned code) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[code >> shift & 15];
}

void put_string(std::string& out, std::string_view text) {
  out += '"';
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    // The separators of lines and of paragraphs, which JavaScript once took for ends of lines.
    if (std::string_view piece = text.substr(i, 3); piece == "\u2028" || piece == "\u2029") {
      put_escape(out, piece == "\u2028" ? 0x2028 : 0x2029);
      i += 2;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += '\\';
      out += c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
    } else if (static_cast<unsigned char>(c) < 0x20) {
      put_escape(out, static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

// Members with their commas.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  std::string& member(std::string_view name) {
    if (!std::exchange(first_, false)) out_ += ',';
    out_ += '"';
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void text(std::string_view name, std::string_view value) { put_string(member(name), value); }
  void text_if_any(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

void put_client(std::string& out, const ClientPart& client) {
  ObjectWriter object(out);
  object.member("delegated_servers");
  if (!client.delegated_servers) {
    out += "null";
  } else {
    out += '[';
    for (const visor_key& key : *client.delegated_servers) {
      if (out.back() != '[') out += ',';
      out += '"' + to_hex(key) + '"';
    }
    out += ']';
  }
  object.end();
}

void put_server(std::string& out, const ServerPart& server) {
  ObjectWriter object(out);
  object.text("address", server.address);
  object.text_if_any("address_v6", server.address_v6);
  object.text_if_any("address_udp", server.address_udp);
  object.text_if_any("address_udp_v6", server.address_udp_v6);
  object.text_if_any("address_ws", server.address_ws);
  object.member("availableSessions") += std::to_string(server.available_sessions);
  object.text_if_any("serverType", server.server_type);
  if (server.dht_bootstrap) object.member("dht_bootstrap") += "true";
  object.end();
}

std::string write(const Entry& entry, bool with_signature) {
  std::string out;
  ObjectWriter object(out);
  object.text("version", entry.version);
  object.member("sequence") += std::to_string(entry.sequence);
  object.member("timestamp") += std::to_string(entry.timestamp_ns);
  object.text("static", to_hex(entry.key));
  if (entry.client) put_client(object.member("client"), *entry.client);
  object.text_if_any("client_type", entry.client_type);
  if (entry.server) put_server(object.member("server"), *entry.server);
  if (with_signature) object.text_if_any("signature", entry.signature);
  object.text_if_any("protocol", entry.protocol);
  object.end();
  return out;
}

// --- reading: absent and null members are zero, the first of a wrong type is remembered

class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  const json::value* find(std::string_view name) const {
    const json::value* value = object_.if_contains(name);
    return value && !value->is_null() ? value : nullptr;
  }
  void text(std::string_view name, std::string& out) {
    const json::value* value = find(name);
    if (!value) return out.clear();
    const json::string* string = value->if_string();
    if (!string) return wrong(name, "a string");
    out.assign(string->data(), string->size());
  }
  void integer(std::string_view name, int64_t& out) {
    const json::value* value = find(name);
    if (!value) return;
    const int64_t* number = value->if_int64();
    if (!number) return wrong(name, "a whole number of 64 bits");
    out = *number;
  }
  void natural(std::string_view name, uint64_t& out) {
    const json::value* value = find(name);
    if (!value) return;
    if (const uint64_t* large = value->if_uint64()) {
      out = *large;
    } else if (const int64_t* number = value->if_int64(); number && *number >= 0) {
      out = static_cast<uint64_t>(*number);
    } else {
      wrong(name, "a whole number from 0");
    }
  }
  void boolean(std::string_view name, bool& out) {
    const json::value* value = find(name);
    if (!value) return;
    const bool* flag = value->if_bool();
    if (!flag) return wrong(name, "true or false");
    out = *flag;
  }
  void key(std::string_view name, visor_key& out) {
    std::string hex;
    text(name, hex);
    read_key(name, hex, out);
  }
  void keys(std::string_view name, std::optional<std::vector<visor_key>>& out) {
    const json::value* value = find(name);
    if (!value) return;
    const json::array* array = value->if_array();
    if (!array || array->size() > kMaxDelegatedServers)
      return wrong(name, "a list of at most 512 public keys");
    out.emplace();
    for (const json::value& element : *array) {
      const json::string* string = element.if_string();
      if (!string) return wrong(name, "a list of at most 512 public keys");
      read_key(name, {string->data(), string->size()}, out->emplace_back());
    }
  }
  /* An object's members; null when it is absent or wrong. */
  const json::object* object(std::string_view name) {
    const json::value* value = find(name);
    if (!value) return nullptr;
    const json::object* object = value->if_object();
    if (!object) wrong(name, "an object");
    return object;
  }
  void add(const Members& inner) {
    if (error_.empty()) error_ = inner.error_;
  }
  Result<void> finish() const {
    if (error_.empty()) return {};
    return failure(VISOR_EPROTO, "an entry's " + error_);
  }

 private:
  void read_key(std::string_view name, std::string_view hex, visor_key& out) {
    auto key = parse_key(hex);
    if (!key) return wrong(name, "a public key: " + key.error().text);
    out = *key;
  }
  void wrong(std::string_view name, std::string_view expected) {
    if (error_.empty()) error_ = "\"" + std::string(name) + "\" must be " + std::string(expected);
  }

  const json::object& object_;
  std::string error_;
};

ServerPart read_server(Members& server) {
  ServerPart part;
  server.text("address", part.address);
  server.text("address_v6", part.address_v6);
  server.text("address_udp", part.address_udp);
  server.text("address_udp_v6", part.address_udp_v6);
  server.text("address_ws", part.address_ws);
  server.integer("availableSessions", part.available_sessions);
  server.text("serverType", part.server_type);
  server.boolean("dht_bootstrap", part.dht_bootstrap);
  return part;
}

Result<Entry> read_entry(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object) return failure(VISOR_EPROTO, "an entry is a JSON object");
  Members members(*object);
  Entry entry;
  members.text("version", entry.version);
  members.natural("sequence", entry.sequence);
  members.integer("timestamp", entry.timestamp_ns);
  members.key("static", entry.key);
  if (const json::object* part = members.object("client")) {
    Members client(*part);
    client.keys("delegated_servers", entry.client.emplace().delegated_servers);
    members.add(client);
  }
  members.text("client_type", entry.client_type);
  if (const json::object* part = members.object("server")) {
    Members server(*part);
    entry.server = read_server(server);
    members.add(server);
  }
  members.text("signature", entry.signature);
  members.text("protocol", entry.protocol);
  if (auto read = members.finish(); !read) return std::unexpected(read.error());
  return entry;
}

}  // namespace

std::string canonical(const Entry& entry) {
  return write(entry, false);
}

std::string to_json(const Entry& entry) {
  return write(entry, true);
}

Result<Entry> parse_entry(std::string_view text) {
  auto value = codec::parse_json(text, {"an entry", kMaxEntryJson, kMaxDepth});
  if (!value) return std::unexpected(value.error());
  return read_entry(*value);
}

Result<std::vector<Entry>> parse_entries(std::string_view text) {
  auto value = codec::parse_json(text, {"a list of entries", kMaxEntriesJson, kMaxDepth});
  if (!value) return std::unexpected(value.error());
  const json::array* array = value->if_array();
  if (!array) return failure(VISOR_EPROTO, "expected a JSON array of entries");
  std::vector<Entry> entries;
  for (const json::value& element : *array) {
    if (auto entry = read_entry(element)) entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace visor::dmsg
