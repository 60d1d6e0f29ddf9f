/* One HTTP request over a stream of a network, asked in one call and answered in one: as ask(), where there
 * is a key and no address. */
#ifndef VISOR_HTTP_ASK_OVER_HPP
#define VISOR_HTTP_ASK_OVER_HPP
#include <visor/net.hpp>

#include "lib/http/ask.hpp"

namespace visor::http {

/* Opens a stream to whom is asked.  `done` runs once, from the loop and not inside the call, unless the Call
 * is destroyed first; who runs it hands the stream over. */
using OpenStream = std::function<Call(std::function<void(Result<visor_stream*>)> done)>;

/* By dialling `to` on a network. */
OpenStream open_by_dialling(Host host, visor_net* net, const visor_addr& to);
/* On the network of that name, which is looked for at each question, and may come and go; VISOR_ENOENT: it is
 * not there. */
OpenStream open_on(Host host, std::string network, const visor_addr& to);

/* The question's url begins with "http://<key>:<port>"; its timeout holds for the whole, opening the stream
 * included. */
[[nodiscard]] Call ask_over(Host host, const OpenStream& open, const Question& question,
                            std::function<void(Result<Answer>)> done);

/* A server, and the way to it. */
struct Origin {
  std::string base;     /* "http://host:port" or "http://<key>:<port>", without a slash at its end */
  OpenStream open = {}; /* empty: over visor.fetch/1 */
};
/* The question's url is a path of the origin. */
[[nodiscard]] Call ask_at(Host host, const Origin& origin, Question question,
                          std::function<void(Result<Answer>)> done);

/* Why there is no answer, to those whose server itself says what is not there, is there already or is wrong:
 * none of VISOR_ENOENT, VISOR_EEXIST and VISOR_EINVAL.  `who`: "the discovery". */
Error unreachable(std::string_view who, Error error);

}  // namespace visor::http
#endif  // VISOR_HTTP_ASK_OVER_HPP
