/* All transports of this visor: who may have one, which connection stands for it, and when it is made again.
 *
 * One identifier, one transport.  Two visors that dial each other at the same moment end with one connection:
 * that of the visor with the lesser key.  The other one gives its own up, or, if the lesser's dial fails, is
 * answered then. */
#ifndef VISOR_TRANSPORTS_MANAGER_HPP
#define VISOR_TRANSPORTS_MANAGER_HPP
#include <map>

#include "carrier.hpp"
#include "config.hpp"
#include "transport.hpp"

namespace visor::transports {

class Manager final : public TransportOwner {
 public:
  struct Events {
    /* The list has changed; possibly inside a call on the manager. */
    std::function<void()> changed;
    /* A stream that a peer opened for a port, to be attached or closed. */
    std::function<void(const Transport&, uint16_t port, visor_stream*)> stream;
  };
  /* From the loop, never inside a call on the manager; the transport serves. */
  using Saved = std::function<void(Result<const Transport*>)>;

  struct Counters {
    uint64_t dialed = 0, accepted = 0; /* connections begun */
    uint64_t settled = 0, failed = 0, replaced = 0, closed = 0;
    uint64_t refused = 0; /* connections above a limit */
  };
  static constexpr size_t kMaxSettlingPerPeer = 4;
  static constexpr size_t kMaxWaiters = 64;    /* for one dial */
  static constexpr uint64_t kRetryMs = 10'000; /* of persistent peers, or the interval if that is shorter */
  static constexpr uint64_t kPersistentDialMs = 3'000; /* twice as long after each that took too long */

  Manager(Host host, visor_identity* identity, const Config& config, Events events);
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() override { stop(); }

  /* Who knows an address of a visor, for saves without one.  Dropping what it gives ends the question; `done`
   * runs from the loop. */
  using Resolve = std::function<Carrier::Dial(const visor_key&, std::string_view type,
                                              std::function<void(Result<std::string>)> done)>;
  void set_resolve(Resolve resolve) { resolve_ = std::move(resolve); }

  void add_carrier(std::unique_ptr<Carrier> carrier) { carriers_.push_back(std::move(carrier)); }
  const std::vector<std::unique_ptr<Carrier>>& carriers() const { return carriers_; }
  /* Dials the persistent peers and begins to tick. */
  void start();
  /* Closes everything; waiters hear nothing. */
  void stop();

  /* A carrier's connection, which is taken over, or closed when there is no room. */
  void accept(std::string_view type, visor_stream* stream);
  /* Whether another connection could be accepted at all. */
  bool has_room() const;

  /* The live transport of this type, or a new one.  Gives a number for cancel(); on an error `saved` never
   * runs. */
  Result<uint64_t> save(const visor_key& remote, std::string_view type, std::string_view address,
                        std::string_view label, Saved saved);
  /* `saved` never runs; a dial that nobody else waits for is given up. */
  void cancel(uint64_t number);
  /* Closes the transport, or gives up its dial, and does not make it again by itself. */
  Result<void> remove(const codec::TransportId& id);

  /* Shall, and can, a transport by the relay network be made to a key of which nothing else is known? */
  bool has_relay() const;

  /* Those that serve, best first: lowest latency, not yet measured ones last. */
  std::vector<Transport*> serving_to(const visor_key& peer) const;
  /* fn(const Transport&): those that have just closed, those that settle, those that serve; of each kind by
   * identifier or age. */
  template <class Fn>
  void each(Fn&& fn) const {
    for (const auto& transport : closed_) fn(*transport);
    for (const auto& [id, dial] : dials_) {
      if (dial.transport) fn(*dial.transport);
    }
    for (const auto& transport : settling_) {
      if (transport->identified() && !serving_.contains(transport->entry().id)) fn(*transport);
    }
    for (const auto& [id, transport] : serving_) fn(*transport);
  }

  const Counters& counters() const { return counters_; }
  const Config& config() const { return config_; }
  size_t serving() const { return serving_.size(); }
  size_t settling() const { return settling_.size(); }
  size_t dialing() const { return dials_.size(); }

 private:
  struct Waiter {
    uint64_t number;
    Saved saved;
  };
  struct Dial {
    codec::TransportEntry entry;
    std::string address;
    std::vector<Waiter> waiters;
    bool persistent = false;
    uint64_t started_ns = 0, limit_ms = 0;
    Carrier::Dial connecting;             /* until its address is known and the carrier is there */
    std::shared_ptr<Transport> transport; /* from then on */
  };
  struct Persistent {
    PersistentPeer peer;
    codec::TransportId id;
    bool tried = false;
    uint64_t tried_ns = 0;
    uint64_t limit_ms = kPersistentDialMs; /* of the next dial */
    std::string problem = {};              /* the last one that was logged */
  };
  struct AddressUse {
    size_t all = 0, settling = 0;
  };

  bool on_identified(Transport& transport) override;
  void on_proposed(Transport& transport) override;
  void on_settled(Transport& transport) override;
  void on_measured(Transport& transport) override;
  void on_stream(Transport& transport, uint16_t port, visor_stream* stream) override;
  void on_closed(Transport& transport, const Error& error) override;

  Carrier* carrier(std::string_view type) const;
  Result<void> begin_dial(codec::TransportEntry entry, std::string_view address,
                          const Persistent* persistent);
  Result<Carrier::Dial> connect(const codec::TransportId& id, const codec::TransportEntry& entry,
                                std::string_view address, uint64_t limit_ms);
  void on_resolved(const codec::TransportId& id, Result<std::string> address);
  void on_connected(const codec::TransportId& id, Result<visor_stream*> stream);
  void end_dial(const codec::TransportId& id, const Error& error);
  void answer_later(std::vector<Waiter> waiters, const codec::TransportId& id, std::optional<Error> error);
  void decide(Transport& transport);
  void release_held(const codec::TransportId& id);

  void tick();
  void keep_persistent(uint64_t now_ns);
  Persistent* persistent(const codec::TransportId& id);
  void note_problem(const codec::TransportId& id, const std::string& problem);
  void changed() const;
  const visor_key& own() const { return *identity_->api->key(identity_); }

  Host host_;
  visor_identity* identity_;
  Config config_;
  Events events_;
  Tasks tasks_;
  std::vector<std::unique_ptr<Carrier>> carriers_;
  Resolve resolve_; /* may be empty */

  std::map<codec::TransportId, std::shared_ptr<Transport>> serving_;
  std::map<codec::TransportId, Dial> dials_;
  std::vector<std::shared_ptr<Transport>> settling_; /* accepted ones, oldest first */
  std::map<codec::TransportId, Transport*> held_;    /* of these, those that wait for our own dial */
  std::vector<std::shared_ptr<Transport>> closed_;   /* shown until the next tick; as many as may serve */
  std::map<std::string, AddressUse, std::less<>> addresses_; /* of accepted ones */
  std::map<uint64_t, Saved> answering_;                      /* waiters whose answer is on its way */
  std::vector<Persistent> persistent_;

  Counters counters_;
  uint64_t last_number_ = 0;
  bool stopped_ = false;
  Timer timer_;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_MANAGER_HPP
