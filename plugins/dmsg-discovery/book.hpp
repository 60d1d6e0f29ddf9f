/* The entries that a discovery has, and when each is forgotten. */
#ifndef VISOR_DMSG_DISCOVERY_BOOK_HPP
#define VISOR_DMSG_DISCOVERY_BOOK_HPP
#include <map>
#include <set>

#include "lib/dmsg/entry.hpp"

namespace visor::dmsg_discovery {

using dmsg::Entry;

/* Times are Unix nanoseconds. */
struct Record {
  Entry entry;
  int64_t stored_ns = 0;
  int64_t expires_ns = 0;
};

/* Ordered by keys, so that lists are the same each time. */
class Book {
 public:
  /* Null: there is none, or its time is over. */
  const Record* find(const visor_key& key, int64_t now_ns) const;
  /* In place of the one that is there. */
  void put(Record record);
  bool erase(const visor_key& key);
  /* Forgets those whose time is over; their keys. */
  std::vector<visor_key> sweep(int64_t now_ns);

  /* Those with a server part, in order. */
  std::vector<const Record*> servers(int64_t now_ns) const;
  /* Each in order, until fn returns false. */
  template <class Fn>
  void each(int64_t now_ns, Fn&& fn) const {
    for (const auto& [key, record] : records_) {
      if (record.expires_ns > now_ns && !fn(record)) return;
    }
  }

  size_t size() const { return records_.size(); }
  size_t server_count() const { return servers_.size(); }

 private:
  std::map<visor_key, Record> records_;
  std::set<visor_key> servers_;
  std::set<std::pair<int64_t, visor_key>> expiries_;
};

/* A record as it is kept on a drive, under its key's bytes:
 *
 *   u8 version, 1 | i64 stored | i64 expires (little-endian) | the entry's JSON, u32 length before it */
Bytes encode_record(const Record& record);
/* VISOR_ECORRUPT for what this did not write. */
Result<Record> decode_record(ByteView bytes);

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_BOOK_HPP
