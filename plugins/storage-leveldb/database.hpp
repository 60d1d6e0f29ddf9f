// One LevelDB: opened with its errors in words, written to so that what is acknowledged survives a full disk.
#pragma once
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <visor/value.hpp>

#include <filesystem>
#include <memory>
#include <mutex>

#include "watched_env.hpp"

namespace visor::storage_leveldb {

// Cursors, snapshots and work under way share it, and the last one closes it.
class Database {
 public:
  // VISOR_EEXIST: another program has it open; VISOR_ECORRUPT: a file is damaged, and named; VISOR_EPERM: the
  // folder is not to be written to; VISOR_ENOSPC, VISOR_EIO.  Nothing that is there is deleted to get going.
  // said: what an operator should know of a map that was opened, in words; empty as a rule.
  static Result<std::shared_ptr<Database>> open(const std::filesystem::path& folder, std::string& said);
  static Result<void> erase(const std::filesystem::path& folder);

  leveldb::DB& db() { return *db_; }
  // All or none; on the loop's thread.
  Result<void> write(leveldb::WriteBatch& batch) { return write({}, batch); }
  // Everything written before is durable; blocks, on any thread.
  Result<void> sync();
  // What a read met, in words; on the thread that read.
  Error error(const leveldb::Status& status) const;

 private:
  explicit Database(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<void> check_logs(std::string& said);
  Result<void> write(const leveldb::WriteOptions& options, leveldb::WriteBatch& batch);

  const std::filesystem::path folder_;
  WatchedEnv env_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_{leveldb::NewBloomFilterPolicy(10)};
  std::mutex writing_;
  bool torn_ = false;  // the log may end in the middle of a record
  std::unique_ptr<leveldb::DB> db_;
};
using DatabasePtr = std::shared_ptr<Database>;

}  // namespace visor::storage_leveldb
