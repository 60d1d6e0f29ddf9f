/* What tests of the relay network do with a node: listen, dial, echo. */
#ifndef VISOR_TESTS_CONFORMANCE_DMSG_USER_HPP
#define VISOR_TESTS_CONFORMANCE_DMSG_USER_HPP
#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <optional>
#include <visor/plugin.hpp>

#include "tests/support/echo.hpp"
#include "tests/support/stream_user.hpp"
#include "tests/support/world.hpp"

namespace visor::test::dmsg {

inline visor_net* net_of(Node& node) {
  auto* net = node.find<visor_net>(VISOR_NET_1, "dmsg");
  if (!net) FAIL("no dmsg at " << node.machine());
  return net;
}

/* A row of a client's configuration. */
inline std::string server_row(const visor_key& key, const std::string& address) {
  return R"({"pk":")" + to_hex(key) + R"(","address":")" + address + R"("})";
}

/* members: "servers":[...] and what else there is. */
inline std::string client_config(const std::string& members) {
  return R"({"plugins":[{"plugin":"dmsg","config":{)" + members + "}}]}";
}

inline boost::json::object status(Node& node) {
  auto text = node.call("dmsg", "status");
  INFO((text ? "" : text.error().text));
  REQUIRE(text.has_value());
  boost::json::error_code error;
  auto value = boost::json::parse(*text, error);
  REQUIRE_FALSE(error);
  REQUIRE(value.is_object());
  return *value.if_object();
}

/* A number of the status, or how much of a queue is in use. */
inline int64_t number(Node& node, std::string_view name) {
  boost::json::object all = status(node);
  const boost::json::value* found = all.if_contains(name);
  INFO(name);
  REQUIRE(found != nullptr);
  if (const boost::json::object* queue = found->if_object()) found = queue->if_contains("now");
  REQUIRE(found->is_int64());
  return *found->if_int64();
}

inline size_t connected(Node& node) {
  boost::json::object all = status(node);
  const boost::json::value* servers = all.if_contains("servers");
  REQUIRE(servers != nullptr);
  return servers->if_array()->size();
}

inline bool wait_connected(Node& node, size_t servers = 1, uint64_t limit_ms = 10000) {
  return node.world().run_until([&] { return connected(node) >= servers; }, limit_ms);
}

/* A dial under way. */
struct Dialing {
  Request<visor_stream> request;
  std::unique_ptr<StreamUser> user;
  std::optional<Error> error;
  uint64_t begun_ms, ended_ms = 0;
  bool done() const { return user || error; }
  uint64_t took_ms() const { return ended_ms - begun_ms; }

  Dialing(Node& node, const visor_key& to, uint16_t port) : begun_ms(node.host().now_ms()) {
    visor_net* net = net_of(node);
    visor_addr address{to, port};
    visor_status status =
        request.start([&](visor_done finished) { return net->api->dial(net, &address, finished); },
                      [this, &node](visor_status result, visor_stream* stream) {
                        ended_ms = node.host().now_ms();
                        if (result != VISOR_OK) {
                          error = node.host().error(result);
                        } else {
                          user = std::make_unique<StreamUser>(node.host(), stream);
                        }
                      },
                      [net](void* ctx) { net->api->cancel(net, ctx); });
    if (status != VISOR_OK) {
      error = node.host().error(status);
      ended_ms = begun_ms;
    }
  }
};

inline std::unique_ptr<Dialing> begin_dial(Node& node, const visor_key& to, uint16_t port) {
  return std::make_unique<Dialing>(node, to, port);
}

inline std::unique_ptr<StreamUser> dial(Node& node, const visor_key& to, uint16_t port) {
  Dialing dialing(node, to, port);
  node.world().run_until([&] { return dialing.done(); }, 60000);
  INFO((dialing.error ? dialing.error->text : ""));
  REQUIRE(dialing.user != nullptr);
  return std::move(dialing.user);
}

inline Error dial_fails(Node& node, const visor_key& to, uint16_t port) {
  Dialing dialing(node, to, port);
  node.world().run_until([&] { return dialing.done(); }, 60000);
  REQUIRE(dialing.error.has_value());
  return *dialing.error;
}

struct Echo : test::Echo {
  Echo(Node& node, uint16_t port) : test::Echo(node.host(), net_of(node), port) {}
};

inline Bytes pattern(size_t size) {
  Bytes data(size);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
  return data;
}

/* Writes all of it as there is room, and reads it back. */
inline void echo_through(World& world, StreamUser& user, const Bytes& data) {
  user.data.clear();
  size_t sent = 0;
  auto pump = [&] {
    while (sent < data.size()) {
      size_t size = std::min<size_t>(10000, data.size() - sent);
      if (user.stream.write(ByteView(data).subspan(sent, size)) != VISOR_OK) return;
      sent += size;
    }
  };
  user.on_ready = pump;
  pump();
  bool came = world.run_until([&] { return user.data.size() >= data.size() || user.closed; }, 120000);
  user.on_ready = nullptr;
  INFO(user.data.size() << " of " << data.size() << " bytes, " << (user.closed ? user.closed->text : "open"));
  CHECK(came);
  CHECK(user.data == data);
}

}  // namespace visor::test::dmsg
#endif  // VISOR_TESTS_CONFORMANCE_DMSG_USER_HPP
