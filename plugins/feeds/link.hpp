/* The wish for a connection to one peer: dials while there is none, again and again with growing pauses, and
 * is content with a connection that the peer opened. */
#ifndef VISOR_FEEDS_LINK_HPP
#define VISOR_FEEDS_LINK_HPP
#include <map>
#include <visor/plugin.hpp>

namespace visor::feeds {

struct LinkOptions {
  uint64_t dial_ms = 15000;
  uint64_t first_retry_ms = 100;
  uint64_t max_retry_ms = 60000;
  uint64_t stable_ms = 30000;  // a connection that stood so long makes the pauses short again
};

class Link {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /* The network of that name, or null while there is none. */
    virtual visor_net* network(const std::string& name) = 0;
    /* A stream that was dialed; the receiver owns it, and says up() or down() in time. */
    virtual void dialed(const std::string& network, visor_stream* stream) = 0;
  };
  using State = void (*)(void* ctx, visor_status status);

  Link(Host host, Owner& owner, const visor_addr& peer, const LinkOptions& options);

  /* Each want needs its unwant.  Without any, nothing is dialed. */
  void want(const std::string& network);
  void unwant(const std::string& network);
  bool wanted() const { return !wants_.empty(); }
  /* `closed` runs when the consumer closes the handle. */
  visor_handle* announce(State state, void* ctx, std::function<void()> closed);

  /* A connection to the peer stands, whoever opened it. */
  void up();
  /* There is none any more, or what was dialed came to nothing. */
  void down(const Error& why);
  /* A network has come, or is going. */
  void network_changed(const std::string& name, bool here);

  bool is_up() const { return up_; }
  bool dialing() const { return dial_.pending() || handed_over_; }
  unsigned failures() const { return failures_; }
  const std::string& last_error() const { return last_error_; }

 private:
  struct Told {
    State state;
    void* ctx;
  };
  void dial();
  void failed(const Error& why);
  void retry();
  void tell(const Error& state);

  Host host_;
  Tasks tasks_;
  Owner& owner_;
  visor_addr peer_;
  LinkOptions options_;
  std::map<std::string, size_t> wants_;
  Registrations<Told> announced_;
  bool up_ = false;
  bool handed_over_ = false;  // the owner has what was dialed
  uint64_t up_since_ms_ = 0;
  unsigned failures_ = 0;
  std::string dialing_on_, last_error_;
  Timer retry_, limit_;
  Request<visor_stream> dial_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_LINK_HPP
