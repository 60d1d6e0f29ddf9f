/* Memory that is lent for a while.  What is lent lies in pages of its own, up against their end; once it is
 * taken back, and beyond its end, whoever touches it is found: the process ends with a sentence on its sheet.
 */
#ifndef VISOR_CHECK_NATIVE_GUARD_HPP
#define VISOR_CHECK_NATIVE_GUARD_HPP
#include <visor/abi.h>
#include <map>

#include "check/native/sheet.hpp"

namespace visor::check {

/* One a process, because there is one handler of SIGSEGV. */
class Guard {
 public:
  static Guard& process();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  /* Where the handler writes its sentence. */
  void set_sheet(Sheet* sheet) { sheet_ = sheet; }
  /* Off: bytes are copied and freed as usual, nobody is found. */
  void set_enabled(bool enabled) { enabled_ = enabled; }

  /* A copy; `what` says whose bytes they are and outlives the process: "the arguments of a command". */
  visor_span lend(visor_span bytes, const char* what);
  void take_back(visor_span lent);

  static constexpr size_t kReserved = size_t{4} << 30;

 private:
  Guard();
  static void on_fault(int signal, void* info, void* context);
  bool owns(const void* address) const;
  size_t find_room(size_t pages);

  char* base_ = nullptr;
  const char** labels_ = nullptr; /* by page */
  std::map<size_t, size_t> live_; /* first page, pages */
  size_t next_ = 0;
  Sheet* sheet_ = nullptr;
  bool enabled_ = true;
};

/* Lent for as long as this lives. */
class Lent {
 public:
  Lent() = default;
  Lent(visor_span bytes, const char* what) : span_(Guard::process().lend(bytes, what)) {}
  Lent(Lent&& other) noexcept : span_(other.span_) { other.span_ = {}; }
  Lent& operator=(Lent&& other) noexcept {
    visor_span mine = span_;
    span_ = other.span_;
    other.span_ = mine;
    return *this;
  }
  ~Lent() { Guard::process().take_back(span_); }
  visor_span span() const { return span_; }

 private:
  visor_span span_{};
};

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_GUARD_HPP
