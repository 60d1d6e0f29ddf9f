/* Feeds of our own that the configuration keeps open and served, so that `publish` has somewhere to write to
 * and others find what was published after each start. */
#ifndef VISOR_FEEDS_KEPT_HPP
#define VISOR_FEEDS_KEPT_HPP
#include "service.hpp"

namespace visor::feeds {

struct KeptFeed {
  std::string network;
  uint16_t port = 0;
};

class Kept {
 public:
  /* VISOR_EEXIST and the like when a network refuses the port; a network that is not there yet is waited for.
   */
  static Result<std::unique_ptr<Kept>> open(Host host, Service& service, const std::vector<KeptFeed>& feeds);

 private:
  explicit Kept(Host host) : host_(host) {}
  Result<void> keep(Service& service, const KeptFeed& feed);

  Host host_;
  std::vector<Owned<visor_handle>> served_;
  std::vector<Owned<visor_feed>> feeds_;
  std::vector<Request<visor_feed>> opening_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_KEPT_HPP
