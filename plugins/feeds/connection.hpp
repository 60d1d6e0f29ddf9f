/* One connection of node protocol 3 (specification cxo.md, 8.2 to 8.5 and 8.7): frames, the handshake,
 * requests and their replies, and a queue for each kind of thing that is sent, none of which can grow without
 * end.
 *
 * What a peer asks for is answered when there is room to send it: its requests wait as 36 bytes each, a Root
 * that is to be pushed as a mark, so a slow reader holds no objects of ours. */
#ifndef VISOR_FEEDS_CONNECTION_HPP
#define VISOR_FEEDS_CONNECTION_HPP
#include <deque>
#include <map>
#include <optional>
#include <visor/plugin.hpp>

#include "lib/codec/length_prefixed.hpp"
#include "limits.hpp"
#include "messages.hpp"

namespace visor::feeds {

class Connection;

struct ConnectionOptions {
  uint64_t response_timeout_ms = 59000;
  uint64_t probe_after_ms = 30000;  // of silence
  uint64_t close_after_ms = 90000;
  size_t window = 64;                        // objects asked for and not there yet
  size_t max_object_requests = 1024;         // of the peer, waiting
  size_t max_control_bytes = 4u << 20;       // replies and requests that are not sent yet
  bool streams = true;                       // announces our extension (extension.hpp), and uses it
  size_t max_unfinished_bytes = 256u << 20;  // of frames that have come in part, on all connections together
};

/* Who asked for something. */
class Requester {
 public:
  virtual ~Requester() = default;
  /* The reply to a request; null: none came in time, the request failed.  Not called once the connection is
   * closed. */
  virtual void replied(Connection& connection, const Hash& object, const Message* reply) = 0;
  /* There is room for requests of objects, as was asked with want_objects(). */
  virtual void may_request(Connection&) {}
};

/* What can be pushed: a feed's newest Root. */
class RootSource {
 public:
  virtual ~RootSource() = default;
  /* A whole message for this connection; null: nothing to push any more.  `more`: there is another one, to be
   * asked for when others had their turn. */
  virtual std::shared_ptr<const Bytes> root_message(Connection& connection, bool* more) = 0;
};

/* What a connection tells its node.  The connection may be closed in any of these; its object stays until the
 * turn is over. */
class ConnectionUser {
 public:
  virtual ~ConnectionUser() = default;
  virtual void connection_ready(Connection& connection) = 0;
  /* Always last, once.  Destroy the connection on a later turn. */
  virtual void connection_closed(Connection& connection, const Error& why) = 0;
  /* Not a reply, and none of those that the connection handles itself. */
  virtual void connection_message(Connection& connection, uint32_t seq, const Message& message) = 0;
  /* The peer has announced that it speaks our extension, as we have. */
  virtual void connection_extended(Connection& connection) = 0;
  /* A message of the extension, whole. */
  virtual void connection_extension(Connection& connection, ByteView message) = 0;
  /* An object that the peer asked for with the message `seq`: its bytes, lent until the next call; nothing
   * when the answer will come later, by send(); VISOR_ENOENT when there is none. */
  virtual Result<std::optional<ByteView>> connection_object(Connection& connection, uint32_t seq,
                                                            const Hash& hash) = 0;
  /* The same object of 64 KiB and more, as a whole message that several connections share. */
  virtual std::shared_ptr<const Bytes> connection_large_object(const Hash& hash, ByteView object) = 0;
  /* Bytes held of frames that have not come whole, more or fewer than before; gives what all connections
   * hold. */
  virtual size_t connection_unfinished(ptrdiff_t change) = 0;
};

class Connection {
 public:
  struct Counters {
    uint64_t sent_messages = 0, received_messages = 0, sent_bytes = 0, received_bytes = 0;
    uint64_t objects_sent = 0, objects_received = 0;
  };

