/* Clients of a relay by hand: a session, the objects that set streams up, then bytes.  What is in the Noise
 * messages of the streams means nothing to a relay, and nothing here. */
#ifndef VISOR_TESTS_CONFORMANCE_DMSG_SERVER_USER_HPP
#define VISOR_TESTS_CONFORMANCE_DMSG_SERVER_USER_HPP
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include "lib/codec/length_prefixed.hpp"
#include "lib/dmsg/stream_objects.hpp"
#include "lib/session/session.hpp"
#include "tests/support/world.hpp"

namespace visor::test::dmsg_server {

inline constexpr const char* kListening = R"("listen":"tcp://0.0.0.0:8081")";

inline Node& relay(World& world, const std::string& machine, const std::string& members = kListening,
                   NodeOptions options = {}) {
  return world.add(machine, R"({"plugins":[{"plugin":"dmsg_server","config":{)" + members + "}}]}",
                   std::move(options));
}
/* A machine without plugins, for clients by hand; its key is theirs. */
inline Node& machine(World& world, const std::string& name, NodeOptions options = {}) {
  return world.add(name, R"({"plugins":[]})", std::move(options));
}

inline boost::json::value status(Node& relay) {
  auto text = relay.call("dmsg_server", "status");
  REQUIRE(text.has_value());
  return boost::json::parse(*text);
}
/* "streams/connected" of the status; of a queue, what is in it. */
inline int64_t number(Node& relay, const std::string& path) {
  boost::json::value all = status(relay);
  boost::json::error_code error;
  const boost::json::value* found = all.find_pointer("/" + path, error);
  INFO(path << " in " << boost::json::serialize(all));
  REQUIRE(found);
  if (found->is_object()) found = found->get_object().if_contains("now");
  REQUIRE(found);
  return found->to_number<int64_t>();
}

inline visor_stream* connect(Node& node, const std::string& url) {
  auto* sockets = node.find<visor_sockets>(VISOR_SOCKETS_1);
  auto stream = node.world().await<visor_stream>(node, [&](visor_done done) {
    return sockets->api->connect(sockets, to_span(std::string_view(url)), done);
  });
  INFO((stream ? "" : stream.error().text));
  REQUIRE(stream.has_value());
  return *stream;
}

/* One end of a stream: what came on it. */
struct End {
  End(Host host, visor_stream* raw) : stream(host, raw) {
    stream.attach({.data =
                       [this](ByteView data) {
                         received.insert(received.end(), data.begin(), data.end());
                         if (on_data) on_data();
                       },
                   .end = [this] { ended = true; },
                   .ready = [this] { ++readies; },
                   .closed = [this](const Error& error) { closed = error; }});
  }
  bool over() const { return ended || closed; }
  std::string text() const { return std::string(visor::text(ByteView(received))); }
  visor_status write(std::string_view words) { return stream.write(bytes(words)); }

