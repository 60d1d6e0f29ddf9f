#include "book.hpp"

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::dmsg_discovery {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

const Record* Book::find(const visor_key& key, int64_t now_ns) const {
  auto at = records_.find(key);
  return at == records_.end() || at->second.expires_ns <= now_ns ? nullptr : &at->second;
}

void Book::put(Record record) {
  visor_key key = record.entry.key;
  erase(key);
  if (record.entry.server) servers_.insert(key);
  expiries_.emplace(record.expires_ns, key);
  records_.emplace(key, std::move(record));
}

bool Book::erase(const visor_key& key) {
  auto at = records_.find(key);
  if (at == records_.end()) return false;
  expiries_.erase({at->second.expires_ns, key});
  servers_.erase(key);
  records_.erase(at);
  return true;
}

std::vector<visor_key> Book::sweep(int64_t now_ns) {
  std::vector<visor_key> gone;
  while (!expiries_.empty() && expiries_.begin()->first <= now_ns) {
    gone.push_back(expiries_.begin()->second);
    erase(gone.back());
  }
  return gone;
}

std::vector<const Record*> Book::servers(int64_t now_ns) const {
  std::vector<const Record*> out;
  for (const visor_key& key : servers_) {
    if (const Record* record = find(key, now_ns)) out.push_back(record);
  }
  return out;
}

Bytes encode_record(const Record& record) {
  Bytes out;
  codec::Writer writer(out);
  writer.u8(kVersion);
  writer.i64(record.stored_ns);
  writer.i64(record.expires_ns);
  writer.text(dmsg::to_json(record.entry));
  return out;
}

Result<Record> decode_record(ByteView bytes) {
  codec::Reader reader(bytes);
  uint8_t version = reader.u8();
  Record record;
  record.stored_ns = reader.i64();
  record.expires_ns = reader.i64();
  std::string_view json = reader.text();
  auto whole = reader.finish();
  if (!whole) return failure(VISOR_ECORRUPT, "a stored entry is damaged: " + whole.error().text);
  if (version != kVersion) {
    return failure(VISOR_ECORRUPT, "a stored entry is of version " + std::to_string(version) +
                                       "; this program reads version " + std::to_string(kVersion));
  }
  auto entry = dmsg::parse_entry(json);
  if (!entry) return failure(VISOR_ECORRUPT, "a stored entry is damaged: " + entry.error().text);
  record.entry = std::move(*entry);
  return record;
}

}  // namespace visor::dmsg_discovery
