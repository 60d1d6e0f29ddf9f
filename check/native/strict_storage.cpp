// Drives, maps and cursors, watched.
#include "check/native/strict.hpp"

namespace visor::check {
namespace {

/* The keys and values of a batch, one after another in what is lent. */
Lent lend_batch(std::vector<visor_op>& ops) {
  std::string all;
  for (const visor_op& op : ops) all.append(text(op.key)).append(text(op.value));
  Lent lent(to_span(std::string_view(all)), "a key or value of a batch");
  const char* at = static_cast<const char*>(lent.span().data);
  for (visor_op& op : ops) {
    for (visor_span* part : {&op.key, &op.value}) {
      part->data = part->size == 0 ? nullptr : at;
      at += part->size;
    }
  }
  return lent;
}

class StrictCursor final : public Object<visor_cursor> {
 public:
  StrictCursor(const Side& side, visor_cursor* inner)
      : Object(side.host, &kApi), side_(side), inner_(inner), holding_(side, "a cursor") {}

  visor_status seek(visor_span target, int32_t how) {
    if (!usable("seek")) return VISOR_EINVAL;
    Lent lent(target, "the key given to a cursor's seek");
    return show(inner_->api->seek(inner_, lent.span(), how));
  }
  visor_status step(int32_t direction) {
    if (!usable("step")) return VISOR_EINVAL;
    return show(inner_->api->step(inner_, direction));
  }
  void close() {
    if (!usable("close")) return;
    inner_->api->close(inner_);
    gone();
  }
  /* Closed, by itself or with its map; stays to hear who uses it after all. */
  void gone() {
    inner_ = nullptr;
    shown_ = Lent();
    key = value = visor_span{};
    holding_.release();
  }
  bool open() const { return inner_ != nullptr; }

 private:
  bool usable(const char* call) {
    if (!side_.called(std::string("a cursor's ") + call)) return false;
    if (inner_) return true;
    side_.blame_user(Rule::kMisuse, std::string("called ") + call +
                                        " on a cursor that was closed, by itself or with its map");
    return false;
  }
  visor_status show(visor_status status) {
    shown_ = Lent(); /* lent until the next call on this cursor: this one */
    key = value = visor_span{};
    if (status == VISOR_OK) {
      std::string both = std::string(text(inner_->key)).append(text(inner_->value));
      shown_ = Lent(to_span(std::string_view(both)), "the key or value that a cursor showed");
      key = {shown_.span().data, inner_->key.size};
      value = {static_cast<const char*>(shown_.span().data) + inner_->key.size, inner_->value.size};
    }
    return status;
  }
  static constexpr visor_cursor_api kApi = {sizeof(visor_cursor_api), 0, thunk<&StrictCursor::seek>,
                                            thunk<&StrictCursor::step>, thunk<&StrictCursor::close>};
  Side side_;
  visor_cursor* inner_;
  Lent shown_;
  Holding holding_;
};

class StrictKv final : public Object<visor_kv> {
 public:
  StrictKv(const Side& side, visor_kv* inner, std::string what)
      : Object(side.host, &kApi), side_(side), inner_(inner), what_(std::move(what)), holding_(side, what_) {}

