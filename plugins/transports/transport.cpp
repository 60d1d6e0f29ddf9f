#include "transport.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"
#include "lib/codec/transport_type.hpp"
#include "lib/session/capabilities.hpp"

namespace visor::transports {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kThroughputWindowMs = 3'000;

// What one peer can make us hold.
yamux::Limits mux_limits() {
  yamux::Limits limits;
  limits.streams = 512;
  limits.queued_bytes = 8u << 20;
  limits.unread_bytes = 8u << 20;
  return limits;
}

// Our own pings notice a peer that has gone: a second loop of pings would only wake us more often.
yamux::Timeouts mux_timeouts() {
  yamux::Timeouts timeouts;
  timeouts.ping_interval_ms = 0;
  return timeouts;
}

std::string_view label_or(std::string_view said, std::string_view otherwise) {
  return said == codec::kLabelUser || said == codec::kLabelAutomatic ? said : otherwise;
}

}  // namespace

Transport::Transport(Host host, visor_identity* identity, Terms terms, TransportOwner& owner)
    : host_(host),
      identity_(identity),
      terms_(std::move(terms)),
      owner_(owner),
      peer_(terms_.peer),
      throughput_(host.now_ns()),
      created_ns_(host.now_ns()),
      since_unix_ns_(host.unix_ns()) {
  if (peer_) {
    entry_ = codec::make_transport_entry(*identity->api->key(identity), *peer_, terms_.type, terms_.label);
  }
  while (epoch_ == 0) host.random({reinterpret_cast<uint8_t*>(&epoch_), sizeof epoch_});
}

void Transport::begin(visor_stream* carrier) {
  session::Options options;
  options.initiator = terms_.dialed;
  options.expected_peer = terms_.peer;
  options.payload = session::encode({session::kAnswersPings});
  options.handshake_timeout_ms = terms_.settlement_ms;
  options.limits = mux_limits();
  options.timeouts = mux_timeouts();
  options.head_bytes = sizeof(uint16_t);
  session_ = std::make_unique<session::Session>(
      host_, identity_, carrier, std::move(options),
      session::Events{
          .ready = [this](const visor_key& peer, ByteView payload) { on_ready(peer, payload); },
          .accept = [this](visor_stream* stream) { on_accept(stream); },
          .closed = [this](const Error& error) { on_session_closed(error); },
      });
}

/* --- the session ---------------------------------------------------------------------------- */

void Transport::on_ready(const visor_key& peer, ByteView payload) {
  auto keep = shared_from_this();
  auto capabilities = session::decode_capabilities(payload);
  if (capabilities && capabilities->has(session::kAnswersPings)) pings_.expect_answers();
  const visor_key& own = *identity_->api->key(identity_);
  if (!terms_.dialed) {
    peer_ = peer;
    entry_ = codec::make_transport_entry(own, peer, terms_.type, terms_.label);
    if (peer == own) return close({VISOR_EINVAL, "a visor makes no transport to itself"});
    if (!owner_.on_identified(*this)) {
      return close({VISOR_EPERM, "no further connection of this peer is wanted"});
    }
    response_.emplace(own, peer, terms_.type);
    return;
  }
  auto stream = session_->open();
  if (!stream) return close(stream.error());
  attach_control(*stream);
  proposal_.emplace(own, entry_);
  auto message = proposal_->begin(signer());
  if (!message) return close(message.error());
  write_control(*message);
}

void Transport::on_accept(visor_stream* stream) {
  auto keep = shared_from_this();
  if (!terms_.dialed && !control_) return attach_control(stream);
  // The acceptor may use the transport as soon as it has answered, which the dialer has perhaps not read yet;
  // a dialer has no business to before.
  bool early = state_ == State::kSettling && !terms_.dialed;
  if (early || state_ == State::kRefusing || portless_.size() >= kMaxPortless) {
    ++counters_.refused_streams;
    return stream->api->close(stream);
  }
  read_port(stream);
}

void Transport::on_session_closed(const Error& error) {
  auto keep = shared_from_this();
  close(error.status == VISOR_OK ? Error{VISOR_ECLOSED, "the connection was ended"} : error);
}

void Transport::close(Error why) {
  if (state_ == State::kClosed) return;
  auto keep = shared_from_this();
  snapshot();
  state_ = State::kClosed;
  portless_.clear();
  control_.close();
  session_.reset();
  owner_.on_closed(*this, why);
}

/* --- the control stream --------------------------------------------------------------------- */

void Transport::attach_control(visor_stream* stream) {
  control_ = Stream(host_, stream);
  auto over = [this] { close({VISOR_ECLOSED, "the peer ended the control stream"}); };
  control_.attach({.data = [this](ByteView data) { on_control(data); },
                   .end = over,
                   .ready = {},
                   .closed =
                       [this](const Error& error) {
                         close({VISOR_ECLOSED, "the control stream was closed: " + error.text});
                       }});
}

