#include "kernel/native/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "kernel/identity.hpp"

namespace visor::kernel::native {
namespace {

std::unexpected<Error> system_failure(const std::string& what) {
  int code = errno;
  visor_status status = code == ENOENT                    ? VISOR_ENOENT
                        : code == EACCES || code == EPERM ? VISOR_EPERM
                        : code == ENOSPC                  ? VISOR_ENOSPC
                                                          : VISOR_EIO;
  return failure(status, what + ": " + std::strerror(code));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

/* At most out.size() bytes. */
ssize_t read_all(int fd, std::span<uint8_t> out) {
  size_t size = 0;
  while (size < out.size()) {
    ssize_t got = ::read(fd, out.data() + size, out.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(size);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    text.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

bool write_new(const std::string& file, std::string_view text) {
  Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  return out && ::fchmod(out.get(), 0600) == 0 && write_all(out.get(), text) && ::fsync(out.get()) == 0;
}

}  // namespace

Result<crypto::SecretKey> read_key_file(const std::string& file) {
  Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!in && errno == ENOENT) {
    return failure(VISOR_ENOENT,
                   file + ": there is no such key file; make one with `visor keygen " + file + "`");
  }
  struct stat about{};
  if (!in || ::fstat(in.get(), &about) != 0) return system_failure(file);
  if (!S_ISREG(about.st_mode))
    return failure(VISOR_EINVAL, file + ": a key file is a regular file, and this is not");
  if (about.st_mode & (S_IRWXG | S_IRWXO)) {
    return failure(VISOR_EPERM,
                   file +
                       ": others than its owner may use this key file; make it yours alone with `chmod 600 " +
                       file + "`");
  }
  std::array<uint8_t, 256> text{};
  ssize_t size = read_all(in.get(), text);
  if (size < 0) return system_failure(file);
  auto secret = secret_key_from_text(visor::text(ByteView(text.data(), static_cast<size_t>(size))), file);
  crypto::wipe(text);
  return secret;
}

Result<void> write_key_file(const std::string& file, const crypto::SecretKey& secret) {
  std::string text = to_hex(secret.bytes()) + "\n";
  std::string temporary = file + ".new-" + std::to_string(::getpid());
  bool written = write_new(temporary, text);
  int code = errno;
  crypto::wipe({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  // A link, not a rename: it fails where a key is already.
  bool placed = written && ::link(temporary.c_str(), file.c_str()) == 0;
  if (written && !placed) code = errno;
  ::unlink(temporary.c_str());
  if (!placed) {
    if (code == EEXIST)
      return failure(VISOR_EEXIST,
                     file + ": is there already; a key is never overwritten, so choose another name");
    errno = code;
    return system_failure(file);
  }
  std::string folder = std::filesystem::path(file).parent_path().string();
  Descriptor directory(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return system_failure(file + ": its folder");
  return {};
}

}  // namespace visor::kernel::native
