/* A tab has no TCP: its host offers WebSockets. */
#include "lib/http/dial_tcp.hpp"

namespace visor::http {

Result<std::unique_ptr<Dial>> dial_over_tcp(Host, visor_sockets*, const Url&, uint64_t,
                                            std::function<void(Result<visor_stream*>)>) {
  return failure(VISOR_ENOSYS, "this host offers neither WebSockets nor a WebSocket client over TCP");
}

}  // namespace visor::http
