/* visor/storage.hpp - drives in C++: bases for providers, short forms for users.  Header-only; part of
 * visor/plugin.hpp. */
#ifndef VISOR_STORAGE_HPP
#define VISOR_STORAGE_HPP
#include "host.hpp"
#include "storage.h"

namespace visor {

/* A provider's cursor; set key and value before returning VISOR_OK. */
class CursorProvider : public Object<visor_cursor> {
 public:
  virtual visor_status seek(visor_span key, int32_t how) = 0;
  virtual visor_status step(int32_t direction) = 0;
  virtual void close() = 0;

 protected:
  explicit CursorProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_cursor_api kApi;
};
inline constexpr visor_cursor_api CursorProvider::kApi = {
    sizeof(visor_cursor_api), 0, thunk<&CursorProvider::seek>, thunk<&CursorProvider::step>,
    thunk<&CursorProvider::close>};

/* A provider's ordered map, or a read-only snapshot of one. */
class KvProvider : public Object<visor_kv> {
 public:
  virtual visor_status get(visor_span key, visor_span* value) = 0;
  virtual visor_status write(const visor_op* ops, size_t count) = 0;
  virtual visor_status cursor(visor_cursor** cursor) = 0;
  virtual visor_status snapshot(visor_kv** snapshot) = 0;
  virtual visor_status sync(visor_done done) = 0;
  virtual visor_status stats(visor_span* json) = 0;
  virtual void close() = 0;

 protected:
  explicit KvProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_kv_api kApi;
};
inline constexpr visor_kv_api KvProvider::kApi = {sizeof(visor_kv_api),       0,
                                                  thunk<&KvProvider::get>,    thunk<&KvProvider::write>,
                                                  thunk<&KvProvider::cursor>, thunk<&KvProvider::snapshot>,
                                                  thunk<&KvProvider::sync>,   thunk<&KvProvider::stats>,
                                                  thunk<&KvProvider::close>};

/* A provider's drive; offer it as `static_cast<visor_drive*>(this)`.  `durable` sets VISOR_DRIVE_DURABLE. */
class DriveProvider : public Object<visor_drive> {
 public:
  virtual visor_status open(visor_span name, visor_done done) = 0;
  virtual visor_status erase(visor_span name, visor_done done) = 0;

 protected:
  DriveProvider(Host host, bool durable) : Object(host, durable ? &kDurable : &kVolatile) {}

 private:
  static const visor_drive_api kDurable, kVolatile;
};
inline constexpr visor_drive_api DriveProvider::kDurable = {
    sizeof(visor_drive_api), VISOR_DRIVE_DURABLE, thunk<&DriveProvider::open>, thunk<&DriveProvider::erase>};
inline constexpr visor_drive_api DriveProvider::kVolatile = {
    sizeof(visor_drive_api), 0, thunk<&DriveProvider::open>, thunk<&DriveProvider::erase>};

inline visor_op put(ByteView key, ByteView value) {
  return {VISOR_PUT, 0, to_span(key), to_span(value)};
}
inline visor_op put(std::string_view key, ByteView value) {
  return put(bytes(key), value);
}
inline visor_op erase(ByteView key) {
  return {VISOR_DELETE, 0, to_span(key), {}};
}

/* Calls fn(key, value) for each entry whose key begins with prefix, in order, until fn returns false.  The
 * views are lent for the call; fn must not write to the same kv. */
inline visor_status scan(visor_kv* kv, ByteView prefix, const std::function<bool(ByteView, ByteView)>& fn) {
  visor_cursor* raw = nullptr;
  if (visor_status status = kv->api->cursor(kv, &raw); status != VISOR_OK) return status;
  Owned<visor_cursor> cursor(raw);
  visor_status status = raw->api->seek(raw, to_span(prefix), VISOR_AT_OR_AFTER);
  for (; status == VISOR_OK; status = raw->api->step(raw, +1)) {
    ByteView key = bytes(raw->key);
    if (!text(key).starts_with(text(prefix))) return VISOR_OK;
    if (!fn(key, bytes(raw->value))) return VISOR_OK;
  }
  return status == VISOR_ENOENT ? VISOR_OK : status;
}

}  // namespace visor
#endif  // VISOR_STORAGE_HPP
