/* What the parts of a server share; it lives as long as the last of them. */
#ifndef VISOR_HTTP_SERVER_STATE_HPP
#define VISOR_HTTP_SERVER_STATE_HPP
#include <map>

#include "lib/http/connection.hpp"
#include "lib/http/server.hpp"

namespace visor::http {

class BodyStream;

struct ServerState {
  ServerState(Host h, const ServerLimits& l, Server::Handler f) : host(h), limits(l), handler(std::move(f)) {}

  Host host;
  ServerLimits limits;
  Server::Handler handler;
  ServerCounters counters;
  std::map<std::string, size_t, std::less<>> addresses; /* connections of each client */
  std::map<uint64_t, std::unique_ptr<Connection>> connections;
  std::map<uint64_t, WebSocketStream*> websockets;
  uint64_t next_id = 1;
  size_t handed_out = 0; /* exchanges, bodies and WebSockets that others hold */
  bool stopping = false;
  std::function<void()> stopped;

  /* Called whenever something has come back or gone. */
  void settle() {
    if (!stopping || handed_out > 0 || !connections.empty() || !stopped) return;
    post(host, std::exchange(stopped, nullptr));
  }
};

/* Counts something that was handed out, until it is back. */
class HandedOut {
 public:
  HandedOut(std::shared_ptr<ServerState> state, size_t ServerCounters::* gauge)
      : state_(std::move(state)), gauge_(gauge) {
    ++state_->handed_out;
    ++(state_->counters.*gauge_);
  }
  HandedOut(const HandedOut&) = delete;
  HandedOut& operator=(const HandedOut&) = delete;
  ~HandedOut() {
    --state_->handed_out;
    --(state_->counters.*gauge_);
    state_->settle();
  }

 private:
  std::shared_ptr<ServerState> state_;
  size_t ServerCounters::* gauge_;
};

/* A connection's place among those of its client, kept through an upgrade. */
class AddressSlot {
 public:
  AddressSlot(std::shared_ptr<ServerState> state, std::string address)
      : state_(std::move(state)), address_(std::move(address)) {
    ++state_->addresses[address_];
    ++state_->counters.open_connections;
  }
  AddressSlot(const AddressSlot&) = delete;
  AddressSlot& operator=(const AddressSlot&) = delete;
  ~AddressSlot() {
    --state_->counters.open_connections;
    auto entry = state_->addresses.find(address_);
    if (--entry->second == 0) state_->addresses.erase(entry);
  }

 private:
  std::shared_ptr<ServerState> state_;
  std::string address_;
};

/* What an upgraded connection still owes its server. */
class WebSocketLease {
 public:
  WebSocketLease(std::shared_ptr<ServerState> state, uint64_t id, std::shared_ptr<AddressSlot> slot)
      : handed_out_(state, &ServerCounters::open_websockets),
        state_(std::move(state)),
        slot_(std::move(slot)),
        id_(id) {}
  WebSocketLease(const WebSocketLease&) = delete;
  WebSocketLease& operator=(const WebSocketLease&) = delete;
  ~WebSocketLease() { state_->websockets.erase(id_); }

 private:
  HandedOut handed_out_; /* the last to go */
  std::shared_ptr<ServerState> state_;
  std::shared_ptr<AddressSlot> slot_;
  uint64_t id_;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_SERVER_STATE_HPP
