#include "check/native/guard.hpp"

#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace visor::check {
namespace {

constexpr size_t kPage = 4096, kPages = Guard::kReserved / kPage;

void require(bool done) {
  if (done) return;
  std::perror("memory to lend");
  std::abort();  // nothing can be checked without it
}

void* reserve(size_t size, int protection) {
  void* at = ::mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  require(at != MAP_FAILED);
  return at;
}

}  // namespace

Guard& Guard::process() {
  static auto* guard = new Guard;  // for the handler, until the process ends
  return *guard;
}

Guard::Guard() {
  base_ = static_cast<char*>(reserve(kReserved, PROT_NONE));
  labels_ = static_cast<const char**>(reserve(kPages * sizeof *labels_, PROT_READ | PROT_WRITE));
  struct sigaction action{};
  action.sa_sigaction = [](int signal, siginfo_t* info, void* context) { on_fault(signal, info, context); };
  action.sa_flags = SA_SIGINFO | static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGSEGV, &action, nullptr);
}

bool Guard::owns(const void* address) const {
  const char* at = static_cast<const char*>(address);
  return at >= base_ && at < base_ + kReserved;
}

/* Returning runs the instruction again, now under the default handler: the process dies of the signal as it
 * should. */
void Guard::on_fault(int, void* raw, void*) {
  Guard& guard = process();
  const void* address = static_cast<siginfo_t*>(raw)->si_addr;
  if (!guard.owns(address) || !guard.sheet_) {
    void* frames[24];
    ::backtrace_symbols_fd(frames, ::backtrace(frames, 24),
                           STDERR_FILENO); /* where, for the plugin's author */
    return;
  }
  auto page = static_cast<size_t>(static_cast<const char*>(address) - guard.base_) / kPage;
  bool beyond = guard.labels_[page] == nullptr && page > 0;
  const char* label = guard.labels_[beyond ? page - 1 : page];
  char sentence[1024];
  std::snprintf(sentence, sizeof sentence,
                "%s %s%s, while %s; a span is lent for the call alone, copy what is kept",
                beyond ? "read beyond the end of" : "touched", label ? label : "memory that was lent to it",
                beyond ? "" : " after it had been taken back", guard.sheet_->doing);
  guard.sheet_->finish(Outcome::kFailed, sentence);
  ::_exit(EXIT_FAILURE);
}

size_t Guard::find_room(size_t pages) {
  for (int rounds = 0; rounds < 2;) {
    if (next_ + pages > kPages) {
      next_ = 0;
      ++rounds;
    }
    auto after = live_.lower_bound(next_);
    if (after != live_.begin()) {
      auto before = std::prev(after);
      if (before->first + before->second > next_) {
        next_ = before->first + before->second;
        continue;
      }
    }
    if (after == live_.end() || after->first >= next_ + pages) return next_;
    next_ = after->first + after->second;
  }
  std::fputs("more was lent than there is room for\n", stderr);
  std::abort();
}

visor_span Guard::lend(visor_span bytes, const char* what) {
  if (bytes.size == 0) return {nullptr, 0};
  if (!enabled_) {
    void* copy = std::malloc(bytes.size);
    std::memcpy(copy, bytes.data, bytes.size);
    return {copy, bytes.size};
  }
  size_t pages = (bytes.size + kPage - 1) / kPage;
  size_t first = find_room(pages + 1); /* one more, never opened: who reads on is found */
  char* at = base_ + first * kPage;
  require(::mprotect(at, pages * kPage, PROT_READ | PROT_WRITE) == 0);
  for (size_t i = 0; i < pages; ++i) labels_[first + i] = what;
  labels_[first + pages] = nullptr;
  char* start = at + (pages * kPage - bytes.size);
  std::memcpy(start, bytes.data, bytes.size);
  live_[first] = pages + 1;
  next_ = first + pages + 1;
  return {start, bytes.size};
}

void Guard::take_back(visor_span lent) {
  if (lent.size == 0) return;
  if (!owns(lent.data)) return std::free(const_cast<void*>(lent.data));
  auto first = static_cast<size_t>(static_cast<const char*>(lent.data) - base_) / kPage;
  auto at = live_.find(first);
  if (at == live_.end()) return;
  /* One call to drop the bytes and close the pages. */
  require(::mmap(base_ + first * kPage, (at->second - 1) * kPage, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED);
  live_.erase(at);
}

}  // namespace visor::check
