/* From tracked transports to leaves (specification telemetry.md, 1.4, 2.4): what differs from what the feed
 * has. */
#ifndef VISOR_TELEMETRY_PUBLISHER_HPP
#define VISOR_TELEMETRY_PUBLISHER_HPP
#include <optional>
#include <set>

#include "lib/crypto/sha256.hpp"
#include "tracker.hpp"

namespace visor::telemetry {

/* A change of one leaf; no value: it is deleted. */
struct LeafChange {
  std::string path;
  std::optional<Bytes> value;
};

class Publisher {
 public:
  /* older_leaves: entry, current and tombstone leaves are written beside the list and the shards. */
  explicit Publisher(std::string version, bool older_leaves = false)
      : version_(std::move(version)), older_leaves_(older_leaves) {}

  /* A leaf that the feed has from before this start: known, or, if nobody would keep it up, deleted with the
   * next changes. */
  void inherit(std::string_view path, ByteView value);

  /* What to write so that the feed says what is tracked now: `tp-list` always, empty too; shards and epochs
   * where something but the time of the sample has changed. */
  std::vector<LeafChange> changes(const Tracker& tracker);
  /* These have been written. */
  void written(const std::vector<LeafChange>& changes);

  /* Of the list that is on the feed. */
  size_t list_rows() const { return list_rows_; }
  size_t list_bytes() const { return list_bytes_; }

 private:
  using Leaves = std::map<std::string, Bytes, std::less<>>;
  Leaves wanted(const Tracker& tracker);
  void add_older_leaves(const Tracked& tracked, const visor_key& own, Leaves& leaves) const;
  bool is_older(std::string_view path) const;

  std::string version_;
  bool older_leaves_;
  std::map<std::string, crypto::Hash, std::less<>> signatures_; /* of the leaves that the feed has */
  std::set<std::string, std::less<>> leftovers_;
  size_t rows_ = 0; /* of the list made last */
  size_t list_rows_ = 0, list_bytes_ = 0;
};

}  // namespace visor::telemetry
#endif  // VISOR_TELEMETRY_PUBLISHER_HPP
