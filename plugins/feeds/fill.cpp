#include "fill.hpp"

#include <algorithm>

#include "treestore.hpp"

namespace visor::feeds {
namespace {

constexpr size_t kRowsATurn = 4096;
constexpr uint64_t kStepsATurn = 8192;
constexpr size_t kMaxWaiting = 4096;
constexpr size_t kMaxWaitingOfOne = 64;

}  // namespace

Fill::Fill(Host host, Store& store, const FeedId& id, SignedRoot root, const FillOptions& options,
           Owner& owner)
    : host_(host),
      tasks_(host),
      store_(store),
      id_(id),
      root_(std::move(root)),
      options_(options),
      owner_(owner),
      changes_(store),
      started_ms_(host.now_ms()),
      progress_ms_(host.now_ms()) {
  directories_.push_back({});
  directories_[0].urgent = true;
}

Fill::~Fill() {
  for (Source& source : sources_) source.connection->forget(*this);
}

void Fill::start() {
  prefixes_ = owner_.wants_partial();
  tasks_.post([this] {
    if (over_) return;
    watch_stall();
    request_tree();
  });
}

void Fill::request_tree() {
  started_ = true;
  if (walking_) return walk();
  bool made = false;
  if (!target().top().blank()) {
    Result<uint32_t> top = changes_.note(target().top(), Kind::kTreeNode, &made);
    if (!top) return broke(top.error());
    push_all({*top}, 0);
  }
  pump();
}

// --- sources ---

Fill::Source* Fill::source_of(const Connection& connection) {
  auto found = std::ranges::find(sources_, &connection, &Source::connection);
  return found == sources_.end() ? nullptr : &*found;
}

void Fill::add_source(Connection& connection) {
  if (over_ || source_of(connection)) return;
  sources_.push_back({&connection, {}});
  if (suspended()) return abandon_stream();
  pump();
}

void Fill::drop_source(Connection& connection) {
  std::erase_if(waiting_, [&](const Waiting& w) { return w.connection == &connection; });
  if (streams_from(connection)) {
    stream_->from = nullptr;
    if (!sources_.empty() && !source_of(connection)) abandon_stream();
  }
  if (source_of(connection)) lost_source(connection);
}

void Fill::lost_source(Connection& connection) {
  Source* source = source_of(connection);
  if (!source) return;
  // What was asked last is deepest in the tree, and was on top.
  for (uint32_t row : source->asked) put_back(row);
  in_flight_ -= source->asked.size();
  in_flight_ -= std::erase_if(way_asked_, [&](const auto& asked) { return asked.second == &connection; });
  connection.forget(*this);
  std::erase_if(sources_, [&](const Source& s) { return s.connection == &connection; });
  pump();
}

// --- fetching ---

void Fill::push_all(const std::vector<uint32_t>& rows, uint32_t directory) {
  for (size_t i = rows.size(); i-- > 0;) {
    Changes::Row& row = changes_.row(rows[i]);
    row.place = directory;
    if (row.presence == Presence::kMissing || row.presence == Presence::kProvisional) put_back(rows[i]);
  }
}

void Fill::put_back(uint32_t row) {
  (directories_[changes_.row(row).place].urgent ? urgent_ : todo_).push_back(row);
}

bool Fill::next_row(uint32_t& row) {
  for (std::vector<uint32_t>* rows : {&urgent_, &todo_}) {
    if (rows->empty()) continue;
    row = rows->back();
    rows->pop_back();
    return true;
  }
  return false;
}

/* Asks for what is next, as far as the sources have room, and takes over what is stored. */
void Fill::pump() {
  if (!started_ || over_ || diff_ || stream_) return;
  if (walking_) return walk();
  if (std::exchange(pumping_, true)) return;
  size_t steps = kRowsATurn;
  uint32_t row = 0;
  while (!over_ && next_row(row)) {
    if (steps-- == 0) {
      put_back(row);
      tasks_.post([this] { pump(); });
      break;
    }
    const Presence presence = changes_.row(row).presence;
    if (presence == Presence::kProvisional && !changes_.row(row).counted) {
      Result<ByteView> object = changes_.read(changes_.hash(row), changes_.row(row).kind);
      if (!object) {
        broke(object.error());
        break;
      }
      const Bytes copy(object->begin(), object->end());
      ++counters_.reused;
      progress_ms_ = host_.now_ms();
      process(row, copy, true);
      continue;
    }
    if (presence != Presence::kMissing) continue;
    if (auto here = at_hand_.find(changes_.hash(row)); here != at_hand_.end()) {
      if (!process(row, here->second, false)) break;
      continue;
    }
    if (sources_.empty()) {
      broke({VISOR_ECLOSED, "no connections to fill from"});
      break;
    }
    Source& source = roomiest();
    if (source.connection->room() == 0) {
      put_back(row);
      for (Source& each : sources_) each.connection->want_objects(*this);
      break;
    }
    source.asked.push_back(row);
    ++in_flight_;
    source.connection->request_object(changes_.hash(row), *this);
  }
  pumping_ = false;
  if (!over_ && in_flight_ == 0 && urgent_.empty() && todo_.empty()) check();
}

Fill::Source& Fill::roomiest() {
  return *std::ranges::max_element(sources_, {}, [](const Source& s) { return s.connection->room(); });
}

void Fill::may_request(Connection&) {
  pump();
}

void Fill::replied(Connection& connection, const Hash& hash, const Message* reply) {
  const bool way = way_asked_.erase(hash) > 0;
  const std::optional<uint32_t> row = changes_.find(hash);
  Source* source = source_of(connection);
  if (over_ || !(way || row) || !source) return;
  if (!way) std::erase(source->asked, *row);
  --in_flight_;
  const bool wanted = !way && changes_.row(*row).presence == Presence::kMissing;
  const auto* object = reply ? std::get_if<ObjectReply>(reply) : nullptr;
  if (object && object->value.size() <= kMaxObjectBytes && crypto::sha256(object->value) == hash) {
    if (way) way_arrived(hash, object->value);
    if (wanted) arrived(*row, object->value);
    return pump();
  }
  if (wanted) put_back(*row);
  // A refusal or silence: it does not have this Root whole, and others may.  Anything else is not an answer.
  if (!reply || std::holds_alternative<Err>(*reply)) return lost_source(connection);
  connection.close({VISOR_EPROTO, "the peer answered a request of the object " + to_hex(hash) + " with " +
                                      (object ? "another object" : std::string(name_of(*reply)))});
}

Result<void> Fill::count_in(size_t bytes) {
  ++counters_.objects;
  counters_.bytes += bytes;
  const FeedLimits& limits = options_.limits;
  if (counters_.bytes <= limits.max_bytes && counters_.objects + counters_.reused <= limits.max_objects)
    return {};
  return failure(VISOR_EPROTO, "the Root has more than " + std::to_string(limits.max_objects) +
                                   " objects or " + std::to_string(limits.max_bytes) + " bytes");
}

void Fill::arrived(uint32_t row, ByteView object) {
  progress_ms_ = host_.now_ms();
  if (Result<void> counted = count_in(object.size()); !counted) return broke(counted.error());
  if (!process(row, object, false)) return;
  answer_waiting(changes_.hash(row));
  if (!holds_much()) return;
  if (Result<void> flushed = store_.flush(changes_); !flushed) broke(flushed.error());
}

/* Refers to all that an object points at, and puts it on the list.  False: the fill is over. */
bool Fill::process(uint32_t row, ByteView object, bool stored) {
  std::vector<uint32_t> made;
  uint32_t directory = changes_.row(row).place;
  const bool is_entry = changes_.row(row).kind == Kind::kTreeEntry;
  Result<void> counted = stored ? changes_.adopt(row, made) : changes_.take(row, object, made);
  if (!counted) {
    broke(counted.error());
    return false;
  }
  if (is_entry) {
    note_partial(row, object);
    if (!made.empty() && !enter(directory, object, directory)) return false;
  }
  push_all(made, directory);
  return true;
}

/* The directory that an entry leads to; several may, then the first counts. */
bool Fill::enter(uint32_t parent, ByteView entry, uint32_t& directory) {
  const std::string_view name = decode_tree_entry(entry)->name;
  Directory made;
  made.depth = directories_[parent].depth + 1;
  made.path = directories_[parent].path;
  if (!made.path.empty()) made.path += '/';
  made.path += name;
  if (made.depth >= kMaxPathSegments || made.path.size() > kMaxPathBytes) {
    broke({VISOR_EPROTO, "the tree of the Root is deeper, or its paths are longer, than is read"});
    return false;
  }
  made.urgent = std::ranges::any_of(prefixes_, [&](const std::string& prefix) {
    return under(prefix, made.path) || under(made.path, prefix);
  });
  directory = static_cast<uint32_t>(directories_.size());
  directories_.push_back(std::move(made));
  return true;
}

void Fill::note_partial(uint32_t row, ByteView object) {
  if (prefixes_.empty()) return;
  Result<TreeEntry> entry = decode_tree_entry(object);
  if (!entry || !entry->is_leaf()) return;
  std::string path = directories_[changes_.row(row).place].path;
  if (!path.empty()) path += '/';
  path += entry->name;
  note_leaf(path, entry->leaf);
}

void Fill::note_leaf(std::string_view path, ByteView value) {
  if (std::ranges::none_of(prefixes_, [&](const std::string& prefix) { return under(path, prefix); })) return;
  partial_.put(path, value);
  if (std::exchange(partial_posted_, true)) return;
  tasks_.post([this] {
    partial_posted_ = false;
    partial_.sort();
    owner_.partial(std::exchange(partial_, Difference()));
  });
}

// --- those who wait for objects of ours ---

bool Fill::wait(Connection& connection, uint32_t seq, const Hash& hash) {
  const auto of_one = std::ranges::count(waiting_, &connection, &Waiting::connection);
  if (over_ || waiting_.size() >= kMaxWaiting || of_one >= static_cast<ptrdiff_t>(kMaxWaitingOfOne))
    return false;
  waiting_.push_back({&connection, seq, hash, host_.now_ms()});
  return true;
}

void Fill::answer_waiting(const Hash& hash) {
  if (waiting_.empty()) return;
  std::erase_if(waiting_, [&](const Waiting& w) {
    if (w.hash != hash) return false;
    w.connection->serve_again(w.seq, hash);
    return true;
  });
}

void Fill::expire_waiting(uint64_t before_ms) {
  while (!waiting_.empty() && waiting_.front().since_ms < before_ms) {
    const Waiting waiting = waiting_.front();
    waiting_.pop_front();
    waiting.connection->send(Err{""}, waiting.seq);
  }
}

void Fill::refuse_waiting() {
  expire_waiting(UINT64_MAX);
}

// --- the end ---

void Fill::check() {
  stall_.cancel();
  const StoredRoot* before = store_.current(id_);
  check_against(before ? before->top : Hash{});
}

void Fill::check_against(const Hash& top) {
  against_ = top;
  collected_ = owner_.wants_difference();
  diff_ = std::make_unique<TreeDiff>(changes_, top, target().top(), options_.limits.max_steps, collected_);
  tasks_.post([this] { run_check(); });
}

void Fill::run_check() {
  if (over_) return;
  Result<bool> done = diff_->run(kStepsATurn);
  if (!done) {
    // What is stored of the tree before is damaged; that must not keep the feed from going on.
    if (done.error().status == VISOR_ENOENT && !against_.blank()) return check_against(Hash{});
    return broke(done.error());
  }
  if (!*done) return tasks_.post([this] { run_check(); });
  finish();
}

void Fill::finish() {
  if (owner_.wants_difference() && !collected_) {  // somebody joined meanwhile
    if (!sealed_) return check_against(against_);
    owner_.fall_behind();
  }
  over_ = true;
  if (made_) {
    store_.commit_later(id_, target(), [this] {
      if (Result<void> committed = commit(); !committed) owner_.lost(committed.error());
    });
  } else if (Result<void> committed = commit(); !committed) {
    over_ = false;
    return broke(committed.error());
  }
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    waiting.connection->serve_again(waiting.seq, waiting.hash);
  }
  Store& store = store_;
  owner_.filled(diff_ ? diff_->take() : std::move(difference_));
  store.settle();
}

