#include "lib/session/sealed_stream.hpp"

#include <algorithm>

namespace visor::session {
namespace {

constexpr size_t kPieceBytes = 65536;

}  // namespace

SealedStream::SealedStream(Host host, Stream carrier, noise::TransportKeys keys, SealedStreamOptions options,
                           Bytes early)
    : StreamProvider(host),
      carrier_(std::move(carrier)),
      reader_(std::move(keys.receive)),
      writer_(std::move(keys.send)),
      options_(std::move(options)),
      origin_(carrier_.origin()),
      early_(std::move(early)),
      heard_ms_(host.now_ms()),
      spoke_ms_(heard_ms_) {
  if (!carrier_) {
    finish(VISOR_ECLOSED, "what should carry this stream was closed already");
    return;
  }
  carrier_.pause(true); /* until somebody listens */
  carrier_.attach({.data = [this](ByteView wire) { receive(wire); },
                   .end = [this] { carrier_ended(); },
                   .ready = [this] { carrier_ready(); },
                   .closed = [this](const Error& error) { carrier_closed(error); }});
  arm();
}

/* --- what comes --- */

void SealedStream::on_flow(bool flowing) {
  if (flowing) {
    heard_ms_ = host().now_ms();
    arm();
    if (!early_.empty()) return tasks().post([this] { receive_early(); });
  }
  carrier_.pause(!flowing);
}

void SealedStream::receive_early() {
  if (!flowing() || early_.empty()) return;
  Bytes early = std::exchange(early_, {});
  receive(early);
  if (finished()) return;
  if (over_) return finish(over_->status, over_->text);
  carrier_.pause(!flowing());
}

/* Called while somebody wants data. */
void SealedStream::receive(ByteView wire) {
  heard_ms_ = host().now_ms();
  Bytes plain;
  plain.reserve(reader_.buffered_bytes() + wire.size());
  Result<void> opened = reader_.read(wire, plain);
  if (!plain.empty()) deliver(plain);
  if (!opened && !finished()) fail(opened.error());
}

void SealedStream::carrier_ended() {
  if (reader_.buffered_bytes() > 0) {
    return fail({VISOR_EPROTO, "the stream ended within a frame, after " +
                                   std::to_string(reader_.buffered_bytes()) + " of its bytes"});
  }
  deliver_end();
}

void SealedStream::carrier_closed(const Error& error) {
  timer_.cancel();
  if (early_.empty()) return finish(error.status, error.text);
  over_ = error;
}

void SealedStream::fail(const Error& error) {
  timer_.cancel();
  carrier_.close();
  finish(error.status, error.text);
}

/* --- what leaves --- */

visor_status SealedStream::on_write(std::span<const visor_span> parts) {
  if (over_) return host().fail(VISOR_ECLOSED, "the peer has closed this stream");
  if (!waiting_.empty()) {
    wants_ready_ = true;
    return host().fail(VISOR_EAGAIN, "the stream's carrier is full; wait for ready");
  }
  std::vector<ByteView> views;
  views.reserve(parts.size());
  for (const visor_span& part : parts) views.push_back(bytes(part));
  Bytes wire;
  if (auto sealed = writer_.write_parts(views, wire); !sealed) return host().fail(sealed.error());
  return send(std::move(wire));
}

/* Sealed once, so all of it is kept, whatever the carrier takes of it now. */
visor_status SealedStream::send(Bytes wire) {
  spoke_ms_ = host().now_ms();
  waiting_ = std::move(wire);
  waiting_at_ = 0;
  return push();
}

/* In pieces that fill a carrier's queue as it empties. */
visor_status SealedStream::push() {
  while (waiting_at_ < waiting_.size()) {
    ByteView rest = ByteView(waiting_).subspan(waiting_at_);
    ByteView piece = rest.first(std::min(rest.size(), kPieceBytes));
    visor_status status = carrier_.write(piece);
    if (status == VISOR_EAGAIN) return VISOR_OK;
    if (status != VISOR_OK) return status;
    waiting_at_ += piece.size();
  }
  waiting_ = {};
  return VISOR_OK;
}

void SealedStream::carrier_ready() {
  if (push() != VISOR_OK || !waiting_.empty()) return; /* `closed` follows, or `ready` */
  if (ending_) return carrier_.end();
  if (std::exchange(wants_ready_, false)) deliver_ready();
}

void SealedStream::on_end() {
  ending_ = true;
  if (waiting_.empty()) carrier_.end();
}

void SealedStream::on_close() {
  timer_.cancel();
  carrier_.close();
}

/* --- silence --- */

/* One timer for both: at the earlier of what is due. Silence counts only while the peer could be heard. */
void SealedStream::arm() {
  if (timing_ || finished()) return;
  uint64_t now = host().now_ms(), due = UINT64_MAX;
  if (options_.keepalive_ms > 0) due = std::min(due, spoke_ms_ + options_.keepalive_ms);
  if (options_.idle_ms > 0 && flowing()) due = std::min(due, heard_ms_ + options_.idle_ms);
  if (due == UINT64_MAX) return;
  timing_ = true;
  timer_ = Timer::once(host(), std::max(due, now + 1) - now, [this] { tick(); });
}

void SealedStream::tick() {
  timing_ = false;
  uint64_t now = host().now_ms();
  if (options_.idle_ms > 0 && flowing() && now - heard_ms_ >= options_.idle_ms) {
    return fail({VISOR_ETIMEDOUT, "expected a sign of life of the peer within " +
                                      std::to_string(options_.idle_ms) + " ms; it was silent"});
  }
  if (options_.keepalive_ms > 0 && now - spoke_ms_ >= options_.keepalive_ms) {
    spoke_ms_ = now;
    Bytes wire;
    if (waiting_.empty() && !ending_ && writer_.write({}, wire)) (void)send(std::move(wire));
  }
  arm();
}

}  // namespace visor::session
