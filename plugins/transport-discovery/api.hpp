/* The TPD's public HTTP interface (specification telemetry.md, 4), without HTTP: paths and parameters to
 * answers. */
#ifndef VISOR_TRANSPORT_DISCOVERY_API_HPP
#define VISOR_TRANSPORT_DISCOVERY_API_HPP
#include <functional>
#include <map>

#include "accept.hpp"
#include "answer.hpp"
#include "authority.hpp"
#include "bodies.hpp"
#include "query.hpp"
#include "sessions.hpp"

namespace visor::transport_discovery {

/* Where it is mounted. */
constexpr std::string_view kRoutes[] = {
    "/metrics", "/metric",  "/bandwidth", "/transports",      "/v3/transports", "/all-transports", "/uptimes",
    "/uptime",  "/version", "/versions",  "/security/nonces", "/v4/update",     "/statuses",       "/health"};

/* One of an aggregator: what is rendered is kept with its rows. */
class Api {
 public:
  /* Bodies up to this size are answered whole. */
  static constexpr size_t kWholeBytes = 256 * 1024;

  struct Service {
    /* What the TPD says of itself, in either of Prometheus' formats. */
    std::function<std::string(bool open_metrics)> process_metrics;
    std::string version;
    std::map<std::string, std::string> addresses = {}; /* by network: "<pk>:<port>" */
    int64_t started_at_s = 0;
    const Sessions* sessions = nullptr;       /* when the service itself was up; null: not known */
    std::vector<visor_key> monitors = {};     /* who may take transports away that are not theirs */
    std::string commit = {}, build_date = {}; /* empty: not known */
  };

  Api(Aggregator& aggregator, Service service) : aggregator_(aggregator), service_(std::move(service)) {}

  Answer answer(const ApiRequest& request, Moment now);
  const AuthorityCounters& authority() const { return authority_.counters(); }

 private:
  using Handler = Answer (Api::*)(const ApiRequest&, std::string_view rest, Moment now);
  struct RouteRow {
    std::string_view method, path;
    bool prefix; /* the rest of the path is an argument */
    Handler handler;
  };
  static const RouteRow kTable[];
  Answer routed(const ApiRequest& request, Moment now);

  // Measurements (api_metrics.cpp).
  Answer metrics(const ApiRequest& request, std::string_view rest, Moment now);
  Answer metrics_of_ids(const ApiRequest& request, std::string_view ids, Moment now);
  Answer metrics_of_visors(const ApiRequest& request, std::string_view keys, Moment now);
  Answer page(const ApiRequest& request, const MetricsQuery& query, UnixDay today);
  // Sums (api_totals.cpp).
  Answer totals(const ApiRequest& request, std::string_view rest, Moment now);
  Answer totals_of_visors(const ApiRequest& request, std::string_view keys, Moment now);
  Answer bandwidth_of_transport(const ApiRequest& request, std::string_view id, Moment now);
  Answer bandwidth_of_visor(const ApiRequest& request, std::string_view key, Moment now);
  // Uptime and versions (api_uptime.cpp).
  Answer uptimes(const ApiRequest& request, std::string_view rest, Moment now);
  Answer uptimes_of_transports(const ApiRequest& request, std::string_view rest, Moment now);
  Answer network_uptime(const ApiRequest& request, std::string_view rest, Moment now);
  Answer uptime_of_ids(const ApiRequest& request, std::string_view ids, Moment now);
  Answer uptime_of_visors(const ApiRequest& request, std::string_view keys, Moment now);
  Answer update(const ApiRequest& request, std::string_view rest, Moment now);
  Answer version_counts(const ApiRequest& request, std::string_view rest, Moment now);
  Answer versions(const ApiRequest& request, std::string_view rest, Moment now);
  Answer versions_of(const ApiRequest& request, std::string_view keys, Moment now);
  Answer own_uptime(const ApiRequest& request, std::string_view rest, Moment now);
  // Entries (api_transports.cpp).
  Answer entry(const ApiRequest& request, std::string_view id, Moment now);
  Answer entries_of_edge(const ApiRequest& request, std::string_view key, Moment now);
  Answer entries_of_edge_open(const ApiRequest& request, std::string_view key, Moment now);
  Answer entries_of_edges(const ApiRequest& request, std::string_view rest, Moment now);
  Answer register_signed(const ApiRequest& request, std::string_view rest, Moment now);
  Answer register_bare(const ApiRequest& request, std::string_view rest, Moment now);
  Answer remove(const ApiRequest& request, std::string_view id, Moment now);
  Answer remove_batch(const ApiRequest& request, std::string_view rest, Moment now);
  Answer remove_by_monitor(const ApiRequest& request, std::string_view rest, Moment now);
  Answer all_transports(const ApiRequest& request, std::string_view rest, Moment now);
  Answer stats(const ApiRequest& request, std::string_view rest, Moment now);
  Answer stats_by_key(const ApiRequest& request, std::string_view rest, Moment now);
  Answer stats_of(const ApiRequest& request, std::string_view key, Moment now);
  Answer nonce(const ApiRequest& request, std::string_view key, Moment now);
  Answer gone(const ApiRequest& request, std::string_view rest, Moment now);
  Answer health(const ApiRequest& request, std::string_view rest, Moment now);

  std::string entries_of(std::span<const visor_key> keys, bool& any) const;
  void begin(Answer& answer, const ApiRequest& request, std::unique_ptr<Body> body);

  Aggregator& aggregator_;
  Service service_;
  Views views_;
  Authority authority_;
};

/* Whether an Accept-Encoding takes gzip. */
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_API_HPP
