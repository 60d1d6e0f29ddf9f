/* visor/storage.hpp - drives in C++: bases for providers, short forms for users.  Header-only; part of
 * visor/plugin.hpp. */
#ifndef VISOR_STORAGE_HPP
#define VISOR_STORAGE_HPP
#include <algorithm>
#include <map>

#include "host.hpp"
#include "storage.h"

namespace visor {

class KvProvider;

/* A provider's cursor; it sets key and value before it returns VISOR_OK. */
class CursorProvider : public Object<visor_cursor> {
 public:
  virtual visor_status seek(visor_span key, int32_t how) = 0;
  virtual visor_status step(int32_t direction) = 0;

 protected:
  explicit CursorProvider(Host host) : Object(host, &kApi) {}

 private:
  friend class KvProvider;
  inline void close();
  static const visor_cursor_api kApi;
  KvProvider* owner_ = nullptr;
};

/* A provider's ordered map, or a read-only snapshot of one.  It owns its cursors and snapshots: they go with
 * it. */
class KvProvider : public Object<visor_kv> {
 public:
  static constexpr size_t kMaxKey = 64u << 10, kMaxValue = 64u << 20;

  virtual visor_status get(visor_span key, visor_span* value) = 0;
  virtual visor_status sync(visor_done done) = 0;
  virtual visor_status stats(visor_span* json) = 0;

 protected:
  explicit KvProvider(Host host) : Object(host, &kApi) {}

  /* The operations are valid: known kinds, keys and values within their bounds. */
  virtual visor_status on_write(std::span<const visor_op> ops) = 0;
  virtual Result<std::unique_ptr<CursorProvider>> make_cursor() = 0;
  virtual Result<std::unique_ptr<KvProvider>> make_snapshot() = 0;

 private:
  friend class CursorProvider;
  friend class DriveProvider;
  visor_status write(const visor_op* ops, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const visor_op& op = ops[i];
      bool known = op.kind == VISOR_PUT || (op.kind == VISOR_DELETE && op.value.size == 0);
      if (!known || op.zero != 0 || op.key.size > kMaxKey || op.value.size > kMaxValue) return refuse(op, i);
    }
    return on_write({ops, count});
  }
  visor_status refuse(const visor_op& op, size_t index) {
    return host().fail(
        VISOR_EINVAL,
        "a batch holds puts and (without a value) deletes, keys up to 64 KiB and values up to 64 MiB; "
        "operation " +
            std::to_string(index) + " is of kind " + std::to_string(op.kind) + " with a key of " +
            std::to_string(op.key.size) + " and a value of " + std::to_string(op.value.size) +
            " bytes, and " + std::to_string(op.zero) + " where zero is kept free");
  }
  visor_status cursor(visor_cursor** out) { return adopt(make_cursor(), cursors_, out); }
  visor_status snapshot(visor_kv** out) { return adopt(make_snapshot(), snapshots_, out); }
  template <class T, class Abi>
  visor_status adopt(Result<std::unique_ptr<T>> made, std::vector<std::unique_ptr<T>>& children, Abi** out) {
    if (!made) return host().fail(made.error());
    (*made)->owner_ = this;
    *out = made->get();
    children.push_back(std::move(*made));
    return VISOR_OK;
  }
  void close() {
    if (owner_) {
      drop(owner_->snapshots_, this);
    } else {
      delete this;
    }
  }
  template <class T>
  static void drop(std::vector<std::unique_ptr<T>>& children, const T* child) {
    std::erase_if(children, [child](const auto& owned) { return owned.get() == child; });
  }
  static const visor_kv_api kApi;

  KvProvider* owner_ = nullptr; /* of a snapshot */
  std::shared_ptr<void> name_;  /* of an open map: holds its name in the drive */
  std::vector<std::unique_ptr<KvProvider>> snapshots_;
  std::vector<std::unique_ptr<CursorProvider>> cursors_;
};

inline void CursorProvider::close() {
  KvProvider::drop(owner_->cursors_, this);
}

inline constexpr visor_cursor_api CursorProvider::kApi = {
    sizeof(visor_cursor_api), 0, thunk<&CursorProvider::seek>, thunk<&CursorProvider::step>,
    thunk<&CursorProvider::close>};
