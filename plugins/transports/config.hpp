/* The configuration of the transports. */
#ifndef VISOR_TRANSPORTS_CONFIG_HPP
#define VISOR_TRANSPORTS_CONFIG_HPP
#include "lib/services/service.hpp"

namespace visor::transports {

/* A transport that is made at the start and made again whenever it is not there. */
struct PersistentPeer {
  visor_key key{};
  std::string type; /* canonical */
  std::string address;
};

struct Limits {
  size_t transports = 4096;         /* serving, of all peers */
  size_t per_address = 1024;        /* accepted from one address, settling ones included */
  size_t settling = 256;            /* accepted, not settled */
  size_t settling_per_address = 64; /* the same, from one address */
};

/* Transports to visors that a service directory lists. */
struct AutoConnect {
  std::string discovery; /* "http://host:port" or "dmsg://key"; empty: none are made */
  size_t count = 4;
};

/* Being listed there oneself. */
struct Listing {
  std::string discovery;                    /* empty: not listed */
  std::vector<services::Address> addresses; /* empty: where TCP is accepted */
};

struct Config {
  std::string listen; /* "tcp://127.0.0.1:0"; empty: no TCP is accepted */
  std::vector<PersistentPeer> peers;
  AutoConnect automatic;
  Listing listing;
  bool relay = false; /* a dial on skynet to whom there is no transport makes one by the relay network */
  uint64_t interval_ms = 60'000; /* between pings of one transport; everything else follows from it */
  Limits limits;
};

/* JSON Schema of the configuration. */
extern const char kConfigSchema[];

/* The text has passed the schema; VISOR_EINVAL names what it could not know: keys, types. */
Result<Config> read_config(std::string_view json);

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_CONFIG_HPP
