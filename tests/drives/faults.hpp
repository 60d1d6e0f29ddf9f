// A disk that fills up and loses power, for whatever this process writes below one folder: the program's own
// write(), fdatasync() and so on stand before libc's, so that the libraries call these.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>

namespace visor::test::faults {

// Only files below it are concerned; nothing is before this is called.
void watch(const std::filesystem::path& folder);
// So many bytes more fit; a write that is larger is written in part.  Negative: enough.
void set_space(int64_t bytes);
// Copies the folder as it would be after a power cut: of each file what was forced to the disk.  Meanwhile
// nobody writes.
void copy_after_power_cut(const std::filesystem::path& to);

}  // namespace visor::test::faults
