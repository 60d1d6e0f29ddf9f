#include "check/findings.hpp"

#include <array>

namespace visor::check {

std::string status_name(visor_status status) {
  static constexpr std::array kNames = {
      "VISOR_OK",        "VISOR_EINVAL",    "VISOR_ENOENT",  "VISOR_EEXIST",   "VISOR_EAGAIN",
      "VISOR_ECANCELED", "VISOR_ETIMEDOUT", "VISOR_EIO",     "VISOR_ECORRUPT", "VISOR_ENOSPC",
      "VISOR_ENOSYS",    "VISOR_EPERM",     "VISOR_ECLOSED", "VISOR_EPROTO",   "VISOR_EINTERNAL"};
  if (status <= 0 && status > -static_cast<visor_status>(kNames.size())) {
    return kNames[static_cast<size_t>(-status)];
  }
  return "the status " + std::to_string(status) + ", which means nothing";
}

void Findings::add(std::string_view sentence) {
  if (sentences_.size() == kMaxSentences) return;
  std::string out;
  for (const std::string& where : where_) out += where + ": ";
  sentences_.push_back(out.append(sentence));
}

bool Findings::expect_status(Host host, visor_status got, visor_status wanted, std::string_view call) {
  return expect(got == wanted, [&] {
    std::string out = std::string(call) + ": expected " + status_name(wanted) + ", got " + status_name(got);
    if (got < 0 && wanted == VISOR_OK) out += " (" + host.error(got).text + ")";
    return out;
  });
}

}  // namespace visor::check
