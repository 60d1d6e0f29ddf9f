/* When the TPD itself was up, one session a start; kept with the tables. */
#ifndef VISOR_TRANSPORT_DISCOVERY_SESSIONS_HPP
#define VISOR_TRANSPORT_DISCOVERY_SESSIONS_HPP
#include <map>

#include "lib/codec/telemetry_bitmap.hpp"

namespace visor::transport_discovery {

class Sessions {
 public:
  static constexpr size_t kMax = 1000;

  /* Both Unix seconds; the first of a session that was there already moves its end. */
  void see(int64_t started_at_s, int64_t seen_at_s) {
    ends_[started_at_s] = seen_at_s;
    while (ends_.size() > kMax) ends_.erase(ends_.begin());
  }
  /* End by beginning, ascending. */
  const std::map<int64_t, int64_t>& all() const { return ends_; }
  /* By day, ascending; of the last `days` days up to `today`. */
  std::map<codec::UnixDay, codec::UptimeBitmap> bitmaps(codec::UnixDay today, codec::UnixDay days) const {
    std::map<codec::UnixDay, codec::UptimeBitmap> out;
    int64_t from = (int64_t(today) - days + 1) * codec::kSecondsPerDay;
    int64_t until = (int64_t(today) + 1) * codec::kSecondsPerDay - 1;
    for (auto [begin, end] : ends_) {
      int64_t slot = std::max(begin, from) / codec::UptimeBitmap::kSlotSeconds;
      for (; slot <= std::min(end, until) / codec::UptimeBitmap::kSlotSeconds; ++slot) {
        int64_t at = slot * codec::UptimeBitmap::kSlotSeconds;
        out[codec::day_of(at)].set(codec::UptimeBitmap::slot_of(at));
      }
    }
    return out;
  }

 private:
  std::map<int64_t, int64_t> ends_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_SESSIONS_HPP
