/* The TPD's tables and the rules by which reports change them (specification telemetry.md, 3.3 to 3.9). Knows
 * no feed, no drive and no HTTP.
 *
 * Who may say what: a reporter is the owner of the feed that carries the report, and is believed only about
 * transports of which it is an edge.
 *
 * Live: each edge's list is an assertion that every Root of its feed renews and that expires by itself.  A
 * transport is live while one edge asserts it, unless the other edge has withdrawn it since.
 *
 * Bytes: each edge reports the traffic of both directions; what an edge adds is kept by edge and by the UTC
 * day on which it was applied, and never summed over the edges. */
#ifndef VISOR_TRANSPORT_DISCOVERY_AGGREGATOR_HPP
#define VISOR_TRANSPORT_DISCOVERY_AGGREGATOR_HPP
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "lib/codec/telemetry_list.hpp"
#include "row_blocks.hpp"
#include "totals.hpp"
#include "words.hpp"

namespace visor::transport_discovery {

constexpr UnixDay kDaysKept = 35; /* of bandwidth, and the life of a latency */
constexpr UnixDay kHotDays = 14;  /* of a transport's bandwidth in memory; older ones are in the archive */
constexpr UnixDay kUptimeDaysKept = 8;
constexpr UnixDay kVisorDaysKept = 400;           /* since a visor was last heard of */
constexpr int64_t kMaxHeartbeatAgeSeconds = 1800; /* an older sample says nothing of uptime */
constexpr int kMaxFilledSlots = 6;                /* missed heartbeats that a next one makes good */
constexpr double kMaxLatencyMs = 30'000;          /* a sample beyond is refused whole */
constexpr double kMaxThroughputBytesPerS = 1e13;

struct AggregatorOptions {
  int64_t assertion_ttl_ms = 300'000;
  size_t max_transports = 1 << 20;
  size_t max_created_by_reporter = 16'384; /* live ones and history */
  size_t max_idle_visors = 1 << 18;        /* remembered without any transport */
  uint64_t hash_seed = 0; /* random, so that nobody can make identifiers collide in our tables */
};

/* One edge's measurement of one transport. */
struct Sample {
  TransportId id;
  Traffic traffic;               /* counters */
  std::optional<uint64_t> epoch; /* of the counters */
  double throughput_bytes_per_s = 0;
  double latency_min_ms = 0, latency_max_ms = 0, latency_avg_ms = 0; /* 0: not measured */
  int64_t sampled_at_s = 0;
};

/* Since the start, for status and for Prometheus. */
struct AggregatorCounters {
  uint64_t lists = 0, refreshes = 0;
  uint64_t listed_rows = 0;
  uint64_t registered_rows = 0;     /* one by one, beside lists */
  uint64_t refused_listed_rows = 0; /* keys that are no points, too many types, no room */
  uint64_t samples = 0;
  uint64_t refused_samples_unknown = 0;  /* of a transport that nobody has listed */
  uint64_t refused_samples_not_edge = 0; /* from a visor that is neither edge */
  uint64_t expired_reporters = 0;
  uint64_t forgotten_transports = 0;
};

/* What is to be erased from the drive. */
struct Removed {
  TransportId id;
  bool whole = false;
  std::vector<UnixDay> days, uptime;
};
struct RemovedVisor {
  visor_key key{};
  bool whole = false;
  std::vector<UnixDay> days, uptime;
};

/* Where days are read that are kept in memory no more. */
class DayArchive {
 public:
  virtual ~DayArchive() = default;
  /* Appends those of these days (both included) that there are, ascending. */
  virtual void read(const TransportId& id, UnixDay from, UnixDay until, std::vector<Day>& out) const = 0;
};

class Aggregator {
 public:
  explicit Aggregator(AggregatorOptions options);
  Aggregator(const Aggregator&) = delete;
  Aggregator& operator=(const Aggregator&) = delete;
  ~Aggregator();

  /* Replaces what `reporter` asserts; what is not in the list is withdrawn.  Gives the identifiers that it
   * had not listed before: samples of these that came earlier have been refused. */
  std::vector<TransportId> apply_list(const visor_key& reporter, std::span<const codec::ListedTransport> rows,
                                      std::string_view version, Moment now);
  /* A new Root of the reporter whose list is the same: all that it asserts is renewed.  False when its
   * assertions have expired, or it has made none: then the list must be applied. */
  bool refresh(const visor_key& reporter, Moment now);

