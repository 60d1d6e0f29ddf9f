/* What a shared object exports, read as data. */
#ifndef VISOR_KERNEL_NATIVE_ELF_SYMBOLS_HPP
#define VISOR_KERNEL_NATIVE_ELF_SYMBOLS_HPP
#include <string>
#include <string_view>
#include <vector>
#include <visor/value.hpp>

namespace visor::kernel::native {

/* The defined symbols of the file's dynamic symbol table that begin with `prefix`, sorted, each once. Nothing
 * is allocated for what the file merely claims: every table must lie within it.  VISOR_ENOENT: no such file;
 * VISOR_EINVAL: not a 64-bit shared object of this byte order, or a damaged one.  The error is a sentence
 * about the file, without its name. */
Result<std::vector<std::string>> exported_symbols(const std::string& file, std::string_view prefix);

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_ELF_SYMBOLS_HPP
