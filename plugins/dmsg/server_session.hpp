/* A session with one server: a carrier, a Noise XK handshake in which we know the server's key, plain yamux
 * (specification dmsg.md, 4 to 6). */
#ifndef VISOR_DMSG_CLIENT_SERVER_SESSION_HPP
#define VISOR_DMSG_CLIENT_SERVER_SESSION_HPP
#include "carrier.hpp"
#include "lib/session/session.hpp"

namespace visor::dmsg_client {

/* Shared by the table of sessions and by what is being set up through it. */
class ServerSession : public std::enable_shared_from_this<ServerSession> {
 public:
  struct Events {
    std::function<void()> ready;               /* once */
    std::function<void(visor_stream*)> accept; /* a stream that the server opened, to be taken over */
    std::function<void(const Error&)> closed;  /* always last, once */
  };

  ServerSession(Host host, Carrier& carrier, visor_identity* identity, const KnownServer& server,
                const Config& config, Events events);

  /* Tries the server's addresses in turn; calls nothing back before it has returned. */
  void begin();
  /* Without an event; streams end with VISOR_ECANCELED. */
  void close();

  const visor_key& key() const { return server_.key; }
  const std::string& url() const { return url_; } /* the one in use, or the last that was tried */
  bool ready() const { return ready_ && !over_; }
  bool over() const { return over_; }
  uint64_t begun_ms() const { return begun_ms_; }
  session::Counters counters() const { return session_ ? session_->counters() : session::Counters{}; }

  /* Of session::Session; VISOR_ECLOSED once it is over. */
  Result<visor_stream*> open(uint16_t port);
  Result<Bytes> seal(ByteView object);
  Result<Bytes> open_sealed(ByteView sealed);

 private:
  static constexpr uint64_t kConnectMs = 10'000;
  static constexpr uint64_t kQuietMs = 100; /* after the handshake, for old servers */
  static constexpr uint64_t kPingAnswerMs = 10'000, kSynMs = 20'000, kFinMs = 30'000;

  void next_url(Error last);
  void connected(Result<visor_stream*> stream);
  void fail(const Error& error);
  session::Options options() const;

  Host host_;
  Carrier& carrier_;
  visor_identity* identity_;
  const KnownServer server_;
  const size_t max_streams_;
  const uint64_t ping_ms_;
  Events events_;
  Tasks tasks_;
  std::vector<std::string> urls_; /* not tried yet, the next one last */
  std::string url_;
  Carrier::Dial dial_;
  std::unique_ptr<session::Session> session_;
  uint64_t begun_ms_ = 0;
  bool ready_ = false, over_ = false;
};

using SessionPointer = std::shared_ptr<ServerSession>;

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_SERVER_SESSION_HPP
