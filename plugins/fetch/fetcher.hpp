/* visor.fetch/1 over the host's sockets. */
#ifndef VISOR_FETCH_FETCHER_HPP
#define VISOR_FETCH_FETCHER_HPP
#include <list>
#include <visor/net.hpp>

#include "config.hpp"
#include "lib/http/client.hpp"

namespace visor::fetch {

/* One connection a request.  Redirects are answers like any other: who asks decides whom else to ask.  A
 * limit of 0 in a request is the configuration's. */
class Fetcher final : public FetchProvider {
 public:
  struct Counters {
    uint64_t requests = 0; /* taken */
    uint64_t refused = 0;  /* one too many, or none that can be sent */
    uint64_t answers = 0, failures = 0, timeouts = 0, canceled = 0;
    uint64_t received_bytes = 0, sent_bytes = 0; /* of bodies */
  };

  Fetcher(Host host, visor_sockets* sockets, const Config& config)
      : FetchProvider(host), sockets_(sockets), config_(config) {}

  size_t under_way() const { return requests_.size(); }
  const Counters& counters() const { return counters_; }
  /* Ends what is under way: each with VISOR_ECANCELED, on a later turn. */
  void stop() { requests_.clear(); }

 private:
  struct Under {
    explicit Under(Done d) : done(std::move(d)) {}
    Done done;
    http::ClientCall call;
    Timer timer;
  };
  using Requests = std::list<Under>;

  visor_status send(const visor_request* request, visor_done done) override;
  void cancel(void* done_ctx) override;

  void answered(Requests::iterator at, Result<http::ClientResponse> response);

  visor_sockets* sockets_;
  const Config config_;
  Counters counters_;
  Requests requests_;
};

}  // namespace visor::fetch
#endif  // VISOR_FETCH_FETCHER_HPP
