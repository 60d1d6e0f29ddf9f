#include "lib/dmsg/registration.hpp"

#include <algorithm>

namespace visor::dmsg {
namespace {

constexpr int kMostRetries = 5; /* of one post whose sequence was used already */
constexpr uint64_t kFirstRetryMs = 100, kMostRetryMs = 2000;
/* Somebody else's part is kept while somebody else posts: within so many of our own refreshes. */
constexpr uint64_t kRefreshesOfOthers = 3;

}  // namespace

class Registration::State : public std::enable_shared_from_this<State> {
 public:
  State(Host host, const visor_key& key, Sign sign, Directory& directory, RegistrationOptions options)
      : host_(host),
        key_(key),
        sign_(std::move(sign)),
        directory_(directory),
        options_(std::move(options)),
        tasks_(host) {}

  void set(OwnEntry own) {
    if (withdrawing_ || (own_ && *own_ == own)) return;
    own_ = std::move(own);
    counters_.registered = false;
    changed_ = true;
    schedule();
  }

  void withdraw(std::function<void()> done) {
    withdrawing_ = std::move(done);
    timer_.cancel();
    refresh_.cancel();
    if (!signed_) return tasks_.post([this] { withdrawn(); }); /* nothing was ever posted */
    refresh_ = Timer::once(host_, options_.withdraw_ms, [this] { withdrawn(); });
    if (!waiting_) take_out();
  }

  void close() {
    call_ = {};
    timer_.cancel();
    refresh_.cancel();
    withdrawing_ = nullptr;
    closed_ = true;
  }

  const RegistrationCounters& counters() const { return counters_; }

 private:
  // --- when

  void schedule() {
    if (busy_ || withdrawing_ || closed_) return;
    uint64_t now = host_.now_ms();
    uint64_t at = begun_ms_ ? *begun_ms_ + options_.batch_ms : now;
    wait(at > now ? at - now : 0);
  }

  void wait(uint64_t ms) {
    timer_ = Timer::once(host_, ms, [this] { begin(); });
  }

  void begin() {
    if (busy_ || withdrawing_ || !own_) return;
    auto keep = shared_from_this();
    busy_ = true;
    changed_ = false;
    retries_ = 0;
    begun_ms_ = host_.now_ms();
    if (known_) {
      post();
    } else {
      ask();
    }
  }

  // --- what

  void ask() {
    waiting_ = true;
    call_ = directory_.entry(key_, [this](Result<Entry> stored) {
      auto keep = shared_from_this();
      got_answer();
      if (stored) return answered(std::move(*stored));
      // Only a discovery that says so itself has none: else ours would begin anew behind the stored one.
      if (stored.error().status != VISOR_ENOENT) return failed(stored.error());
      known_ = Known{};
      others_.reset();
      next();
    });
  }

  void answered(Entry stored) {
    bool ours = signed_ && stored.signature == signed_->signature;
    known_ = Known{true, stored.sequence, stored.timestamp_ns};
    if (!ours) {
      others_ = stored;
      others_seen_ms_ = host_.now_ms();
    }
    // A later one of ours is there: it came on another way, or from another process with this key.
    if (retries_ > 0 && !ours && signed_ && stored.timestamp_ns > signed_->timestamp_ns &&
        !has_other_part()) {
      ++counters_.superseded;
      counters_.registered = false;
      counters_.last_error = "a later entry under this key is in the discovery; is it used twice?";
      return finished();
    }
    next();
  }

  void next() {
    if (closed_) return;
    if (withdrawing_) return leave();
    post();
  }

  void post() {
    if (!make(own_->client, own_->client_type, own_->server)) return;
    waiting_ = true;
    call_ = directory_.post(*signed_, [this](Result<void> posted) {
      auto keep = shared_from_this();
      got_answer();
      if (!posted) return refused(posted.error());
      taken();
      finished();
      if (auto told = options_.posted) told();
    });
  }

  void got_answer() {
    call_ = {};
    waiting_ = false;
  }

  void taken() {
    known_ = Known{true, signed_->sequence, signed_->timestamp_ns};
    ++counters_.posts;
    counters_.sequence = signed_->sequence;
    counters_.posted_ns = signed_->timestamp_ns;
    counters_.last_error.clear();
    failures_in_row_ = 0;
    if (!withdrawing_) counters_.registered = !changed_;
  }

  void refused(const Error& error) {
    if (error.status != VISOR_EEXIST) return failed(error);
    ++counters_.overtaken;
    known_.reset();
    if (retries_ >= kMostRetries) return failed(error);
    uint64_t pause = std::min(kFirstRetryMs << retries_, kMostRetryMs);
    ++retries_;
    timer_ = Timer::once(host_, pause, [this] { ask(); });
  }

