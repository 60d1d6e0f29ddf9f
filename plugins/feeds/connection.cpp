#include "connection.hpp"

#include <algorithm>

#include "extension.hpp"

namespace visor::feeds {
namespace {

constexpr size_t kMaxHandshakeBytes = 4096;
constexpr size_t kUnsuspiciousBytes = 1u << 20;  // held of one frame, whatever others hold
constexpr uint64_t kEndingMs = 5000;
constexpr uint64_t kWriteStallMs = 60000;

template <class T>
bool is(const Message& message) {
  return std::holds_alternative<T>(message);
}

}  // namespace

Connection::Connection(Host host, visor_stream* stream, const visor_key& own, bool dialed,
                       const ConnectionOptions& options, ConnectionUser& user)
    : host_(host),
      tasks_(host),
      options_(options),
      user_(user),
      own_(own),
      dialed_(dialed),
      small_frames_(codec::Prefix::kU32, kMinFrameBytes, kMaxHandshakeBytes),
      frames_(codec::Prefix::kU32, kMinFrameBytes, kMaxFrameBytes),
      last_heard_ms_(host.now_ms()),
      stream_(host, stream) {
  if (const visor_addr* address = stream_.peer()) peer_ = address->key;
  origin_ = stream_.origin();
  stream_.attach({.data = [this](ByteView data) { received(data); },
                  .end = [this] { close({VISOR_ECLOSED, "the peer ended the connection"}); },
                  .ready =
                      [this] {
                        blocked_ = false;
                        flush();
                      },
                  .closed =
                      [this](const Error& why) {
                        close(why.status == VISOR_OK ? Error{VISOR_ECLOSED, "the peer closed the connection"}
                                                     : why);
                      }});
  timer_ = Timer::once(host_, options_.response_timeout_ms, [this] {
    close({VISOR_ETIMEDOUT,
           "the handshake took longer than " + std::to_string(options_.response_timeout_ms) + " ms"});
  });
  if (!dialed_) return;
  append(Syn{kProtocolVersion, own_}, 0);
  append_announcement();
}

Connection::~Connection() {
  if (unfinished_ > 0) user_.connection_unfinished(-static_cast<ptrdiff_t>(unfinished_));
}

void Connection::close(const Error& why) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  timer_.cancel();
  requests_.clear();
  deadlines_.clear();
  wanting_.clear();
  asked_.clear();
  roots_.clear();
  if (unfinished_ > 0) user_.connection_unfinished(-static_cast<ptrdiff_t>(std::exchange(unfinished_, 0)));
  stream_.close();
  user_.connection_closed(*this, why);
}

void Connection::protocol_error(const std::string& what) {
  close({VISOR_EPROTO, "the peer broke the protocol: " + what});
}

// --- receiving ---

void Connection::received(ByteView data) {
  last_heard_ms_ = host_.now_ms();
  counters_.received_bytes += data.size();
  while (state_ == State::kHandshake || state_ == State::kReady) {
    codec::LengthPrefixedReader& reader = state_ == State::kReady ? frames_ : small_frames_;
    Result<std::optional<ByteView>> body = reader.read(data);
    if (!body) return protocol_error(body.error().text);
    if (!*body) break;
    frame(**body);
  }
  if (state_ == State::kReady) note_unfinished();
}

/* One peer may send one large frame; many that each begin one and stop must not fill the memory. */
void Connection::note_unfinished() {
  const size_t now = frames_.buffered_bytes();
  const auto change = static_cast<ptrdiff_t>(now) - static_cast<ptrdiff_t>(unfinished_);
  if (change == 0) return;
  unfinished_ = now;
  const size_t all = user_.connection_unfinished(change);
  if (all > options_.max_unfinished_bytes && now > kUnsuspiciousBytes) {
    close({VISOR_ENOSPC, "too many large frames are arriving at once"});
  }
}

void Connection::frame(ByteView body) {
  const Frame read = decode_frame(body);
  if (extended_ && read.message[0] >= kFollowType && read.message[0] <= kMoreType) {
    ++counters_.received_messages;
    return user_.connection_extension(*this, read.message);
  }
  Result<Message> decoded = decode_message(read.message);
  if (!decoded) return protocol_error(decoded.error().text);
  ++counters_.received_messages;
  if (state_ == State::kHandshake) return handshake(read, *decoded);
  auto request = read.rseq != 0 ? requests_.find(read.rseq) : requests_.end();
  if (request == requests_.end()) return message(read, *decoded);
  const Request found = request->second;
  requests_.erase(request);
  reply(found, *decoded);
}

void Connection::handshake(const Frame& read, const Message& said) {
  if (dialed_) {
    if (const auto* err = std::get_if<Err>(&said)) {
      return close({VISOR_EPROTO, "the peer refused the handshake: " + printable(err->text)});
    }
    const auto* ack = std::get_if<Ack>(&said);
    if (!ack || read.rseq != 1)
      return protocol_error("expected an Ack of the Syn, got " + std::string(name_of(said)));
    if (ack->node != peer_) {
      return protocol_error("it calls itself " + to_hex(ack->node) + ", and its connection proves " +
                            to_hex(peer_));
    }
    return become_ready();
  }
  const auto* syn = std::get_if<Syn>(&said);
  if (!syn) return protocol_error("expected a Syn, got " + std::string(name_of(said)));
  if (syn->protocol != kProtocolVersion) {
    append(Err{"incompatible protocol version: " + std::to_string(syn->protocol) + ", want 3"}, read.seq);
    return refuse("the peer speaks protocol " + std::to_string(syn->protocol) + ", expected 3");
  }
  if (syn->node != peer_) {
    append(Err{"the NodeID is not the key of the connection"}, read.seq);
    return refuse("the peer calls itself " + to_hex(syn->node) + ", and its connection proves " +
                  to_hex(peer_));
  }
  append(Ack{own_}, read.seq);
  append_announcement();
  become_ready();
}

