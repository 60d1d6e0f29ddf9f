/* The two sides of a group's feeds: ours, which we write, and a member's, which we follow. */
#ifndef VISOR_CHAT_GROUP_FEEDS_HPP
#define VISOR_CHAT_GROUP_FEEDS_HPP
#include <deque>
#include <list>
#include <visor/plugin.hpp>

namespace visor::chat {

/* Where a group's feeds are found. */
struct GroupPlace {
  visor_feeds* feeds = nullptr;
  std::vector<std::string> networks;
  uint16_t port = 0;
  uint32_t batch_ms = 0; /* how long what is written is gathered */
};

/* Our own feed of a group.  What is written before it is open waits.
 *
 * A Root costs us a signature and each reader its verification, whatever it brings.  So what is said now and
 * then is published at once, and what comes faster than a few times in kGatherMs is gathered for so long. */
class OwnFeed {
 public:
  static constexpr size_t kMaxWaiting = 4096;
  static constexpr uint64_t kGatherMs = 5;
  static constexpr size_t kFewWrites = 8;
  struct Leaf {
    std::string path;
    std::string value; /* empty: the leaf is deleted */
  };

  OwnFeed(Host host, const GroupPlace& place) : host_(host), place_(place) {}
  OwnFeed(const OwnFeed&) = delete;
  OwnFeed& operator=(const OwnFeed&) = delete;
  ~OwnFeed() { write_waiting(); }

  /* `opened` runs once, from the loop. */
  Result<void> open(std::function<void(Result<void>)> opened);
  /* Who may read it: nullopt: anybody. */
  void admit(std::optional<std::vector<visor_key>> readers);
  /* In one Root with whatever else is written meanwhile.  VISOR_EAGAIN: too much waits. */
  Result<void> write(std::vector<Leaf> leaves);
  /* What is written from now on waits until release(). */
  void hold() {
    write_waiting();
    held_ = true;
  }
  void release();
  /* Each leaf under a prefix; nothing before it is open. */
  void each(std::string_view prefix,
            const std::function<void(std::string_view path, ByteView value)>& fn) const;
  bool is_open() const { return feed_ != nullptr; }
  /* Whether write() takes more. */
  bool has_room() const { return is_going() || waiting_.size() < kMaxWaiting; }

 private:
  bool is_going() const { return feed_ && !held_; }
  void write_now(const std::vector<Leaf>& leaves);
  void write_waiting();
  bool gathers();
  void gathered();
  void admit_now();

  Host host_;
  GroupPlace place_;
  Request<visor_feed> opening_;
  Owned<visor_feed> feed_;
  std::vector<Leaf> waiting_;
  std::optional<std::vector<visor_key>> readers_ = std::vector<visor_key>{};
  std::list<Request<void>> writing_;
  bool held_ = false;
  bool gathering_ = false;
  size_t writes_ = 0; /* since counted_from_ms_ */
  uint64_t counted_from_ms_ = 0;
  Timer gather_;
};

/* A member's feed, over every network that there is.  Where it ends, as with a store that failed, it is
 * followed again, and all its leaves are told again. */
class MemberFeed {
 public:
  static constexpr uint64_t kFirstAgainMs = 1000, kLastAgainMs = 30'000;
  struct Events {
    /* Lent for the call. */
    std::function<void(std::span<const visor_op> ops)> changed;
  };

  MemberFeed(Host host, const GroupPlace& place, const visor_key& member, Events events);
  MemberFeed(const MemberFeed&) = delete;
  MemberFeed& operator=(const MemberFeed&) = delete;

  const visor_key& member() const { return member_; }
  /* Each leaf under a prefix, of the newest Root. */
  void each(std::string_view prefix,
            const std::function<void(std::string_view path, ByteView value)>& fn) const;
  /* Has a whole Root of it come? */
  bool attached() const { return attached_; }

 private:
  void opened(visor_feed* feed);
  void subscribe();
  void subscribe_later();
  static void on_changed(void* ctx, visor_feed*, uint64_t seq, uint32_t flags, const visor_op* ops,
                         size_t count);
  static void on_closed(void* ctx, visor_feed*, visor_status status);
  static constexpr visor_feed_events kEvents = {sizeof(visor_feed_events), 0, &MemberFeed::on_changed,
                                                &MemberFeed::on_closed};

  Host host_;
  visor_key member_;
  Events events_;
  bool attached_ = false;
  std::list<Request<visor_feed>> opening_;
  std::vector<Owned<visor_feed>> feeds_; /* one a network */
  Owned<visor_handle> subscription_;     /* goes before the feed that it is of */
  uint64_t again_ms_ = kFirstAgainMs;
  Timer again_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_FEEDS_HPP
