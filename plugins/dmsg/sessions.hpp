/* The sessions with servers: as many as are wanted are kept, whichever servers they are with; a dial may ask
 * for one with a certain server besides.
 *
 * A session that is lost is replaced at once, by another server first. A server that fails is tried again
 * after a pause that doubles. A server that is slow to answer does not hold up the next one. */
#ifndef VISOR_DMSG_CLIENT_SESSIONS_HPP
#define VISOR_DMSG_CLIENT_SESSIONS_HPP
#include <map>
#include <optional>

#include "server_session.hpp"

namespace visor::dmsg_client {

class Sessions {
 public:
  struct Events {
    std::function<void()> changed; /* the servers that we are connected with; on a turn of its own */
    std::function<void(const SessionPointer&, visor_stream*)> accept; /* a stream to be taken over */
  };
  struct Counters {
    uint64_t connected = 0, failed = 0, lost = 0;
  };
  using Found = std::function<void(Result<SessionPointer>)>;

  Sessions(Host host, Carrier carrier, visor_identity* identity, const Config& config, Events events);

  void start();
  void stop();

  /* The servers that the discovery lists now; those of the configuration stay. */
  void know(std::vector<KnownServer> listed);
  const KnownServer* find(const visor_key& server) const;
  std::vector<visor_key> configured() const;

  /* Those that are ready, the quickest first. */
  std::vector<SessionPointer> ready() const;
  SessionPointer ready(const visor_key& server) const;
  /* Did its last session end, or its last attempt fail, with nothing since? */
  bool troubled(const visor_key& server) const;

  /* A session with this server, begun if there is none.  `found` runs later, once; cancel() prevents that. */
  uint64_t want(const KnownServer& server, Found found);
  /* Any session, as soon as there is one: it never fails. */
  uint64_t want_any(Found found);
  void cancel(uint64_t number);

  /* For reports, in the order of keys. */
  struct Row {
    const KnownServer& server;
    const SessionPointer& session; /* null: none */
    bool kept;                     /* not only for a dial */
    uint64_t failures;
    const std::string& problem; /* of the last attempt; empty: none since it last was ready */
  };
  void each(const std::function<void(const Row&)>& fn) const;
  size_t size() const { return live_; } /* connecting ones included */
  size_t known() const { return servers_.size(); }
  size_t waiting() const;
  const Counters& counters() const { return counters_; }

 private:
  struct Waiter {
    uint64_t number;
    Found found;
  };
  struct Server {
    KnownServer known;
    bool configured = false, listed = false, kept = false;
    SessionPointer session;
    std::vector<Waiter> waiters;
    uint64_t failures = 0; /* in a row */
    uint64_t ready_ms = 0, retry_ms = 0, used_ms = 0;
    bool troubled = false;
    std::string problem;
  };

  static constexpr uint64_t kSlowMs = 1000;      /* after it, another server is tried besides */
  static constexpr uint64_t kSettledMs = 10'000; /* a session that lived so long had not failed */
  static constexpr uint64_t kFirstRetryMs = 100, kMaxRetryMs = 30'000;
  static constexpr size_t kMaxServers = 1024;

  size_t wanted() const;
  void keep();
  void keep_later();
  Server* candidate(uint64_t now_ms, uint64_t& next_ms);
  void begin(Server& server, bool kept);
  void on_ready(const visor_key& key);
  void on_closed(const visor_key& key, const Error& error);
  void answer(std::vector<Waiter> waiters, Result<SessionPointer> result);
  void forget_if_unknown(const visor_key& key);
  void drop_surplus();
  void changed();

  Host host_;
  Carrier carrier_;
  visor_identity* identity_;
  const Config& config_;
  Events events_;
  std::map<visor_key, Server> servers_;
  std::vector<Waiter> any_waiters_;
  std::map<uint64_t, Found> answering_; /* on their way */
  uint64_t last_number_ = 0;
  size_t live_ = 0;
  Counters counters_;
  Timer wake_, tick_;
  bool running_ = false, keeping_ = false, telling_ = false;
  Tasks tasks_;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_SESSIONS_HPP
