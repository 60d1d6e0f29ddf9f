#include "watched_env.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace visor::storage_leveldb {
namespace {

using leveldb::Slice;
using leveldb::Status;

thread_local std::string last_read_file;
thread_local uint64_t table_read_count = 0;

class Sequential final : public leveldb::SequentialFile {
 public:
  Sequential(std::string name, leveldb::SequentialFile* file) : name_(std::move(name)), file_(file) {}
  Status Read(size_t size, Slice* result, char* scratch) override {
    last_read_file = name_;
    return file_->Read(size, result, scratch);
  }
  Status Skip(uint64_t size) override { return file_->Skip(size); }

 private:
  const std::string name_;
  const std::unique_ptr<leveldb::SequentialFile> file_;
};

class RandomAccess final : public leveldb::RandomAccessFile {
 public:
  RandomAccess(std::string name, leveldb::RandomAccessFile* file) : name_(std::move(name)), file_(file) {}
  Status Read(uint64_t offset, size_t size, Slice* result, char* scratch) const override {
    last_read_file = name_;
    ++table_read_count;
    return file_->Read(offset, size, result, scratch);
  }

 private:
  const std::string name_;
  const std::unique_ptr<leveldb::RandomAccessFile> file_;
};

}  // namespace

class WatchedEnv::Log final : public leveldb::WritableFile {
 public:
  Log(WatchedEnv& env, std::string name, leveldb::WritableFile* file)
      : env_(env), name_(std::move(name)), file_(file) {}
  ~Log() override {
    file_.reset();
    if (dirty_) env_.closed(name_);
  }
  Status Append(const Slice& data) override {
    dirty_ = true;
    return file_->Append(data);
  }
  Status Close() override { return file_->Close(); }
  Status Flush() override { return file_->Flush(); }
  Status Sync() override {
    auto status = file_->Sync();
    if (status.ok()) dirty_ = false;
    return status;
  }

 private:
  WatchedEnv& env_;
  const std::string name_;
  std::unique_ptr<leveldb::WritableFile> file_;
  bool dirty_ = false;
};

const std::string& WatchedEnv::last_read() {
  return last_read_file;
}
void WatchedEnv::forget_last_read() {
  last_read_file.clear();
}
uint64_t WatchedEnv::table_reads() {
  return table_read_count;
}

Status WatchedEnv::NewSequentialFile(const std::string& name, leveldb::SequentialFile** file) {
  auto status = target()->NewSequentialFile(name, file);
  if (status.ok()) *file = new Sequential(name, *file);
  return status;
}

Status WatchedEnv::NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** file) {
  ++table_read_count;
  auto status = target()->NewRandomAccessFile(name, file);
  if (status.ok()) *file = new RandomAccess(name, *file);
  return status;
}

Status WatchedEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** file) {
  auto status = target()->NewWritableFile(name, file);
  if (status.ok() && name.ends_with(".log")) *file = new Log(*this, name, *file);
  return status;
}

void WatchedEnv::closed(const std::string& log) {
  std::lock_guard lock(mutex_);
  closed_logs_.insert(log);
}

Status WatchedEnv::sync_closed_logs() {
  std::set<std::string> logs;
  {
    std::lock_guard lock(mutex_);
    logs = closed_logs_;
  }
  for (const std::string& log : logs) {
    int file = ::open(log.c_str(), O_RDONLY | O_CLOEXEC);
    bool gone =
        file < 0 && errno == ENOENT;  // its table is finished, and LevelDB has forced that to the disk
    bool synced = gone || (file >= 0 && ::fdatasync(file) == 0);
    int why = errno;
    if (file >= 0) ::close(file);
    if (!synced) return Status::IOError(log, std::strerror(why));
    std::lock_guard lock(mutex_);
    closed_logs_.erase(log);
  }
  return Status::OK();
}

}  // namespace visor::storage_leveldb
