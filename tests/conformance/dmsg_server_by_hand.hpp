/* A server of the relay network in few lines, for tests of its clients: it relays as the specification says,
 * or in one of many bad ways. */
#ifndef VISOR_TESTS_CONFORMANCE_DMSG_SERVER_BY_HAND_HPP
#define VISOR_TESTS_CONFORMANCE_DMSG_SERVER_BY_HAND_HPP
#include "lib/codec/length_prefixed.hpp"
#include "lib/dmsg/stream_objects.hpp"
#include "lib/session/session.hpp"
#include "tests/conformance/dmsg_user.hpp"

namespace visor::test::dmsg {

enum class Manner {
  kRelays,
  kSilent,       /* takes requests and says nothing: servers of 2023, when anything is wrong */
  kRefuses,      /* ends every stream at once */
  kResets,       /* closes every stream at once */
  kNoise,        /* answers with bytes that are nothing */
  kWrongLength,  /* answers with a length that no object has */
  kEcho,         /* answers a request with the request */
  kForged,       /* answers with a response that it signed itself */
  kOtherAnswer,  /* changes one byte of the response */
  kForgedRequest /* changes one byte of the request */
};

class ServerByHand {
 public:
  explicit ServerByHand(Node& node, uint16_t port = 8080, Manner how = Manner::kRelays)
      : manner(how),
        host_(node.host()),
        tasks_(host_),
        identity_(node.find<visor_identity>(VISOR_IDENTITY_1)) {
    auto* sockets = node.find<visor_sockets>(VISOR_SOCKETS_1);
    address_ = "tcp://" + node.machine() + ":" + std::to_string(port);
    auto listening = listener_.listen(host_, sockets, "tcp://0.0.0.0:" + std::to_string(port),
                                      [this](visor_stream* stream) { take(stream); });
    REQUIRE(listening.has_value());
  }
  std::string row() const { return server_row(*identity_->api->key(identity_), address_); }
  std::string row(const visor_key& pretended) const { return server_row(pretended, address_); }
  size_t sessions() const { return by_key_.size(); }
  /* All sessions end, as if the process had. */
  void drop_all() {
    by_key_.clear();
    sessions_.clear();
  }
  void stop() {
    listener_.close();
    drop_all();
  }
  /* Streams to a client, of which nobody asked for. */
  Stream open_to(const visor_key& key) {
    auto opened = sessions_.at(by_key_.at(key))->open();
    return opened ? Stream(host_, *opened) : Stream();
  }
  uint64_t requests = 0;
  Manner manner;

 private:
  using Shared = std::shared_ptr<session::Session>;
  struct Side {
    Stream stream;
    Shared session;
    codec::LengthPrefixedReader reader{codec::Prefix::kU16, 90, 65535};
    Bytes held; /* refused by the stream */
  };
  /* One stream and its other half. */
  struct Pair {
    Side dialer, acceptor;
    bool splicing = false;
  };

