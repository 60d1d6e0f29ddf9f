/* One stream through the relay: asked for by its dialer, answered by its acceptor, then passed on
 * (specification dmsg.md, sections 7 and 8).
 *
 *   request   the dialer's object is awaited, opened, checked, sealed for the acceptor as it is
 *   answer    the acceptor's, likewise; a refusal is passed on, then both streams end
 *   open      bytes, both ways, at the pace of who reads
 *   ending    one side has ended or gone: what waits for the other still goes, then both end.  There is no
 * half close through a relay. */
#ifndef VISOR_DMSG_SERVER_PASSAGE_HPP
#define VISOR_DMSG_SERVER_PASSAGE_HPP
#include <list>

#include "client.hpp"
#include "lib/codec/length_prefixed.hpp"
#include "lib/dmsg/stream_objects.hpp"

namespace visor::dmsg_server {

class Relay;

class Passage {
 public:
  enum class State : uint8_t { kRequest, kAnswer, kOpen, kEnding };

  Passage(Relay& relay, const std::shared_ptr<Client>& dialer, visor_stream* stream);
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;
  ~Passage();

  State state() const { return state_; }
  uint64_t active_ms() const { return active_ms_; }
  /* Waits too long: both streams are closed as they are. */
  void cut();

  std::list<Passage>::iterator place; /* in the relay's list */

 private:
  struct Side {
    Stream stream;
    Bytes waiting;       /* refused by this stream, so the other one is paused; at most one event */
    bool ending = false; /* nothing more is written to it once that has gone */
    bool gone = true;    /* closed, or never there */
  };

  void attach(Side& side);
  Side& other(Side& side) { return &side == &dialer_ ? acceptor_ : dialer_; }

  void received(Side& side, ByteView data);
  void ended(Side& side);
  void closed(Side& side);

  /* Setting up; each ends the passage, or goes on. */
  void read_request(ByteView data);
  void take_request(ByteView sealed);
  void forward(const dmsg::StreamRequest& request, ByteView object);
  void tell_address(const dmsg::StreamRequest& request);
  void read_answer(ByteView data);
  void take_answer(ByteView sealed);
  void open(bool accepted, ByteView object);
  bool charge();
  void settle();
  bool send(Side& side, Client& client, ByteView object);
  void offend(const std::weak_ptr<Client>& client, const Error& why);
  void refuse(uint64_t& counter);

  /* Passing on. */
  void pass(Side& from, ByteView data);
  void ready(Side& side);
  void end();
  void end(Side& side);

  Relay& relay_;
  std::weak_ptr<Client> dialing_, accepting_;
  Side dialer_, acceptor_;
  Timer deadline_;
  std::optional<codec::LengthPrefixedReader> reader_; /* until the answer has come */
  Bytes early_;                                       /* of the dialer, before it may */
  visor_key destination_{};
  crypto::Hash request_hash_{};
  uint64_t active_ms_ = 0;
  size_t charged_ = 0; /* bytes of reader_ and early_, among its dialer's */
  State state_ = State::kRequest;
  bool counted_ = true; /* among its dialer's setups */
};

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_PASSAGE_HPP
