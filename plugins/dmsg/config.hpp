/* The configuration of the relay network's client. */
#ifndef VISOR_DMSG_CLIENT_CONFIG_HPP
#define VISOR_DMSG_CLIENT_CONFIG_HPP
#include <visor/net.hpp>

namespace visor::dmsg_client {

/* A server and where it may be reached; each may be empty. */
struct KnownServer {
  visor_key key{};
  std::string tcp; /* "host:port" */
  std::string ws;  /* a whole address, "ws://host:port/dmsg" */
};

struct Limits {
  size_t sessions = 64;      /* with servers, those that a dial needed included */
  size_t streams = 2048;     /* open at once, a session */
  size_t dials = 2048;       /* under way, those that wait for their turn included */
  size_t setups = 128;       /* of them, on the wire */
  size_t accepting = 256;    /* peers' streams that are being set up; more are refused */
  size_t pipes = 64;         /* commands `dial` and `listen` under way */
  size_t pipe_streams = 256; /* of one of them */
  uint64_t dial_ms = 20'000; /* a whole dial, whatever it tries */
  uint64_t setup_ms = 5'000; /* one try of it, and a peer's stream until it is set up */
};

struct Config {
  std::string discovery; /* "http://host:port", "dmsg://<pk>:80"; empty: none */
  std::vector<KnownServer> servers;
  size_t sessions = 1; /* to keep; 0: one with each server that is known */
  uint64_t interval_ms = 60'000;
  Limits limits;
};

/* JSON Schema of the configuration. */
extern const char kConfigSchema[];

/* The text has passed the schema; VISOR_EINVAL names what that could not know: keys, addresses. */
Result<Config> read_config(std::string_view json);

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_CONFIG_HPP
