#include "lib/http/websocket_stream.hpp"

#include <wslay/wslay.h>

#include <algorithm>

namespace visor::http {
namespace {

/* What is written goes in messages of at most this size: peers exist that read no larger ones (specification
 * dmsg.md, 14). */
constexpr size_t kMessage = 32u << 10;

enum CloseCode : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupportedData = 1003,
  kTooBig = 1009,
};

/* May a peer send this code? (RFC 6455, 7.4) */
bool legal_code(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return out;
}

/* wslay's callbacks: input is a view that shrinks, output goes to the outbox. */
struct Codec {
  Host host;
  ByteView input;
  Outbox* output = nullptr;
};

ssize_t codec_recv(uint8_t* buffer, size_t size, int, void* user) {
  auto* codec = static_cast<Codec*>(user);
  size_t taken = std::min(size, codec->input.size());
  if (taken == 0) return -1;
  std::memcpy(buffer, codec->input.data(), taken);
  codec->input = codec->input.subspan(taken);
  return static_cast<ssize_t>(taken);
}

ssize_t codec_send(const uint8_t* data, size_t size, int, void* user) {
  static_cast<Codec*>(user)->output->append(text(ByteView(data, size)));
  return static_cast<ssize_t>(size);
}

int codec_mask(uint8_t* buffer, size_t size, void* user) {
  static_cast<Codec*>(user)->host.random({buffer, size});
  return 0;
}

}  // namespace

struct WebSocketStream::Frames : Codec {
  Frames(Host h, Outbox* out) : Codec{h, {}, out} {
    wslay_frame_callbacks callbacks = {codec_send, codec_recv, codec_mask};
    wslay_frame_context_init(&context, &callbacks, static_cast<Codec*>(this));
  }
  Frames(const Frames&) = delete;
  Frames& operator=(const Frames&) = delete;
  ~Frames() { wslay_frame_context_free(context); }
  wslay_frame_context_ptr context = nullptr;
};

WebSocketStream::WebSocketStream(Host host, Stream carrier, WebSocketRole role, std::string_view unsent,
                                 std::string early, const WebSocketOptions& options,
                                 std::shared_ptr<void> lease)
    : StreamProvider(host),
      carrier_(std::move(carrier)),
      outbox_(carrier_),
      deadline_(host, [this] { expired(); }),
      options_(options),
      lease_(std::move(lease)),
      origin_(carrier_.origin()),
      frames_(std::make_unique<Frames>(host, &outbox_)),
      pending_(std::move(early)),
      role_(role) {
  carrier_.pause(true); /* nobody is attached yet */
  carrier_.attach({.data = [this](ByteView data) { receive(data); },
                   .end = [this] { carrier_ended(); },
                   .ready = [this] { flush(); },
                   .closed = [this](const Error& error) { carrier_closed(error); }});
  outbox_.append(unsent);
  (void)outbox_.flush();
  if (options_.ping_interval_ms) deadline_.set(options_.ping_interval_ms);
}

WebSocketStream::~WebSocketStream() = default;

void WebSocketStream::shut_down(std::string why) {
  if (state_ == State::kOpen) {
    frame_batch();
    send_close(kGoingAway, why);
    (void)outbox_.flush();
  }
  over(VISOR_ECANCELED, std::move(why));
}

/* --- from the peer ------------------------------------------------------------------------- */

void WebSocketStream::receive(ByteView data) {
  if (state_ == State::kClosing || state_ == State::kOver) return; /* only the carrier's end matters now */
  if (state_ == State::kOpen && options_.ping_interval_ms) {
    pinged_ = false;
    deadline_.set(options_.ping_interval_ms);
  }
  if (!flowing() || !pending_.empty()) {
    pending_ += text(data);
    return;
  }
  decode(data);
}

void WebSocketStream::decode(ByteView data) {
  frames_->input = data;
  for (;;) {
    wslay_frame_iocb piece{};
    ssize_t size = wslay_frame_recv(frames_->context, &piece);
    if (size == WSLAY_ERR_WANT_READ) break;
    if (size < 0) {
      fail(kProtocolError, "a frame has an illegal header");
      break;
    }
    if (!take_piece(piece)) break;
  }
  frames_->input = {};
  deliver_inbox();
  if (state_ != State::kOver) flush();
}

/* One piece of a frame; false when nothing more is to be read. */
bool WebSocketStream::take_piece(const wslay_frame_iocb& piece) {
  if (!in_frame_ && !begin_frame(piece)) return false;
  auto data = reinterpret_cast<const char*>(piece.data);
  (wslay_is_ctrl_frame(opcode_) ? control_ : inbox_).append(data, piece.data_length);
  frame_left_ -= piece.data_length;
  return frame_left_ > 0 || end_frame();
}

