/* A visor_feed: one consumer's use of a feed. */
#ifndef VISOR_FEEDS_FEED_OBJECT_HPP
#define VISOR_FEEDS_FEED_OBJECT_HPP
#include "node.hpp"
#include "tree_reader.hpp"

namespace visor::feeds {

class FeedObject;

/* A visor_cursor over the Root that was current when it was made, which stays readable until it is closed. */
class FeedCursor final : public Object<visor_cursor> {
 public:
  FeedCursor(FeedObject& owner, std::shared_ptr<Store> store, Store::Pin pin, const Hash& top,
             std::string prefix);

 private:
  visor_status seek(visor_span path, int32_t how);
  visor_status step(int32_t direction);
  void close();
  visor_status show(Result<bool> found);
  static const visor_cursor_api kApi;

  FeedObject& owner_;
  std::shared_ptr<Store> store_;
  Store::Pin pin_;
  TreeCursor cursor_;
  bool placed_ = false;
};

class FeedObject final : public FeedProvider, private Feed::User {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void feed_closed(FeedObject& object) = 0;
  };
  /* Takes over one use of the feed. */
  FeedObject(Host host, Owner& owner, Node& node, std::shared_ptr<Feed> feed, std::string network);
  ~FeedObject() override;

  void drop(FeedCursor& cursor);

 private:
  visor_status write(const visor_op* ops, size_t count, visor_done done) override;
  visor_status get(visor_span path, visor_span* value) override;
  visor_status cursor(visor_span prefix, visor_cursor** cursor) override;
  visor_status subscribe(visor_span prefix, uint32_t flags, const visor_feed_events* events, void* ctx,
                         visor_handle** handle) override;
  void pause(bool paused) override;
  visor_status admit(const visor_key* keys, size_t count) override;
  void close() override { owner_.feed_closed(*this); }
  bool wants_whole() const override { return !subscribed_; }

  Owner& owner_;
  Node& node_;
  std::shared_ptr<Feed> feed_;
  std::string network_;
  bool paused_ = false, subscribed_ = false;
  Bytes value_;  // what get() lent
  std::vector<std::unique_ptr<FeedCursor>> cursors_;
  Registrations<std::shared_ptr<Subscription>> subscriptions_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_FEED_OBJECT_HPP
