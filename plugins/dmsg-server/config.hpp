/* What an operator sets. */
#ifndef VISOR_DMSG_SERVER_CONFIG_HPP
#define VISOR_DMSG_SERVER_CONFIG_HPP
#include <visor/value.hpp>

#include "address_limits.hpp"

namespace visor::dmsg_server {

extern const char kConfigSchema[];

/* Beyond these, whoever asks is refused; nothing that a peer can make the relay hold is without one. */
struct Limits {
  size_t sessions = 4096; /* in all; those beyond max_sessions are served, and no longer asked for */
  size_t handshakes = 512;
  size_t streams_per_session = 2048; /* dialled and accepted together */
  size_t setups_per_session = 256;   /* of the streams that a client dials, those not yet connected */
  Rate requests{4096, 500};          /* of streams, a client */
  AddressBounds address{.sessions = 1024, .handshakes = 64, .rate = {512, 64}, .requests = {8192, 1000}};
  size_t held_bytes = 64u << 20; /* waiting for slow readers, all sessions; beyond it, who holds most goes */
  size_t held_bytes_per_session = 32u << 20;
  uint64_t handshake_ms = 5000; /* from the first byte, or its lack, to the session */
  uint64_t request_ms = 5000;   /* for a stream's request, and for the acceptor's answer */
  uint64_t idle_ms = 300000;    /* of a connected stream */
};

struct Config {
  std::string listen;         /* "tcp://0.0.0.0:8081"; empty: only by WebSocket on the gateway */
  std::string public_address; /* "host:port" of the entry; empty: what was bound */
  std::string public_ws;      /* "ws://host:port/dmsg" of the entry; empty: none is said */
  std::string discovery;      /* "http://host:port"; empty: not registered */
  size_t max_sessions = 2048;
  bool proxy_protocol = false;
  bool announces = true; /* our capabilities, in the handshake; for nobody but tests to change */
  uint64_t interval_ms = 60000;
  Limits limits;
};

Result<Config> read_config(std::string_view text);

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_CONFIG_HPP
