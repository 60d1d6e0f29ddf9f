/* Fetching what a new Root needs and the store lacks (specification cxo.md, 8.6).
 *
 * Objects are asked for in the order of the tree, many at a time from each source, and only ever once: what
 * is stored is not fetched, not even what an earlier fill left behind.  When all is there the tree is read
 * against the one before, which checks its form and gives the difference, and then it is committed.
 *
 * From a visor that tells Roots as differences (extension.hpp) objects are not asked for: they are built,
 * here, from the tree before and what is different.  What was built stays when the connection breaks: the
 * same Root, or a later one, can go on where it was, and so can requests.
 *
 * Where only branches of a feed are wanted, the way to them is asked for first, and what is fetched, checked
 * and stored is the tree of these branches (branch_walk.hpp). */
#ifndef VISOR_FEEDS_FILL_HPP
#define VISOR_FEEDS_FILL_HPP
#include "branch_walk.hpp"
#include "connection.hpp"
#include "extension.hpp"
#include "limits.hpp"
#include "new_objects.hpp"
#include "store.hpp"
#include "tree_builder.hpp"
#include "tree_diff.hpp"

namespace visor::feeds {

struct FillOptions {
  uint64_t stall_ms = 120000;  // without any object
  uint64_t total_ms = 600000;
  size_t flush_bytes = 4u << 20;  // held in memory, unless the store is there, too
  FeedLimits limits;
};

class Fill final : public Requester, private TreeBuilder::Sink {
 public:
  /* What a fill tells its feed, which may destroy it in `filled` and `broken`. */
  class Owner {
   public:
    virtual ~Owner() = default;
    /* The Root is in the store, and is the feed's current one. */
    virtual void filled(Difference difference) = 0;
    virtual void broken(const Error& why) = 0;
    /* The Root of which `filled` told is not in the store after all. */
    virtual void lost(const Error& why) = 0;
    /* Leaves of the Root that have come; asked for by wants_partial(). */
    virtual void partial(Difference leaves) = 0;
    /* Prefixes of those who want to be told early; what is under them is fetched first. */
    virtual std::vector<std::string> wants_partial() = 0;
    virtual bool wants_difference() = 0;
    /* The difference of the Root that is stored next is not known: whoever wants it finds it later. */
    virtual void fall_behind() = 0;
  };
  struct Counters {
    uint64_t objects = 0, bytes = 0;  // that came
    uint64_t reused = 0;              // that an earlier fill had left
  };

  Fill(Host host, Store& store, const FeedId& id, SignedRoot root, const FillOptions& options, Owner& owner);
  ~Fill() override;

  /* Only these branches; `known`: what may be on the way to them.  Before start(). */
  void cut_to(std::vector<std::string> branches, ObjectMap known);
  const std::vector<std::string>& branches() const { return branches_; }
  /* What was on the way; once it is over. */
  ObjectMap take_way();

  /* Begins, or says on a later turn why not. */
  void start();
  const SignedRoot& root() const { return root_; }

  /* A connection that has announced this very Root. */
  void add_source(Connection& connection);
  /* It closed, or left the feed. */
  void drop_source(Connection& connection);
  size_t sources() const { return sources_.size(); }

  /* --- differences to the feed's current Root, from one connection, instead of start() --- */

  /* A Root whose hash is blank gets its top, and is verified, by seal().  `small`: it comes in one message.
   */
  void open_stream(Connection& from, bool small = false);
  bool streams_from(const Connection& connection) const { return stream_ && stream_->from == &connection; }
  bool streaming() const { return stream_ && stream_->from; }
  /* VISOR_EPROTO: the sender is to blame; otherwise the difference does not fit what is stored here. */
  Result<void> take_ops(ByteView ops, bool placed = false);
  /* No more follow: the tree is the one that the Root names, and the Root is its owner's. */
  Result<void> seal();
  /* Stores a sealed Root; where a crash leaves nothing of it anyway, a small one is told of before. */
  void complete();
  /* Goes on by requests. */
  void abandon_stream();
  /* The connection broke, and nobody else has the Root: all is kept as it is. */
  bool suspended() const { return stream_ && !stream_->from; }
  /* How far it came. */
  const std::string& place() const { return stream_->ops.place(); }
  void resume_stream(Connection& from);
  /* The same, towards a later Root. */
  Result<void> move_stream(Connection& from, SignedRoot root);
  /* A better fill takes its place. */
  void supersede();

