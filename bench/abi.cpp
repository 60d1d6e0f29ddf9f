// What the boundary between host and plugins costs: a call through a table, a value read, a cursor's step.
#include <map>
#include <visor/storage.hpp>

#include "bench/bench.hpp"
#include "bench/machine.hpp"
#include "bench/null_drive.hpp"

namespace visor::bench {
namespace {

constexpr size_t kCalls = 5'000'000;
constexpr size_t kKeys = 10'000;
#ifdef __wasm__
constexpr char kSuffix[] = "_wasm_ns";
#else
constexpr char kSuffix[] = "_ns";
#endif

uint64_t sink = 0; /* what was read, so that reading is not left out */

std::string key_of(size_t number) {
  std::string key = "key-00000000";
  for (size_t at = key.size(); number > 0; number /= 10) key[--at] = static_cast<char>('0' + number % 10);
  return key;
}

void empty_call() {
  visor_kv* kv = table_kv();
  const RawGet raw = raw_get();
  const visor_span key = VISOR_TEXT("key");
  measure({.name = std::string("abi.call") + kSuffix,
           .unit = "ns",
           .better = Better::kLess,
           .ours =
               [=] {
                 return ns_each(kCalls, [=] {
                   visor_span value{};
                   for (size_t i = 0; i < kCalls; ++i)
                     sink += static_cast<uint64_t>(kv->api->get(kv, key, &value));
                 });
               },
           .floor =
               [=] {
                 return ns_each(kCalls, [=] {
                   visor_span value{};
                   for (size_t i = 0; i < kCalls; ++i) sink += static_cast<uint64_t>(raw(kv, key, &value));
                 });
               }});
}

struct Filled {
  Machine machine{R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})"};
  visor_kv* kv = machine.open("bench");
  std::map<std::string, std::string, std::less<>> map;
  std::vector<std::string> keys;

  Filled() {
    for (size_t i = 0; i < kKeys; ++i) {
      const std::string& key = keys.emplace_back(key_of(i * 7919 % kKeys));
      const std::string value(40, static_cast<char>('a' + i % 26));
      map[key] = value;
      const visor_op op{VISOR_PUT, 0, to_span(std::string_view(key)), to_span(std::string_view(value))};
      if (kv->api->write(kv, &op, 1) != VISOR_OK) give_up("the map takes no value");
    }
  }
  ~Filled() { kv->api->close(kv); }
};

void get(Filled& filled) {
  constexpr size_t kRounds = 30;
  measure({.name = std::string("abi.get") + kSuffix,
           .unit = "ns",
           .better = Better::kLess,
           .ours =
               [&] {
                 return ns_each(kRounds * kKeys, [&] {
                   for (size_t round = 0; round < kRounds; ++round) {
                     for (const std::string& key : filled.keys) {
                       visor_span value{};
                       filled.kv->api->get(filled.kv, to_span(std::string_view(key)), &value);
                       sink += value.size;
                     }
                   }
                 });
               },
           .floor =
               [&] {
                 return ns_each(kRounds * kKeys, [&] {
                   for (size_t round = 0; round < kRounds; ++round) {
                     for (const std::string& key : filled.keys) sink += filled.map.find(key)->second.size();
                   }
                 });
               }});
}

void step(Filled& filled) {
  constexpr size_t kRounds = 100;
  measure({.name = std::string("abi.step") + kSuffix,
           .unit = "ns",
           .better = Better::kLess,
           .ours =
               [&] {
                 return ns_each(kRounds * kKeys, [&] {
                   visor_cursor* cursor = nullptr;
                   if (filled.kv->api->cursor(filled.kv, &cursor) != VISOR_OK)
                     give_up("the map gives no cursor");
                   for (size_t round = 0; round < kRounds; ++round) {
                     visor_status status = cursor->api->seek(cursor, {}, VISOR_FIRST);
                     for (; status == VISOR_OK; status = cursor->api->step(cursor, +1))
                       sink += cursor->value.size;
                   }
                   cursor->api->close(cursor);
                 });
               },
           .floor =
               [&] {
                 return ns_each(kRounds * kKeys, [&] {
                   for (size_t round = 0; round < kRounds; ++round) {
                     for (const auto& [key, value] : filled.map) sink += value.size();
                   }
                 });
               }});
}

}  // namespace
}  // namespace visor::bench

int main() {
  using namespace visor::bench;
  empty_call();
  Filled filled;
  get(filled);
  step(filled);
  return sink == 1;  // it is read
}
