#include "line.hpp"

#include "envelope.hpp"
#include "lib/codec/endian.hpp"

namespace visor::chat {
namespace {

constexpr size_t kPieceBytes = 64u << 10;

}  // namespace

Line::Line(Host host, visor_stream* stream, std::string network, Events events)
    : host_(host),
      tasks_(host),
      network_(std::move(network)),
      events_(std::move(events)),
      reader_(codec::Prefix::kU32, 1, kMaxPayloadBytes),
      opened_ms_(host.now_ms()),
      used_ms_(opened_ms_),
      stream_(host, stream) {
  if (const visor_addr* address = stream_.peer()) peer_ = address->key;
  stream_.attach({.data = [this](ByteView data) { received(data); },
                  .end = [this] { fail({VISOR_ECLOSED, "the peer ended the line"}); },
                  .ready =
                      [this] {
                        blocked_ = false;
                        deadline_.cancel();
                        flush();
                      },
                  .closed =
                      [this](const Error& why) {
                        fail(why.status == VISOR_OK ? Error{VISOR_ECLOSED, "the peer closed the line"} : why);
                      }});
}

void Line::received(ByteView data) {
  used_ms_ = host_.now_ms();
  std::weak_ptr<char> alive = alive_;
  while (true) {
    Result<std::optional<ByteView>> payload = reader_.read(data);
    if (!payload) {
      return fail({VISOR_EPROTO, "the peer sent no chat frames (an older program may frame differently): " +
                                     payload.error().text});
    }
    if (!*payload) return;
    if (events_.payload) events_.payload(text(**payload));
    if (alive.expired()) return;
  }
}

visor_status Line::send(std::string_view payload) {
  if (!stream_) return host_.fail(VISOR_ECLOSED, "the line is closed");
  if (!queue_.empty() && queue_.size() + kFrameHeadBytes + payload.size() > kMaxQueuedBytes) {
    refused_ = true;
    return host_.fail(VISOR_EAGAIN, "the line to the peer is full");
  }
  if (Result<void> framed = append_frame(queue_, payload); !framed) return host_.fail(framed.error());
  used_ms_ = host_.now_ms();
  // Frames of one turn leave in one write.
  if (!blocked_ && !std::exchange(flushing_, true)) tasks_.post([this] { flush(); });
  return VISOR_OK;
}

void Line::flush() {
  flushing_ = false;
  size_t sent = 0;
  while (!blocked_ && sent < queue_.size()) {
    const ByteView piece = ByteView(queue_).subspan(sent, std::min(queue_.size() - sent, kPieceBytes));
    const visor_status status = stream_.write(piece);
    if (status == VISOR_OK) {
      sent += piece.size();
    } else if (status == VISOR_EAGAIN) {
      blocked_ = true;
      deadline_ = Timer::once(host_, kWriteMs, [this] {
        fail({VISOR_ETIMEDOUT, "the peer took nothing for " + std::to_string(kWriteMs / 1000) + " s"});
      });
    } else {
      return tasks_.post([this, why = host_.error(status)] { fail(why); });
    }
  }
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(sent));
  if (blocked_ || !std::exchange(refused_, false) || !events_.ready) return;
  events_.ready();
}

void Line::close() {
  events_ = {};
  deadline_.cancel();
  queue_.clear();
  stream_.close();
}

void Line::fail(const Error& error) {
  Events events = std::exchange(events_, {});
  close();
  if (events.closed) events.closed(error);
}

}  // namespace visor::chat