  /* The stream must be authenticated.  `dialed`: we opened it, and speak first. */
  Connection(Host host, visor_stream* stream, const visor_key& own, bool dialed,
             const ConnectionOptions& options, ConnectionUser& user);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  const visor_key& peer() const { return peer_; }
  const std::string& origin() const { return origin_; }
  bool dialed() const { return dialed_; }
  bool ready() const { return state_ == State::kReady; }
  bool closed() const { return state_ == State::kClosed; }
  /* Both sides speak our extension (extension.hpp). */
  bool extended() const { return extended_; }
  uint64_t ready_since_ms() const { return ready_since_ms_; }

  /* Tells the user, and everything pending is forgotten. */
  void close(const Error& why);

  /* A notification, or the reply to the message `rseq`. */
  void send(const Message& message, uint32_t rseq = 0);
  /* One of the extension, encoded. */
  void send_extension(ByteView message);
  void request(const Message& message, Requester& who);
  /* As many objects at a time as the window has room for: room(), else want_objects() and wait. */
  size_t room() const { return options_.window - std::min(options_.window, objects_asked_); }
  void request_object(const Hash& object, Requester& who);
  void want_objects(Requester& who);
  /* Its requests go unanswered from now on. */
  void forget(Requester& who);

  /* What the peer asked for with `seq`, and connection_object put off, may be there now. */
  void serve_again(uint32_t seq, const Hash& object);

  /* Several pushes of one source before it is its turn are one. */
  void push(RootSource& source);
  void forget(RootSource& source);

  /* Looks after silence; to be called now and then. */
  void check();

  const Counters& counters() const { return counters_; }
  size_t queued_bytes() const { return out_.size() - out_at_ + (large_ ? large_->size() - large_at_ : 0); }
  size_t queued_requests() const { return asked_.size(); }
  size_t outstanding() const { return requests_.size(); }

 private:
  enum class State : uint8_t { kHandshake, kReady, kEnding, kClosed };
  struct Request {
    Requester* who = nullptr;
    Hash object;
    bool is_object = false;
    uint64_t deadline_ms = 0;
  };
  struct Asked {
    uint32_t seq;
    Hash object;
  };

  void received(ByteView data);
  void frame(ByteView body);
  void handshake(const Frame& frame, const Message& message);
  void become_ready();
  void reply(const Request& request, const Message& message);
  void message(const Frame& frame, const Message& message);
  void refuse(const std::string& text);
  void append_announcement();
  void protocol_error(const std::string& what);
  uint32_t append(const Message& message, uint32_t rseq);
  uint32_t next_seq();
  void begin_frame(uint32_t rseq, size_t message_bytes);
  void add_request(uint32_t seq, Requester& who, const Hash* object);
  void expire_requests();
  void arm_expiry();
  void offer_room();
  void schedule();
  void flush();
  bool write_out(size_t end);
  bool write_large();
  bool write(ByteView data);
  bool refill();
  void serve(const Asked& asked);
  void note_unfinished();

  Host host_;
  Tasks tasks_;
  ConnectionOptions options_;
  ConnectionUser& user_;
  visor_key own_;
  visor_key peer_{};
  std::string origin_;
  bool dialed_;
  bool extended_ = false;
  State state_ = State::kHandshake;
  uint64_t ready_since_ms_ = 0;

  codec::LengthPrefixedReader small_frames_, frames_;  // before and after the handshake
  size_t unfinished_ = 0;                              // bytes, as the user was told
  uint32_t last_seq_ = 0;
  std::map<uint32_t, Request> requests_;  // by our seq
  std::deque<uint32_t> deadlines_;        // seqs in the order of their deadlines
  size_t objects_asked_ = 0;
  std::deque<Requester*> wanting_;
  std::deque<Asked> asked_;
  std::deque<RootSource*> roots_;

  Bytes out_;  // frames, from out_at_
  size_t out_at_ = 0;
  std::shared_ptr<const Bytes> large_;  // goes out when out_ is sent up to large_mark_
  size_t large_at_ = 0, large_mark_ = 0;
  bool expiry_armed_ = false;
  bool blocked_ = false, scheduled_ = false;
  bool objects_first_ = false;  // Roots had their turn
  uint64_t blocked_since_ms_ = 0, last_heard_ms_ = 0, last_probe_ms_ = 0;

  Counters counters_;
  Timer timer_;  // of the handshake, then of the requests
  Stream stream_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_CONNECTION_HPP