/* Lets what was said last reach the peer, and listens no more. */
void Connection::refuse(const std::string& text) {
  state_ = State::kEnding;
  flush();
  if (state_ == State::kClosed) return;
  stream_.end();
  timer_ = Timer::once(host_, kEndingMs, [this, text] { close({VISOR_EPROTO, text}); });
}

void Connection::become_ready() {
  state_ = State::kReady;
  ready_since_ms_ = host_.now_ms();
  timer_.cancel();
  user_.connection_ready(*this);
}

void Connection::reply(const Request& request, const Message& said) {
  if (request.is_object) {
    --objects_asked_;
    ++counters_.objects_received;
  }
  while (!deadlines_.empty() && !requests_.contains(deadlines_.front())) deadlines_.pop_front();
  if (request.who) request.who->replied(*this, request.object, &said);
  offer_room();
}

void Connection::append_announcement() {
  if (!options_.streams) return;
  const Bytes announced = announcement();
  append(ObjectReply{announced}, 0);
}

void Connection::message(const Frame& read, const Message& said) {
  if (const auto* unasked = std::get_if<ObjectReply>(&said);
      unasked && read.rseq == 0 && options_.streams && !extended_ && is_announcement(unasked->value)) {
    extended_ = true;
    return user_.connection_extended(*this);
  }
  // Replies that come too late, or that nobody waits for any more.
  if (is<Ok>(said) || is<Err>(said) || is<FeedList>(said) || is<ObjectReply>(said) || is<Peers>(said)) return;
  if (is<Ping>(said) || is<Pong>(said) || is<Syn>(said) || is<Ack>(said)) {
    return protocol_error(std::string(name_of(said)) + " is not expected here");
  }
  if (const auto* wanted = std::get_if<RqObject>(&said)) {
    if (asked_.size() >= options_.max_object_requests) {
      return close({VISOR_EPROTO, "the peer asks for more than " +
                                      std::to_string(options_.max_object_requests) +
                                      " objects without reading them"});
    }
    asked_.push_back({read.seq, wanted->key});
    return schedule();
  }
  user_.connection_message(*this, read.seq, said);
}

// --- requests ---

void Connection::add_request(uint32_t seq, Requester& who, const Hash* object) {
  Request& request = requests_[seq];
  request.who = &who;
  request.deadline_ms = host_.now_ms() + options_.response_timeout_ms;
  if (object) {
    request.object = *object;
    request.is_object = true;
    ++objects_asked_;
  }
  deadlines_.push_back(seq);
  if (!expiry_armed_) arm_expiry();
}

void Connection::request(const Message& said, Requester& who) {
  if (state_ != State::kReady) return;
  add_request(append(said, 0), who, nullptr);
}

void Connection::request_object(const Hash& object, Requester& who) {
  if (state_ != State::kReady) return;
  add_request(append(RqObject{object}, 0), who, &object);
}

void Connection::want_objects(Requester& who) {
  if (state_ != State::kReady || std::ranges::find(wanting_, &who) != wanting_.end()) return;
  wanting_.push_back(&who);
  if (room() > 0) tasks_.post([this] { offer_room(); });
}

void Connection::offer_room() {
  while (state_ == State::kReady && room() > 0 && !wanting_.empty()) {
    Requester* who = wanting_.front();
    wanting_.pop_front();
    who->may_request(*this);
  }
}

void Connection::forget(Requester& who) {
  for (auto& [seq, request] : requests_) {
    if (request.who == &who) request.who = nullptr;
  }
  std::erase(wanting_, &who);
}

/* Requests are answered in any order; those whose turn comes and that are still there have failed. */
void Connection::expire_requests() {
  const uint64_t now_ms = host_.now_ms();
  expiry_armed_ = false;
  while (!deadlines_.empty()) {
    auto request = requests_.find(deadlines_.front());
    if (request != requests_.end() && request->second.deadline_ms > now_ms) break;
    deadlines_.pop_front();
    if (request == requests_.end()) continue;
    const Request failed = request->second;
    requests_.erase(request);
    if (failed.is_object) --objects_asked_;
    if (failed.who) failed.who->replied(*this, failed.object, nullptr);
    if (state_ != State::kReady) return;
  }
  arm_expiry();
  offer_room();
}

void Connection::arm_expiry() {
  if (deadlines_.empty()) return;
  auto request = requests_.find(deadlines_.front());
  const uint64_t now_ms = host_.now_ms();
  const uint64_t due_ms = request == requests_.end() ? now_ms + options_.response_timeout_ms
                                                     : std::max(now_ms, request->second.deadline_ms);
  expiry_armed_ = true;
  timer_ = Timer::once(host_, due_ms - now_ms, [this] { expire_requests(); });
}

void Connection::check() {
  if (state_ != State::kReady) return;
  const uint64_t now_ms = host_.now_ms(), silent_ms = now_ms - last_heard_ms_;
  if (silent_ms > options_.close_after_ms) {
    return close({VISOR_ETIMEDOUT, "nothing was heard for " + std::to_string(silent_ms / 1000) + " s"});
  }
  if (blocked_ && now_ms - blocked_since_ms_ > kWriteStallMs) {
    return close({VISOR_ETIMEDOUT, "the peer reads nothing"});
  }
  // Any answer will do, a refusal too; it is not waited for.
  if (silent_ms > options_.probe_after_ms && now_ms - last_probe_ms_ > options_.probe_after_ms) {
    last_probe_ms_ = now_ms;
    append(RqList{}, 0);
  }
}

}  // namespace visor::feeds
