#include "database.hpp"

#include <leveldb/write_batch.h>

#include <algorithm>
#include <string_view>

#include "log_tail.hpp"

namespace visor::storage_leveldb {
namespace {

namespace fs = std::filesystem;

bool has(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return text.find(part) != text.npos; });
}

Error in_words(const leveldb::Status& status, const fs::path& folder) {
  std::string text = status.ToString();
  bool named = text.find(folder.string()) != std::string::npos;
  if (status.IsCorruption()) {
    if (!named) text += ": " + (WatchedEnv::last_read().empty() ? folder.string() : WatchedEnv::last_read());
    return {VISOR_ECORRUPT, text + "; nothing was changed: restore the folder from a copy, or erase the map"};
  }
  if (!named) text += " (" + folder.string() + ")";
  if (has(text, {"No space left", "quota exceeded", "File too large"})) {
    return {VISOR_ENOSPC,
            text + "; free some space on the disk, then close the map and open it again if this stays"};
  }
  if (has(text, {"lock "})) return {VISOR_EEXIST, text + "; another program has this map open"};
  if (has(text, {"Permission denied", "Read-only file system"})) {
    return {VISOR_EPERM, text + "; set \"path\" to a folder that this program may write to"};
  }
  return {VISOR_EIO, text};
}

// LevelDB takes a folder without CURRENT for a new map, and deletes what it does not know.
Result<void> expect_whole(const fs::path& folder) {
  std::error_code failed;
  if (fs::exists(folder / "CURRENT", failed)) return {};
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    std::string suffix = entry.path().extension().string();
    if (suffix != ".ldb" && suffix != ".sst" && suffix != ".log") continue;
    return failure(VISOR_ECORRUPT,
                   (folder / "CURRENT").string() + " is missing, and " + entry.path().string() +
                       " is there; nothing was changed: restore the folder from a copy, or remove it");
  }
  return {};
}

}  // namespace

Result<DatabasePtr> Database::open(const fs::path& folder, std::string& said) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    bool denied = failed == std::errc::permission_denied || failed == std::errc::read_only_file_system;
    visor_status status = denied                                    ? VISOR_EPERM
                          : failed == std::errc::no_space_on_device ? VISOR_ENOSPC
                                                                    : VISOR_EIO;
    return failure(status, "cannot make the folder " + folder.string() + ": " + failed.message() +
                               "; set \"path\" to one that this program may write to");
  }
  if (auto whole = expect_whole(folder); !whole) return std::unexpected(whole.error());
  DatabasePtr database(new Database(folder));
  if (auto whole = database->check_logs(said); !whole) return std::unexpected(whole.error());
  leveldb::Options options;
  options.create_if_missing = true;
  options.paranoid_checks = true;  // else what is damaged in a log is skipped without a word
  options.env = &database->env_;
  options.filter_policy = database->filter_.get();
  leveldb::DB* db = nullptr;
  WatchedEnv::forget_last_read();
  if (auto status = leveldb::DB::Open(options, folder.string(), &db); !status.ok()) {
    return std::unexpected(in_words(status, folder));
  }
  database->db_.reset(db);
  return database;
}

// Under the lock: a program that has the map open may be in the middle of a record.
Result<void> Database::check_logs(std::string& said) {
  const std::string name = (folder_ / "LOCK").string();
  leveldb::FileLock* lock = nullptr;
  if (auto status = env_.LockFile(name, &lock); !status.ok()) {
    return std::unexpected(in_words(status, folder_));
  }
  auto whole = storage_leveldb::check_logs(folder_, said);
  env_.UnlockFile(lock);
  return whole;
}

Result<void> Database::erase(const fs::path& folder) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".torn") fs::remove(entry.path(), failed);
  }
  auto status = leveldb::DestroyDB(folder.string(), {});
  if (!status.ok()) return std::unexpected(in_words(status, folder));
  return {};
}

Error Database::error(const leveldb::Status& status) const {
  return in_words(status, folder_);
}

// After a write that failed the log may end in the middle of a record, and whatever followed there would be
// lost when the log is read again: go on in a new one.  Writing nothing at all is LevelDB's way of asking for
// it.
Result<void> Database::write(const leveldb::WriteOptions& options, leveldb::WriteBatch& batch) {
  std::lock_guard lock(writing_);
  WatchedEnv::forget_last_read();  // what a compaction met, it met on a thread of its own
  if (torn_) {
    if (auto begun = db_->Write({}, nullptr); !begun.ok()) return std::unexpected(error(begun));
    torn_ = false;
  }
  auto status = db_->Write(options, &batch);
  if (status.ok()) return {};
  torn_ = true;
  return std::unexpected(error(status));
}

// An empty batch written with sync forces to the disk what the log holds; logs that were full before are
// forced here.
Result<void> Database::sync() {
  if (auto synced = env_.sync_closed_logs(); !synced.ok()) return std::unexpected(error(synced));
  leveldb::WriteOptions options;
  options.sync = true;
  leveldb::WriteBatch nothing;
  return write(options, nothing);
}

}  // namespace visor::storage_leveldb
