#include "lib/http/server.hpp"

#include "lib/http/body_stream.hpp"
#include "lib/http/server_state.hpp"

namespace visor::http {
namespace {

/* "[::1]:4242" and "10.0.0.1:80" without their ports. */
std::string address_of(std::string_view origin) {
  size_t colon = origin.rfind(':');
  bool port = colon != std::string_view::npos && origin.find(']', colon) == std::string_view::npos;
  return std::string(port ? origin.substr(0, colon) : origin);
}

}  // namespace

/* --- exchange ------------------------------------------------------------------------------ */

Exchange::Exchange(std::shared_ptr<ServerState> state, Connection* connection, RequestMessage message,
                   std::string_view target, std::string origin, const std::optional<visor_addr>& peer)
    : ExchangeProvider(state->host),
      state_(std::move(state)),
      connection_(connection),
      message_(std::move(message)),
      origin_(std::move(origin)),
      target_(target),
      peer_(peer),
      headers_(message_.headers.spans()) {
  std::string_view whole = target_;
  size_t mark = std::min(whole.find('?'), whole.size());
  view_.method = to_span(std::string_view(message_.method));
  view_.path = to_span(whole.substr(0, mark));
  view_.query = to_span(whole.substr(std::min(mark + 1, whole.size())));
  view_.body = to_span(std::string_view(message_.body));
  view_.origin = to_span(std::string_view(origin_));
  view_.headers = headers_.data();
  view_.header_count = headers_.size();
  ++state_->handed_out;
  ++state_->counters.open_exchanges;
}

Exchange::~Exchange() {
  --state_->handed_out;
  --state_->counters.open_exchanges;
  state_->settle();
}

void Exchange::respond(int32_t status, const visor_span* headers, size_t header_count, visor_span body) {
  if (connection_) connection_->respond(*this, status, {headers, header_count}, text(body), nullptr);
  delete this;
}

void Exchange::respond_shared(int32_t status, std::span<const visor_span> headers,
                              std::shared_ptr<const std::string> body) {
  if (connection_) connection_->respond(*this, status, headers, {}, std::move(body));
  delete this;
}

void Exchange::respond_error(int32_t http, visor_status status, std::string_view message) {
  std::string body = error_json(status, message);
  visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("application/json")};
  respond(http, headers, 2, to_span(std::string_view(body)));
}

visor_stream* Exchange::stream(int32_t status, const visor_span* headers, size_t header_count) {
  visor_stream* body = connection_ ? connection_->stream(*this, status, {headers, header_count})
                                   : new BodyStream(state_, nullptr, origin_);
  delete this;
  return body;
}

visor_stream* Exchange::upgrade() {
  visor_stream* socket = connection_ ? connection_->upgrade(*this) : new BodyStream(state_, nullptr, origin_);
  delete this;
  return socket;
}

void Exchange::add_header(std::string_view name, std::string_view value) {
  extra_ += name;
  extra_ += ": ";
  extra_ += value;
  extra_ += "\r\n";
}

/* --- server -------------------------------------------------------------------------------- */

Server::Server(Host host, const ServerLimits& limits, Handler handler)
    : state_(std::make_shared<ServerState>(host, limits, std::move(handler))) {}

Server::~Server() {
  stop({});
  state_->connections.clear();
}

void Server::accept(visor_stream* raw, std::string early, std::string origin) {
  ServerState& state = *state_;
  Stream stream(state.host, raw);
  // Who comes by a relay has a key for an address: the relay's own is everybody's.
  const visor_addr* peer = origin.empty() ? stream.peer() : nullptr;
  if (peer) origin = to_hex(peer->key) + ":" + std::to_string(peer->port);
  if (origin.empty()) origin = stream.origin();
  std::string address = address_of(origin);
  auto same = state.addresses.find(address);
  bool full = state.counters.open_connections >= state.limits.connections;
  bool greedy = same != state.addresses.end() && same->second >= state.limits.connections_per_address;
  if (state.stopping || full || greedy) {
    ++state.counters.refused;
    std::string body = error_json(
        VISOR_EAGAIN, full ? "this server has as many connections as it takes (" +
                                 std::to_string(state.limits.connections) + "); try again later"
                           : "this address has as many connections as it may (" +
                                 std::to_string(state.limits.connections_per_address) + "); reuse them");
    std::string answer =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\nRetry-After: 1\r\nConnection: close\r\n\r\n" + body;
    (void)stream.write(bytes(std::string_view(answer)));
    return; /* and the stream closes: who is above a limit gets no more of us than one write */
  }
  ++state.counters.accepted;
  uint64_t id = state.next_id++;
  auto slot = std::make_shared<AddressSlot>(state_, std::move(address));
  state.connections[id] = std::make_unique<Connection>(state_, id, std::move(stream), std::move(slot),
                                                       std::move(early), std::move(origin));
}

void Server::stop(std::function<void()> stopped) {
  state_->stopping = true;
  if (stopped) state_->stopped = std::move(stopped);
  for (auto& [id, connection] : state_->connections) connection->close("the server stops");
  auto websockets = state_->websockets;
  for (auto& [id, socket] : websockets) socket->shut_down("the server stops");
  state_->settle();
}

const ServerCounters& Server::counters() const {
  return state_->counters;
}
const ServerLimits& Server::limits() const {
  return state_->limits;
}

}  // namespace visor::http
