/* Messages from one visor to another (specification chat.md, section 4): lines to peers over whatever network
 * there is, and an outbox that keeps trying until each message has been acknowledged.
 *
 * A message is kept before it is sent, and acknowledged once it is durable; ids make a repeated one known. So
 * each is shown once, however often the ends and the networks between them fail. */
#ifndef VISOR_CHAT_DIRECT_HPP
#define VISOR_CHAT_DIRECT_HPP
#include <deque>
#include <set>

#include "envelope.hpp"
#include "history.hpp"
#include "line.hpp"

namespace visor::chat {

struct DirectOptions {
  std::vector<std::string> networks{"skynet", "dmsg"}; /* the earlier are preferred */
  uint16_t port = 1;
  uint64_t ack_ms = 20'000;  /* no acknowledgement within it: the line is dead, whatever it says */
  uint64_t retry_ms = 3'000; /* after the second failure in a row; doubles */
  uint64_t max_retry_ms = 300'000;
  uint64_t give_up_ms = 30ull * 24 * 3600 * 1000; /* a message that did not get through */
  size_t window = 64;                             /* sent to one peer and not acknowledged */
  size_t lines = 1024, lines_per_peer = 4;        /* beyond, the one that was idle longest is closed */
};

/* For lines of the log that people read; all of them have "skychat" in them. */
inline std::string short_key(const visor_key& key) {
  return to_hex(std::span(key.bytes).first(4));
}

class Direct {
 public:
  struct Events {
    /* One that came, or that was sent from here. */
    std::function<void(const visor_key& peer, const Message&)> added;
    /* Another state, or taken back. */
    std::function<void(const visor_key& peer, const Message&)> changed;
  };
  struct Counters {
    uint64_t sent = 0, received = 0, acknowledged = 0, repeated = 0; /* messages */
    uint64_t dialed = 0, dials_failed = 0, accepted = 0;             /* lines */
    uint64_t lines_lost = 0, half_open = 0, refused = 0, given_up = 0;
  };

  Direct(Host host, History& history, const DirectOptions& options, Events events);
  Direct(const Direct&) = delete;
  Direct& operator=(const Direct&) = delete;
  ~Direct();

  /* Follows the networks, and tries what is owed from before. */
  Result<void> start();

  /* Keeps the message and sends it as soon as it can.  network "auto": any.  VISOR_EINVAL: empty, too long,
   * not UTF-8, an unknown network; VISOR_ENOSPC: too many wait. */
  Result<Message> send(const visor_key& to, std::string_view text, std::string_view network,
                       std::string_view reply_to);
  /* Takes a message of ours back, here and at the peer. */
  Result<Message> take_back(const visor_key& peer, std::string_view id);
  /* A person has seen all of the peer's messages; tells the peer if a line is there.  Gives how many were
   * new. */
  Result<size_t> read(const visor_key& peer);
  /* Closes lines and drops what waits. */
  Result<void> forget(const visor_key& peer);

  const DirectOptions& options() const { return options_; }
  const Counters& counters() const { return counters_; }
  size_t lines() const { return line_count_; }
  size_t peers() const { return peers_.size(); }
  std::vector<std::string> listening() const;
  /* "skynet", or empty: no line. */
  std::string network_of(const visor_key& peer) const;

 private:
  struct Flight {
    uint64_t number;
    uint64_t line;
    uint64_t due_ms;
    std::optional<Message> message; /* unless it is long: for its acknowledgement */
  };
  struct Peer {
    visor_key key{};
    std::map<uint64_t, std::unique_ptr<Line>> lines; /* by number, the oldest first */
    std::map<std::string, Request<visor_stream>> dialing;
    std::set<std::string> tried; /* networks that failed since the latest success */
    bool loaded = false;
    std::deque<Owed> waiting;              /* not in flight, in the order of numbers */
    std::map<std::string, Flight> flights; /* by id */
    unsigned failures = 0;                 /* in a row */
    bool resting = false;                  /* until the retry */
    Timer retry;
  };
  struct Listening {
    visor_net* net = nullptr;
    Listener listener;
  };
  struct Owing {
    visor_key peer;
    uint64_t line;
    std::string id;
  };

  Peer& peer(const visor_key& key);
  void network_changed(const std::string& name, visor_net* net);
  void accept(const std::string& network, visor_stream* stream);

  /* direct_lines.cpp: lines come and go. */
  void add_line(Peer& peer, const std::string& network, visor_stream* stream);
  void lost_line(const visor_key& key, uint64_t number, const Error& why);
  void drop_line(Peer& peer, uint64_t number);
  void make_room(Peer& peer);
  Line* best_line(Peer& peer, std::string_view network) const;
  void dial(Peer& peer, std::string_view network);
  bool dial_on(Peer& peer, const std::string& network);
  void failed(Peer& peer);
  void try_now(Peer& peer);
  void check();

  /* direct_outbox.cpp: what is owed goes out, what comes is answered. */
  Result<void> load(Peer& peer);
  void deliver(Peer& peer);
  bool send_owed(Peer& peer, const Owed& owed, bool& again);
  void give_back(Peer& peer, uint64_t line);
  void heard(Peer& peer, uint64_t line, std::string_view payload);
  void heard_message(Peer& peer, uint64_t line, Envelope envelope);
  void heard_of(Peer& peer, const std::string& id, State state);
  void heard_delete(Peer& peer, const std::string& id);
  void acknowledge(const visor_key& peer, uint64_t line, std::string id);
  void send_acks();
  std::string new_id();

  Host host_;
  Tasks tasks_;
  History& history_;
  DirectOptions options_;
  Events events_;
  std::map<visor_key, Peer> peers_;
  std::map<std::string, Listening> networks_;
  uint64_t last_line_ = 0;
  size_t line_count_ = 0;
  std::vector<Owing> acks_;
  bool syncing_ = false;
  Counters counters_;
  Timer check_;
  Watch<visor_net> watch_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_DIRECT_HPP
