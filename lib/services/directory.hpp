/* Asking a service directory, over visor.fetch/1, or by its key over the relay network. */
#ifndef VISOR_SERVICES_DIRECTORY_HPP
#define VISOR_SERVICES_DIRECTORY_HPP
#include "lib/http/ask_over.hpp"
#include "lib/services/service.hpp"

namespace visor::services {

inline constexpr std::string_view kServicesPath = "/api/services";

struct ServiceQuery {
  std::string type;               /* empty: of every type */
  std::optional<visor_key> key{}; /* only those of this key */
  size_t limit = 100;             /* rows at most */
  /* The list is ordered by type and key: only what comes behind this key; nothing: from the beginning. */
  std::optional<visor_key> after{};
};

/* Callbacks run once each, from the loop and not inside the call, unless the Call is destroyed first. Errors:
 * VISOR_EINVAL what the directory refuses, VISOR_EEXIST that it has a later entry, VISOR_EAGAIN that it is
 * asked too often, VISOR_EPROTO what is no directory's answer, all else that it cannot be reached. */
class Directory {
 public:
  /* url: "http://host:port", or "dmsg://<key>:<port>", whose port is 80 if not said; VISOR_EINVAL for another
   * kind of address. */
  static Result<std::unique_ptr<Directory>> open(Host host, std::string_view url);

  /* Only those whose signature is good, whatever the directory says; in its order. */
  [[nodiscard]] http::Call list(const ServiceQuery& query,
                                std::function<void(Result<std::vector<Service>>)> done);
  /* A signed entry, or that it is withdrawn.  With VISOR_EEXIST `stored_ms` is the time of the later one. */
  struct Refusal {
    Error error;
    int64_t stored_ms = 0;
  };
  [[nodiscard]] http::Call put(const Service& service,
                               std::function<void(std::expected<void, Refusal>)> done);

  const std::string& url() const { return url_; }

 private:
  Directory(Host host, std::string url, http::Origin origin)
      : host_(host), url_(std::move(url)), origin_(std::move(origin)) {}

  Host host_;
  std::string url_; /* without a slash at its end */
  http::Origin origin_;
};

}  // namespace visor::services
#endif  // VISOR_SERVICES_DIRECTORY_HPP