  /* One transport that an edge asserts by itself and not by a list: an assertion with its own expiry.  False
   * when there is no room for it, or an edge is no key. */
  bool register_transport(const visor_key& reporter, const codec::ListedTransport& row, Moment now);
  /* An edge takes its assertion back. */
  enum class Outcome { kApplied, kUnknown, kNotEdge };
  Outcome deregister(const visor_key& reporter, const TransportId& id, Moment now);
  /* Somebody whom the operator trusts says that it is gone, whatever its edges say; false: unknown. */
  bool deregister_by_monitor(const TransportId& id, Moment now);
  /* Of transports that an edge had and that are not known, keeps that there were, so that what they carried
   * counts; which are new. */
  std::vector<TransportId> remember_ended(const visor_key& reporter,
                                          std::span<const codec::ListedTransport> rows, Moment now);

  /* A visor says that it is up.  False when it is not known and there is no room. */
  bool visor_heartbeat(const visor_key& key, std::string_view version, Moment now);

  /* Counts what the counters add and takes over the rest. */
  Outcome apply(const visor_key& reporter, const Sample& sample, Moment now);
  /* The same of a sample of the past: it adds what it counted, and says nothing of now. */
  Outcome count(const visor_key& reporter, const TransportId& id, const Traffic& traffic, uint64_t epoch,
                Moment now);
  /* Adds a day's uptime as one edge saw it. */
  Outcome apply_timeline(const visor_key& reporter, const TransportId& id, UnixDay date,
                         const codec::UptimeBitmap& slots, Moment now);

  /* What follows from the time alone: expiry, and letting go of what is too old; to be called several times
   * within an assertion's life. */
  void tick(Moment now);

  /* --- reading --- */
  const Transport* find(const TransportId& id) const; /* an alias finds it too */
  const Visor* find_visor(const visor_key& key) const;
  /* The first visor whose key is above `key`, of all; null when there is none. */
  const Visor* visor_after(const visor_key& key) const;
  const RowBlocks& blocks() const { return blocks_; }
  const Totals& totals() const { return totals_; }
  Totals& totals() { return totals_; }
  /* Its days from this one on, ascending, archived ones too. */
  std::vector<Day> days_of(const Transport& transport, UnixDay from) const;
  /* Whether it has a day from this one on. */
  bool has_days(const Transport& transport, UnixDay from) const {
    return (!transport.days.empty() && transport.days.back().date >= from) ||
           (archive_ && transport.archived_until >= from);
  }
  /* Without one, all days stay in memory. */
  void set_archive(const DayArchive* archive) { archive_ = archive; }
  const std::string& type_of(const Transport& transport) const { return types_.at(transport.type); }
  const std::string& label_of(const Transport& transport) const { return labels_.at(transport.label); }
  std::optional<uint8_t> type_number(std::string_view name) const { return types_.find(name); }
  const Words& types() const { return types_; }
  size_t size() const { return transports_.size(); }
  size_t live() const { return live_; }
  size_t live_of_type(uint8_t type) const { return live_by_type_[type]; }
  size_t live_visors() const { return live_visors_; }
  size_t visors() const { return visors_.size(); }
  size_t fresh_reporters() const { return fresh_reporters_; }
  const AggregatorCounters& counters() const { return counters_; }
  const AggregatorOptions& options() const { return options_; }

  /* --- storing --- */
  /* What has changed since it was last called; the caller stores it all, and clears each one's dirty marks.
   */
  std::vector<Transport*> take_dirty_transports();
  std::vector<Visor*> take_dirty_visors();
  std::vector<Removed> take_removed();
  std::vector<RemovedVisor> take_removed_visors();
  bool dirty() const {
    return !dirty_transports_.empty() || !dirty_visors_.empty() || !removed_.empty() ||
           !removed_visors_.empty() || totals_.dirty();
  }