  Bytes received;
  bool ended = false;
  size_t readies = 0;
  std::optional<Error> closed;
  std::function<void()> on_data;
  Stream stream;
};

/* What a client of the network holds of one relay. */
class Caller {
 public:
  /* url: "tcp://10.0.0.1:8081". */
  Caller(Node& at, const std::string& url, const visor_key& relay_key)
      : Caller(at, connect(at, url), relay_key) {
    REQUIRE(node.world().run_until([&] { return ready || closed; }, 10000));
  }
  /* Over a carrier that is there; not awaited. */
  Caller(Node& at, visor_stream* carrier, const visor_key& relay_key) : node(at) {
    identity = node.find<visor_identity>(VISOR_IDENTITY_1);
    sign = dmsg::sign_with(node.host(), identity);
    session = std::make_unique<session::Session>(
        node.host(), identity, carrier,
        session::Options{.initiator = true,
                         .pattern = noise::Pattern::kXK,
                         .expected_peer = relay_key,
                         .seal_mux = false,
                         .quiet_ms = 100},
        session::Events{.ready =
                            [this](const visor_key&, ByteView announced) {
                              ready = true;
                              payload.assign(announced.begin(), announced.end());
                            },
                        .accept = [this](visor_stream* stream) { accept(stream); },
                        .closed = [this](const Error& error) { closed = error; }});
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  dmsg::StreamRequest request(const visor_key& to, uint16_t port = 80) {
    dmsg::StreamRequest made;
    made.timestamp_ns = node.host().unix_ns();
    made.source = {node.key(), 49153};
    made.destination = {to, port};
    made.noise_message = Bytes(49, 0x11);
    return made;
  }
  Bytes sealed(const dmsg::StreamRequest& from) {
    auto object = dmsg::sign_object(from, sign);
    REQUIRE(object);
    return sealed(*object);
  }
  Bytes sealed(ByteView object) {
    asked = dmsg::object_hash(object);
    auto wire = session->seal(object);
    REQUIRE(wire);
    return *wire;
  }
  /* A stream with these as its first bytes. */
  std::unique_ptr<End> open(ByteView first) {
    auto stream = session->open();
    REQUIRE(stream);
    auto end = std::make_unique<End>(node.host(), *stream);
    REQUIRE(end->stream.write(first) == VISOR_OK);
    return end;
  }
  /* Takes the answer from what has come; nothing: it is not there. */
  std::optional<dmsg::StreamResponse> answer(End& end, const visor_key& by) {
    if (end.received.size() < 2) return std::nullopt;
    size_t size = size_t(end.received[0]) << 8 | end.received[1];
    if (end.received.size() < 2 + size) return std::nullopt;
    auto object = session->open_sealed(ByteView(end.received).subspan(2, size));
    REQUIRE(object);
    auto response = dmsg::open_response(*object, by, asked);
    INFO((response ? "" : response.error().text));
    REQUIRE(response);
    end.received.erase(end.received.begin(), end.received.begin() + static_cast<ptrdiff_t>(2 + size));
    return *response;
  }
  /* A stream through the relay, which must come about. */
  std::unique_ptr<End> dial(const visor_key& to, uint16_t port = 80) {
    auto end = open(sealed(request(to, port)));
    std::optional<dmsg::StreamResponse> response;
    REQUIRE(node.world().run_until([&] { return end->over() || response || (response = answer(*end, to)); },
                                   10000));
    REQUIRE(response);
    REQUIRE(response->accepted);
    return end;
  }

  Node& node;
  visor_identity* identity;
  dmsg::Sign sign;
  crypto::Hash asked{}; /* of the latest request */
  Bytes payload;
  bool ready = false;
  std::optional<Error> closed;
  /* What happens to streams that others dial: by default they are accepted. */
  enum class Manner { kAccepts, kRejects, kIsSilent, kEnds, kLies } manner = Manner::kAccepts;
  Bytes greeting; /* sent with the answer */
  std::vector<dmsg::StreamRequest> requests;
  std::vector<Bytes> objects;
  std::vector<std::unique_ptr<End>> accepted; /* all of them; of those not read yet, with the request */
  std::unique_ptr<session::Session> session;

 private:
  void accept(visor_stream* raw) {
    End& end = *accepted.emplace_back(std::make_unique<End>(node.host(), raw));
    end.on_data = [this, &end] { take(end); };
  }
  void take(End& end) {
    if (end.received.size() < 2) return;
    size_t size = size_t(end.received[0]) << 8 | end.received[1];
    if (end.received.size() < 2 + size) return;
    end.on_data = {};
    auto object = session->open_sealed(ByteView(end.received).subspan(2, size));
    end.received.erase(end.received.begin(), end.received.begin() + static_cast<ptrdiff_t>(2 + size));
    REQUIRE(object);
    auto request = dmsg::open_request(*object);
    REQUIRE(request);
    requests.push_back(*request);
    objects.push_back(*object);
    if (manner == Manner::kIsSilent) return;
    if (manner == Manner::kEnds) return end.stream.end();
    dmsg::StreamResponse response;
    response.request_hash = dmsg::object_hash(*object);
    if (manner == Manner::kLies) response.request_hash.bytes[0] ^= 1;
    response.accepted = manner != Manner::kRejects;
    if (!response.accepted) response.error_code = dmsg::ErrorCode::kNoListener;
    response.noise_message = response.accepted ? Bytes(49, 0x22) : Bytes();
    auto answer = dmsg::sign_object(response, sign);
    REQUIRE(answer);
    auto wire = session->seal(*answer);
    REQUIRE(wire);
    wire->insert(wire->end(), greeting.begin(), greeting.end());
    REQUIRE(end.stream.write(*wire) == VISOR_OK);
    if (!response.accepted) end.stream.end();
  }
};

}  // namespace visor::test::dmsg_server
#endif  // VISOR_TESTS_CONFORMANCE_DMSG_SERVER_USER_HPP
