/* What tests of transports do with a node: save, list, dial, echo. */
#ifndef VISOR_TESTS_CONFORMANCE_TRANSPORTS_USER_HPP
#define VISOR_TESTS_CONFORMANCE_TRANSPORTS_USER_HPP
#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <optional>
#include <visor/plugin.hpp>

#include "lib/codec/transport_entry.hpp"
#include "tests/support/echo.hpp"
#include "tests/support/world.hpp"

namespace visor::test::transports {

using codec::TransportId;

struct Row {
  TransportId id;
  std::array<visor_key, 2> edges;
  std::string type, label;
  visor_transport raw;
};

inline Row copy(const visor_transport& from) {
  Row row{
      {}, {from.edges[0], from.edges[1]}, std::string(text(from.type)), std::string(text(from.label)), from};
  std::copy_n(from.id, row.id.bytes.size(), row.id.bytes.begin());
  return row;
}

inline visor_transports* transports_of(Node& node) {
  auto* transports = node.find<visor_transports>(VISOR_TRANSPORTS_1);
  if (!transports) FAIL("no transports at " << node.machine());  // asked a million times: REQUIRE costs
  return transports;
}

inline visor_net* skynet_of(Node& node) {
  auto* net = node.find<visor_net>(VISOR_NET_1, "skynet");
  REQUIRE(net != nullptr);
  return net;
}

inline std::vector<Row> rows(Node& node) {
  std::vector<Row> all;
  visor_transports* transports = transports_of(node);
  transports->api->each(
      transports,
      [](void* ctx, const visor_transport* row) {
        static_cast<std::vector<Row>*>(ctx)->push_back(copy(*row));
      },
      &all);
  return all;
}

inline std::vector<Row> serving(Node& node) {
  auto all = rows(node);
  std::erase_if(all, [](const Row& row) { return row.raw.state != VISOR_TRANSPORT_SERVING; });
  return all;
}

// A save under way; its row is copied while it is lent.
struct Save {
  Request<const visor_transport> request;
  std::optional<Row> row;
  std::optional<Error> error;
  bool done() const { return row || error; }

  Save(Node& node, const visor_key& remote, const std::string& type, const std::string& address,
       const std::string& label = "") {
    visor_transports* transports = transports_of(node);
    visor_status status = request.start(
        [&](visor_done done_fn) {
          return transports->api->save(transports, &remote, to_span(std::string_view(type)),
                                       to_span(std::string_view(address)), to_span(std::string_view(label)),
                                       done_fn);
        },
        [this, &node](visor_status finished, const visor_transport* saved) {
          if (finished == VISOR_OK) {
            row = copy(*saved);
          } else {
            error = node.host().error(finished);
          }
        },
        [transports](void* ctx) { transports->api->cancel(transports, ctx); });
    if (status != VISOR_OK) error = node.host().error(status);
  }
};

inline Row save(Node& node, const visor_key& remote, const std::string& type, const std::string& address) {
  Save call(node, remote, type, address);
  node.world().run_until([&] { return call.done(); });
  INFO((call.error ? call.error->text : ""));
  REQUIRE(call.row.has_value());
  return *call.row;
}

inline Error save_fails(Node& node, const visor_key& remote, const std::string& type,
                        const std::string& address) {
  Save call(node, remote, type, address);
  node.world().run_until([&] { return call.done(); });
  REQUIRE(call.error.has_value());
  return *call.error;
}

inline constexpr const char* kListening = R"("listen":"tcp://0.0.0.0:7000")";

inline std::string transports_config(const std::string& members) {
  return R"({"plugins":[{"plugin":"transports","config":{)" + members + "}}]}";
}

inline Node& visor(World& world, const std::string& machine, const std::string& members = kListening,
                   NodeOptions options = {}) {
  return world.add(machine, transports_config(members), std::move(options));
}

inline std::string at(const Node& node) {
  return "tcp://" + node.machine() + ":7000";
}

inline boost::json::value json(const std::string& text) {
  boost::json::error_code error;
  auto value = boost::json::parse(text, error);
  INFO(text);
  REQUIRE_FALSE(error);
  return value;
}

inline const boost::json::value& member(const boost::json::value& object, std::string_view name) {
  INFO("member " << name);
  REQUIRE(object.is_object());
  const boost::json::value* found = object.if_object()->if_contains(name);
  REQUIRE(found != nullptr);
  return *found;
}

inline std::string words(const boost::json::value& value) {
  REQUIRE(value.is_string());
  return {value.if_string()->data(), value.if_string()->size()};
}

inline const boost::json::array& array(const boost::json::value& value) {
  REQUIRE(value.is_array());
  return *value.if_array();
}

// A number of the status, or how much of a queue is in use.
inline int64_t status_number(Node& node, const std::string& name) {
  auto status = node.call("transports", "status");
  REQUIRE(status.has_value());
  auto value = json(*status);
  const auto* found = &member(value, name);
  if (found->is_object()) found = &member(*found, "now");
  REQUIRE(found->is_int64());
  return *found->if_int64();
}

inline kernel::sim::NetworkOptions fixed_latency(uint64_t ms) {
  return {
      .latency_min_ms = ms, .latency_max_ms = ms, .split = true, .lost_per_million = 0, .cut_per_million = 0};
}

struct Echo : test::Echo {
  Echo(Node& node, uint16_t port) : test::Echo(node.host(), skynet_of(node), port) {}
};

// The user of a stream who remembers what happened.
struct Client {
  Stream stream;
  Bytes received;
  bool ended = false;
  size_t readies = 0;
  std::optional<Error> closed;

  Client(Host host, visor_stream* raw) : stream(host, raw) {
    stream.attach(
        {.data = [this](ByteView data) { received.insert(received.end(), data.begin(), data.end()); },
         .end = [this] { ended = true; },
         .ready = [this] { ++readies; },
         .closed = [this](const Error& error) { closed = error; }});
  }
};

inline visor_stream* dial(Node& node, const visor_key& to, uint16_t port) {
  visor_addr address{to, port};
  visor_net* net = skynet_of(node);
  auto stream = node.world().await<visor_stream>(
      node, [&](visor_done done) { return net->api->dial(net, &address, done); });
  INFO((stream ? "" : stream.error().text));
  REQUIRE(stream.has_value());
  return *stream;
}

inline visor_stream* connect(Node& node, const std::string& url) {
  auto* sockets = node.find<visor_sockets>(VISOR_SOCKETS_1);
  auto stream = node.world().await<visor_stream>(node, [&](visor_done done) {
    return sockets->api->connect(sockets, to_span(std::string_view(url)), done);
  });
  REQUIRE(stream.has_value());
  return *stream;
}

inline Bytes pattern(size_t size) {
  Bytes data(size);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
  return data;
}

}  // namespace visor::test::transports
#endif  // VISOR_TESTS_CONFORMANCE_TRANSPORTS_USER_HPP
