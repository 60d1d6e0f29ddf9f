/* The discovery's HTTP interface (specification dmsg.md, section 3.2): paths, checks in their order, texts.
 */
#ifndef VISOR_DMSG_DISCOVERY_API_HPP
#define VISOR_DMSG_DISCOVERY_API_HPP
#include <functional>

#include "book.hpp"

namespace visor::dmsg_discovery {

inline constexpr std::string_view kPrefix = "/dmsg-discovery";
inline constexpr std::string_view kHealth = "/health";

struct ApiRequest {
  std::string_view method, path, query, body;
};

struct ApiAnswer {
  int32_t status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

struct ApiOptions {
  bool test_mode = false; /* servers may be at loopback addresses */
  uint64_t server_life_ms = 120'000;
  uint64_t client_life_ms = 3'600'000;
  uint64_t short_life_ms = 180'000; /* of entries posted with ?timeout=true */
  size_t max_entries = 1u << 20;
  /* Servers that are called official, others then community; none: as they call themselves. */
  std::vector<visor_key> official_servers{};
  std::string version{};
  std::string dmsg_address{}; /* "<pk>:80"; empty: not on the relay network */
  int64_t started_ns = 0;
};

struct ApiCounters {
  uint64_t requests = 0, posted_new = 0, posted_again = 0, deleted = 0, expired = 0;
  uint64_t refused_malformed = 0, refused_invalid = 0, refused_signature = 0, refused_sequence = 0;
  uint64_t refused_full = 0, failed_writes = 0, not_found = 0;
};

class Api {
 public:
  /* Where changes are kept: a record, or null where the key's is gone.  An error refuses the change. */
  using Keep = std::function<Result<void>(const visor_key& key, const Record* record)>;

  Api(Book& book, ApiOptions options, Keep keep)
      : book_(book), options_(std::move(options)), keep_(std::move(keep)) {}

  /* now_ns: Unix. */
  ApiAnswer answer(const ApiRequest& request, int64_t now_ns);
  /* Forgets what is over. */
  void sweep(int64_t now_ns);

  const ApiCounters& counters() const { return counters_; }
  const ApiOptions& options() const { return options_; }

 private:
  ApiAnswer route(const ApiRequest& request, std::string_view rest, int64_t now_ns);
  ApiAnswer get_entry(std::string_view hex, int64_t now_ns);
  ApiAnswer post_entry(const ApiRequest& request, int64_t now_ns);
  ApiAnswer delete_entry(const ApiRequest& request);
  ApiAnswer store(Entry entry, bool short_life, int64_t now_ns);
  ApiAnswer health(int64_t now_ns) const;

  Book& book_;
  const ApiOptions options_;
  Keep keep_;
  ApiCounters counters_;
};

/* {"message":"...","code":404} */
ApiAnswer message(int32_t status, std::string_view text);

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_API_HPP
