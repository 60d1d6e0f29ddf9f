/* Feeds over TCP, without a relay (specification cxo.md, 8.1 and 9): Noise XX with the identities' keys, then
 * transport frames, so that what comes out is a stream with a peer that has proved its key.
 *
 * As networks these have names: "tcp" listens where the configuration says; "tcp://host:port" dials there,
 * and whoever answers must have the key that is dialed. */
#ifndef VISOR_FEEDS_DIRECT_NET_HPP
#define VISOR_FEEDS_DIRECT_NET_HPP
#include <list>
#include <optional>
#include <visor/plugin.hpp>

#include "lib/noise/handshake.hpp"

namespace visor::feeds {

/* One connection until both sides have proved their keys, or 30 s are over. */
class DirectHandshake {
 public:
  using Finished = std::function<void(Result<visor_stream*>)>;

  /* `expected`: whom we dialed; without it we accept.  `finished` runs once, on a later turn, and may destroy
   * this. */
  DirectHandshake(Host host, visor_identity* identity, visor_stream* carrier, const visor_addr* expected,
                  uint16_t port, Finished finished);

 private:
  void begin(const visor_addr* expected);
  void receive(ByteView data);
  void write();
  void become_stream(ByteView early);
  void fail(Error why);

  Host host_;
  Tasks tasks_;
  visor_identity* identity_;
  uint16_t port_;
  Finished finished_;
  Stream carrier_;
  codec::LengthPrefixedReader messages_ = noise::message_reader();
  std::optional<noise::Handshake> handshake_;
  Timer limit_;
};

class DirectNet final : public NetProvider {
 public:
  static constexpr size_t kMaxAccepting = 1000;
  struct Counters {
    uint64_t refused = 0, failed = 0;  // beyond the limit; in their handshake
    std::string last_error;
  };

  /* `url`: "tcp://host:port". */
  DirectNet(Host host, visor_identity* identity, visor_sockets* sockets, std::string url);
  ~DirectNet() override;

  /* Nobody waits for it. */
  bool idle() const { return dialing_.empty() && accepting_.empty() && !listener_; }
  size_t accepting() const { return accepting_.size(); }
  /* What is bound; empty: nothing. */
  std::string_view address() const { return listener_.address(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Dialing {
    Done done;
    visor_addr peer;
    Request<visor_stream> connect;
    std::unique_ptr<DirectHandshake> handshake;
  };

  visor_status dial(const visor_addr* to, visor_done done) override;
  visor_status listen(uint16_t port, void (*fn)(void* ctx, visor_stream*), void* ctx,
                      visor_handle** handle) override;
  void cancel(void* done_ctx) override;
  void accept(visor_stream* stream);
  void dialed(std::list<Dialing>::iterator at, Result<visor_stream*> stream);

  Tasks tasks_;
  visor_identity* identity_;
  visor_sockets* sockets_;
  std::string url_;
  std::list<Dialing> dialing_;
  std::list<std::unique_ptr<DirectHandshake>> accepting_;
  Listener listener_;
  uint16_t port_ = 0;
  void (*accepted_)(void* ctx, visor_stream*) = nullptr;
  void* accepted_ctx_ = nullptr;
  Registrations<int> listening_;
  Counters counters_;
};

/* "<66 hex digits>@host:port", or the digits alone. */
struct PeerAddress {
  visor_key key{};
  std::string network;  // "tcp://host:port", or empty
};
Result<PeerAddress> parse_peer_address(std::string_view text);

inline constexpr std::string_view kDirect = "tcp";
inline constexpr std::string_view kDirectUrl = "tcp://";

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_DIRECT_NET_HPP
