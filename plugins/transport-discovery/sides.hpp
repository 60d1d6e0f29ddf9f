/* Which of a transport's two sides is whose. */
#ifndef VISOR_TRANSPORT_DISCOVERY_SIDES_HPP
#define VISOR_TRANSPORT_DISCOVERY_SIDES_HPP
#include "records.hpp"

namespace visor::transport_discovery {

/* The side of the transport that this visor is; 2 if it is neither. */
inline size_t side_of(const Transport& transport, const Visor& visor) {
  return transport.sides[0].visor == &visor ? 0 : transport.sides[1].visor == &visor ? 1 : 2;
}
inline size_t side_of(const Transport& transport, const visor_key& key) {
  for (size_t side = 0; side < 2; ++side) {
    if (transport.sides[side].visor->key == key) return side;
  }
  return 2;
}

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_SIDES_HPP
