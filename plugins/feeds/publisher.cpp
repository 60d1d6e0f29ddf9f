#include "publisher.hpp"

#include <algorithm>

#include "treestore.hpp"

namespace visor::feeds {
namespace {

constexpr size_t kManyBytes = 16u << 20;  // gathered: not waited any longer
constexpr size_t kManyWaiting = 65536;
constexpr uint64_t kFirstRetryMs = 1000, kLastRetryMs = 30000;
constexpr uint64_t kAllSteps = UINT64_MAX;  // our own tree is as large as we made it

}  // namespace

Publisher::Publisher(Host host, Store& store, visor_identity* identity, const FeedId& id,
                     const PublisherOptions& options, Owner& owner)
    : host_(host),
      tasks_(host),
      store_(store),
      identity_(identity),
      id_(id),
      options_(options),
      owner_(owner),
      published_ms_(host.now_ms()) {
  if (Result<void> loaded = take_up(); !loaded) host_.warn(loaded.error().text);
  heartbeat_ =
      Timer::every(host_, std::max<uint64_t>(1, options_.heartbeat_ms / 2), [this] { check_heartbeat(); });
}

/* A tree that could not be read must not be taken for an empty one: nothing is published until it is. */
Result<void> Publisher::take_up() {
  if (taken_up_) return {};
  const StoredRoot* stored = store_.current(id_);
  if (stored) {
    bool left_out = false;
    Result<void> read = tree_.load(store_, stored->top, [&](const std::string& path, const Error& why) {
      left_out = true;
      host_.warn("the sub-tree '" + path + "' of our feed cannot be read and is left out: " + why.text);
    });
    if (!read) {
      last_error_ = "our feed cannot be read from its store, and is not published: " + read.error().text;
      return failure(read.error().status, last_error_);
    }
    written_all_ = false;
    last_ = {stored->nonce, stored->record.seq, stored->record.hash, stored->record.time_ns};
    dirty_ = dirty_ || left_out;
    if (dirty_) schedule(options_.batch_ms);
  }
  taken_up_ = true;
  last_error_.clear();
  return {};
}

Result<void> Publisher::write(std::span<const visor_op> ops, Done done) {
  store_.settle();  // what the tree has encoded lies in its memory until then
  Result<void> ready = take_up();
  Result<bool> changed = ready ? tree_.apply(ops) : std::unexpected(ready.error());
  if (!changed) {
    done.dismiss();
    return std::unexpected(changed.error());
  }
  ++counters_.writes;
  dirty_ = dirty_ || *changed;
  if (*changed && ops.size() == 1) {
    note(ops[0]);
  } else if (*changed) {
    written_all_ = false;
  }
  if (!dirty_) {
    done.later(VISOR_OK);
    return {};
  }
  waiting_.push_back(std::move(done));
  const bool full = tree_.pending_bytes() >= kManyBytes || waiting_.size() >= kManyWaiting;
  if (full && last_error_.empty()) {
    schedule(0);
  } else if (!scheduled_) {
    schedule(options_.batch_ms);
  }
  return {};
}

void Publisher::sort_written() {
  std::ranges::sort(written_,
                    [](const Written& a, const Written& b) { return compare_paths(a.path, b.path) < 0; });
}

/* Remembers a leaf that was changed, as long as these are few, small, and each is written once. */
void Publisher::note(const visor_op& op) {
  constexpr size_t kFew = 16, kSmallBytes = 2048;
  const std::string_view path = trim_path(text(op.key));
  const bool known = std::ranges::find(written_, path, &Written::path) != written_.end();
  if (written_.size() == kFew || op.key.size + op.value.size > kSmallBytes || known) written_all_ = false;
  if (!written_all_) return;
  const ByteView value = op.kind == VISOR_PUT ? bytes(op.value) : ByteView();
  Written written{std::string(path), Bytes(value.begin(), value.end())};
  written_.push_back(std::move(written));
}

void Publisher::tell_latest(const Hash& before, const Hash& root) {
  latest_.reset();
  if (std::exchange(written_all_, true)) {
    sort_written();
    latest_.emplace(before, root, Bytes());
    OpWriter writer;
    for (const Written& written : written_) {
      writer.put(latest_->ops, written.path, written.value);
      OpWriter::place(latest_->ops, tree_.places(written.path));
    }
  }
  written_.clear();
}

void Publisher::schedule(uint64_t after_ms) {
  scheduled_ = true;
  if (after_ms > 0) {
    batch_ = Timer::once(host_, after_ms, [this] { publish(); });
  } else {
    tasks_.post([this] {
      if (scheduled_) publish();
    });
  }
}

void Publisher::flush() {
  store_.settle();
  if (dirty_) publish();
}

void Publisher::publish() {
  store_.settle();
  scheduled_ = false;
  batch_.cancel();
  const bool again = std::exchange(announced_again_, false);
  if (!dirty_ && !again) return;
  if (!again && publish_few()) return;
  Difference difference;
  Result<bool> saved = save(again, Changes::Others::kLive, difference);
  if (!saved && saved.error().status == VISOR_ENOENT) {
    // Something that the tree counts on is not in the store: all that is there is encoded anew, and the rest
    // named.
    written_all_ = false;
    Result<void> mended = tree_.mend(store_, [&](const std::string& path, const Error& why) {
      host_.warn("the leaf '" + path + "' of our feed is lost: " + why.text);
    });
    difference = {};
    saved = mended ? save(true, Changes::Others::kLookedUp, difference) : std::unexpected(mended.error());
  }
  if (!saved) return failed(saved.error());
  settled();
  if (*saved) owner_.published(std::move(difference));
}

/* A Root of few leaves goes out before it is stored, where a crash leaves nothing of either.  Its number is
 * used from then on.  False: this is no such case. */
bool Publisher::publish_few() {
  const StoredRoot* before = store_.current(id_);
  if (store_.options().durable || !before || !written_all_ || written_.empty() || !last_error_.empty())
    return false;
  auto encoded = std::make_shared<NewObjects>();
  const Hash top = tree_.encode([&](const Hash& hash, Kind kind, ByteView object, bool leaf) {
    encoded->add(hash, kind, object, leaf);
  });
  if (top == before->top) return false;
  Result<SignedRoot> root = sign(top);
  if (!root) return false;
  last_ = {root->root.nonce, root->root.seq, root->hash, root->root.time_ns};
  ++counters_.roots;
  published_ms_ = host_.now_ms();
  sort_written();
  Difference difference;
  if (owner_.wants_difference()) {
    for (const Written& written : written_) {
      written.value.empty() ? difference.erase(written.path) : difference.put(written.path, written.value);
    }
  }
  tell_latest(before->record.hash, root->hash);
  store_.commit_later(id_, *root, [this, encoded, root = *root] { store_told(*encoded, root); });
  owner_.published(std::move(difference));
  store_soon_ = Timer::once(host_, 0, [this] { store_.settle(); });
  return true;
}

void Publisher::store_told(const NewObjects& encoded, const SignedRoot& root) {
  Changes changes(store_, Changes::Others::kLive);
  Result<void> stored = encoded.give_to(changes);
  if (stored) stored = store_.commit(id_, root, changes);
  if (stored) return settled();
  // The next Root, which comes at once, has all of it again.
  tree_.forget();
  written_all_ = false;
  schedule(0);
}

/* Stores the tree as a new Root; false: it is the one that is stored. */
Result<bool> Publisher::save(bool again, Changes::Others others, Difference& difference) {
  Changes changes(store_, others);
  changes.expect(tree_.pending());
  Result<void> added;
  const Hash top = tree_.encode([&](const Hash& hash, Kind kind, ByteView object, bool leaf) {
    if (!added) return;
    if (!leaf) {
      added = changes.add(hash, kind, object);
    } else if (Result<bool> held = changes.add_leaf(hash, object); !held) {
      added = std::unexpected(held.error());
    }
  });
  if (added && others == Changes::Others::kLookedUp) added = changes.adopt_rest();
  if (!added) return std::unexpected(added.error());
  const StoredRoot* before = store_.current(id_);
  const Hash old_top = before ? before->top : Hash{}, old_root = before ? before->record.hash : Hash{};
  if (before ? top == old_top && !again : tree_.leaves() == 0) return false;
  if (owner_.wants_difference()) {
    TreeDiff diff(changes, old_top, top, kAllSteps);
    Result<bool> done = diff.run(kAllSteps);
    if (!done) return std::unexpected(done.error());
    difference = diff.take();
  }
  Result<SignedRoot> root = sign(top);
  if (!root) return std::unexpected(root.error());
  if (Result<void> committed = store_.commit(id_, *root, changes); !committed) {
    return std::unexpected(committed.error());
  }
  last_ = {root->root.nonce, root->root.seq, root->hash, root->root.time_ns};
  ++counters_.roots;
  published_ms_ = host_.now_ms();
  tell_latest(old_root, root->hash);
  return true;
}

Result<SignedRoot> Publisher::sign(const Hash& top) {
  SignedRoot made;
  made.root.refs.push_back({top, tree_types().node});
  made.root.registry = tree_types().registry;
  made.root.feed = id_.feed;
  made.root.nonce = last_.nonce;
  made.root.seq = last_.seq ? *last_.seq + 1 : 0;
  made.root.time_ns = std::max(host_.unix_ns(), last_.time_ns + 1);
  made.root.previous = last_.hash;
  made.encoded = encode(made.root);
  made.hash = crypto::sha256(made.encoded);
  const visor_status status =
      identity_->api->sign(identity_, made.hash.bytes.data(), made.signature.bytes.data());
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  return made;
}

void Publisher::settled() {
  tree_.settle();
  dirty_ = false;
  retry_ms_ = 0;
  last_error_.clear();
  if (waiting_.empty()) return;
  auto waiting = std::make_shared<std::vector<Done>>(std::exchange(waiting_, {}));
  store_.sync([waiting](visor_status status) {
    for (Done& done : *waiting) done.complete(status);
  });
}

void Publisher::failed(const Error& why) {
  tree_.forget();
  dirty_ = true;
  ++counters_.failures;
  if (last_error_ != why.text) host_.warn("our feed cannot be published, and is tried again: " + why.text);
  last_error_ = why.text;
  for (Done& done : std::exchange(waiting_, {})) done.later(why);
  retry_ms_ = std::clamp(retry_ms_ * 2, kFirstRetryMs, kLastRetryMs);
  schedule(retry_ms_);
}

void Publisher::observe(const SignedRoot& root) {
  if (!taken_up_) return;
  const bool other_chain = last_.seq && root.root.nonce != last_.nonce;
  // The same number again is another Root, of before or of another process.
  const bool behind = last_.seq && (root.root.seq < *last_.seq || root.hash == last_.hash);
  if (other_chain || behind) return;
  host_.info("our feed goes on from number " + std::to_string(root.root.seq) +
             ", which a subscriber still has");
  last_ = {root.root.nonce, root.root.seq, root.hash, std::max(last_.time_ns, root.root.time_ns)};
  if (!store_.current(id_)) return;
  // Subscribers do not take what we have published until its number passes theirs.  Not at once again and
  // again, should another process publish with our key.
  announced_again_ = true;
  const uint64_t rest_ms = options_.heartbeat_ms / 8, now_ms = host_.now_ms();
  const bool again = overtaken_ms_ && now_ms - *overtaken_ms_ < rest_ms;
  overtaken_ms_ = now_ms;
  if (!scheduled_) schedule(again ? std::max(options_.batch_ms, rest_ms) : options_.batch_ms);
}

void Publisher::check_heartbeat() {
  if (!take_up()) return;
  if (dirty_ || !store_.current(id_) || host_.now_ms() - published_ms_ < options_.heartbeat_ms) return;
  announced_again_ = true;
  ++counters_.heartbeats;
  publish();
}

}  // namespace visor::feeds
