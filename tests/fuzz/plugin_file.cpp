// A file that may be a plugin: its exported symbols are read, none of its code is run.
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/native/loader.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  static const int file = memfd_create("visor-fuzz.so", 0);
  test::must(file >= 0 && ftruncate(file, 0) == 0, "there is a file in memory");
  test::must(pwrite(file, data, size, 0) == static_cast<ssize_t>(size), "it is written");
  auto names = kernel::native::scan_plugin("/proc/self/fd/" + std::to_string(file));
  if (!names) {
    test::must(!names.error().text.empty(), "a refusal says why");
    return 0;
  }
  for (const std::string& name : *names) test::must(name.size() <= size, "a name is in the file");
  return 0;
}