void Transport::on_control(ByteView data) {
  auto keep = shared_from_this();
  control_received_ += data.size();
  while (!data.empty() && state_ == State::kSettling) {
    size_t before = data.size();
    settle(data);
    if (data.size() == before) break;
  }
  while (state_ == State::kServing) {
    auto packet = packets_.read(data);
    if (!packet) break;
    on_packet(*packet);
  }
}

void Transport::settle(ByteView& data) {
  if (proposal_) {
    auto settled = proposal_->receive(data);
    if (!settled) return close(settled.error());
    if (*settled) serve(proposal_->entry());
    return;
  }
  if (proposed_) {
    return close({VISOR_EPROTO, "the dialer must wait for the answer to its proposal; it sent " +
                                    std::to_string(data.size()) + " bytes more"});
  }
  auto sound = response_->receive(data);
  if (!sound) return refuse(sound.error().text);
  if (!*sound) return;
  proposed_ = true;
  entry_.label = label_or(response_->entry().entry.label, terms_.label);
  owner_.on_proposed(*this);
}

void Transport::accept() {
  if (state_ != State::kSettling || !proposed_) return;
  auto keep = shared_from_this();
  auto answer = response_->accept(signer());
  if (!answer) return refuse(answer.error().text);
  if (write_control(*answer)) serve(response_->entry());
}

// The answer must still leave, so the session ends in order; tick() sees to it that it does.
void Transport::refuse(std::string why) {
  if (state_ != State::kSettling) return;
  auto keep = shared_from_this();
  host_.debug("transports: refused " + terms_.address + ": " + why);
  if (!write_control(response_->refusal())) return;
  state_ = State::kRefusing;
  control_.end();
  session_->shutdown();
}

void Transport::serve(codec::SignedEntry entry) {
  signed_ = std::move(entry);
  proposal_.reset();
  response_.reset();
  state_ = State::kServing;
  uint64_t now_ns = host_.now_ns();
  since_unix_ns_ = host_.unix_ns();
  next_ping_ns_ = now_ns + terms_.interval_ms * kMs;
  ping();
  if (state_ == State::kServing) owner_.on_settled(*this);
}

bool Transport::write_control(ByteView data) {
  visor_status status = control_.write(data);
  if (status == VISOR_OK) {
    control_sent_ += data.size();
    return true;
  }
  if (state_ == State::kSettling)
    close({status, "the control stream takes nothing: " + host_.error(status).text});
  return false;
}

/* --- packets -------------------------------------------------------------------------------- */

void Transport::on_packet(const codec::Packet& packet) {
  control_payload_received_ += packet.payload.size();
  auto nonce = codec::ping_nonce(packet);
  if (packet.type == codec::PacketType::kTransportPing && nonce) {
    if (write_control(codec::encode_ping(codec::PacketType::kTransportPong, *nonce))) {
      control_payload_sent_ += codec::kPingPayloadBytes;
    } else {
      ++counters_.dropped_pongs;
    }
  } else if (packet.type == codec::PacketType::kTransportPong && nonce) {
    if (!pings_.answered(*nonce, host_.now_ns())) return;
    if (pings_.samples() < kQuickPings) ping();
    if (pings_.samples() == 1 || pings_.samples() == kQuickPings) owner_.on_measured(*this);
  } else {
    ++counters_.ignored_packets;
  }
}

void Transport::ping() {
  uint64_t nonce = 0;
  host_.random({reinterpret_cast<uint8_t*>(&nonce), sizeof nonce});
  pings_.sent(nonce, host_.now_ns());
  if (write_control(codec::encode_ping(codec::PacketType::kTransportPing, nonce))) {
    control_payload_sent_ += codec::kPingPayloadBytes;
  }
}

void Transport::tick(uint64_t now_ns) {
  auto keep = shared_from_this();
  if (state_ == State::kSettling || state_ == State::kRefusing) {
    if (now_ns - created_ns_ < terms_.settlement_ms * kMs) return;
    return close({VISOR_ETIMEDOUT, "not settled within " + std::to_string(terms_.settlement_ms) + " ms" +
                                       (identified() ? "" : "; the peer did not even say who it is")});
  }
  if (state_ != State::kServing) return;
  drop_late_ports(now_ns);
  throughput_.observe(sent_bytes() + received_bytes(), now_ns,
                      std::min(kThroughputWindowMs, terms_.interval_ms) * kMs);
  if (now_ns < next_ping_ns_) return;
  next_ping_ns_ += terms_.interval_ms * kMs;
  if (next_ping_ns_ <= now_ns) next_ping_ns_ = now_ns + terms_.interval_ms * kMs;
  if (received_bytes() != received_at_ping_) pings_.heard();
  received_at_ping_ = received_bytes();
  if (pings_.half_open()) {
    return close({VISOR_ETIMEDOUT, "nothing came from the peer for " + std::to_string(Pings::kMaxMissed) +
                                       " pings, " + std::to_string(terms_.interval_ms) + " ms apart"});
  }
  ping();
}

