/* A feed as one file: a Root as the extension tells it to somebody who has nothing (extension.hpp).
 *
 *   "VSRFEED1" | port u16 BE | feed 33 | messages: for each its length u32 BE, then Update or More
 *
 * The Root's signature is verified before anything of it is stored, and its tree is built from the leaves, so
 * a file is as trustworthy as a peer: not at all. */
#ifndef VISOR_FEEDS_FEED_FILE_HPP
#define VISOR_FEEDS_FEED_FILE_HPP
#include "extension.hpp"
#include "limits.hpp"
#include "store.hpp"
#include "tree_builder.hpp"

namespace visor::feeds {

inline constexpr size_t kFeedFileHeadBytes = 8 + 2 + 33;

Bytes feed_file_head(const FeedId& id);
/* Of a file that is at least so long.  VISOR_EPROTO: it is not one of ours. */
Result<FeedId> read_feed_file_head(ByteView file);
void append_feed_file_message(Bytes& to, ByteView message);
/* Takes a message from the front of `file`; nothing: it is not whole yet. */
Result<std::optional<ByteView>> take_feed_file_message(ByteView& file);

/* Takes a Root from its messages into a store. */
class FeedImport final : private TreeBuilder::Sink {
 public:
  FeedImport(Store& store, const FeedId& id, const FeedLimits& limits);

  /* VISOR_EPROTO: the file is wrong; VISOR_EEXIST: what is here is as new. */
  Result<void> take(ByteView message);
  /* The last message has come. */
  bool whole() const { return whole_; }
  /* Stores it as the feed's current Root. */
  Result<void> commit();
  const SignedRoot& root() const { return root_; }
  uint64_t leaves() const { return leaves_; }

 private:
  Result<void> begin(const StreamHead& head);
  Result<void> verify(const Hash& top);
  Result<void> object(const Hash& hash, Kind kind, ByteView object) override;
  uint8_t* room(size_t bytes) override { return changes_.room(bytes); }
  Result<void> leaf(const Hash& hash, std::span<uint8_t> entry) override;
  Result<void> count(size_t bytes);

  Store& store_;
  FeedId id_;
  FeedLimits limits_;
  Changes changes_;
  TreeBuilder builder_;
  OpReader ops_;
  SignedRoot root_;
  uint64_t objects_ = 0, bytes_ = 0, leaves_ = 0;
  bool begun_ = false, whole_ = false;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_FEED_FILE_HPP
