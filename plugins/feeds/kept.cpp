#include "kept.hpp"

namespace visor::feeds {

Result<std::unique_ptr<Kept>> Kept::open(Host host, Service& service, const std::vector<KeptFeed>& feeds) {
  std::unique_ptr<Kept> kept(new Kept(host));
  for (const KeptFeed& feed : feeds) {
    if (Result<void> done = kept->keep(service, feed); !done) return std::unexpected(done.error());
  }
  return kept;
}

Result<void> Kept::keep(Service& service, const KeptFeed& feed) {
  auto* feeds = static_cast<visor_feeds*>(&service);
  visor_handle* handle = nullptr;
  visor_status status =
      feeds->api->serve(feeds, to_span(std::string_view(feed.network)), feed.port, nullptr, nullptr, &handle);
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  served_.emplace_back(handle);
  const visor_feed_options options{.size = sizeof(visor_feed_options),
                                   .flags = 0,
                                   .owner = nullptr,
                                   .network = {},
                                   .port = feed.port,
                                   .batch_ms = 1000,
                                   .drive = {}};
  opening_.emplace_back();
  status = opening_.back().start(
      [&](visor_done done) { return feeds->api->open(feeds, &options, done); },
      [this, port = feed.port](visor_status opened, visor_feed* own) {
        if (opened == VISOR_OK) return void(feeds_.emplace_back(own));
        host_.warn("our feed of port " + std::to_string(port) + " is not open: " + host_.error(opened).text);
      },
      [feeds](void* ctx) { feeds->api->cancel(feeds, ctx); });
  return status == VISOR_OK ? Result<void>{} : std::unexpected(host_.error(status));
}

}  // namespace visor::feeds
