// LevelDB's files, watched: which one was read last, so that damage can be named, and which logs were closed
// without having been forced to the disk.
#pragma once
#include <leveldb/env.h>

#include <mutex>
#include <set>
#include <string>

namespace visor::storage_leveldb {

class WatchedEnv final : public leveldb::EnvWrapper {
 public:
  WatchedEnv() : EnvWrapper(leveldb::Env::Default()) {}

  // By this thread.
  static const std::string& last_read();
  static void forget_last_read();
  // Changes whenever this thread reads from a table, or opens one.
  static uint64_t table_reads();

  // LevelDB begins a new log when a table's worth is written and syncs only that one from then on, although
  // the older is what the unfinished table is read from after a crash.
  leveldb::Status sync_closed_logs();

  leveldb::Status NewSequentialFile(const std::string& name, leveldb::SequentialFile** file) override;
  leveldb::Status NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** file) override;
  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** file) override;

 private:
  class Log;
  void closed(const std::string& log);

  std::mutex mutex_;
  std::set<std::string> closed_logs_;
};

}  // namespace visor::storage_leveldb
