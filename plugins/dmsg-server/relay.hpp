/* The relay: sessions by key, streams between them, and the bounds of both. */
#ifndef VISOR_DMSG_SERVER_RELAY_HPP
#define VISOR_DMSG_SERVER_RELAY_HPP
#include <map>

#include "entrance.hpp"
#include "passage.hpp"

namespace visor::dmsg_server {

struct RelayCounters {
  uint64_t handshakes = 0, established = 0, failed = 0; /* sessions */
  uint64_t replaced = 0;                                /* by a newer one of the same key */
  uint64_t refused = 0;                                 /* in all, or of their address, too many */
  uint64_t expelled = 0;                                /* offences, or too much held */
  uint64_t requests = 0, connected = 0;                 /* streams */
  uint64_t unreachable = 0;   /* the destination has no session here, or takes no more streams */
  uint64_t unanswered = 0;    /* the acceptor was silent, ended or answered wrongly */
  uint64_t rejected = 0;      /* the acceptor said no */
  uint64_t malformed = 0;     /* requests that were none */
  uint64_t abandoned = 0;     /* by their dialer: no request in time, or it left before the answer */
  uint64_t over_limit = 0;    /* refused because their client asks too much */
  uint64_t idle = 0;          /* connected streams, cut */
  uint64_t probes = 0;        /* ping markers and questions for one's own address */
  uint64_t relayed_bytes = 0; /* payload, both ways */
};

class Relay {
 public:
  /* changed: the number of sessions is another. */
  Relay(Host host, visor_identity* identity, const Config& config, std::function<void()> changed);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() { close(); }

  /* Every session and stream, at once. */
  void close();

  /* Takes the connection over; `carrier` is a literal. */
  void accept(Arrival arrival, std::string_view carrier);
  /* Would a connection from there be taken now? */
  bool welcomes(const std::string& address) const { return addresses_.welcomes(address, host_.now_ms()); }
  bool has_room() const { return handshaking_.size() < config_.limits.handshakes; }

  size_t sessions() const { return clients_.size(); }
  size_t handshaking() const { return handshaking_.size(); }
  size_t passages(Passage::State state) const;
  size_t passages() const { return passages_.size(); }
  size_t held_bytes() const;
  size_t addresses() const { return addresses_.size(); }
  const RelayCounters& counters() const { return counters_; }
  /* In the order of their keys. */
  const std::map<visor_key, std::shared_ptr<Client>>& clients() const { return clients_; }

 private:
  friend class Passage;

  void established(const std::shared_ptr<Client>& client, const visor_key& key);
  void opened(const std::shared_ptr<Client>& client, visor_stream* stream);
  void ended(const std::shared_ptr<Client>& client, const Error& error);
  void drop(std::shared_ptr<Client> client);
  void fine(Client& client);
  void expel(const std::shared_ptr<Client>& client, const std::string& why);
  void sweep();
  void limit_held();

  /* For passages. */
  std::shared_ptr<Client> find(const visor_key& key) const;
  void over(Passage& passage) { passages_.erase(passage.place); }

  Host host_;
  visor_identity* identity_;
  const Config& config_;
  std::function<void()> changed_;
  dmsg::Sign sign_;
  visor_key own_;
  RelayCounters counters_;
  AddressLimits addresses_;
  std::map<const Client*, std::shared_ptr<Client>> handshaking_; /* looked up, never walked */
  std::map<visor_key, std::shared_ptr<Client>> clients_;
  size_t setup_bytes_ = 0; /* of all clients; passages count in it until they go */
  std::list<Passage> passages_;
  uint64_t now_ms_ = 0; /* of the latest sweep: near enough for idle streams */
  Timer sweep_;
};

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_RELAY_HPP