inline constexpr visor_kv_api KvProvider::kApi = {sizeof(visor_kv_api),       0,
                                                  thunk<&KvProvider::get>,    thunk<&KvProvider::write>,
                                                  thunk<&KvProvider::cursor>, thunk<&KvProvider::snapshot>,
                                                  thunk<&KvProvider::sync>,   thunk<&KvProvider::stats>,
                                                  thunk<&KvProvider::close>};

/* A provider's drive: sees to it that a name is open once.  Offer it as `static_cast<visor_drive*>(this)`. */
class DriveProvider : public Object<visor_drive> {
 public:
  /* The maps that are open, by their names, which are any bytes. */
  void each_open(const std::function<void(std::string_view name, KvProvider& map)>& fn) const {
    for (const auto& [name, map] : *names_) {
      if (map) fn(name, *map);
    }
  }

 protected:
  using Opened = std::function<void(Result<std::unique_ptr<KvProvider>>)>;
  using Erased = std::function<void(Result<void>)>;

  /* durable: what was synced survives the process (VISOR_DRIVE_DURABLE). */
  DriveProvider(Host host, bool durable) : Object(host, durable ? &kDurable : &kVolatile) {}

  /* Each calls back once, at once or later. */
  virtual void on_open(const std::string& name, Opened opened) = 0;
  virtual void on_erase(const std::string& name, Erased erased) = 0;

 private:
  using Names = std::map<std::string, KvProvider*, std::less<>>; /* null: being opened, or erased */

  visor_status open(visor_span span, visor_done raw) {
    auto name = take(span);
    if (!name) return host().fail(name.error());
    std::string map(text(span));
    on_open(map, [lease = *name, names = names_, map, done = pending(raw)](auto made) {
      if (!made) return done->later(made.error());
      (*made)->name_ = lease;
      (*names)[map] = made->get();
      done->later(VISOR_OK, static_cast<visor_kv*>(made->release()));
    });
    return VISOR_OK;
  }
  visor_status erase(visor_span span, visor_done raw) {
    auto name = take(span);
    if (!name) return host().fail(name.error());
    on_erase(std::string(text(span)), [lease = *name, done = pending(raw)](Result<void> result) {
      result ? done->later(VISOR_OK) : done->later(result.error());
    });
    return VISOR_OK;
  }
  std::shared_ptr<Done> pending(visor_done done) { return std::make_shared<Done>(host(), done); }
  /* The name, taken until the lease goes. */
  Result<std::shared_ptr<void>> take(visor_span span) {
    std::string name(text(span));
    if (name.empty() || name.size() > 200) {
      return failure(VISOR_EINVAL,
                     "the name of a map has 1 to 200 bytes; got " + std::to_string(name.size()));
    }
    if (!names_->emplace(name, nullptr).second) {
      return failure(VISOR_EEXIST, "'" + name + "' is open already; close it first or choose another name");
    }
    return std::shared_ptr<void>(nullptr, [names = names_, name](void*) { names->erase(name); });
  }
  static const visor_drive_api kDurable, kVolatile;
  std::shared_ptr<Names> names_ = std::make_shared<Names>();
};
inline constexpr visor_drive_api DriveProvider::kDurable = {
    sizeof(visor_drive_api), VISOR_DRIVE_DURABLE, thunk<&DriveProvider::open>, thunk<&DriveProvider::erase>};
inline constexpr visor_drive_api DriveProvider::kVolatile = {
    sizeof(visor_drive_api), 0, thunk<&DriveProvider::open>, thunk<&DriveProvider::erase>};

/* One change each, for batches.  Key and value are lent until the batch is written. */
inline visor_op put(ByteView key, ByteView value) {
  return {VISOR_PUT, 0, to_span(key), to_span(value)};
}
inline visor_op put(std::string_view key, ByteView value) {
  return put(bytes(key), value);
}
inline visor_op erase(ByteView key) {
  return {VISOR_DELETE, 0, to_span(key), {}};
}
inline visor_op erase(std::string_view key) {
  return erase(bytes(key));
}

/* Calls fn(key, value) for each entry whose key begins with prefix, in order, until fn returns false.  The
 * views are lent for the call. */
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
