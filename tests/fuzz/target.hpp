/* What a fuzz target is made of. */
#ifndef VISOR_TESTS_FUZZ_TARGET_HPP
#define VISOR_TESTS_FUZZ_TARGET_HPP
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/* One input, which may be anything; returns 0.  What must hold and does not ends the program (must). */
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace visor::test {

inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace visor::test
#endif  // VISOR_TESTS_FUZZ_TARGET_HPP