  visor_status get(visor_span key, visor_span* out) {
    if (!usable("get")) return VISOR_EINVAL;
    Lent lent(key, "the key given to get");
    visor_span found{};
    visor_status status = inner_->api->get(inner_, lent.span(), &found);
    value_ =
        status == VISOR_OK ? Lent(found, "the value that get gave, after the next call on the map") : Lent();
    if (status == VISOR_OK) *out = value_.span();
    return status;
  }
  visor_status write(const visor_op* ops, size_t count) {
    if (!usable("write")) return VISOR_EINVAL;
    value_ = Lent();
    std::vector<visor_op> copies(ops, ops + count);
    Lent lent = lend_batch(copies);
    Lent array(visor_bytes(copies.data(), count * sizeof(visor_op)), "the operations of a batch");
    return inner_->api->write(inner_, static_cast<const visor_op*>(array.span().data), count);
  }
  visor_status cursor(visor_cursor** out) {
    if (!usable("cursor")) return VISOR_EINVAL;
    value_ = Lent();
    visor_cursor* made = nullptr;
    visor_status status = inner_->api->cursor(inner_, &made);
    if (status != VISOR_OK) return status;
    auto* cursor = side_.ledger.keep(std::make_unique<StrictCursor>(side_, made));
    std::erase_if(cursors_, [](StrictCursor* c) { return !c->open(); });
    cursors_.push_back(cursor);
    *out = cursor;
    return VISOR_OK;
  }
  visor_status snapshot(visor_kv** out) {
    if (!usable("snapshot")) return VISOR_EINVAL;
    value_ = Lent();
    visor_kv* made = nullptr;
    visor_status status = inner_->api->snapshot(inner_, &made);
    if (status != VISOR_OK) return status;
    auto* snapshot = side_.ledger.keep(std::make_unique<StrictKv>(side_, made, "a snapshot of " + what_));
    std::erase_if(snapshots_, [](StrictKv* s) { return !s->inner_; });
    snapshots_.push_back(snapshot);
    *out = snapshot;
    return VISOR_OK;
  }
  visor_status sync(visor_done done) {
    if (!usable("sync")) return VISOR_EINVAL;
    value_ = Lent();
    Promise& promise = side_.ledger.promise(side_.host, side_.provider, side_.user, done, "sync");
    return promise.returned(inner_->api->sync(inner_, promise.done()));
  }
  visor_status stats(visor_span* out) {
    if (!usable("stats")) return VISOR_EINVAL;
    visor_span json{};
    visor_status status = inner_->api->stats(inner_, &json);
    value_ = status == VISOR_OK ? Lent(json, "what stats gave, after the next call on the map") : Lent();
    if (status == VISOR_OK) *out = value_.span();
    return status;
  }
  void close() {
    if (!usable("close")) return;
    inner_->api->close(inner_);
    gone();
  }

 private:
  void gone() {
    inner_ = nullptr;
    value_ = Lent();
    holding_.release();
    for (StrictCursor* cursor : cursors_) cursor->gone();
    for (StrictKv* snapshot : snapshots_) {
      if (snapshot->inner_) snapshot->gone();
    }
    cursors_.clear();
    snapshots_.clear();
  }
  bool usable(const char* call) {
    if (!side_.called(std::string("a map's ") + call)) return false;
    if (inner_) return true;
    side_.blame_user(Rule::kMisuse, std::string("called ") + call + " on " + what_ + ", which was closed");
    return false;
  }
  static constexpr visor_kv_api kApi = {sizeof(visor_kv_api),     0,
                                        thunk<&StrictKv::get>,    thunk<&StrictKv::write>,
                                        thunk<&StrictKv::cursor>, thunk<&StrictKv::snapshot>,
                                        thunk<&StrictKv::sync>,   thunk<&StrictKv::stats>,
                                        thunk<&StrictKv::close>};
  Side side_;
  visor_kv* inner_;
  const std::string what_;
  Lent value_;
  std::vector<StrictCursor*> cursors_;
  std::vector<StrictKv*> snapshots_;
  Holding holding_;
};

class StrictDrive final : public Object<visor_drive> {
 public:
  StrictDrive(const Side& side, visor_drive* inner)
      : Object(side.host, &table_),
        side_(side),
        inner_(inner),
        table_{sizeof(visor_drive_api), inner->api->caps, thunk<&StrictDrive::open>,
               thunk<&StrictDrive::erase>} {}

  visor_status open(visor_span name, visor_done done) {
    if (!side_.called("a drive's open")) return VISOR_EINVAL;
    std::string what = "the map \"" + std::string(text(name)) + "\"";
    Promise& promise = side_.ledger.promise(
        side_.host, side_.provider, side_.user, done, "open", [this, what](void* kv) -> void* {
          if (!kv) return nullptr;
          return static_cast<visor_kv*>(
              side_.ledger.keep(std::make_unique<StrictKv>(side_, static_cast<visor_kv*>(kv), what)));
        });
    Lent lent(name, "the name given to a drive's open");
    return promise.returned(inner_->api->open(inner_, lent.span(), promise.done()));
  }
  visor_status erase(visor_span name, visor_done done) {
    if (!side_.called("a drive's erase")) return VISOR_EINVAL;
    Promise& promise = side_.ledger.promise(side_.host, side_.provider, side_.user, done, "erase");
    Lent lent(name, "the name given to a drive's erase");
    return promise.returned(inner_->api->erase(inner_, lent.span(), promise.done()));
  }

 private:
  Side side_;
  visor_drive* inner_;
  visor_drive_api table_;
};

}  // namespace

visor_drive* strict_drive(const Side& side, visor_drive* drive) {
  return side.ledger.keep(std::make_unique<StrictDrive>(side, drive));
}

}  // namespace visor::check
