/* A client: whoever has a session with this relay, or is about to. */
#ifndef VISOR_DMSG_SERVER_CLIENT_HPP
#define VISOR_DMSG_SERVER_CLIENT_HPP
#include "config.hpp"
#include "lib/session/session.hpp"
#include "origin.hpp"

namespace visor::dmsg_server {

/* Shared: a stream under way asks whether its client is still there. */
struct Client {
  visor_key key{}; /* once its handshake is over */
  Origin origin;
  std::string_view carrier; /* "tcp", "ws" */
  int64_t since_ns = 0;     /* Unix */
  AddressLimits::Place place;
  Bucket requests;
  Bucket excess;                                  /* streams beyond those that it may set up at once */
  uint32_t setups = 0;                            /* streams that it dials, not yet connected */
  size_t setup_bytes = 0;                         /* that wait for the rest of these setups */
  uint32_t offences = 0;                          /* objects that no client sends that means well */
  uint64_t dialed = 0, accepted = 0, refused = 0; /* streams: connected both ways, not connected */
  std::unique_ptr<session::Session> session;      /* null: over */
};

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_CLIENT_HPP
