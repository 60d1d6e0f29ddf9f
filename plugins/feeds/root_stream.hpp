/* A Root on its way to one subscriber, as Update and More messages (extension.hpp) that are made when there
 * is room to send them. */
#ifndef VISOR_FEEDS_ROOT_STREAM_HPP
#define VISOR_FEEDS_ROOT_STREAM_HPP
#include "extension.hpp"
#include "store.hpp"
#include "tree_diff.hpp"

namespace visor::feeds {

/* A Root that the subscriber has, as far as a difference to it needs to know. */
struct KnownRoot {
  Hash hash;  // blank: it has none
  uint64_t nonce = 0, seq = 0;
  Hash top;
};

/* What had come of an earlier Root when the connection broke. */
struct Resumed {
  Hash root, top;
  std::string place;
};

class RootStream final : private DiffSink {
 public:
  /* `root` is the feed's current one, which stays readable as long as this is there. */
  RootStream(std::shared_ptr<Store> store, const FeedId& id, SignedRoot root, uint32_t number,
             const KnownRoot& base, std::optional<Resumed> resumed);

  /* The next message; not once it is done. */
  Bytes next();
  bool done() const { return done_; }
  /* It could not be told as a difference, and the last message has said so. */
  bool gave_up() const { return gave_up_; }
  const SignedRoot& root() const { return root_; }

 private:
  Result<void> gather();
  Bytes give_up();
  StreamHead head() const;
  void put(std::string_view path, ByteView value) override;
  void erase(std::string_view path) override { put(path, {}); }
  bool full() const override { return ops_.size() >= kMessageBytes || passed_; }

  std::shared_ptr<Store> store_;
  Store::Pin pin_;
  SignedRoot root_;
  uint32_t number_;
  KnownRoot base_;
  std::optional<Resumed> resumed_;
  std::unique_ptr<TreeDiff> moved_;  // of what had come, if the Root is another one now
  TreeDiff diff_;
  OpWriter writer_;
  Bytes ops_;
  bool begun_ = false, positioned_ = false, passed_ = false, done_ = false, gave_up_ = false;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_ROOT_STREAM_HPP
