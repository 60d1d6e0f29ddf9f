#include "lib/http/outbox.hpp"

#include <algorithm>

namespace visor::http {
namespace {
constexpr size_t kSegment = 256u << 10; /* a larger buffer is not grown, so that growth copies little */
constexpr size_t kWrite = 256u << 10;   /* a write is all or none: pieces let a slow stream make progress */
constexpr size_t kParts = 16;
}  // namespace

std::string& Outbox::tail() {
  if (segments_.empty() || segments_.back().shared || segments_.back().owned.size() >= kSegment) {
    segments_.emplace_back();
  }
  return segments_.back().owned;
}

void Outbox::append(std::string_view text) {
  if (text.empty()) return;
  tail().append(text);
  queued_ += text.size();
}

void Outbox::append(std::span<const visor_span> parts) {
  for (const visor_span& part : parts) append(text(part));
}

void Outbox::append(std::shared_ptr<const std::string> shared) {
  if (!shared || shared->empty()) return;
  queued_ += shared->size();
  segments_.push_back({{}, std::move(shared), 0});
}

visor_status Outbox::flush() {
  while (queued_ > 0) {
    std::array<visor_span, kParts> parts;
    size_t count = 0, size = 0;
    for (const Segment& segment : segments_) {
      if (count == kParts || size == kWrite) break;
      std::string_view rest = segment.rest().substr(0, kWrite - size);
      if (rest.empty()) continue;
      parts[count++] = to_span(rest);
      size += rest.size();
    }
    visor_status status = stream_.write(std::span<const visor_span>(parts.data(), count));
    blocked_ = status == VISOR_EAGAIN;
    if (status != VISOR_OK) return status;
    consume(size);
  }
  return VISOR_OK;
}

void Outbox::consume(size_t size) {
  queued_ -= size;
  written_ += size;
  while (size > 0) {
    Segment& first = segments_.front();
    size_t taken = std::min(size, first.rest().size());
    first.at += taken;
    size -= taken;
    if (!first.rest().empty()) return;
    if (segments_.size() > 1 || first.shared || first.owned.capacity() > kSegment) {
      segments_.pop_front();
    } else {
      first.owned.clear(); /* the usual case: one small buffer, used again and again */
      first.at = 0;
    }
  }
}

std::string Outbox::take() {
  std::string out;
  out.reserve(queued_);
  for (const Segment& segment : segments_) out += segment.rest();
  segments_.clear();
  queued_ = 0;
  return out;
}

}  // namespace visor::http
