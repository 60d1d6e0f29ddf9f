/* One dial, through every server that may reach the peer (specification dmsg.md, 10).
 *
 * A round asks for the peer's entry, then tries: the servers that it names and we are connected with, those
 * that it names and that must be connected first, every other server that we are connected with (servers
 * forward to each other), and last the named ones that gave trouble. When a round fails, another follows with
 * a fresh entry if the first one was not fresh, or differs now; and for a while if one of the named servers
 * has gone: then the peer is on its way to another. */
#ifndef VISOR_DMSG_CLIENT_DIAL_HPP
#define VISOR_DMSG_CLIENT_DIAL_HPP
#include <deque>

#include "entries.hpp"
#include "ports.hpp"
#include "sessions.hpp"
#include "setup.hpp"

namespace visor::dmsg_client {

/* What dials share. */
struct DialParts {
  SetupParts setup;
  Sessions& sessions;
  Entries* entries; /* null: there is no discovery */
  const Limits& limits;
};

class Dial {
 public:
  /* Once, never inside a call on the dial, which it may destroy; also when it was not begun in time. */
  using Finished = std::function<void(Result<visor_stream*>)>;

  /* lookup false: no entry is asked for; well-known services are on every server. */
  Dial(const DialParts& parts, const visor_addr& to, std::shared_ptr<Ports::Lease> port, bool lookup,
       Finished finished);
  ~Dial();
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

  void begin();

 private:
  static constexpr size_t kMaxNamedServers = 16; /* of an entry */
  static constexpr uint64_t kMovingMs = 3000, kFirstPauseMs = 50, kMaxPauseMs = 500, kFirstPatienceMs = 300;

  void round(bool fresh);
  void got_entry(const Entries::Answer& answer);
  void plan(const std::vector<visor_key>& named);
  void next();
  bool moving() const;
  void connect(const visor_key& server);
  void connect_to(const KnownServer& server);
  void set_up(const SessionPointer& session);
  void tried(const visor_key& server, const Error& error);
  void exhausted();
  void again(uint64_t pause_ms, bool fresh);
  void fail();
  void finish(Result<visor_stream*> result);

  const DialParts& parts_;
  const visor_addr to_;
  std::shared_ptr<Ports::Lease> port_;
  const bool lookup_;
  Finished finished_;

  std::optional<Result<std::vector<visor_key>>> named_, named_before_; /* by the entry */
  std::deque<visor_key> plan_;
  std::vector<std::pair<visor_key, Error>> reasons_; /* of this round */
  bool cached_ = false;                              /* this round's entry was */
  bool server_gone_ = false;                         /* one that the entry names cannot be reached */
  const uint64_t begun_ms_;
  uint64_t pause_ms_ = kFirstPauseMs;
  /* For a server that must be connected, in the first rounds: it goes on connecting meanwhile, and the peer
   * may have left it. */
  uint64_t patience_ms_ = kFirstPatienceMs;
  uint64_t lookup_number_ = 0, session_number_ = 0;
  std::unique_ptr<DialSetup> setup_;
  Timer whole_, step_;
  Tasks tasks_;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_DIAL_HPP
