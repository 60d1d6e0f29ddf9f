#include "passage.hpp"

#include "relay.hpp"

namespace visor::dmsg_server {
namespace {

/* A signature, a gob document, two numbers and a seal; requests have some 370 bytes, with keys of the
 * post-quantum extension 1600, and may have as many as their length can say (specification dmsg.md, 5). */
constexpr size_t kMinSealedBytes = 24 + 66, kMaxSealedBytes = 65535;
/* Of one client's setups that are under way: what came of objects that are not whole, and before its time. */
constexpr size_t kMaxSetupBytes = 512u << 10;
/* So many bad objects are not sent by accident. */
constexpr uint32_t kMaxOffences = 8;
constexpr uint8_t kPingMarker[2] = {0, 0};

codec::LengthPrefixedReader object_reader() {
  return codec::LengthPrefixedReader(codec::Prefix::kU16, 0, kMaxSealedBytes);
}

}  // namespace

Passage::Passage(Relay& relay, const std::shared_ptr<Client>& dialer, visor_stream* stream)
    : relay_(relay), dialing_(dialer), reader_(object_reader()) {
  active_ms_ = relay_.now_ms_;
  ++dialer->setups;
  dialer_.stream = Stream(relay_.host_, stream);
  attach(dialer_);
  deadline_ = Timer::once(relay_.host_, relay_.config_.limits.request_ms,
                          [this] { refuse(relay_.counters_.abandoned); });
}

Passage::~Passage() {
  settle();
}

void Passage::attach(Side& side) {
  side.gone = false;
  side.stream.attach({.data = [this, &side](ByteView data) { received(side, data); },
                      .end = [this, &side] { ended(side); },
                      .ready = [this, &side] { ready(side); },
                      .closed = [this, &side](const Error&) { closed(side); }});
}

/* --- events of both streams ----------------------------------------------------------------- */

void Passage::received(Side& side, ByteView data) {
  switch (state_) {
    case State::kOpen:
      return pass(side, data);
    case State::kRequest:
      return read_request(data);
    case State::kAnswer:
      if (&side == &acceptor_) return read_answer(data);
      early_.insert(early_.end(), data.begin(), data.end()); /* in one event with its request: then paused */
      if (!charge()) refuse(relay_.counters_.over_limit);
      return;
    case State::kEnding:
      return;
  }
}

void Passage::ended(Side& side) {
  if (state_ == State::kOpen) return end();
  if (state_ == State::kEnding) return;
  refuse(&side == &acceptor_ ? relay_.counters_.unanswered : relay_.counters_.abandoned);
}

void Passage::closed(Side& side) {
  side.gone = true;
  side.waiting = {};
  if (dialer_.gone && acceptor_.gone) return relay_.over(*this);
  if (state_ == State::kOpen || state_ == State::kEnding) return end();
  refuse(&side == &acceptor_ ? relay_.counters_.unanswered : relay_.counters_.abandoned);
}

void Passage::cut() {
  relay_.over(*this); /* closes what is open: the peers are told by a reset */
}

/* --- the request ---------------------------------------------------------------------------- */

void Passage::read_request(ByteView data) {
  auto sealed = reader_->read(data);
  early_.assign(data.begin(), data.end());
  if (!charge()) return refuse(relay_.counters_.over_limit);
  if (sealed && !*sealed) return;
  if (!sealed) return offend(dialing_, sealed.error());
  if ((*sealed)->empty()) {
    ++relay_.counters_.probes;
    (void)dialer_.stream.write(kPingMarker);
    return end();
  }
  take_request(**sealed);
}

void Passage::take_request(ByteView sealed) {
  RelayCounters& counters = relay_.counters_;
  auto client = dialing_.lock();
  if (!client || !client->session) return refuse(counters.unreachable);
  ++counters.requests;
  const Limits& limits = relay_.config_.limits;
  const uint64_t now_ms = relay_.host_.now_ms();
  if (!client->requests.take(limits.requests, now_ms) ||
      !client->place.ask(limits.address.requests, now_ms)) {
    return refuse(counters.over_limit);
  }
  if (sealed.size() < kMinSealedBytes) {
    return offend(dialing_, {VISOR_EPROTO, "an object of " + std::to_string(sealed.size()) + " bytes"});
  }
  auto object = client->session->open_sealed(sealed);
  if (!object) return offend(dialing_, object.error());
  auto request = dmsg::open_request(*object);
  if (!request) return offend(dialing_, request.error());
  if (request->source.key != client->key) {
    return offend(dialing_,
                  {VISOR_EPROTO, "a request of " + to_hex(request->source.key) + ", another client"});
  }
  request_hash_ = dmsg::object_hash(*object);
  if (request->ip_info) return tell_address(*request);
  forward(*request, *object);
}

void Passage::forward(const dmsg::StreamRequest& request, ByteView object) {
  RelayCounters& counters = relay_.counters_;
  auto acceptor = relay_.find(request.destination.key);
  auto stream = acceptor ? acceptor->session->open() : failure(VISOR_ENOENT, "no session");
  if (!stream) return refuse(counters.unreachable);
  destination_ = request.destination.key;
  accepting_ = acceptor;
  state_ = State::kAnswer;
  dialer_.stream.pause(true);
  acceptor_.stream = Stream(relay_.host_, *stream);
  attach(acceptor_);
  reader_ = object_reader();
  deadline_ = Timer::once(relay_.host_, relay_.config_.limits.request_ms,
                          [this] { refuse(relay_.counters_.unanswered); });
  if (!send(acceptor_, *acceptor, object)) refuse(counters.unreachable);
}

/* The question for one's own address, which the relay answers itself (7.4). */
void Passage::tell_address(const dmsg::StreamRequest& request) {
  RelayCounters& counters = relay_.counters_;
  auto client = dialing_.lock();
  if (request.destination.key != relay_.own_ || client->origin.ip.empty())
    return refuse(counters.unreachable);
  dmsg::StreamResponse response;
  response.request_hash = request_hash_;
  response.accepted = true;
  response.ip = client->origin.ip;
  auto object = dmsg::sign_object(response, relay_.sign_);
  ++counters.probes;
  if (object) send(dialer_, *client, *object);
  end();
}

/* --- the answer ----------------------------------------------------------------------------- */

void Passage::read_answer(ByteView data) {
  auto sealed = reader_->read(data);
  if (!charge()) return refuse(relay_.counters_.over_limit);
  if (sealed && !*sealed) return;
  if (!sealed || (*sealed)->size() < kMinSealedBytes) {
    return offend(accepting_, sealed ? Error{VISOR_EPROTO, "an object that is too short"} : sealed.error());
  }
  Bytes rest(data.begin(), data.end());
  Passage::State before = state_;
  take_answer(**sealed);
  if (before == state_ || state_ != State::kOpen) return;
  if (!rest.empty()) pass(acceptor_, rest);
}

void Passage::take_answer(ByteView sealed) {
  auto acceptor = accepting_.lock();
  if (!acceptor || !acceptor->session) return refuse(relay_.counters_.unanswered);
  auto object = acceptor->session->open_sealed(sealed);
  if (!object) return offend(accepting_, object.error());
  auto response = dmsg::open_response(*object, destination_, request_hash_);
  if (!response) return offend(accepting_, response.error());
  open(response->accepted, *object);
}

void Passage::open(bool accepted, ByteView object) {
  RelayCounters& counters = relay_.counters_;
  auto dialer = dialing_.lock();
  if (!dialer || !dialer->session || !send(dialer_, *dialer, object)) return refuse(counters.unanswered);
  if (!accepted) return refuse(counters.rejected);
  ++counters.connected;
  ++dialer->dialed;
  if (auto acceptor = accepting_.lock()) ++acceptor->accepted;
  state_ = State::kOpen;
  active_ms_ = relay_.now_ms_;
  Bytes early = std::exchange(early_, {});
  settle();
  if (!early.empty()) pass(dialer_, early);
  if (acceptor_.waiting.empty()) dialer_.stream.pause(false);
}

/* What waits for the rest of a setup is its dialer's, whoever sent it: false when it has too much of that,
 * or all together have. */
bool Passage::charge() {
  const size_t now = (reader_ ? reader_->buffered_bytes() : 0) + early_.size();
  relay_.setup_bytes_ += now - charged_;
  auto dialer = dialing_.lock();
  if (dialer) dialer->setup_bytes += now - charged_;
  charged_ = now;
  return now == 0 || ((!dialer || dialer->setup_bytes <= kMaxSetupBytes) &&
                      relay_.setup_bytes_ <= relay_.config_.limits.held_bytes / 4);
}

/* The setting up is over, one way or the other. */
void Passage::settle() {
  deadline_.cancel();
  reader_.reset();
  early_ = {};
  charge();
  if (!std::exchange(counted_, false)) return;
  if (auto dialer = dialing_.lock()) --dialer->setups;
}

/* Sealed only now: who opens knows the latest 1024 numbers. */
bool Passage::send(Side& side, Client& client, ByteView object) {
  auto sealed = client.session->seal(object);
  return sealed && side.stream.write(*sealed) == VISOR_OK;
}

/* Somebody sent what nobody sends by accident. */
void Passage::offend(const std::weak_ptr<Client>& client, const Error& why) {
  bool dialers = !client.owner_before(dialing_) && !dialing_.owner_before(client);
  auto offender = client.lock();
  refuse(dialers ? relay_.counters_.malformed : relay_.counters_.unanswered);
  if (!offender || ++offender->offences < kMaxOffences) return;
  relay_.expel(offender, "it sends what is no stream's object: " + why.text);
}

void Passage::refuse(uint64_t& counter) {
  ++counter;
  if (auto dialer = dialing_.lock()) ++dialer->refused;
  end();
}

/* --- passing on ----------------------------------------------------------------------------- */

void Passage::pass(Side& from, ByteView data) {
  Side& to = other(from);
  active_ms_ = relay_.now_ms_;
  relay_.counters_.relayed_bytes += data.size();
  visor_status status = to.waiting.empty() ? to.stream.write(data) : VISOR_EAGAIN;
  if (status == VISOR_OK) return;
  if (status != VISOR_EAGAIN) return end();
  to.waiting.insert(to.waiting.end(), data.begin(), data.end());
  from.stream.pause(true);
}

void Passage::ready(Side& side) {
  if (!side.waiting.empty()) {
    visor_status status = side.stream.write(side.waiting);
    if (status == VISOR_EAGAIN) return;
    side.waiting = {};
    active_ms_ = relay_.now_ms_;
  }
  if (state_ == State::kOpen) other(side).stream.pause(false);
  if (side.ending) side.stream.end();
}

void Passage::end() {
  settle();
  state_ = State::kEnding;
  for (Side* side : {&dialer_, &acceptor_}) end(*side);
}

/* Its end is awaited, so that the peer sees an orderly one; the multiplexer bounds the wait. */
void Passage::end(Side& side) {
  if (side.gone) return;
  side.stream.pause(false);
  side.ending = true;
  if (side.waiting.empty()) side.stream.end();
}

}  // namespace visor::dmsg_server
