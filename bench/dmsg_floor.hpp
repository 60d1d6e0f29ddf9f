/* The floor of the relay's figures: the same two hops in plain libuv, without keys, sessions or streams. */
#ifndef VISOR_BENCH_DMSG_FLOOR_HPP
#define VISOR_BENCH_DMSG_FLOOR_HPP
#include <cstdint>
#include <string>

namespace visor::bench {

/* A child's work: passes each connection on to a port of this machine.  Says its own port, ends with its
 * input. */
void run_plain_relay(uint16_t to);
/* A child's work: the first byte of a connection says what it does with the rest: 'e' sends it back, 's'
 * counts it and says a byte when `sink_bytes` have come. */
void run_plain_end(uint64_t sink_bytes);

/* What this process does with them; the port is the relay's. */
double plain_setup_ms(uint16_t port, int count);
double plain_echo_s(uint16_t port, int count, size_t size);
double plain_stream_mb_s(uint16_t port, uint64_t total, size_t block);

}  // namespace visor::bench
#endif  // VISOR_BENCH_DMSG_FLOOR_HPP
