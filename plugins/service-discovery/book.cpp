#include "book.hpp"

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::service_discovery {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

const Record* Book::find(const ServiceName& name) const {
  auto at = records_.find(name);
  return at == records_.end() ? nullptr : &at->second;
}

void Book::put(Record record) {
  ServiceName name = record.service.name;
  if (auto at = records_.find(name); at != records_.end()) erase(at);
  ++counts_[name.key];
  ends_.emplace(record.forgotten_ms(), name);
  records_.emplace(std::move(name), std::move(record));
}

void Book::erase(std::map<ServiceName, Record>::iterator at) {
  ends_.erase({at->second.forgotten_ms(), at->first});
  auto count = counts_.find(at->first.key);
  if (--count->second == 0) counts_.erase(count);
  records_.erase(at);
}

std::vector<ServiceName> Book::sweep(int64_t now_ms) {
  std::vector<ServiceName> gone;
  while (!ends_.empty() && ends_.begin()->first <= now_ms) {
    gone.push_back(ends_.begin()->second);
    erase(records_.find(gone.back()));
  }
  return gone;
}

size_t Book::count_of(const visor_key& key) const {
  auto at = counts_.find(key);
  return at == counts_.end() ? 0 : at->second;
}

Bytes encode_record(const Record& record) {
  Bytes out;
  codec::Writer writer(out);
  writer.u8(kVersion);
  writer.i64(record.expires_ms);
  writer.text(services::to_json(record.service));
  return out;
}

Result<Record> decode_record(ByteView bytes) {
  codec::Reader reader(bytes);
  uint8_t version = reader.u8();
  Record record;
  record.expires_ms = reader.i64();
  std::string_view json = reader.text();
  auto whole = reader.finish();
  if (!whole) return failure(VISOR_ECORRUPT, "a stored service is damaged: " + whole.error().text);
  if (version != kVersion) {
    return failure(VISOR_ECORRUPT, "a stored service is of version " + std::to_string(version) +
                                       "; this program reads version " + std::to_string(kVersion));
  }
  auto service = services::parse_service(json);
  if (!service) return failure(VISOR_ECORRUPT, "a stored service is damaged: " + service.error().text);
  record.service = std::move(*service);
  return record;
}

Bytes key_of(const ServiceName& name) {
  Bytes out;
  codec::append(out, bytes(std::string_view(name.type)));
  out.push_back(0);
  codec::append(out, name.key.bytes);
  out.push_back(static_cast<uint8_t>(name.port >> 8));
  out.push_back(static_cast<uint8_t>(name.port));
  codec::append(out, bytes(std::string_view(name.id)));
  return out;
}

}  // namespace visor::service_discovery
