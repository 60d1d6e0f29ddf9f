/* The service directory's HTTP interface (specification telemetry.md, 4.2): paths, checks, texts.
 *
 *   GET    /api/services?type=&pk=&limit=&cursor=    [service]; x-next-cursor: where the next page begins
 *   GET    /api/services/<key>:<port>?type=          [service], 404 if none
 *   POST   /api/services                             a signed service; the same, as it is listed
 *   DELETE /api/services                             a signed service with "withdrawn": true
 *
 * Errors are {"error":"..."}; of 409, that there is a later entry, with its "timestamp_ms". */
#ifndef VISOR_SERVICE_DISCOVERY_API_HPP
#define VISOR_SERVICE_DISCOVERY_API_HPP
#include <functional>

#include "book.hpp"

namespace visor::service_discovery {

struct ApiRequest {
  std::string_view method, path, query, body;
};

struct ApiAnswer {
  int32_t status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers{}; /* besides content-type: application/json */
};

struct ApiOptions {
  std::vector<std::string> types{"visor", "skychat", "vpn", "proxy"}; /* that are listed */
  bool test_mode = false;    /* addresses may be of one's own machine */
  int64_t life_ms = 180'000; /* of an entry that is not renewed */
  size_t max_services = 65'536, max_of_key = 64;
};

struct ApiCounters {
  uint64_t requests = 0, lists = 0, posted_new = 0, posted_again = 0, withdrawn = 0, expired = 0;
  uint64_t refused_malformed = 0, refused_invalid = 0, refused_signature = 0, refused_time = 0;
  uint64_t refused_older = 0, refused_full = 0, failed_writes = 0;
};

class Api {
 public:
  static constexpr size_t kDefaultRows = 100, kMaxRows = 1000;

  /* Where changes are kept: a record, or null where the name is forgotten.  An error refuses the change. */
  using Keep = std::function<Result<void>(const ServiceName& name, const Record* record)>;

  Api(Book& book, ApiOptions options, Keep keep)
      : book_(book), options_(std::move(options)), keep_(std::move(keep)) {}

  ApiAnswer answer(const ApiRequest& request, int64_t now_ms);
  /* Forgets what is over. */
  void sweep(int64_t now_ms);

  const ApiCounters& counters() const { return counters_; }
  const ApiOptions& options() const { return options_; }

 private:
  ApiAnswer list(const ApiRequest& request, std::string_view address, int64_t now_ms);
  ApiAnswer take(const ApiRequest& request, bool gone, int64_t now_ms);
  std::optional<ApiAnswer> refusal(const Service& service, bool gone, int64_t now_ms);
  ApiAnswer store(Service service, int64_t now_ms);

  Book& book_;
  const ApiOptions options_;
  Keep keep_;
  ApiCounters counters_;
};

/* {"error":"..."} */
ApiAnswer error_answer(int32_t status, std::string_view text);

}  // namespace visor::service_discovery
#endif  // VISOR_SERVICE_DISCOVERY_API_HPP
