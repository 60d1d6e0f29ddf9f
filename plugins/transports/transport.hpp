/* One transport: a carrier's connection, the session on it, its settlement, its measures. */
#ifndef VISOR_TRANSPORTS_TRANSPORT_HPP
#define VISOR_TRANSPORTS_TRANSPORT_HPP
#include <list>
#include <optional>

#include "lib/codec/transport_packet.hpp"
#include "lib/session/session.hpp"
#include "pings.hpp"
#include "settlement.hpp"
#include "throughput.hpp"

namespace visor::transports {

class Transport;

/* Whom a transport tells what happens to it: the manager.  Every call comes from the loop, never inside a
 * call of the manager's own, except that on_closed also follows close(). */
class TransportOwner {
 public:
  virtual ~TransportOwner() = default;
  /* Accepted only: the peer's key is proved.  False: it is not wanted, and is refused. */
  virtual bool on_identified(Transport&) = 0;
  /* Accepted only: the peer's proposal is sound; accept() or refuse() must follow, at once or later. */
  virtual void on_proposed(Transport&) = 0;
  virtual void on_settled(Transport&) = 0;
  /* First latency, first bytes: something that a reader of the list would like to see at once. */
  virtual void on_measured(Transport&) = 0;
  /* A stream that the peer opened for this port, to be attached or closed. */
  virtual void on_stream(Transport&, uint16_t port, visor_stream*) = 0;
  /* Last, once. */
  virtual void on_closed(Transport&, const Error&) = 0;
};

class Transport : public std::enable_shared_from_this<Transport> {
 public:
  enum class State : uint8_t { kSettling, kRefusing, kServing, kClosed };
  static constexpr uint64_t kSettlementMs = 20'000; /* of the whole, from the carrier on */
  static constexpr uint64_t kPortMs = 10'000;       /* for the port of a stream that the peer opened */
  static constexpr size_t kMaxPortless = 64;        /* such streams whose port has not come */
  static constexpr size_t kQuickPings = 4;          /* one after another, right after settlement */

  struct Terms {
    bool dialed = false;
    std::string type;    /* canonical */
    std::string label;   /* the dialer's, or what an accepted one has if the dialer says nothing sound */
    std::string address; /* dialled, or where the peer comes from */
    std::optional<visor_key> peer; /* dialled: who it must be */
    uint64_t settlement_ms = kSettlementMs;
    uint64_t interval_ms = 60'000; /* between pings */
  };

  /* Of one transport, for `status`. */
  struct Counters {
    uint64_t ignored_packets = 0; /* of types that nobody here serves */
    uint64_t dropped_pongs = 0;   /* the peer did not read */
    uint64_t refused_streams = 0; /* too many without a port, or no port in time */
  };

  Transport(Host host, visor_identity* identity, Terms terms, TransportOwner& owner);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /* Takes the carrier over.  Once, right after construction by std::make_shared. */
  void begin(visor_stream* carrier);

  /* The decision about a sound proposal. */
  void accept();
  void refuse(std::string why);

  /* While serving: a stream to this port of the peer, to be attached or closed; as session::Session::open. */
  Result<visor_stream*> open_stream(uint16_t port);

  /* Ends it at once. */
  void close(Error why);

  /* What is due now: time limits, the next ping, the throughput's next window. */
  void tick(uint64_t now_ns);

  State state() const { return state_; }
  const Terms& terms() const { return terms_; }
  /* Meaningful once the peer is known: from the beginning if dialled, else from on_identified on. */
  bool identified() const { return peer_.has_value(); }
  const codec::TransportEntry& entry() const { return entry_; }
  const visor_key& peer() const { return *peer_; }
  /* With both signatures, once serving. */
  const codec::SignedEntry& signed_entry() const { return signed_; }

  /* Payload of application streams (their two bytes of port included) and of control packets, since it was
   * created; never less than before. */
  uint64_t sent_bytes() const;
  uint64_t received_bytes() const;
  Latency latency() const { return pings_.latency(); }
  const Pings& pings() const { return pings_; }
  const Counters& counters() const { return counters_; }
  session::Counters session_counters() const;
  uint64_t created_ns() const { return created_ns_; }
  int64_t since_unix_ns() const { return since_unix_ns_; }
  /* For visor.transports/1; lent as long as this object is not changed. */
  visor_transport describe() const;

 private:
  struct Portless { /* a stream of the peer, whose port has not come */
    Stream stream;
    std::array<uint8_t, 2> port{};
    size_t have = 0;
    uint64_t until_ns = 0;
  };

  void on_ready(const visor_key& peer, ByteView payload);
  void on_accept(visor_stream* stream);
  void on_session_closed(const Error& error);

  void attach_control(visor_stream* stream);
  void on_control(ByteView data);
  void settle(ByteView& data);
  void serve(codec::SignedEntry entry);
  void on_packet(const codec::Packet& packet);
  bool write_control(ByteView data);
  void ping();

  void read_port(visor_stream* stream);
  void take_port(std::list<Portless>::iterator at, ByteView data);
  void drop_late_ports(uint64_t now_ns);

  Signer signer() const;
  void snapshot();

  Host host_;
  visor_identity* identity_;
  Terms terms_;
  TransportOwner& owner_;
  State state_ = State::kSettling;

  std::unique_ptr<session::Session> session_;
  Stream control_;
  std::optional<visor_key> peer_;
  codec::TransportEntry entry_;
  codec::SignedEntry signed_;
  std::optional<Proposal> proposal_;
  std::optional<Response> response_;
  bool proposed_ = false; /* the owner has heard of it */
  std::list<Portless> portless_;

  codec::PacketReader packets_;
  Pings pings_;
  Throughput throughput_;
  Counters counters_;
  uint64_t control_sent_ = 0, control_received_ = 0;                 /* bytes on the control stream */
  uint64_t control_payload_sent_ = 0, control_payload_received_ = 0; /* payload of packets among them */
  mutable uint64_t sent_shown_ = 0, received_shown_ = 0;
  uint64_t received_at_ping_ = 0;

  uint64_t created_ns_, next_ping_ns_ = 0;
  int64_t since_unix_ns_;
  uint64_t epoch_ = 0;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_TRANSPORT_HPP
