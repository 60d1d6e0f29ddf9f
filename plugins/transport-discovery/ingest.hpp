/* From the leaves of a visor's feed to the tables: which leaf says what, in which order a Root's leaves are
 * believed (specification telemetry.md, 3.3 and 3.4), for all three generations of leaves.
 *
 * The list of a Root is applied before the measurements of the same Root: a measurement counts only for a
 * transport that is listed. */
#ifndef VISOR_TRANSPORT_DISCOVERY_INGEST_HPP
#define VISOR_TRANSPORT_DISCOVERY_INGEST_HPP
#include <functional>

#include "aggregator.hpp"
#include "lib/codec/telemetry_meta.hpp"
#include "lib/codec/telemetry_path.hpp"

namespace visor::transport_discovery {

struct IngestCounters {
  uint64_t roots = 0;
  uint64_t early_lists = 0;  /* applied before the rest of their Root had arrived */
  uint64_t bad_leaves = 0;   /* refused whole */
  uint64_t refused_rows = 0; /* left out of a list or shard that was taken otherwise */
};

/* One reporter's feed. */
class ReporterFeed {
 public:
  /* The value of a leaf as the feed has it now, lent until the next call. */
  using ReadLeaf = std::function<std::optional<ByteView>(std::string_view path)>;

  ReporterFeed(Aggregator& aggregator, IngestCounters& counters, const visor_key& reporter)
      : aggregator_(aggregator), counters_(counters), reporter_(reporter) {}

  /* Verified leaves of a Root that is still arriving, or broke off: only its list says anything by itself. */
  void early(std::span<const visor_op> ops, Moment now);
  /* A whole Root: what differs from the one before (of the first: all leaves). */
  void root(std::span<const visor_op> ops, const ReadLeaf& read, Moment now);
  /* The leaves of a Root that was kept from before: what its counters say counts if they had not been looked
   * at yet when the TPD ended; the rest is of another time. */
  void stored(std::span<const visor_op> ops, Moment now);

  /* What was wrong with the latest leaf that was refused; empty: nothing so far. */
  const std::string& problem() const { return problem_; }
  uint64_t roots() const { return roots_; }

 private:
  struct Changes;
  Changes sort(std::span<const visor_op> ops);
  void take_list(const Changes& changes, const ReadLeaf& read, Moment now);
  void apply_list_leaf(ByteView leaf, Moment now);
  void apply_entries(Moment now);
  void change_entries(const Changes& changes);
  void take_ended(const Changes& changes, Moment now);
  void take_meta(const Changes& changes);
  void apply_shard(ByteView leaf, Moment now);
  void apply_current(const TransportId& id, ByteView leaf, Moment now);
  void apply_timeline(const codec::LeafPath& path, ByteView leaf, Moment now);
  std::optional<uint64_t> epoch_of(const TransportId& id) const;
  bool has_shards() const { return shards_ != 0 || has_meta_; }
  void note(std::string_view leaf, const Error& error);

  Aggregator& aggregator_;
  IngestCounters& counters_;
  visor_key reporter_;

  bool has_list_ = false, has_old_list_ = false, has_meta_ = false;
  uint16_t shards_ = 0;     /* bits: the leaves that there are */
  bool list_sound_ = false; /* list_hash_ is of a list that was applied */
  crypto::Hash list_hash_;
  std::map<TransportId, codec::ListedTransport> entries_; /* of a feed without a list */
  std::vector<codec::TelemetryEpoch> epochs_;             /* ascending */
  std::vector<TransportId> added_; /* listed since the measurements were looked at last */
  std::string problem_;
  uint64_t roots_ = 0;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_INGEST_HPP