/* --- application streams -------------------------------------------------------------------- */

Result<visor_stream*> Transport::open_stream(uint16_t port) {
  if (state_ != State::kServing) return failure(VISOR_ECLOSED, "the transport does not serve");
  auto stream = session_->open(port);
  if (!stream) return stream;
  std::array<uint8_t, 2> head{};
  codec::store_be<uint16_t>(head.data(), port);
  visor_span part = to_span(head);
  visor_status status = (*stream)->api->write(*stream, &part, 1);
  if (status == VISOR_OK) return stream;
  Error error = host_.error(status);
  (*stream)->api->close(*stream);
  return std::unexpected(std::move(error));
}

void Transport::read_port(visor_stream* stream) {
  auto at = portless_.insert(portless_.end(),
                             Portless{Stream(host_, stream), {}, 0, host_.now_ns() + kPortMs * kMs});
  auto forget = [this, at] { portless_.erase(at); };
  at->stream.attach({.data = [this, at](ByteView data) { take_port(at, data); },
                     .end = forget,
                     .ready = {},
                     .closed = [forget](const Error&) { forget(); }});
}

// The session delivers the head by itself, so the rest of the stream is unread and goes to whoever listens.
void Transport::take_port(std::list<Portless>::iterator at, ByteView data) {
  auto keep = shared_from_this();
  size_t taken = std::min(at->port.size() - at->have, data.size());
  std::copy_n(data.begin(), taken, at->port.begin() + static_cast<ptrdiff_t>(at->have));
  at->have += taken;
  if (at->have < at->port.size()) return;
  uint16_t port = codec::load_be<uint16_t>(at->port.data());
  visor_stream* stream = at->stream.release();
  portless_.erase(at);
  if (stream) owner_.on_stream(*this, port, stream);
}

void Transport::drop_late_ports(uint64_t now_ns) {
  while (!portless_.empty() && portless_.front().until_ns <= now_ns) {
    ++counters_.refused_streams;
    portless_.pop_front();
  }
}

/* --- what it tells -------------------------------------------------------------------------- */

Signer Transport::signer() const {
  return [this](const crypto::Hash& hash) -> Result<crypto::Signature> {
    crypto::Signature signature;
    visor_status status = identity_->api->sign(identity_, hash.bytes.data(), signature.bytes.data());
    if (status != VISOR_OK) return std::unexpected(host_.error(status));
    return signature;
  };
}

session::Counters Transport::session_counters() const {
  return session_ ? session_->counters() : session::Counters{};
}

// The multiplexer counts what has left; control packets are known when they are written.  Between the two the
// difference may shrink for a moment, and a counter that shrinks would be taken for one that began anew.
uint64_t Transport::sent_bytes() const {
  if (!session_) return sent_shown_;
  uint64_t all = session_->counters().mux.sent_payload + control_payload_sent_;
  sent_shown_ = std::max(sent_shown_, all - std::min(all, control_sent_));
  return sent_shown_;
}

uint64_t Transport::received_bytes() const {
  if (!session_) return received_shown_;
  uint64_t all = session_->counters().mux.received_payload + control_payload_received_;
  received_shown_ = std::max(received_shown_, all - std::min(all, control_received_));
  return received_shown_;
}

void Transport::snapshot() {
  sent_bytes();
  received_bytes();
}

visor_transport Transport::describe() const {
  visor_transport out{};
  out.size = sizeof out;
  out.state = state_ == State::kServing  ? VISOR_TRANSPORT_SERVING
              : state_ == State::kClosed ? VISOR_TRANSPORT_CLOSED
                                         : VISOR_TRANSPORT_SETTLING;
  std::ranges::copy(entry_.id.bytes, out.id);
  std::ranges::copy(entry_.edges, out.edges);
  out.type = to_span(std::string_view(entry_.type));
  out.label = to_span(std::string_view(entry_.label));
  out.sent_bytes = sent_bytes();
  out.received_bytes = received_bytes();
  Latency latency = pings_.latency();
  out.latency_min_ms = latency.min_ms;
  out.latency_max_ms = latency.max_ms;
  out.latency_avg_ms = latency.avg_ms;
  out.throughput_bytes_per_s = throughput_.highest_bytes_per_s();
  out.since = since_unix_ns_;
  out.epoch = epoch_;
  return out;
}

}  // namespace visor::transports
