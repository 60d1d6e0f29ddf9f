// The script that every drive must follow: random batches against std::map, cursors both ways, snapshots that
// stay.
#pragma once
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include <map>
#include <random>

namespace visor::test {

using Model = std::map<std::string, std::string>;

// Keys that collide often and include the awkward ones: empty, zero bytes, 0xff, one the prefix of another.
class Keys {
 public:
  explicit Keys(std::mt19937_64& random) : random_(random) {}
  std::string key() {
    static const char kAlphabet[] = {'a', 'b', '\0', '\xff', '/'};
    std::string key(below(5), ' ');
    for (char& c : key) c = kAlphabet[below(sizeof kAlphabet)];
    return key;
  }
  std::string value() {
    std::string value(below(20) == 0 ? below(70000) : below(40), ' ');
    for (char& c : value) c = static_cast<char>(below(256));
    return value;
  }
  size_t below(size_t bound) { return static_cast<size_t>(random_() % bound); }

 private:
  std::mt19937_64& random_;
};

inline std::string str(visor_span s) {
  return std::string(text(s));
}
inline visor_span lend(const std::string& s) {
  return to_span(std::string_view(s));
}

// Everything that the map holds, read forwards, backwards and key by key, is what the model holds.
inline void check_equal(visor_kv* kv, const Model& model) {
  visor_cursor* raw = nullptr;
  REQUIRE(kv->api->cursor(kv, &raw) == VISOR_OK);
  Owned<visor_cursor> cursor(raw);

  Model forwards, backwards;
  for (auto s = raw->api->seek(raw, {}, VISOR_FIRST); s == VISOR_OK; s = raw->api->step(raw, +1)) {
    REQUIRE((forwards.empty() || str(raw->key) > forwards.rbegin()->first));
    forwards[str(raw->key)] = str(raw->value);
  }
  for (auto s = raw->api->seek(raw, {}, VISOR_LAST); s == VISOR_OK; s = raw->api->step(raw, -1)) {
    REQUIRE((backwards.empty() || str(raw->key) < backwards.begin()->first));
    backwards[str(raw->key)] = str(raw->value);
  }
  REQUIRE(forwards == model);
  REQUIRE(backwards == model);
  for (const auto& [key, value] : model) {
    visor_span found{};
    REQUIRE(kv->api->get(kv, lend(key), &found) == VISOR_OK);
    REQUIRE(str(found) == value);
  }
}

inline void check_seek(visor_cursor* cursor, const Model& model, const std::string& key, int32_t how) {
  auto expected = model.lower_bound(key);
  if (how == VISOR_AT_OR_BEFORE) {
    expected = model.upper_bound(key);
    expected = expected == model.begin() ? model.end() : std::prev(expected);
  }
  visor_status status = cursor->api->seek(cursor, lend(key), how);
  if (expected == model.end()) {
    REQUIRE(status == VISOR_ENOENT);
    return;
  }
  REQUIRE(status == VISOR_OK);
  REQUIRE(str(cursor->key) == expected->first);
  REQUIRE(str(cursor->value) == expected->second);
}

// One random batch, written to both.
inline void write_batch(visor_kv* kv, Model& model, Keys& keys) {
  std::vector<std::pair<std::string, std::string>> lent(1 + keys.below(8));
  std::vector<visor_op> ops;
  for (auto& [key, value] : lent) {
    key = keys.key();
    if (keys.below(3) == 0) {
      ops.push_back({VISOR_DELETE, 0, lend(key), {}});
      model.erase(key);
    } else {
      value = keys.value();
      ops.push_back({VISOR_PUT, 0, lend(key), lend(value)});
      model[key] = value;
    }
  }
  REQUIRE(kv->api->write(kv, ops.data(), ops.size()) == VISOR_OK);
}

// `steps` random operations; snapshots and cursors taken on the way must go on seeing what they saw.
inline void follow_model(visor_kv* kv, Model& model, uint64_t seed, int steps) {
  std::mt19937_64 random(seed);
  Keys keys(random);
  struct Kept {
    Owned<visor_kv> snapshot;
    Model model;
  };
  std::vector<Kept> kept;

  for (int step = 0; step < steps; ++step) {
    CAPTURE(seed, step);
    switch (keys.below(10)) {
      case 0: {
        visor_kv* snapshot = nullptr;
        REQUIRE(kv->api->snapshot(kv, &snapshot) == VISOR_OK);
        kept.push_back({Owned<visor_kv>(snapshot), model});
        break;
      }
      case 1:
        if (!kept.empty()) {
          size_t at = keys.below(kept.size());
          check_equal(kept[at].snapshot.get(), kept[at].model);
          if (kept.size() > 3) kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(at));
        }
        break;
      case 2: {
        visor_cursor* raw = nullptr;
        REQUIRE(kv->api->cursor(kv, &raw) == VISOR_OK);
        Owned<visor_cursor> cursor(raw);
        Model before = model;
        write_batch(kv, model, keys); /* the cursor sees the map as it was */
        check_seek(raw, before, keys.key(), keys.below(2) ? VISOR_AT_OR_AFTER : VISOR_AT_OR_BEFORE);
        break;
      }
      case 3: {
        std::string key = keys.key();
        visor_span value{};
        visor_status status = kv->api->get(kv, lend(key), &value);
        auto expected = model.find(key);
        REQUIRE(status == (expected == model.end() ? VISOR_ENOENT : VISOR_OK));
        if (status == VISOR_OK) REQUIRE(str(value) == expected->second);
        break;
      }
      default:
        write_batch(kv, model, keys);
    }
  }
  for (auto& each : kept) check_equal(each.snapshot.get(), each.model);
  check_equal(kv, model);
}

}  // namespace visor::test
