/* One visor that has announced itself: its feed, followed as long as the visor is here and a while longer. */
#ifndef VISOR_TRANSPORT_DISCOVERY_REPORTER_HPP
#define VISOR_TRANSPORT_DISCOVERY_REPORTER_HPP
#include <memory>
#include <visor/plugin.hpp>

#include "config.hpp"
#include "ingest.hpp"

namespace visor::transport_discovery {

class Reporter {
 public:
  enum class State { kWaiting, kOpening, kFollowing };

  Reporter(Host host, visor_feeds* feeds, const Config& config, const visor_key& key, Aggregator& aggregator,
           IngestCounters& counters);
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /* The visor has come, or gone, with one of its connections. */
  void arrived();
  void left();
  /* Opens the feed where it is not; to be called now and then.  False: nobody has been here for so long that
   * the feed is to be given up. */
  bool reconcile(uint64_t now_ms);

  State state() const { return state_; }
  size_t connections() const { return connections_; }
  const visor_key& key() const { return key_; }
  const ReporterFeed& ingest() const { return *ingest_; }
  /* Why the feed could not be opened or followed last; empty: nothing so far. */
  const std::string& problem() const { return problem_; }
  uint64_t sequence() const { return sequence_; }

 private:
  void open();
  void on_opened(visor_status status, visor_feed* feed);
  Result<void> subscribe();
  bool has_leaves() const;
  void on_changed(uint64_t sequence, uint32_t flags, std::span<const visor_op> ops);
  void take_root(uint64_t sequence, std::span<const visor_op> ops);
  void with_all_leaves(const std::function<void(std::span<const visor_op>)>& take);
  void keep_pace();
  void on_closed(visor_status status);
  void drop();
  Moment now() const;

  static const visor_feed_events kListEvents, kLeafEvents;

  Host host_;
  visor_feeds* feeds_;
  const Config& config_;
  visor_key key_;
  Aggregator& aggregator_;
  IngestCounters& counters_;
  std::unique_ptr<ReporterFeed> ingest_; /* begins anew with each opening of the feed */

  State state_ = State::kWaiting;
  size_t connections_ = 0;
  uint64_t seen_ms_ = 0; /* when somebody was here last */
  bool stored_ = false;  /* what is told next is the Root that the feed had from before, not a new one */
  bool whole_ = false;   /* all leaves have been looked at since the feed was opened */
  uint64_t sequence_ = 0;
  uint64_t next_root_ms_ = 0; /* an earlier one is applied, and those after it wait */
  std::string problem_;

  Request<visor_feed> opening_;
  Owned<visor_feed> feed_;
  Owned<visor_handle> list_, leaves_;
  Timer pace_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_REPORTER_HPP
