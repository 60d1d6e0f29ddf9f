#include "tests/drives/faults.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <string>

namespace visor::test::faults {
namespace {

namespace fs = std::filesystem;

struct Disk {
  std::mutex mutex;
  std::string folder;
  int64_t space = -1;
  std::map<std::string, int64_t> synced; /* by file: how long it was when it was forced to the disk */
};

Disk& disk() {
  static auto* one = new Disk; /* used until the process ends */
  return *one;
}

/* The file's name, if it is below the folder; empty otherwise. */
std::string watched(int file) {
  const std::string& folder = disk().folder;
  if (folder.empty()) return {};
  char name[4096];
  std::string link = "/proc/self/fd/" + std::to_string(file);
  ssize_t size = ::readlink(link.c_str(), name, sizeof name);
  if (size <= 0) return {};
  std::string_view found(name, static_cast<size_t>(size));
  return found.starts_with(folder + "/") ? std::string(found) : std::string();
}

ssize_t write_through(int file, const void* data, size_t size) {
  return ::syscall(SYS_write, file, data, size);
}

ssize_t write_some(int file, const void* data, size_t size) {
  if (watched(file).empty()) return write_through(file, data, size);
  std::lock_guard lock(disk().mutex);
  int64_t& space = disk().space;
  if (space < 0) return write_through(file, data, size);
  if (space == 0 && size > 0) {
    errno = ENOSPC;
    return -1;
  }
  size = std::min(size, static_cast<size_t>(space));
  space -= static_cast<int64_t>(size);
  return write_through(file, data, size);
}

int force(int file, long call) {
  std::string name = watched(file);
  if (name.empty()) return static_cast<int>(::syscall(call, file));
  std::lock_guard lock(disk().mutex);
  struct stat now{};
  if (::fstat(file, &now) == 0) disk().synced[name] = now.st_size;
  return 0; /* the power that fails is the test's own */
}

}  // namespace

void watch(const fs::path& folder) {
  std::lock_guard lock(disk().mutex);
  disk().folder = folder.string();
  disk().space = -1;
  disk().synced.clear();
}

void set_space(int64_t bytes) {
  std::lock_guard lock(disk().mutex);
  disk().space = bytes;
}

void copy_after_power_cut(const fs::path& to) {
  std::lock_guard lock(disk().mutex);
  const fs::path from = disk().folder;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    fs::path target = to / fs::relative(entry.path(), from);
    if (entry.is_directory()) {
      fs::create_directories(target);
      continue;
    }
    fs::create_directories(target.parent_path());
    fs::copy_file(entry.path(), target, fs::copy_options::overwrite_existing);
    /* CURRENT gets its name when it has been forced to the disk under another. */
    if (entry.path().filename() == "CURRENT") continue;
    auto synced = disk().synced.find(entry.path().string());
    fs::resize_file(target, synced == disk().synced.end() ? 0 : static_cast<uintmax_t>(synced->second));
  }
}

}  // namespace visor::test::faults

#define BEFORE_LIBC extern "C" __attribute__((visibility("default")))

BEFORE_LIBC ssize_t write(int file, const void* data, size_t size) {
  return visor::test::faults::write_some(file, data, size);
}
BEFORE_LIBC int fdatasync(int file) {
  return visor::test::faults::force(file, SYS_fdatasync);
}
BEFORE_LIBC int fsync(int file) {
  return visor::test::faults::force(file, SYS_fsync);
}
BEFORE_LIBC int unlink(const char* name) noexcept {
  std::lock_guard lock(visor::test::faults::disk().mutex);
  return static_cast<int>(::syscall(SYS_unlink, name));
}
BEFORE_LIBC int rename(const char* from, const char* to) noexcept {
  std::lock_guard lock(visor::test::faults::disk().mutex);
  return static_cast<int>(::syscall(SYS_rename, from, to));
}
