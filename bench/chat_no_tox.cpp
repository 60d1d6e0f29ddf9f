#include <cstdio>

#include "bench/chat_peers.hpp"

namespace visor::bench {

std::unique_ptr<Tox> make_tox() {
  std::fprintf(stderr,
               "toxcore is not here to compare with; `make bench-deps` installs it, then configure again\n");
  return nullptr;
}

}  // namespace visor::bench
