/* The file that holds a visor's secret key: 64 hex digits and a line end, readable by its owner alone. */
#ifndef VISOR_KERNEL_NATIVE_KEY_FILE_HPP
#define VISOR_KERNEL_NATIVE_KEY_FILE_HPP
#include <string>

#include "lib/crypto/secret.hpp"

namespace visor::kernel::native {

/* VISOR_ENOENT: no such file; VISOR_EPERM: others may read it; VISOR_EINVAL: it holds no key. */
Result<crypto::SecretKey> read_key_file(const std::string& file);

/* Writes a new file, whole or not at all.  VISOR_EEXIST: it is there already; a key is never overwritten. */
Result<void> write_key_file(const std::string& file, const crypto::SecretKey& secret);

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_KEY_FILE_HPP
