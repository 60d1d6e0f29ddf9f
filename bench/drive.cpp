// 500,000 objects of a 32-byte key and a 200-byte value through each drive, beside the engine below it called
// directly.
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <random>

#include "bench/bench.hpp"
#include "bench/machine.hpp"

namespace visor::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kObjects = 500'000, kBatch = 100, kValueBytes = 200;
using Key = std::array<char, 32>;

struct Objects {
  std::vector<Key> keys; /* as hashes: in no order */
  std::string value;
  std::vector<uint32_t> reading; /* the order of reading */

  Objects() : keys(kObjects), value(kValueBytes, '\0'), reading(kObjects) {
    std::mt19937_64 engine(1);
    for (Key& key : keys) std::ranges::generate(key, [&] { return static_cast<char>(engine()); });
    std::ranges::generate(value, [&] { return static_cast<char>(engine()); });
    std::iota(reading.begin(), reading.end(), 0u);
    std::ranges::shuffle(reading, engine);
  }
};

std::string_view text_of(const Key& key) {
  return {key.data(), key.size()};
}

/* Of each second. */
double rate(const std::function<void()>& work) {
  return static_cast<double>(kObjects) / seconds(work);
}

void put_all(visor_kv* kv, const Objects& objects) {
  std::vector<visor_op> ops(kBatch);
  for (size_t at = 0; at < kObjects; at += kBatch) {
    for (size_t i = 0; i < kBatch; ++i) {
      ops[i] = {VISOR_PUT, 0, to_span(text_of(objects.keys[at + i])),
                to_span(std::string_view(objects.value))};
    }
    if (kv->api->write(kv, ops.data(), ops.size()) != VISOR_OK) give_up("a write failed");
  }
}

void get_all(visor_kv* kv, const Objects& objects) {
  for (uint32_t number : objects.reading) {
    visor_span value{};
    if (kv->api->get(kv, to_span(text_of(objects.keys[number])), &value) != VISOR_OK ||
        value.size != kValueBytes) {
      give_up("a value is not there");
    }
  }
}

// --- LevelDB ---

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("visor-bench-" + std::to_string(std::random_device{}()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

struct Direct {
  Folder folder;
  std::unique_ptr<const leveldb::FilterPolicy> filter{leveldb::NewBloomFilterPolicy(10)};
  std::unique_ptr<leveldb::DB> db;
  Direct() {
    leveldb::Options options; /* the plugin's */
    options.create_if_missing = true;
    options.paranoid_checks = true;
    options.filter_policy = filter.get();
    leveldb::DB* opened = nullptr;
    if (!leveldb::DB::Open(options, folder.path(), &opened).ok()) give_up("LevelDB does not open");
    db.reset(opened);
  }
};

struct Plugged {
  Folder folder;
  Machine machine{R"({"plugins":[{"plugin":"storage_leveldb","as":"disk","config":{"path":")" +
                  folder.path() + "\"}}]}"};
  visor_kv* kv = machine.open("bench");
  ~Plugged() { kv->api->close(kv); }
};

void put_direct(leveldb::DB& db, const Objects& objects) {
  for (size_t at = 0; at < kObjects; at += kBatch) {
    leveldb::WriteBatch batch;
    for (size_t i = 0; i < kBatch; ++i) {
      const std::string_view key = text_of(objects.keys[at + i]);
      batch.Put({key.data(), key.size()}, objects.value);
    }
    if (!db.Write({}, &batch).ok()) give_up("a write failed");
  }
}

leveldb::ReadOptions checked() { /* as the plugin reads */
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  return options;
}

void get_direct(leveldb::DB& db, const Objects& objects) {
  const leveldb::ReadOptions options = checked();
  std::string value;
  for (uint32_t number : objects.reading) {
    const std::string_view key = text_of(objects.keys[number]);
    if (!db.Get(options, {key.data(), key.size()}, &value).ok() || value.size() != kValueBytes)
      give_up("a value is not there");
  }
}

void leveldb_rows(const Objects& objects) {
  measure({.name = "drive.leveldb_put_s",
           .unit = "1/s",
           .better = Better::kMore,
           .ours =
               [&] {
                 Plugged plugged;
                 return rate([&] { put_all(plugged.kv, objects); });
               },
           .floor =
               [&] {
                 Direct direct;
                 return rate([&] { put_direct(*direct.db, objects); });
               }});
  Plugged plugged;
  Direct direct;
  put_all(plugged.kv, objects);
  put_direct(*direct.db, objects);
  measure({.name = "drive.leveldb_get_s",
           .unit = "1/s",
           .better = Better::kMore,
           .ours = [&] { return rate([&] { get_all(plugged.kv, objects); }); },
           .floor = [&] { return rate([&] { get_direct(*direct.db, objects); }); }});
}

// --- memory ---

struct InMemory {
  Machine machine{R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})"};
  visor_kv* kv = machine.open("bench");
  ~InMemory() { kv->api->close(kv); }
};
using Map = std::map<std::string, std::string, std::less<>>;

void put_map(Map& map, const Objects& objects) {
  for (const Key& key : objects.keys) map.insert_or_assign(std::string(text_of(key)), objects.value);
}

void get_map(const Map& map, const Objects& objects) {
  for (uint32_t number : objects.reading) {
    auto found = map.find(text_of(objects.keys[number]));
    if (found == map.end() || found->second.size() != kValueBytes) give_up("a value is not there");
  }
}

void memory_rows(const Objects& objects) {
  measure({.name = "drive.memory_put_s",
           .unit = "1/s",
           .better = Better::kMore,
           .ours =
               [&] {
                 InMemory memory;
                 return rate([&] { put_all(memory.kv, objects); });
               },
           .floor =
               [&] {
                 Map map;
                 return rate([&] { put_map(map, objects); });
               }});
  InMemory memory;
  Map map;
  put_all(memory.kv, objects);
  put_map(map, objects);
  measure({.name = "drive.memory_get_s",
           .unit = "1/s",
           .better = Better::kMore,
           .ours = [&] { return rate([&] { get_all(memory.kv, objects); }); },
           .floor = [&] { return rate([&] { get_map(map, objects); }); }});
}

}  // namespace
}  // namespace visor::bench

int main() {
  const visor::bench::Objects objects;
  visor::bench::memory_rows(objects);
  visor::bench::leveldb_rows(objects);
}