Result<void> Fill::commit() {
  if (made_) {
    if (Result<void> added = made_->give_to(changes_); !added) return added;
  }
  return store_.commit(id_, target(), changes_);
}

void Fill::broke(Error why) {
  if (std::exchange(over_, true)) return;
  stall_.cancel();
  // What came stays, so that the next fill goes on from here; if that fails too, the reason is the same.
  [[maybe_unused]] Result<void> kept = store_.flush(changes_);
  refuse_waiting();
  tasks_.post([this, why = std::move(why)] { owner_.broken(why); });
}

void Fill::watch_stall() {
  const uint64_t now_ms = host_.now_ms();
  const uint64_t stalled_ms = progress_ms_ + options_.stall_ms, total_ms = started_ms_ + options_.total_ms;
  if (now_ms >= total_ms) {
    return broke(
        {VISOR_ETIMEDOUT, "the fill took longer than " + std::to_string(options_.total_ms / 1000) + " s"});
  }
  if (now_ms >= stalled_ms && stream_ && !sources_.empty()) {
    progress_ms_ = now_ms;
    abandon_stream();
  }
  // Waiting for room on a connection that others fill from is no stall.
  if (now_ms >= stalled_ms && (in_flight_ > 0 || sources_.empty())) {
    return broke({VISOR_ETIMEDOUT, "no object came for " + std::to_string(options_.stall_ms / 1000) + " s"});
  }
  const uint64_t due_ms = now_ms >= stalled_ms ? now_ms + options_.stall_ms : stalled_ms;
  stall_ = Timer::once(host_, std::min(due_ms, total_ms) - now_ms, [this] { watch_stall(); });
}

}  // namespace visor::feeds