  /* For peers that ask for an object of this Root: what has come, or a note that they wait for it. */
  ByteView held(const Hash& hash) const { return changes_.held(hash); }
  bool wait(Connection& connection, uint32_t seq, const Hash& hash);
  /* Gives up on waiting that began before. */
  void expire_waiting(uint64_t before_ms);

  const Counters& counters() const { return counters_; }
  size_t missing() const { return urgent_.size() + todo_.size() + in_flight_; }
  bool checking() const { return diff_ != nullptr; }

 private:
  struct Source {
    Connection* connection;
    std::vector<uint32_t> asked;  // rows
  };
  struct Incoming {
    Incoming(Connection& sender, ObjectReader& objects, const Hash& base, TreeBuilder::Sink& sink)
        : from(&sender), builder(objects, base, sink) {}
    Connection* from;  // null while it is suspended
    TreeBuilder builder;
    OpReader ops;
  };
  struct Directory {
    uint32_t parent = 0;
    uint32_t depth = 0;
    std::string path;
    bool urgent = false;
  };
  struct Waiting {
    Connection* connection;
    uint32_t seq;
    Hash hash;
    uint64_t since_ms;
  };

  void replied(Connection& connection, const Hash& object, const Message* reply) override;
  void may_request(Connection& connection) override;

  void walk();
  void way_arrived(const Hash& hash, ByteView object);
  void cut();
  /* What is fetched, and stored. */
  const SignedRoot& target() const { return cut_ ? *cut_ : root_; }
  Source& roomiest();

  void pump();
  bool next_row(uint32_t& row);
  void push_all(const std::vector<uint32_t>& rows, uint32_t directory);
  bool enter(uint32_t parent, ByteView entry, uint32_t& directory);
  void arrived(uint32_t row, ByteView object);
  bool process(uint32_t row, ByteView object, bool stored);
  void note_partial(uint32_t row, ByteView object);
  void note_leaf(std::string_view path, ByteView value);
  std::unique_ptr<Incoming> incoming(Connection& from, const Hash& base);
  Result<void> object(const Hash& hash, Kind kind, ByteView object) override;
  uint8_t* room(size_t bytes) override { return changes_.room(bytes); }
  Result<void> leaf(const Hash& hash, std::span<uint8_t> entry) override;
  Result<void> added(const Hash& hash, size_t bytes);
  void collect(const OpReader::Op& op);
  void tell_early(const Connection& from);
  Result<void> count_in(size_t bytes);
  void request_tree();
  bool holds_much() const {
    return changes_.held_bytes() >= options_.flush_bytes && store_.options().durable;
  }
  void put_back(uint32_t row);
  void lost_source(Connection& connection);
  void answer_waiting(const Hash& hash);
  void refuse_waiting();
  void check();
  void check_against(const Hash& top);
  void run_check();
  void finish();
  Result<void> commit();
  void broke(Error why);
  void watch_stall();
  Source* source_of(const Connection& connection);

  Host host_;
  Tasks tasks_;
  Store& store_;
  FeedId id_;
  SignedRoot root_;
  FillOptions options_;
  Owner& owner_;
  Changes changes_;
  std::vector<uint32_t> todo_, urgent_;  // rows to fetch or to adopt; the next is last
  std::vector<Directory> directories_;   // Row::place is one of them
  std::vector<Source> sources_;
  size_t in_flight_ = 0;
  std::vector<std::string> branches_;
  std::unique_ptr<BranchWalk> walk_;
  bool walking_ = false;
  std::map<Hash, Connection*> way_asked_;
  std::optional<SignedRoot> cut_;
  ObjectMap at_hand_;  // of the tree of branches
  std::vector<std::string> prefixes_;
  Difference partial_;
  bool partial_posted_ = false;
  std::deque<Waiting> waiting_;
  std::unique_ptr<Incoming> stream_;
  std::optional<NewObjects> made_;  // of a small Root that is told of before it is stored
  Difference difference_;           // as it was told
  ByteView held_entry_;             // of the leaf that was built last, if it stays here
  std::unique_ptr<TreeDiff> diff_;
  Hash against_;            // the top that diff_ compares with
  bool collected_ = false;  // whether it keeps what is different
  bool started_ = false, over_ = false, pumping_ = false;
  bool sealed_ = false;
  uint64_t started_ms_, progress_ms_;
  Timer stall_;
  Counters counters_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_FILL_HPP
