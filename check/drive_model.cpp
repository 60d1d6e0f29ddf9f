#include "check/drive_model.hpp"

namespace visor::check {
namespace {

std::string shown(std::string_view bytes_of_key) {
  constexpr size_t kShown = 24;
  std::string out = "0x" + to_hex(bytes(bytes_of_key.substr(0, kShown)));
  return bytes_of_key.size() > kShown ? out + "..." : out;
}

/* The first difference, as a sentence. */
std::string difference(const Model& got, const Model& wanted) {
  for (const auto& [key, value] : wanted) {
    auto at = got.find(key);
    if (at == got.end()) return "the key " + shown(key) + " is missing";
    if (at->second != value) {
      return "the value under " + shown(key) + " is another one: expected " + std::to_string(value.size()) +
             " bytes " + shown(value) + ", got " + std::to_string(at->second.size()) + " bytes " +
             shown(at->second);
    }
  }
  for (const auto& [key, value] : got) {
    if (!wanted.contains(key))
      return "there is a key " + shown(key) + " that nobody wrote, or that was deleted";
  }
  return "nothing differs";
}

/* Walks from one end to the other; a finding if the order is not strict. */
bool walk(DriveUser& drive, visor_cursor* cursor, int32_t direction, Model& out) {
  const char* name = direction > 0 ? "read forwards" : "read backwards";
  std::string last;
  visor_status status = cursor->api->seek(cursor, {}, direction > 0 ? VISOR_FIRST : VISOR_LAST);
  for (; status == VISOR_OK; status = cursor->api->step(cursor, direction)) {
    std::string key(text(cursor->key));
    bool ordered = out.empty() || (direction > 0 ? key > last : key < last);
    if (!drive.found.expect(ordered, [&] {
          return std::string(name) + ": " + shown(key) + " came after " + shown(last) +
                 "; keys are ordered as bytes, each there once";
        }))
      return false;
    out[key] = std::string(text(cursor->value));
    last = std::move(key);
  }
  return drive.found.expect_status(drive.host(), status, VISOR_ENOENT, std::string(name) + ", at the end");
}

struct Kept {
  Owned<visor_kv> snapshot;
  Model model;
};

bool random_step(DriveUser& drive, visor_kv* kv, Model& model, Draw& draw, std::vector<Kept>& kept) {
  Findings& found = drive.found;
  switch (draw.below(10)) {
    case 0: {
      visor_kv* snapshot = nullptr;
      if (!found.expect_status(drive.host(), kv->api->snapshot(kv, &snapshot), VISOR_OK, "snapshot"))
        return false;
      kept.push_back({Owned<visor_kv>(snapshot), model});
      return true;
    }
    case 1: {
      if (kept.empty()) return true;
      size_t at = draw.below(kept.size());
      Findings::Context context(found, "in a snapshot taken earlier");
      if (!expect_equal(drive, kept[at].snapshot.get(), kept[at].model)) return false;
      if (kept.size() > 3) kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(at));
      return true;
    }
    case 2: {
      visor_cursor* raw = nullptr;
      if (!found.expect_status(drive.host(), kv->api->cursor(kv, &raw), VISOR_OK, "cursor")) return false;
      Owned<visor_cursor> cursor(raw);
      Model before = model;
      if (!write_batch(drive, kv, model, draw)) return false;
      Findings::Context context(found, "a cursor opened before a write");
      return expect_seek(drive, raw, before, draw.key(),
                         draw.below(2) ? VISOR_AT_OR_AFTER : VISOR_AT_OR_BEFORE);
    }
    case 3: {
      std::string key = draw.key();
      visor_span value{};
      visor_status status = kv->api->get(kv, to_span(std::string_view(key)), &value);
      auto expected = model.find(key);
      visor_status wanted = expected == model.end() ? VISOR_ENOENT : VISOR_OK;
      if (!found.expect_status(drive.host(), status, wanted, "get of " + shown(key))) return false;
      return status != VISOR_OK || found.expect(text(value) == expected->second, [&] {
        return "get of " + shown(key) + " gave another value";
      });
    }
    default:
      return write_batch(drive, kv, model, draw);
  }
}

}  // namespace

