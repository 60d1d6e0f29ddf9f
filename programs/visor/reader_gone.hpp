/* Whoever reads stdout has left: `visor kernel log | head -1` ends with head, not with the next record. */
#ifndef VISOR_PROGRAMS_READER_GONE_HPP
#define VISOR_PROGRAMS_READER_GONE_HPP
#include <functional>

#include "kernel/native/loop.hpp"

namespace visor::programs {

/* fn runs once, from the loop, when stdout is a pipe or a terminal whose other end was closed; never when it
 * is a file. */
class ReaderGone {
 public:
  ReaderGone(kernel::native::UvLoop& loop, std::function<void()> fn);
  ReaderGone(const ReaderGone&) = delete;
  ReaderGone& operator=(const ReaderGone&) = delete;
  ~ReaderGone();

 private:
  struct Watch;
  Watch* watch_ = nullptr; /* closes itself on the loop */
};

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_READER_GONE_HPP
