// A feed among visors that tell Roots as differences (extension.hpp): as the one who tells, and as the one
// who follows.
#include <algorithm>

#include "feed.hpp"
#include "feed_file.hpp"
#include "lib/codec/endian.hpp"
#include "treestore.hpp"

namespace visor::feeds {

// --- telling ---

/* A Root of this feed whose objects may still be here. */
std::optional<KnownRoot> Feed::known_root(const Hash& hash) {
  if (hash.blank()) return KnownRoot{};
  if (const StoredRoot* stored = current(); stored && stored->record.hash == hash) {
    return KnownRoot{hash, stored->nonce, stored->record.seq, stored->top};
  }
  Result<ByteView> object = store_->read(hash, Kind::kRoot);
  if (!object) return std::nullopt;
  Result<Root> root = decode_root(*object);
  if (!root || root->feed != id_.feed) return std::nullopt;
  return KnownRoot{hash, root->nonce, root->seq, root->refs.empty() ? Hash{} : root->refs[0].object};
}

void Feed::follow_asked(Connection& connection, const Follow& follow) {
  Member* m = member(connection);
  if (!m || !m->they) return;
  m->followed = std::make_unique<Followed>();
  Followed& followed = *m->followed;
  followed.number = follow.number;
  followed.branches = follow.branches;
  if (!followed.branches.empty()) return connection.push(*this);
  followed.base = known_root(follow.base);
  if (follow.resume) {
    const std::optional<KnownRoot> resumed = known_root(follow.root);
    if (resumed && followed.base) {
      followed.resumed = Resumed{resumed->hash, resumed->top, std::string(follow.place)};
    } else {
      followed.base.reset();
    }
  }
  connection.push(*this);
}

/* Our own latest Root for one who has the Root before it, without reading either; null: it is not known so.
 */
std::shared_ptr<const Bytes> Feed::latest_message(Followed& followed, const StoredRoot& stored) {
  const RootRecord& record = stored.record;
  if (!publisher_ || !followed.base || followed.resumed) return nullptr;
  const KnownRoot& base = *followed.base;
  const bool next = !base.hash.blank() && stored.nonce == base.nonce && record.seq == base.seq + 1 &&
                    record.previous == base.hash;
  const Bytes* ops = next ? publisher_->latest_ops(base.hash, record.hash) : nullptr;
  if (!ops) return nullptr;
  StreamHead head;
  head.number = followed.number;
  head.flags = StreamHead::kPlaced;
  head.time_ns = record.time_ns;
  head.signature = record.signature;
  Bytes message;
  message.reserve(ops->size() + 128);
  append_update(message, head);
  codec::append(message, *ops);
  followed.base = KnownRoot{record.hash, stored.nonce, record.seq, stored.top};
  return std::make_shared<const Bytes>(std::move(message));
}

std::shared_ptr<const Bytes> Feed::stream_message(Member& m, bool* more) {
  Followed& followed = *m.followed;
  if (!followed.stream) {
    const StoredRoot* stored = current();
    if (!stored || (followed.base && stored->record.hash == followed.base->hash)) return nullptr;
    if (auto message = latest_message(followed, *stored)) return message;
    if (!followed.base) {
      Bytes message;
      append_more(message, followed.number, StreamHead::kGiveUp);
      m.followed.reset();
      *more = true;
      return std::make_shared<const Bytes>(std::move(message));
    }
    Result<SignedRoot> root = store_->load(id_);
    if (!root) return nullptr;
    followed.stream =
        std::make_unique<RootStream>(store_, id_, std::move(*root), followed.number, *followed.base,
                                     std::exchange(followed.resumed, std::nullopt));
  }
  RootStream& stream = *followed.stream;
  auto message = std::make_shared<const Bytes>(stream.next());
  *more = true;
  if (!stream.done()) return message;
  if (stream.gave_up()) {
    m.followed.reset();
    return message;
  }
  const SignedRoot& root = stream.root();
  followed.base = KnownRoot{root.hash, root.root.nonce, root.root.seq, root.top()};
  *more = current() && current()->record.hash != root.hash;
  followed.stream.reset();
  return message;
}

// --- following ---

void Feed::connection_extended(Connection& connection) {
  const Member* m = member(connection);
  if (m && (m->we || m->asked) && !m->plain && !following_) follow_on(connection);
}

void Feed::follow_on(Connection& connection) {
  if (publisher_) return;
  reconsider();
  if (id_.branches) return follow_branches(connection);
  following_ = &connection;
  follow_number_ = node_.follow(connection, *this);
  Follow follow{id_.feed, follow_number_, {}, false, {}, {}, {}};
  if (const StoredRoot* stored = current()) follow.base = stored->record.hash;
  if (fill_ && fill_->suspended()) {
    follow.resume = true;
    follow.root = fill_->root().hash;
    follow.place = fill_->place();
  }
  connection.send_extension(encode(follow));
}

/* Says to whom we follow what we have now, or finds somebody to follow. */
void Feed::follow_somebody() {
  if (leaving_ || publisher_ || id_.branches) return;
  if (following_) return follow_on(*following_);
  for (const Member& m : members_) {
    if (m.we && !m.plain && m.connection->extended() && m.connection->ready())
      return follow_on(*m.connection);
  }
}

void Feed::follow_no_more(Connection& connection, bool plain) {
  if (following_ == &connection) following_ = nullptr;
  if (Member* m = member(connection)) m->plain = plain;
}

/* The Root that a message names, as far as it can be put together. */
Result<SignedRoot> Feed::draft(const StreamHead& head) {
  const StoredRoot* stored = current();
  SignedRoot made;
  Root& root = made.root;
  root.registry = tree_types().registry;
  root.feed = id_.feed;
  root.time_ns = head.time_ns;
  if (head.has(StreamHead::kApart)) {
    root.nonce = head.nonce;
    root.seq = head.seq;
    root.previous = head.previous;
  } else if (stored) {
    root.nonce = stored->nonce;
    root.seq = stored->record.seq + 1;
    root.previous = stored->record.hash;
  } else {
    return failure(VISOR_EPROTO, "a difference follows a Root that we never had");
  }
  made.signature = head.signature;
  if (outdated(root.nonce, root.seq) ||
      (stored && stored->nonce != root.nonce && root.time_ns <= stored->record.time_ns)) {
    return failure(VISOR_EPROTO, "a difference leads to a Root that is older than ours");
  }
  if (!head.has(StreamHead::kMore)) return made;
  root.refs = {{head.top, tree_types().node}};
  return open_root(id_.feed, root.nonce, root.seq, encode(root), made.signature);
}

void Feed::stream_arrived(Connection& connection, const StreamMessage& message) {
  Member* m = member(connection);
  if (!m || following_ != &connection || message.head.number != follow_number_) return;
  root_ms_ = host_.now_ms();
  quiet_ms_ = settings_.quiet_ms;
  if (message.head.has(StreamHead::kGiveUp)) {
    follow_no_more(connection, true);
    if (fill_ && (fill_->suspended() || fill_->streams_from(connection))) fill_->abandon_stream();
    return;
  }
  if (message.update) return update_arrived(*m, message);
  if (!fill_ || !fill_->streams_from(connection)) return;  // it could not be stored
  if (Result<void> taken = fill_->take_ops(message.ops, message.head.has(StreamHead::kPlaced)); !taken)
    return stream_failed(connection, taken.error());
  if (!message.head.has(StreamHead::kMore)) end_of_stream();
}

void Feed::update_arrived(Member& m, const StreamMessage& message) {
  Connection& connection = *m.connection;
  const StreamHead& head = message.head;
  ++counters_.roots_received;
  began_whole_ = true;
  if (fill_ && fill_->streams_from(connection)) {
    return stream_failed(connection, {VISOR_EPROTO, "a Root begins before the one before it ends"});
  }
  Result<SignedRoot> root = draft(head);
  if (!root) {
    ++counters_.roots_refused;
    last_error_ = root.error().text;
    return stream_failed(connection, root.error());
  }
  const bool whole = !head.has(StreamHead::kMore);
  if (head.has(StreamHead::kResumed)) {
    // What it goes on with may have been given up meanwhile.
    if (!fill_ || !fill_->suspended()) return follow_on(connection);
    if (!head.has(StreamHead::kMoved)) {
      fill_->resume_stream(connection);
    } else if (Result<void> moved = fill_->move_stream(connection, std::move(*root)); !moved) {
      return stream_failed(connection, moved.error());
    }
  } else {
    auto fill = std::make_unique<Fill>(host_, *store_, id_, std::move(*root), settings_.fill,
                                       static_cast<Fill::Owner&>(*this));
    fill->open_stream(connection, whole);
    if (!whole) {
      m.announced = fill->root().hash;
      replace_fill(std::move(fill));
      push_to_all(fill_->root().hash);
    } else {
      // Small: it is built and verified before it touches what else is under way.
      Result<void> made = fill->take_ops(message.ops, head.has(StreamHead::kPlaced));
      if (made) made = fill->seal();
      if (!made) return stream_failed(connection, made.error());
      m.announced = fill->root().hash;
      replace_fill(std::move(fill));
      streamed_ = true;
      return fill_->complete();
    }
  }
  if (Result<void> taken = fill_->take_ops(message.ops, head.has(StreamHead::kPlaced)); !taken)
    return stream_failed(connection, taken.error());
  if (whole) end_of_stream();
}

void Feed::end_of_stream() {
  if (Result<void> sealed = fill_->seal(); !sealed) return stream_failed(*following_, sealed.error());
  if (Member* m = member(*following_)) m->announced = fill_->root().hash;
  streamed_ = true;
  fill_->complete();
}

/* A fill by requests gives way to one that needs none; what it has fetched stays. */
void Feed::replace_fill(std::unique_ptr<Fill> fill) {
  ++counters_.fills;
  retry_.cancel();
  patience_.cancel();
  if (fill_) {
    const Root& before = fill_->root().root;
    const bool keep = newer(before, fill->root().root) && (!pending_ || newer(before, pending_->root));
    if (keep) pending_ = fill_->root();
    supersede_fill();
  }
  fill_ = std::move(fill);
}

/* It may still be on the stack. */
void Feed::supersede_fill() {
  fill_->supersede();
  auto gone = std::make_shared<std::unique_ptr<Fill>>(std::move(fill_));
  tasks_.post([gone] {});
}

Result<void> Feed::import(FeedImport& from) {
  if (fill_) return failure(VISOR_EAGAIN, "a Root of this feed is being fetched; import it when it is there");
  if (id_.branches) {
    return failure(VISOR_EAGAIN, "only branches of this feed are followed here; a file has all of it");
  }
  if (publisher_ && (current() || publisher_->dirty())) {
    return failure(VISOR_EEXIST,
                   "our own feed is taken from a file only where nothing of it is left; this one "
                   "has leaves or a Root");
  }
  fall_behind();  // each follower finds the difference by itself
  if (Result<void> stored = from.commit(); !stored) return stored;
  if (publisher_) publisher_->reload();
  push_to_all(current()->record.hash);
  follow_somebody();
  return {};
}

void Feed::stream_failed(Connection& connection, const Error& why) {
  if (fill_ && fill_->streams_from(connection)) fill_->abandon_stream();
  if (why.status == VISOR_EPROTO) {
    last_error_ = why.text;
    return connection.close({VISOR_EPROTO, "the peer broke the protocol: " + why.text});
  }
  follow_objects(connection);
}

/* Our own tree is damaged, or cannot be written: object by object it mends itself. */
void Feed::follow_objects(Connection& connection) {
  follow_no_more(connection, true);
  // Until it is asked anew the peer goes on with differences.
  connection.send(Unsub{id_.feed});
  Member* m = member(connection);
  if (!m || connection.closed()) return;
  m->asked = false;
  subscribe_on(connection);
}

}  // namespace visor::feeds
