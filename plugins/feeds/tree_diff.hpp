/* What is different between two trees: the branches that are equal are not read.  Reading a Root's tree so is
 * also how its form is checked, before it counts as stored. */
#ifndef VISOR_FEEDS_TREE_DIFF_HPP
#define VISOR_FEEDS_TREE_DIFF_HPP
#include <visor/abi.h>
#include <memory>

#include "tree_reader.hpp"

namespace visor::feeds {

/* Changes of leaves, in the order of compare_paths but for a directory that became a leaf, which comes before
 * the deletions below it.  Owns the bytes, but for values that are lent. */
class Difference {
 public:
  void put(std::string_view path, ByteView value);
  /* The value stays where it is for as long as this is used. */
  void put_lent(std::string_view path, ByteView value);
  void erase(std::string_view path);
  /* For what was not added in order. */
  void sort();

  size_t size() const { return ops_.size(); }
  /* Lent as long as nothing is added. */
  const std::vector<visor_op>& ops() const { return ops_; }
  /* The part that is under a prefix. */
  std::span<const visor_op> under(std::string_view prefix) const;

 private:
  visor_span keep(ByteView bytes);

  std::vector<visor_op> ops_;
  std::vector<std::unique_ptr<uint8_t[]>> chunks_;
  size_t used_ = 0, room_ = 0;  // of the last chunk
};

/* Whoever takes differences as they are found, in order. */
class DiffSink {
 public:
  virtual ~DiffSink() = default;
  /* Lent for the call. */
  virtual void put(std::string_view path, ByteView value) = 0;
  virtual void erase(std::string_view path) = 0;
  /* It takes no more for now. */
  virtual bool full() const = 0;
};

/* Runs in steps, so that a large tree does not hold up the loop. */
class TreeDiff {
 public:
  /* Tops are addresses of TreeNodes, blank for no tree.  Paths begin with `prefix`.  `collect` false: only to
   * check the new tree.  The reader must outlive it. */
  TreeDiff(ObjectReader& objects, const Hash& old_top, const Hash& new_top, uint64_t max_steps,
           bool collect = true, std::string prefix = "");

  /* Differences go to the sink; a run ends early when that is full. */
  TreeDiff(ObjectReader& objects, const Hash& old_top, const Hash& new_top, uint64_t max_steps,
           DiffSink& sink);
  /* Leaves out the differences up to a path; before the first run. */
  Result<void> start_after(std::string_view path);
  /* Whether what was read of the new tree is formed as by our own publisher, so that whoever applies the
   * differences to the old tree gets this very one. */
  bool usual() const { return usual_; }

  /* True when it is done.  VISOR_EPROTO: the new tree is not one; VISOR_ENOENT: an object is missing. */
  Result<bool> run(uint64_t steps);
  Difference take() { return std::move(difference_); }

 private:
  struct Frame {
    ListView before, after;
    uint64_t i = 0, j = 0;  // next item of each
    size_t path_size = 0;
    std::string last_name;  // of `after`, at last_index
    uint64_t last_index = UINT64_MAX;
  };
  struct Entry {
    std::string name;
    Hash sub;
    bool leaf = false, directory = false;
  };

  Result<void> start();
  Result<void> push(const Hash& before, const Hash& after);
  Result<void> step();
  Result<bool> skip_equal(Frame& frame);
  Result<Entry> old_entry(Frame& frame);
  Result<Entry> new_entry(Frame& frame);
  Result<void> check_order(Frame& frame, const std::string& name);
  Result<void> apply(const Entry* before, const Entry* after);
  void enter(Frame& frame, const std::string& name);

  ObjectReader& objects_;
  Hash old_top_, new_top_;
  uint64_t steps_left_;
  bool collect_;
  DiffSink* sink_ = nullptr;
  bool started_ = false, usual_ = true;
  std::vector<Frame> frames_;
  std::string path_;
  Bytes value_;  // of the new entry at hand
  Difference difference_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_TREE_DIFF_HPP