std::string Draw::key() {
  static const char kAlphabet[] = {'a', 'b', '\0', '\xff', '/'};
  std::string key(below(5), ' ');
  for (char& c : key) c = kAlphabet[below(sizeof kAlphabet)];
  return key;
}

std::string Draw::value() {
  std::string value(below(20) == 0 ? below(70000) : below(40), ' ');
  for (char& c : value) c = static_cast<char>(below(256));
  return value;
}

bool expect_equal(DriveUser& drive, visor_kv* kv, const Model& model) {
  visor_cursor* raw = nullptr;
  if (!drive.found.expect_status(drive.host(), kv->api->cursor(kv, &raw), VISOR_OK, "cursor")) return false;
  Owned<visor_cursor> cursor(raw);
  Model forwards, backwards;
  if (!walk(drive, raw, +1, forwards) || !walk(drive, raw, -1, backwards)) return false;
  if (!drive.found.expect(forwards == model, [&] { return "read forwards: " + difference(forwards, model); }))
    return false;
  if (!drive.found.expect(backwards == model,
                          [&] { return "read backwards: " + difference(backwards, model); }))
    return false;
  for (const auto& [key, value] : model) {
    auto got = get_one(drive.host(), kv, key);
    if (!drive.found.expect(got && *got == value, [&] {
          return "get of " + shown(key) +
                 (got ? " gave another value than the cursor" : ": " + got.error().text);
        }))
      return false;
  }
  return true;
}

bool expect_seek(DriveUser& drive, visor_cursor* cursor, const Model& model, const std::string& key,
                 int32_t how) {
  auto expected = model.lower_bound(key);
  if (how == VISOR_AT_OR_BEFORE) {
    expected = model.upper_bound(key);
    expected = expected == model.begin() ? model.end() : std::prev(expected);
  }
  std::string call =
      std::string("seek at or ") + (how == VISOR_AT_OR_BEFORE ? "before " : "after ") + shown(key);
  visor_status status = cursor->api->seek(cursor, to_span(std::string_view(key)), how);
  visor_status wanted = expected == model.end() ? VISOR_ENOENT : VISOR_OK;
  if (!drive.found.expect_status(drive.host(), status, wanted, call)) return false;
  if (status != VISOR_OK) return true;
  return drive.found.expect(text(cursor->key) == expected->first && text(cursor->value) == expected->second,
                            [&] {
                              return call + ": expected " + shown(expected->first) + ", got " +
                                     shown(text(cursor->key)) + " or another value";
                            });
}

bool write_batch(DriveUser& drive, visor_kv* kv, Model& model, Draw& draw) {
  std::vector<std::pair<std::string, std::string>> lent(1 + draw.below(8));
  std::vector<visor_op> ops;
  for (auto& [key, value] : lent) {
    key = draw.key();
    if (draw.below(3) == 0) {
      ops.push_back(visor::erase(std::string_view(key)));
      model.erase(key);
    } else {
      value = draw.value();
      ops.push_back(put(std::string_view(key), bytes(std::string_view(value))));
      model[key] = value;
    }
  }
  visor_status status = kv->api->write(kv, ops.data(), ops.size());
  return drive.found.expect_status(drive.host(), status, VISOR_OK, "write");
}

bool follow_model(DriveUser& drive, visor_kv* kv, Model& model, uint64_t seed, int steps) {
  Draw draw(seed);
  std::vector<Kept> kept;
  for (int step = 0; step < steps; ++step) {
    Findings::Context context(drive.found, "seed " + std::to_string(seed) + ", step " + std::to_string(step));
    if (!random_step(drive, kv, model, draw, kept)) return false;
  }
  Findings::Context context(drive.found, "seed " + std::to_string(seed) + ", after the last step");
  for (auto& each : kept) {
    if (!expect_equal(drive, each.snapshot.get(), each.model)) return false;
  }
  return expect_equal(drive, kv, model);
}

}  // namespace visor::check
