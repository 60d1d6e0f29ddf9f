/* The network "skynet": streams over transports; where there is none to a peer, one is made by the relay
 * network, if there is that network here.  A stream of a transport's session starts with its
 * port, u16 big-endian; the rest is the application's.  What peer() says of a stream that was accepted has
 * the key that the session proved and port 0: the far end of a stream has no port of its own. */
#ifndef VISOR_TRANSPORTS_SKYNET_HPP
#define VISOR_TRANSPORTS_SKYNET_HPP
#include "manager.hpp"

namespace visor::transports {

class Skynet final : public NetProvider {
 public:
  struct Counters {
    uint64_t dialed = 0, accepted = 0;
    uint64_t unreachable = 0; /* no transport to the peer, or none with room for a stream */
    uint64_t relayed = 0;     /* dials for which a transport by the relay network was made */
    uint64_t unheard = 0;     /* streams for ports that nobody listens on: reset */
  };

  Skynet(Host host, Manager& manager)
      : NetProvider(host), manager_(manager), listeners_(host), tasks_(host) {}
  ~Skynet() override;

  /* Cancels the dials that are under way. */
  void stop();

  /* The transport with the lowest latency that has room, else a new one by the relay network; VISOR_ENOENT:
   * there is none to that key. */
  visor_status dial(const visor_addr* to, visor_done done) override;
  /* VISOR_EEXIST: somebody has the port. */
  visor_status listen(uint16_t port, void (*fn)(void* ctx, visor_stream*), void* ctx,
                      visor_handle** handle) override;
  void cancel(void* done_ctx) override;

  /* A stream that a peer opened for this port. */
  void take(uint16_t port, visor_stream* stream);

  const Counters& counters() const { return counters_; }
  size_t listening() const { return ports_.size(); }
  size_t relaying() const { return relaying_.size(); }
  static constexpr size_t kMaxRelaying = 1024; /* dials that wait for a transport */

 private:
  struct Listening {
    void (*fn)(void* ctx, visor_stream*);
    void* ctx;
  };
  struct Dialed { /* a stream on its way to who dialled */
    Done done;
    visor_stream* stream;
  };

  struct Relaying { /* a dial that waits for a transport */
    Done done;
    visor_addr to;
  };

  Result<visor_stream*> open_stream(const visor_addr& to);
  visor_status relay(const visor_addr& to, visor_done done, const Error& why);
  void relayed(uint64_t number, const Result<const Transport*>& made);

  Manager& manager_;
  std::map<uint16_t, Listening> ports_;
  Registrations<uint16_t> listeners_;
  std::map<uint64_t, Dialed> dialed_;
  std::map<uint64_t, Relaying> relaying_; /* by the manager's number */
  uint64_t last_number_ = 0;
  Counters counters_;
  Tasks tasks_;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_SKYNET_HPP