  void failed(const Error& error) {
    ++counters_.failures;
    counters_.last_error = error.text;
    counters_.registered = false;
    // It may have been refused because of what is stored, or have arrived although the answer did not.
    known_.reset();
    busy_ = false;
    if (withdrawing_) return withdrawn();
    if (closed_) return;
    refresh_.cancel();
    uint64_t pause = options_.retry_first_ms << std::min<uint64_t>(failures_in_row_++, 16);
    wait(std::min(pause, options_.retry_most_ms));
  }

  void finished() {
    busy_ = false;
    if (withdrawing_) return take_out();
    refresh_ = Timer::once(host_, options_.refresh_ms, [this] { begin(); });
    if (changed_) schedule();
  }

  // --- the end

  void take_out() {
    auto keep = shared_from_this();
    busy_ = true;
    retries_ = 0;
    // Somebody else's part must stay: only the discovery knows whether there is one now.
    ask();
  }

  void leave() {
    if (!known_->stored) return withdrawn();
    auto over = [this](Result<void> result) {
      auto keep = shared_from_this();
      got_answer();
      if (!result && result.error().status == VISOR_EEXIST) return refused(result.error());
      withdrawn();
    };
    if (has_other_part()) {
      if (!make({}, {}, {})) return;
      waiting_ = true;
      call_ = directory_.post(*signed_, std::move(over));
    } else {
      waiting_ = true;
      call_ = directory_.remove(*signed_, std::move(over));
    }
  }

  void withdrawn() {
    auto keep = shared_from_this();
    auto done = std::exchange(withdrawing_, nullptr);
    close();
    counters_.registered = false;
    if (done) done();
  }

  // --- the entry

  bool has_other_part() const {
    if (!others_) return false;
    if (host_.now_ms() - others_seen_ms_ > kRefreshesOfOthers * options_.refresh_ms) return false;
    return (others_->client && !own_->client) || (others_->server && !own_->server);
  }

  /* Signs what is to be posted next.  False: it failed, and that is known. */
  bool make(const std::optional<ClientPart>& client, const std::string& client_type,
            const std::optional<ServerPart>& server) {
    Entry entry;
    entry.key = key_;
    entry.sequence = known_->stored ? known_->sequence + 1 : 0;
    // Also where the clock was set back: a time before the stored one is refused.
    entry.timestamp_ns = host_.unix_ns();
    if (known_->stored) entry.timestamp_ns = std::max(entry.timestamp_ns, known_->timestamp_ns + 1);
    entry.client = client;
    entry.client_type = client_type;
    entry.server = server;
    entry.protocol = own_->protocol;
    if (has_other_part()) {
      if (!own_->client) {
        entry.client = others_->client;
        entry.client_type = others_->client_type;
      }
      if (!own_->server) entry.server = others_->server;
    }
    if (auto made = sign(entry, sign_); !made) return failed(made.error()), false;
    signed_ = std::move(entry);
    return true;
  }

  struct Known {
    bool stored = false;
    uint64_t sequence = 0;
    int64_t timestamp_ns = 0;
  };

  Host host_;
  const visor_key key_;
  Sign sign_;
  Directory& directory_;
  const RegistrationOptions options_;
  Tasks tasks_;
  RegistrationCounters counters_;
  std::optional<OwnEntry> own_;
  std::optional<Known> known_;   // of the discovery; nothing: to be asked
  std::optional<Entry> signed_;  // the latest that was sent
  std::optional<Entry> others_;  // the latest of ours that somebody else posted
  uint64_t others_seen_ms_ = 0;
  std::optional<uint64_t> begun_ms_;
  uint64_t failures_in_row_ = 0;
  int retries_ = 0;
  bool busy_ = false, changed_ = false, closed_ = false;
  bool waiting_ = false;  // for an answer
  std::function<void()> withdrawing_;
  Call call_;
  Timer timer_, refresh_;
};

Registration::Registration(Host host, const visor_key& key, Sign sign, Directory& directory,
                           RegistrationOptions options)
    : state_(std::make_shared<State>(host, key, std::move(sign), directory, std::move(options))) {}
Registration::~Registration() {
  state_->close();
}

void Registration::set(OwnEntry own) {
  state_->set(std::move(own));
}

void Registration::withdraw(std::function<void()> done) {
  state_->withdraw(std::move(done));
}

const RegistrationCounters& Registration::counters() const {
  return state_->counters();
}

}  // namespace visor::dmsg
