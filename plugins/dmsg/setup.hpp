/* Setting a stream up through one server (specification dmsg.md, 7): a signed request, a signed response, in
 * them the two messages of a Noise KK handshake; then frames. */
#ifndef VISOR_DMSG_CLIENT_SETUP_HPP
#define VISOR_DMSG_CLIENT_SETUP_HPP
#include "farewell.hpp"
#include "lib/codec/length_prefixed.hpp"
#include "lib/dmsg/stream_objects.hpp"
#include "lib/noise/handshake.hpp"
#include "lib/session/sealed_stream.hpp"
#include "server_session.hpp"

namespace visor::dmsg_client {

/* What both sides of a setup need. */
struct SetupParts {
  Host host;
  visor_identity* identity;
  Farewell* farewell;
  uint64_t limit_ms;
};

/* Requests and responses sealed; those that we know take under 2 KiB, and their length can say so much. */
inline constexpr size_t kMaxSealedObject = 65535;
codec::LengthPrefixedReader sealed_object_reader();

/* The local half of a KK handshake with this peer. */
Result<noise::Handshake> start_kk(const SetupParts& parts, noise::Role role, const visor_key& peer);

/* A try to dial, through one session. Destroying it gives it up. */
class DialSetup {
 public:
  /* Never inside begin(); may destroy this. VISOR_ECLOSED: unreachable this way; VISOR_ETIMEDOUT: no answer;
   * VISOR_EPROTO: a server or peer that breaks the protocol. */
  using Finished = std::function<void(Result<visor_stream*>)>;

  DialSetup(SetupParts parts, SessionPointer session, visor_addr from, session::SealedStreamOptions options,
            Finished finished);
  ~DialSetup();

  /* An error: nothing was begun. */
  Result<void> begin();
  const SessionPointer& session() const { return session_; }

 private:
  void receive(ByteView data);
  Result<visor_stream*> respond(ByteView sealed, ByteView rest);
  void finish(Result<visor_stream*> result);

  SetupParts parts_;
  SessionPointer session_;
  visor_addr from_;
  session::SealedStreamOptions options_; /* its peer is who we dial */
  Finished finished_;
  std::optional<noise::Handshake> handshake_;
  crypto::Hash request_hash_{};
  codec::LengthPrefixedReader reader_;
  Stream stream_;
  Timer timer_;
};

/* A stream that a peer opened, until it is somebody's. Destroying it gives it up. */
class AcceptSetup {
 public:
  struct Events {
    /* Does somebody listen there? */
    std::function<bool(uint16_t port)> listening;
    /* Always last, once; may destroy this. */
    std::function<void(Result<visor_stream*>, uint16_t port)> finished;
  };
  AcceptSetup(SetupParts parts, SessionPointer session, visor_stream* stream, Events events);
  ~AcceptSetup();

 private:
  void receive(ByteView data);
  Result<visor_stream*> answer(ByteView sealed, ByteView rest, uint16_t& port);
  void finish(Result<visor_stream*> result, uint16_t port);

  SetupParts parts_;
  SessionPointer session_;
  Events events_;
  codec::LengthPrefixedReader reader_;
  Stream stream_;
  Timer timer_;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_SETUP_HPP