bool WebSocketStream::begin_frame(const wslay_frame_iocb& frame) {
  bool masked = frame.mask != 0;
  if (masked != (role_ == WebSocketRole::kServer)) {
    return fail(kProtocolError, masked ? "a server's frame is masked" : "a client's frame is not masked");
  }
  if (frame.rsv != 0) return fail(kProtocolError, "a frame uses an extension, and none was agreed");
  opcode_ = frame.opcode;
  fin_ = frame.fin != 0;
  frame_left_ = frame.payload_length;
  in_frame_ = true;
  switch (opcode_) {
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
      control_.clear();
      return true;
    case WSLAY_TEXT_FRAME:
      return fail(kUnsupportedData, "expected binary messages; got text");
    case WSLAY_BINARY_FRAME:
      if (in_message_) return fail(kProtocolError, "a message begins inside another");
      message_bytes_ = 0;
      break;
    case WSLAY_CONTINUATION_FRAME:
      if (!in_message_) return fail(kProtocolError, "a message is continued that never began");
      break;
    default:
      return fail(kProtocolError, "a frame has the unknown opcode " + std::to_string(opcode_));
  }
  in_message_ = true;
  if (frame.payload_length > options_.max_message_bytes - message_bytes_) {
    return fail(kTooBig, "a message is longer than " + std::to_string(options_.max_message_bytes) + " bytes");
  }
  message_bytes_ += frame.payload_length;
  return true;
}

bool WebSocketStream::end_frame() {
  in_frame_ = false;
  if (opcode_ == WSLAY_CONNECTION_CLOSE) return take_close();
  if (opcode_ == WSLAY_PING) {
    pong_ = std::move(control_); /* the latest of several is enough */
    control_.clear();
    if (!outbox_.blocked()) send_pong();
  } else if (!wslay_is_ctrl_frame(opcode_) && fin_) {
    in_message_ = false;
  }
  return true;
}

bool WebSocketStream::take_close() {
  uint16_t code = kNormal; /* what a close without a code means */
  if (control_.size() >= 2) {
    code = static_cast<uint16_t>(static_cast<uint8_t>(control_[0]) << 8 | static_cast<uint8_t>(control_[1]));
  }
  if (control_.size() == 1 || !legal_code(code)) {
    return fail(kProtocolError, "a close frame has no legal code");
  }
  if (state_ == State::kOpen) {
    frame_batch(); /* a WebSocket does not half close: after the answer nothing may follow */
    send_close(code, {});
  }
  close_received_ = true;
  if (code == kNormal || code == kGoingAway) {
    linger(VISOR_OK, {});
  } else {
    std::string why = "the other end closed the WebSocket with code " + std::to_string(code);
    if (control_.size() > 2) why += ": " + printable(std::string_view(control_).substr(2));
    linger(VISOR_ECLOSED, std::move(why));
  }
  return false;
}

/* Outside of wslay, because a consumer may do anything with this stream while it is given data. */
void WebSocketStream::deliver_inbox() {
  if (!inbox_.empty()) {
    std::string data;
    data.swap(inbox_);
    deliver(bytes(std::string_view(data)));
    if (inbox_.empty()) {
      data.clear();
      inbox_.swap(data); /* keeps the buffer */
    }
  }
  if (close_received_ && flowing()) {
    close_received_ = false;
    deliver_end();
  }
}

void WebSocketStream::on_flow(bool flow) {
  if (state_ == State::kClosing || state_ == State::kOver) return;
  if (flow && !pending_.empty()) {
    if (!std::exchange(resume_scheduled_, true)) tasks().post([this] { resume(); });
  } else {
    carrier_.pause(!flow);
  }
}

/* Decodes what came with the handshake before anybody listened. */
void WebSocketStream::resume() {
  resume_scheduled_ = false;
  if (!flowing() || state_ == State::kClosing) return;
  std::string data = std::exchange(pending_, {});
  decode(bytes(std::string_view(data)));
  if (state_ == State::kOpen || state_ == State::kEnding) carrier_.pause(!flowing());
}

/* --- to the peer --------------------------------------------------------------------------- */

visor_status WebSocketStream::on_write(std::span<const visor_span> parts) {
  if (state_ != State::kOpen) return host().fail(VISOR_ECLOSED, "the WebSocket is closing");
  size_t size = 0;
  for (const visor_span& part : parts) size += part.size;
  if (queued() > 0 && queued() + size > options_.max_queued_bytes) {
    want_ready_ = true;
    return host().fail(VISOR_EAGAIN, "the WebSocket's queue is full");
  }
  for (const visor_span& part : parts) batch_ += text(part);
  if (!outbox_.blocked()) {
    if (batch_.size() >= kMessage) {
      frame_batch();
      (void)outbox_.flush();
    }
    if (queued() > 0) schedule_flush();
  }
  return VISOR_OK;
}