  void take(visor_stream* stream) {
    uint64_t number = ++last_;
    sessions_[number] = std::make_shared<session::Session>(
        host_, identity_, stream, session::Options{.pattern = noise::Pattern::kXK, .seal_mux = false},
        session::Events{.ready = [this, number](const visor_key& key, ByteView) { by_key_[key] = number; },
                        .accept = [this, number](visor_stream* raw) { request(number, raw); },
                        .closed =
                            [this, number](const Error&) {
                              std::erase_if(by_key_, [&](const auto& row) { return row.second == number; });
                              tasks_.post([this, number] { sessions_.erase(number); });
                            }});
  }
  void request(uint64_t session, visor_stream* raw) {
    ++requests;
    uint64_t number = ++last_;
    Pair& pair = pairs_[number];
    pair.dialer.session = sessions_.at(session);
    pair.dialer.stream = Stream(host_, raw);
    auto gone = [this, number](const Error&) { drop(number); };
    pair.dialer.stream.attach(
        {.data = [this, number](ByteView data) { from_dialer(number, data); },
         .end = [this, number] { end(number); },
         .ready = [this, number] { resume(pairs_.at(number).dialer, pairs_.at(number).acceptor); },
         .closed = gone});
    if (manner == Manner::kRefuses) pair.dialer.stream.end();
    if (manner == Manner::kResets) pairs_.erase(number);
  }
  void from_dialer(uint64_t number, ByteView data) {
    Pair& pair = pairs_.at(number);
    if (pair.splicing) return pass(pair.dialer, pair.acceptor, data);
    auto sealed = pair.dialer.reader.read(data);
    if (!sealed) return drop(number);
    if (!*sealed || manner == Manner::kSilent || manner == Manner::kRefuses) return;
    auto object = pair.dialer.session->open_sealed(**sealed);
    auto request = object ? visor::dmsg::open_request(*object) : std::unexpected(object.error());
    if (!request) return drop(number);
    if (manner == Manner::kNoise) return write(pair.dialer, Bytes(300, 0x01));
    if (manner == Manner::kWrongLength) return write(pair.dialer, Bytes{0, 89});
    if (manner == Manner::kEcho) return send(pair.dialer, *object);
    if (manner == Manner::kForged) {
      visor::dmsg::StreamResponse response;
      response.request_hash = visor::dmsg::object_hash(*object);
      response.accepted = true;
      response.noise_message = Bytes(49);
      auto forged = visor::dmsg::sign_object(response, visor::dmsg::sign_with(host_, identity_));
      return send(pair.dialer, *forged);
    }
    auto to = by_key_.find(request->destination.key);
    if (to == by_key_.end()) return pair.dialer.stream.end();
    pair.acceptor.session = sessions_.at(to->second);
    auto opened = pair.acceptor.session->open();
    if (!opened) return drop(number);
    pair.acceptor.stream = Stream(host_, *opened);
    pair.acceptor.stream.attach(
        {.data = [this, number](ByteView more) { from_acceptor(number, more); },
         .end = [this, number] { end(number); },
         .ready = [this, number] { resume(pairs_.at(number).acceptor, pairs_.at(number).dialer); },
         .closed = [this, number](const Error&) { drop(number); }});
    if (manner == Manner::kForgedRequest) object->back() ^= 1;
    send(pair.acceptor, *object);
  }
  void from_acceptor(uint64_t number, ByteView data) {
    Pair& pair = pairs_.at(number);
    if (pair.splicing) return pass(pair.acceptor, pair.dialer, data);
    auto sealed = pair.acceptor.reader.read(data);
    if (!sealed) return drop(number);
    if (!*sealed) return;
    auto object = pair.acceptor.session->open_sealed(**sealed);
    if (!object) return drop(number);
    if (manner == Manner::kOtherAnswer) object->back() ^= 1;
    send(pair.dialer, *object);
    pair.splicing = true;
    if (!data.empty()) pass(pair.acceptor, pair.dialer, data);
  }
  void send(Side& to, const Bytes& object) {
    auto sealed = to.session->seal(object);
    if (sealed) write(to, *sealed);
  }
  void write(Side& to, const Bytes& wire) { (void)to.stream.write(wire); }
  void pass(Side& from, Side& to, ByteView data) {
    if (to.stream.write(data) != VISOR_EAGAIN) return;
    from.stream.pause(true);
    to.held.assign(data.begin(), data.end());
  }
  void resume(Side& to, Side& from) {
    if (!to.held.empty() && to.stream.write(to.held) == VISOR_EAGAIN) return;
    to.held.clear();
    from.stream.pause(false);
  }
  void end(uint64_t number) { drop(number); }
  void drop(uint64_t number) {
    tasks_.post([this, number] {
      auto at = pairs_.find(number);
      if (at == pairs_.end()) return;
      if (at->second.dialer.stream) at->second.dialer.stream.end();
      if (at->second.acceptor.stream) at->second.acceptor.stream.end();
      timers_.push_back(Timer::once(host_, 2000, [this, number] { pairs_.erase(number); }));
    });
  }

  Host host_;
  Tasks tasks_;
  visor_identity* identity_;
  std::string address_;
  std::map<uint64_t, Shared> sessions_;
  std::map<visor_key, uint64_t> by_key_;
  std::map<uint64_t, Pair> pairs_;
  std::vector<Timer> timers_;
  uint64_t last_ = 0;
  Listener listener_;
};

}  // namespace visor::test::dmsg
#endif  // VISOR_TESTS_CONFORMANCE_DMSG_SERVER_BY_HAND_HPP
