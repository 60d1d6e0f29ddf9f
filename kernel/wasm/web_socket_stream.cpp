#include "kernel/wasm/web_socket_stream.hpp"

#include <algorithm>

#include "kernel/wasm/imports.hpp"

namespace visor::kernel::wasm {
namespace {

constexpr size_t kSendBytes = 256u << 10;  // of one message at most; servers accept a megabyte
constexpr uint64_t kRoomIntervalMs = 10;   // browsers do not say when their buffer empties
constexpr uint16_t kNormal = 1000, kGoingAway = 1001;

}  // namespace

WebSocketStream::WebSocketStream(Host host, WebSocketShared& shared, uint32_t socket, std::string url)
    : StreamProvider(host), shared_(shared), socket_(socket), url_(std::move(url)) {
  shared_.streams.emplace(socket_, this);
}

WebSocketStream::~WebSocketStream() {
  drop();
  shared_.streams.erase(socket_);
}

void WebSocketStream::drop() {
  if (std::exchange(dropped_, true)) return;
  shared_.loop.cancel(room_timer_);
  visor_import_socket_drop(socket_);
}

void WebSocketStream::fail(visor_status status, std::string why) {
  drop();
  finish(status, url_ + ": " + why);
}

// --- reading

void WebSocketStream::message(ByteView data) {
  if (finished() || data.empty()) return;
  shared_.received_bytes += data.size();
  if (data.size() > kMaxMessageBytes) {
    return fail(VISOR_EPROTO, "a message has at most " + std::to_string(kMaxMessageBytes) + " bytes; got " +
                                  std::to_string(data.size()));
  }
  if (flowing() && held_.empty()) return deliver(data);
  if (held_bytes_ + data.size() > kMaxHeldBytes) {
    return fail(VISOR_EPROTO, "the peer sent " + std::to_string(held_bytes_ + data.size()) +
                                  " bytes that nobody was ready for; its windows allow less than " +
                                  std::to_string(kMaxHeldBytes));
  }
  held_.emplace_back(data.begin(), data.end());
  held_bytes_ += data.size();
}

void WebSocketStream::on_flow(bool flowing) {
  if (flowing && (!held_.empty() || peer_closed_)) {
    tasks().post([this] { drain(); });
  }
}

void WebSocketStream::drain() {
  while (flowing() && !held_.empty()) {
    Bytes data = std::move(held_.front());
    held_.pop_front();
    held_bytes_ -= data.size();
    deliver(data);
  }
  if (!peer_closed_ || !held_.empty() || !flowing()) return;
  deliver_end();
  finish(VISOR_OK);
}

// A WebSocket closes both ways at once: an orderly close of the peer's is its end and ours.
void WebSocketStream::closed(uint16_t code, std::string_view reason) {
  drop();
  if (finished()) return;
  if (ending_ || code == kNormal || code == kGoingAway) {
    peer_closed_ = true;
    return drain();
  }
  std::string why = "the connection was lost (close code " + std::to_string(code) + ")";
  if (!reason.empty()) why += ": " + std::string(reason);
  finish(VISOR_ECLOSED, url_ + ": " + why);
}

// --- writing

size_t WebSocketStream::queued_bytes() const {
  size_t buffered = dropped_ ? 0 : static_cast<size_t>(visor_import_socket_buffered(socket_));
  return out_.size() + buffered;
}

visor_status WebSocketStream::on_write(std::span<const visor_span> parts) {
  if (dropped_) return host().fail(VISOR_ECLOSED, "the connection to " + url_ + " is closed");
  size_t total = 0;
  for (const visor_span& part : parts) total += part.size;
  size_t queued = queued_bytes();
  if (queued > 0 && queued + total > kMaxQueuedBytes) {
    if (!room_timer_) {
      room_timer_ = shared_.loop.timer(kRoomIntervalMs, kRoomIntervalMs, [this] { look_for_room(); });
    }
    return host().fail(VISOR_EAGAIN, url_ + " reads more slowly than this; go on when ready");
  }
  for (const visor_span& part : parts) {
    ByteView data = bytes(part);
    out_.insert(out_.end(), data.begin(), data.end());
  }
  flush_later();
  return VISOR_OK;
}

void WebSocketStream::look_for_room() {
  if (queued_bytes() > kMaxQueuedBytes / 2) return;
  shared_.loop.cancel(std::exchange(room_timer_, 0));
  deliver_ready();
}

void WebSocketStream::flush_later() {
  if (std::exchange(flush_due_, true)) return;
  shared_.to_flush.push_back(socket_);
  if (shared_.to_flush.size() > 1) return;
  shared_.loop.at_turn_end([&shared = shared_, alive = std::weak_ptr(shared_.alive)] {
    if (alive.expired()) return;
    for (uint32_t socket : std::exchange(shared.to_flush, {})) {
      auto at = shared.streams.find(socket);
      if (at != shared.streams.end()) at->second->flush();
    }
  });
}

void WebSocketStream::flush() {
  flush_due_ = false;
  if (dropped_) return;
  for (size_t from = 0; from < out_.size(); from += kSendBytes) {
    visor_import_socket_send(socket_, out_.data() + from, std::min(kSendBytes, out_.size() - from));
  }
  shared_.sent_bytes += out_.size();
  out_.clear();
  if (ending_) visor_import_socket_close(socket_);
}

void WebSocketStream::on_end() {
  ending_ = true;
  flush_later();
}

// What was written in this turn still goes out: an answer and a close in one turn is what servers do.
void WebSocketStream::on_close() {
  flush();
  drop();
}

}  // namespace visor::kernel::wasm