void WebSocketStream::schedule_flush() {
  if (std::exchange(flush_scheduled_, true)) return;
  tasks().post([this] {
    flush_scheduled_ = false;
    flush();
  });
}

/* Writes what the carrier takes and tells who waits for room; from the loop only, as it runs `ready`. */
void WebSocketStream::flush() {
  if (state_ == State::kOver) return;
  if (outbox_.flush() == VISOR_OK) {
    if (pong_ && state_ == State::kOpen) send_pong();
    if (state_ == State::kOpen) frame_batch();
    (void)outbox_.flush();
  }
  if (state_ == State::kClosing && outbox_.queued() == 0) carrier_.end();
  if (want_ready_ && state_ == State::kOpen && queued() <= options_.max_queued_bytes / 2) {
    want_ready_ = false;
    deliver_ready();
  }
}

void WebSocketStream::frame_batch() {
  std::string_view rest = batch_;
  while (!rest.empty()) {
    std::string_view message = rest.substr(0, kMessage);
    frame(WSLAY_BINARY_FRAME, message);
    rest.remove_prefix(message.size());
  }
  batch_.clear();
}

void WebSocketStream::frame(uint8_t opcode, std::string_view payload) {
  wslay_frame_iocb block{};
  block.fin = 1;
  block.opcode = opcode;
  block.mask = role_ == WebSocketRole::kClient;
  block.payload_length = payload.size();
  block.data = reinterpret_cast<const uint8_t*>(payload.data());
  block.data_length = payload.size();
  do {
    ssize_t sent = wslay_frame_send(frames_->context, &block);
    if (sent < 0) return; /* only by a wrong block: the outbox takes everything */
    block.data += sent;
    block.data_length -= static_cast<size_t>(sent);
  } while (block.data_length > 0);
}

void WebSocketStream::send_pong() {
  std::string payload = std::move(*pong_);
  pong_.reset();
  frame(WSLAY_PONG, payload);
}

void WebSocketStream::send_close(uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  payload += reason.substr(0, 123); /* a control frame holds 125 bytes; our reasons are ASCII */
  frame(WSLAY_CONNECTION_CLOSE, payload);
}

/* --- the end ------------------------------------------------------------------------------- */

void WebSocketStream::on_end() {
  if (state_ != State::kOpen) return;
  frame_batch();
  send_close(kNormal, {});
  state_ = State::kEnding;
  (void)outbox_.flush();
  deadline_.set(options_.close_timeout_ms);
}

void WebSocketStream::on_close() {
  if (state_ == State::kOpen) {
    frame_batch();
    send_close(kNormal, {});
  }
  (void)outbox_.flush();
  state_ = State::kOver;
  deadline_.clear();
  carrier_.close();
}

/* The peer broke the protocol; false, so that decoding stops. */
bool WebSocketStream::fail(uint16_t code, std::string why) {
  if (state_ == State::kOpen) {
    frame_batch();
    send_close(code, why);
  }
  linger(VISOR_EPROTO, std::move(why));
  return false;
}

/* Both sides have said what they had to say: lets the last bytes out and waits a moment for the carrier's
 * end, because closing a socket with unread input destroys what was sent. */
void WebSocketStream::linger(visor_status status, std::string why) {
  state_ = State::kClosing;
  final_status_ = status;
  final_why_ = std::move(why);
  pending_.clear();
  carrier_.pause(false);
  deadline_.set(options_.close_timeout_ms);
  schedule_flush();
}

void WebSocketStream::over(visor_status status, std::string why) {
  if (state_ == State::kOver) return;
  state_ = State::kOver;
  deadline_.clear();
  carrier_.close();
  finish(status, std::move(why));
}

void WebSocketStream::carrier_ended() {
  if (state_ == State::kClosing) return over(final_status_, std::move(final_why_));
  if (state_ == State::kEnding) return over(VISOR_OK, {});
  over(VISOR_ECLOSED, "the connection ended without a WebSocket close");
}

void WebSocketStream::carrier_closed(const Error& error) {
  if (state_ == State::kOpen && error.status != VISOR_OK) return over(error.status, error.text);
  carrier_ended();
}

void WebSocketStream::expired() {
  if (state_ == State::kClosing || state_ == State::kEnding) return carrier_ended();
  if (state_ != State::kOpen) return;
  if (flowing() && pinged_) {
    return over(VISOR_ETIMEDOUT, "nothing was heard for " + std::to_string(2 * options_.ping_interval_ms) +
                                     " ms, not even an answer to a ping");
  }
  if (flowing()) { /* while paused, an answer could not be heard */
    pinged_ = true;
    frame(WSLAY_PING, {});
    (void)outbox_.flush();
  }
  deadline_.set(options_.ping_interval_ms);
}

}  // namespace visor::http
