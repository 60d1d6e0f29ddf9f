/* Statuses in words, for failures that came without any. */
#ifndef VISOR_KERNEL_STATUS_TEXT_HPP
#define VISOR_KERNEL_STATUS_TEXT_HPP
#include <array>
#include <string>
#include <visor/host.hpp>

namespace visor::kernel {

inline std::string status_name(visor_status status) {
  static constexpr std::array<const char*, 15> kNames = {
      "VISOR_OK",        "VISOR_EINVAL",    "VISOR_ENOENT",  "VISOR_EEXIST",   "VISOR_EAGAIN",
      "VISOR_ECANCELED", "VISOR_ETIMEDOUT", "VISOR_EIO",     "VISOR_ECORRUPT", "VISOR_ENOSPC",
      "VISOR_ENOSYS",    "VISOR_EPERM",     "VISOR_ECLOSED", "VISOR_EPROTO",   "VISOR_EINTERNAL"};
  if (status > 0 || status <= -int(kNames.size())) return "status " + std::to_string(status);
  return kNames[size_t(-status)];
}

/* Forgets the latest failure's text, before a call whose own may be missing. */
inline void clear_failure(Host host) {
  (void)host.fail(VISOR_OK, "");
}

/* The text of a failure that a call just returned, or the status's name where it left none. */
inline std::string failure_text(Host host, visor_status status) {
  std::string text = host.error(status).text;
  return text.empty() ? status_name(status) : text;
}

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_STATUS_TEXT_HPP
