/* Asking a discovery: its HTTP interface (specification dmsg.md, section 3.2), over visor.fetch/1 or over
 * streams to it. */
#ifndef VISOR_DMSG_DIRECTORY_HPP
#define VISOR_DMSG_DIRECTORY_HPP
#include <visor/host.hpp>
#include <visor/net.hpp>

#include "lib/dmsg/entry.hpp"
#include "lib/http/ask_over.hpp"

namespace visor::dmsg {

using http::Call;
using http::open_by_dialling;
using http::OpenStream;

struct DirectoryOptions {
  uint64_t timeout_ms = 10'000; /* a question, opening the stream included */
  uint64_t max_body = 4u << 20; /* bytes of an answer */
};

/* Callbacks run once each, from the loop and not inside the call, with the reason where there is no answer:
 * VISOR_ENOENT and VISOR_EEXIST are only ever what a discovery says (below), VISOR_EINVAL what it refuses,
 * VISOR_EAGAIN that it is asked too often, VISOR_EPROTO what is no discovery's answer, all else that it
 * cannot be reached. */
class Directory {
 public:
  /* url: "http://host:port".  The provider of visor.fetch/1 is looked for at each question, and may come and
   * go. VISOR_EINVAL for another kind of address. */
  static Result<std::unique_ptr<Directory>> over_fetch(Host host, std::string_view url,
                                                       DirectoryOptions options = {});
  /* HTTP on streams to the discovery of that key, one a question. */
  static std::unique_ptr<Directory> over_streams(Host host, const visor_addr& discovery, OpenStream open,
                                                 DirectoryOptions options = {});

  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  /* VISOR_ENOENT: the discovery has none, and said so itself. */
  [[nodiscard]] Call entry(const visor_key& key, std::function<void(Result<Entry>)> done);
  /* Those with room for sessions, in the discovery's order; empty when it knows of none. */
  [[nodiscard]] Call servers(std::function<void(Result<std::vector<Entry>>)> done);
  /* A signed entry.  VISOR_EEXIST: the stored one has its sequence, or a higher one. */
  [[nodiscard]] Call post(const Entry& entry, std::function<void(Result<void>)> done);
  /* `entry`: any that is signed by the key whose stored one is to go. */
  [[nodiscard]] Call remove(const Entry& entry, std::function<void(Result<void>)> done);

 private:
  Directory(Host host, http::Origin origin, const DirectoryOptions& options)
      : host_(host), origin_(std::move(origin)), options_(options) {}
  Call ask(std::string method, std::string path, std::string body,
           std::function<void(Result<http::Answer>)> done);

  Host host_;
  http::Origin origin_;
  DirectoryOptions options_;
};

}  // namespace visor::dmsg
#endif  // VISOR_DMSG_DIRECTORY_HPP
