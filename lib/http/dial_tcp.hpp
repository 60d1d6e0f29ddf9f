/* The way of dial_websocket in hosts that have TCP.  Internal to lib/http. */
#ifndef VISOR_HTTP_DIAL_TCP_HPP
#define VISOR_HTTP_DIAL_TCP_HPP
#include "lib/http/dial.hpp"
#include "lib/http/url.hpp"

namespace visor::http {

/* An error: nothing was begun, and done never runs. */
Result<std::unique_ptr<Dial>> dial_over_tcp(Host host, visor_sockets* sockets, const Url& url,
                                            uint64_t timeout_ms,
                                            std::function<void(Result<visor_stream*>)> done);

}  // namespace visor::http
#endif  // VISOR_HTTP_DIAL_TCP_HPP
