#include "feed_file.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"
#include "treestore.hpp"

namespace visor::feeds {
namespace {

constexpr std::string_view kMagic = "VSRFEED1";

std::unexpected<Error> bad(std::string_view why) {
  return failure(VISOR_EPROTO, "the file of a feed is wrong: " + std::string(why));
}

}  // namespace

Bytes feed_file_head(const FeedId& id) {
  Bytes head;
  codec::append(head, bytes(kMagic));
  codec::append_be<uint16_t>(head, id.port);
  codec::append(head, bytes(id.feed));
  return head;
}

Result<FeedId> read_feed_file_head(ByteView file) {
  if (file.size() < kFeedFileHeadBytes || !text(file).starts_with(kMagic)) {
    return bad("it does not begin as `export` writes one");
  }
  FeedId id;
  id.port = codec::load_be<uint16_t>(file.data() + kMagic.size());
  std::ranges::copy(file.subspan(kMagic.size() + 2, sizeof id.feed.bytes), id.feed.bytes);
  return id;
}

void append_feed_file_message(Bytes& to, ByteView message) {
  codec::append_be<uint32_t>(to, static_cast<uint32_t>(message.size()));
  codec::append(to, message);
}

Result<std::optional<ByteView>> take_feed_file_message(ByteView& file) {
  if (file.size() < 4) return std::nullopt;
  const size_t size = codec::load_be<uint32_t>(file.data());
  if (size == 0 || size > kMaxObjectBytes + 2 * kMessageBytes) return bad("a message of it has no such size");
  if (file.size() - 4 < size) return std::nullopt;
  const ByteView message = file.subspan(4, size);
  file = file.subspan(4 + size);
  return message;
}

FeedImport::FeedImport(Store& store, const FeedId& id, const FeedLimits& limits)
    : store_(store),
      id_(id),
      limits_(limits),
      changes_(store),
      builder_(changes_, Hash{}, static_cast<TreeBuilder::Sink&>(*this)) {}

Result<void> FeedImport::take(ByteView message) {
  if (whole_) return bad("something follows its last message");
  const uint8_t expected = begun_ ? kMoreType : kUpdateType;
  if (message.empty() || message[0] != expected) return bad("its messages are not those of one Root");
  Result<StreamMessage> read = decode_stream_message(message);
  if (!read) return std::unexpected(read.error());
  constexpr uint8_t kAllowed = StreamHead::kMore | StreamHead::kApart;
  if ((read->head.flags & ~kAllowed) != 0) return bad("it tells a difference, not a whole Root");
  if (!std::exchange(begun_, true)) {
    if (Result<void> done = begin(read->head); !done) return done;
  }
  for (ByteView ops = read->ops; !ops.empty(); ++leaves_) {
    Result<OpReader::Op> op = ops_.next(ops);
    if (!op) return std::unexpected(op.error());
    if (Result<void> applied = builder_.apply(op->path, op->value); !applied) return applied;
  }
  if (read->head.has(StreamHead::kMore)) return {};
  whole_ = true;
  Result<Hash> top = builder_.finish();
  if (!top) return std::unexpected(top.error());
  if (root_.hash.blank()) return verify(*top);
  return root_.top() == *top ? Result<void>{} : bad("its leaves are not those of the tree that is signed");
}

/* The Root as far as the head says it; verified where the head names its top. */
Result<void> FeedImport::begin(const StreamHead& head) {
  if (!head.has(StreamHead::kApart)) return bad("its Root has no number");
  const StoredRoot* stored = store_.current(id_);
  const bool outdated = stored && (stored->nonce == head.nonce ? head.seq <= stored->record.seq
                                                               : head.time_ns <= stored->record.time_ns);
  if (outdated) {
    return failure(VISOR_EEXIST, "the file has the Root " + std::to_string(head.seq) +
                                     " of the feed, and what is here is as new");
  }
  Root& root = root_.root;
  root.registry = tree_types().registry;
  root.feed = id_.feed;
  root.nonce = head.nonce;
  root.seq = head.seq;
  root.previous = head.previous;
  root.time_ns = head.time_ns;
  root_.signature = head.signature;
  return head.has(StreamHead::kMore) ? verify(head.top) : Result<void>{};
}

Result<void> FeedImport::verify(const Hash& top) {
  Root& root = root_.root;
  root.refs = {{top, tree_types().node}};
  Result<SignedRoot> opened = open_root(id_.feed, root.nonce, root.seq, encode(root), root_.signature);
  if (!opened) return std::unexpected(opened.error());
  root_ = std::move(*opened);
  return {};
}

Result<void> FeedImport::object(const Hash& hash, Kind kind, ByteView object) {
  if (Result<void> done = changes_.add(hash, kind, object); !done) return done;
  return count(object.size());
}

Result<void> FeedImport::leaf(const Hash& hash, std::span<uint8_t> entry) {
  if (Result<bool> done = changes_.add_in_room(hash, entry); !done) return std::unexpected(done.error());
  return count(entry.size());
}

Result<void> FeedImport::count(size_t bytes) {
  bytes_ += bytes;
  if (++objects_ <= limits_.max_objects && bytes_ <= limits_.max_bytes) return {};
  return bad("it has more than " + std::to_string(limits_.max_objects) + " objects or " +
             std::to_string(limits_.max_bytes) + " bytes");
}

Result<void> FeedImport::commit() {
  if (!whole_ || root_.hash.blank()) return bad("it ends before its Root does");
  return store_.commit(id_, root_, changes_);
}

}  // namespace visor::feeds
