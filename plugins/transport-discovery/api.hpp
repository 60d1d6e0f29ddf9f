/* The TPD's public HTTP interface (specification telemetry.md, 4), without HTTP: paths and parameters to
 * answers. */
#ifndef VISOR_TRANSPORT_DISCOVERY_API_HPP
#define VISOR_TRANSPORT_DISCOVERY_API_HPP
#include <functional>

#include "accept.hpp"
#include "bodies.hpp"

namespace visor::transport_discovery {

/* Where it is mounted. */
constexpr std::string_view kRoutes[] = {"/metrics", "/all-transports", "/v3/transports", "/health"};

struct ApiRequest {
  std::string_view method, path, query, accept;
};

struct Answer {
  int32_t status = 200;
  std::vector<std::pair<std::string, std::string>> headers; /* lower-case names */
  std::string body;                                         /* all of it, or its beginning */
  std::unique_ptr<Body> rest;                               /* what follows `body`; null: nothing */
};

class Api {
 public:
  /* Bodies up to this size are answered whole. */
  static constexpr size_t kWholeBytes = 256 * 1024;

  struct Service {
    /* What the TPD says of itself, in either of Prometheus' formats. */
    std::function<std::string(bool open_metrics)> process_metrics;
    std::string version, address; /* "<pk>:<port>" */
    std::string_view network;
    int64_t started_at_s = 0;
  };

  Api(const Aggregator& aggregator, Service service)
      : aggregator_(aggregator), service_(std::move(service)) {}

  Answer answer(const ApiRequest& request, Moment now);

 private:
  Answer metrics(const ApiRequest& request, Moment now);
  Answer page(const ApiRequest& request, const RowOptions& options, std::optional<TransportId> cursor,
              size_t limit, UnixDay today) const;
  Answer by_ids(std::string_view list, const RowOptions& options, UnixDay today) const;
  Answer by_visors(std::string_view list, const RowOptions& options, UnixDay today) const;
  Answer stats(Moment now) const;
  Answer of_edge(std::string_view key) const;
  Answer health() const;

  const Aggregator& aggregator_;
  Service service_;
  Views views_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_API_HPP
