/* visor/feed.hpp - bases for a provider of feeds.  Header-only; part of visor/plugin.hpp.  What each function
 * promises is in feed.h. */
#ifndef VISOR_FEED_HPP
#define VISOR_FEED_HPP
#include "feed.h"
#include "host.hpp"

namespace visor {

class FeedProvider : public Object<visor_feed> {
 public:
  virtual visor_status write(const visor_op* ops, size_t count, visor_done done) = 0;
  virtual visor_status get(visor_span path, visor_span* value) = 0;
  virtual visor_status cursor(visor_span prefix, visor_cursor** cursor) = 0;
  virtual visor_status subscribe(visor_span prefix, uint32_t flags, const visor_feed_events* events,
                                 void* ctx, visor_handle** handle) = 0;
  virtual void pause(bool paused) = 0;
  virtual visor_status admit(const visor_key* keys, size_t count) = 0;
  virtual void close() = 0;

 protected:
  explicit FeedProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_feed_api kApi;
};
inline constexpr visor_feed_api FeedProvider::kApi = {
    sizeof(visor_feed_api),       0,
    thunk<&FeedProvider::write>,  thunk<&FeedProvider::get>,
    thunk<&FeedProvider::cursor>, thunk<&FeedProvider::subscribe>,
    thunk<&FeedProvider::pause>,  thunk<&FeedProvider::admit>,
    thunk<&FeedProvider::close>};

class FeedsProvider : public Object<visor_feeds> {
 public:
  virtual visor_status open(const visor_feed_options* options, visor_done done) = 0;
  virtual void cancel(void* done_ctx) = 0;
  virtual visor_status announce(visor_span network, const visor_addr* peer,
                                void (*state)(void* ctx, visor_status), void* ctx, visor_handle** handle) = 0;
  virtual visor_status serve(visor_span network, uint16_t port,
                             void (*fn)(void* ctx, const visor_addr* peer, bool here), void* ctx,
                             visor_handle** handle) = 0;

 protected:
  explicit FeedsProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_feeds_api kApi;
};
inline constexpr visor_feeds_api FeedsProvider::kApi = {
    sizeof(visor_feeds_api),         0,
    thunk<&FeedsProvider::open>,     thunk<&FeedsProvider::cancel>,
    thunk<&FeedsProvider::announce>, thunk<&FeedsProvider::serve>};

}  // namespace visor
#endif  // VISOR_FEED_HPP
