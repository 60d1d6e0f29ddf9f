#include "lib/http/limiter.hpp"

#include <algorithm>

namespace visor::http {

void Limiter::fill(Bucket& bucket, uint64_t now_ms) const {
  uint64_t elapsed_ms = std::min<uint64_t>(now_ms - bucket.at_ms, 3'600'000);
  bucket.thousandths = std::min(bucket.thousandths + elapsed_ms * per_s_, burst_ * 1000);
  bucket.at_ms = now_ms;
}

bool Limiter::take(std::string_view asker, uint64_t now_ms) {
  if (per_s_ == 0) return true;
  auto at = buckets_.find(asker);
  if (at == buckets_.end()) {
    if (buckets_.size() >= kMaxBuckets) sweep(now_ms);
    std::string name(buckets_.size() >= kMaxBuckets ? std::string_view() : asker);
    at = buckets_.try_emplace(std::move(name), Bucket{burst_ * 1000, now_ms}).first;
  }
  fill(at->second, now_ms);
  if (at->second.thousandths < 1000) {
    ++refused_;
    return false;
  }
  at->second.thousandths -= 1000;
  return true;
}

void Limiter::sweep(uint64_t now_ms) {
  for (auto at = buckets_.begin(); at != buckets_.end();) {
    fill(at->second, now_ms);
    at = at->second.thousandths >= burst_ * 1000 ? buckets_.erase(at) : std::next(at);
  }
}

}  // namespace visor::http
