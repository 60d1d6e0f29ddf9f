/* The network "dmsg": streams between visors by way of servers. */
#ifndef VISOR_DMSG_CLIENT_NETWORK_HPP
#define VISOR_DMSG_CLIENT_NETWORK_HPP
#include "dial.hpp"

namespace visor::dmsg_client {

class Network final : public NetProvider {
 public:
  struct Counters {
    uint64_t dialed = 0, failed = 0; /* dials that gave a stream, or an error */
    uint64_t accepted = 0;
    uint64_t unheard = 0;   /* peers' streams for ports that nobody listens on */
    uint64_t malformed = 0; /* that did not become one */
    uint64_t refused = 0;   /* over the limit of those that are set up at once */
  };

  Network(Host host, visor_identity* identity, Carrier carrier, const Config& config);
  ~Network() override;

  /* Entries are asked for there; before start(). The directory must outlive the network. */
  void use(dmsg::Directory& directory);
  /* changed: the servers that we are connected with. */
  void start(std::function<void()> changed);
  void stop();

  visor_status dial(const visor_addr* to, visor_done done) override;
  visor_status listen(uint16_t port, void (*fn)(void* ctx, visor_stream*), void* ctx,
                      visor_handle** handle) override;
  void cancel(void* done_ctx) override;

  /* The same dial for this plugin's own use; `finished` never runs inside the call, and never after cancel.
   * lookup false: without asking for the peer's entry. */
  Result<uint64_t> begin_dial(const visor_addr& to, bool lookup, Dial::Finished finished);
  void cancel_dial(uint64_t number) { forget_dial(number); }

  Sessions& sessions() { return sessions_; }
  const Sessions& sessions() const { return sessions_; }
  const Counters& counters() const { return counters_; }
  const Entries* entries() const { return entries_.get(); }
  const Config& config() const { return config_; }
  size_t dialing() const { return dials_.size(); }
  size_t setting_up() const { return active_; }
  size_t accepting() const { return accepting_.size(); }
  size_t listening() const { return listening_.size(); }
  size_t leaving() const { return farewell_.size(); }
  size_t ephemeral() const { return ports_->leased(); }

 private:
  struct Listening {
    void (*fn)(void* ctx, visor_stream*);
    void* ctx;
  };
  struct Dialing {
    std::unique_ptr<Dial> dial;
    bool begun = false;
    bool urgent = false; /* takes no turn: others' turns may wait for it */
  };

  void begin_waiting();
  void dialed(uint64_t number, Result<visor_stream*> stream, const Dial::Finished& finished);
  void forget_dial(uint64_t number);
  void accept(const SessionPointer& session, visor_stream* stream);
  void accepted(uint64_t number, Result<visor_stream*> stream, uint16_t port);

  const Config config_;
  Farewell farewell_;
  Sessions sessions_;
  std::unique_ptr<Entries> entries_;
  DialParts parts_;
  std::shared_ptr<Ports> ports_ = std::make_shared<Ports>();
  std::map<uint16_t, Listening> listening_;
  Registrations<uint16_t> listeners_;
  std::map<uint64_t, Dialing> dials_;
  std::deque<uint64_t> waiting_; /* dials whose turn has not come */
  size_t active_ = 0;
  std::map<uint64_t, std::unique_ptr<AcceptSetup>> accepting_;
  std::map<uint64_t, Done> done_; /* of dials, by their number */
  uint64_t last_number_ = 0;
  Counters counters_;
  std::function<void()> changed_;
  bool running_ = false;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_NETWORK_HPP
