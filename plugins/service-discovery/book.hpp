/* The services that a directory lists, and when each is forgotten. */
#ifndef VISOR_SERVICE_DISCOVERY_BOOK_HPP
#define VISOR_SERVICE_DISCOVERY_BOOK_HPP
#include <set>

#include "lib/services/service.hpp"

namespace visor::service_discovery {

using services::Service;
using services::ServiceName;

/* Times are Unix milliseconds. */
struct Record {
  Service service;
  int64_t expires_ms = 0; /* listed until then; in the past for one that was withdrawn */
  /* Known until then, so that an earlier entry cannot be posted again by whoever has seen it. */
  int64_t forgotten_ms() const {
    return std::max(expires_ms, service.timestamp_ms + services::kMaxBehindMs + 1);
  }
};

class Book {
 public:
  /* Listed or not; null: nothing is known. */
  const Record* find(const ServiceName& name) const;
  /* In place of the one that is there. */
  void put(Record record);
  /* Forgets those whose time is over; their names. */
  std::vector<ServiceName> sweep(int64_t now_ms);

  /* fn(const Record&) for each that is listed, in order, until it returns false.  Of one type, or of all;
   * `after`: only what comes behind. */
  template <class Fn>
  void each(int64_t now_ms, std::string_view type, const std::optional<ServiceName>& after, Fn&& fn) const {
    auto at = records_.begin();
    if (after) {
      at = records_.upper_bound(*after);
    } else if (!type.empty()) {
      at = records_.lower_bound(ServiceName{std::string(type), {}, 0, {}});
    }
    for (; at != records_.end() && (type.empty() || at->first.type == type); ++at) {
      if (at->second.expires_ms > now_ms && !fn(at->second)) return;
    }
  }

  /* The same, of one key. */
  template <class Fn>
  void each_of(int64_t now_ms, std::string_view type, const visor_key& key, Fn&& fn) const {
    auto at = records_.lower_bound(ServiceName{std::string(type), key, 0, {}});
    for (; at != records_.end() && at->first.type == type && at->first.key == key; ++at) {
      if (at->second.expires_ms > now_ms && !fn(at->second)) return;
    }
  }

  size_t size() const { return records_.size(); }
  /* How many names of this key are known. */
  size_t count_of(const visor_key& key) const;

 private:
  void erase(std::map<ServiceName, Record>::iterator at);

  std::map<ServiceName, Record> records_;
  std::map<visor_key, size_t> counts_;
  std::set<std::pair<int64_t, ServiceName>> ends_;
};

/* A record as it is kept on a drive, under the bytes of key_of(): u8 version, 1 | i64 expires | the entry's
 * JSON, u32 length before it (lib/codec/writer.hpp). */
Bytes encode_record(const Record& record);
/* VISOR_ECORRUPT for what this did not write. */
Result<Record> decode_record(ByteView bytes);
/* The type, a zero byte, key, port (big-endian), id. */
Bytes key_of(const ServiceName& name);

}  // namespace visor::service_discovery
#endif  // VISOR_SERVICE_DISCOVERY_BOOK_HPP