  /* --- loading, before anything else --- */
  /* Null when it is there already, a key is no point, or a word has no room. */
  Transport* restore_transport(const TransportId& id, const std::array<visor_key, 2>& edges,
                               std::string_view type, std::string_view label, uint8_t creator);
  Transport* restored(const TransportId& id);
  Visor* restore_visor(const visor_key& key);
  Visor* restored_visor(const visor_key& key);
  void restore_registration(Transport& transport, size_t side, uint64_t order, int64_t until_unix_s);
  std::optional<uint8_t> restore_type(std::string_view type) { return types_.intern(type); }
  /* How many days in memory a transport may have: older ones are left in the archive. */
  bool is_hot(UnixDay date, UnixDay today) const { return !archive_ || date > today - kHotDays; }
  void finish_restore(Moment now);

  /* Assertions beside lists, by side. */
  struct Registration {
    uint64_t order[2] = {}; /* number of the event; 0: none */
    int64_t until_mono_ms[2] = {}, until_unix_s[2] = {};
  };
  const Registration* registration(const Transport& transport) const {
    return transport.registered ? &registrations_.find(transport.id)->second : nullptr;
  }

 private:
  struct Hasher {
    uint64_t seed;
    size_t operator()(const TransportId& id) const;
    size_t operator()(const visor_key& key) const;
  };

  Visor* intern(const visor_key& key);
  void forget_visor_if_unused(Visor& visor);
  void forget_visor(Visor& visor);
  bool remembered(const Visor& visor) const;
  Transport* lookup(const TransportId& id) const;
  Transport* create(Visor& reporter, const codec::ListedTransport& row, Moment now);
  Transport& insert(const TransportId& id, Visor& a, Visor& b, uint8_t type, uint8_t label, uint8_t creator);
  void erase(Transport& transport);
  void evict_created_by(Visor& reporter);

  void begin_assertion(Visor& reporter, Moment now);
  bool assert_row(Visor& reporter, const codec::ListedTransport& row, Moment now);
  uint64_t asserted_by(const Transport& transport, size_t side) const;
  void end_registration(Transport& transport, size_t side);
  void expire_registrations(Moment now);
  void withdraw(Transport& transport, size_t side, Moment now);
  bool asserted_live(const Transport& transport) const;
  void update_live(Transport& transport, Moment now);
  void count_live(Transport& transport, bool live);
  void heartbeat(Visor& reporter, Moment now);
  void mark_visor_up(Visor& visor, Moment now);
  void mark_uptime(Transport& transport, int64_t unix_s);
  UptimeDay& uptime_day(Transport& transport, UnixDay date);
  void add_traffic(Transport& transport, size_t side, const Traffic& more, UnixDay date);
  void note_latency(Transport& transport, const Latency& latency, UnixDay date);
  void apply_latency(Transport& transport, const Sample& sample, Moment now);
  void expire(Moment now);
  void sweep(Moment now);
  bool drop_old(Transport& transport, Moment now);
  void drop_old_days(Transport& transport, UnixDay today, Removed& removed);
  void drop_old(Visor& visor, Moment now);
  void sweep_visors(Moment now);
  void mark_dirty(Transport& transport);
  void mark_dirty(Visor& visor);
  bool counts_uptime(const Transport& transport) const;

  AggregatorOptions options_;
  std::unordered_map<TransportId, std::unique_ptr<Transport>, Hasher> transports_;
  std::unordered_map<visor_key, std::unique_ptr<Visor>, Hasher> visors_;
  std::map<visor_key, Visor*> visors_in_order_;
  std::unordered_map<TransportId, TransportId, Hasher> aliases_;
  std::map<TransportId, Registration> registrations_;
  std::set<std::tuple<int64_t, TransportId, size_t>> registration_deadlines_; /* may be too early */
  Totals totals_;
  const DayArchive* archive_ = nullptr;
  RowBlocks blocks_;
  Words types_, labels_;

  uint64_t order_ = 0; /* number of the last assertion or withdrawal */
  std::set<std::pair<int64_t, visor_key>>
      deadlines_;     /* of fresh reporters; may be too early, never too late */
  TransportId swept_; /* how far the sweep has come */
  visor_key swept_visor_{};

  size_t visors_with_transports_ = 0;
  size_t live_ = 0, live_visors_ = 0, fresh_reporters_ = 0;
  std::array<size_t, Words::kMaxWords> live_by_type_{};

  std::vector<TransportId> dirty_transports_;
  std::vector<visor_key> dirty_visors_;
  std::vector<Removed> removed_;
  std::vector<RemovedVisor> removed_visors_;
  AggregatorCounters counters_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_AGGREGATOR_HPP
