/* Those who wish a relay ill, each a process with an address of its own. */
#ifndef VISOR_BENCH_DMSG_ATTACK_HPP
#define VISOR_BENCH_DMSG_ATTACK_HPP
#include <string>
#include <vector>

namespace visor::bench {

/* What a process can be told to do, again and again until its input closes:
 *   slow      a thousand connections, silent or stuck in their handshake, each made again when it is closed
 *   overrun   a session, then more than a window allows
 *   flood     a session, then streams without end
 *   replay    a session, then one sealed request on stream after stream
 *   forged    a session, then requests whose signatures are none */
extern const std::vector<std::string> kAttacks;

/* words: what, the relay's key, its address "tcp://127.0.0.1:port", the address to come from.  Says a line
 * when it has begun. */
void run_attack(const std::vector<std::string>& words);

}  // namespace visor::bench
#endif  // VISOR_BENCH_DMSG_ATTACK_HPP
