/* What was asked of the checks, looked at before any of them runs. */
#ifndef VISOR_CHECK_NATIVE_ASKED_HPP
#define VISOR_CHECK_NATIVE_ASKED_HPP
#include <visor/visor.h>

#include "check/native/check.hpp"

namespace visor::check {

/* The name of a group, or group/check, and nothing else.  VISOR_EINVAL says what there is. */
Result<void> check_only(const Options& options);

/* What can be said of the configuration without the plugin: it is JSON.  VISOR_EINVAL: where it is not. */
Result<void> check_config_syntax(const Options& options);
/* And with it: it fits the plugin's schema.  VISOR_EINVAL: the path, what was expected and what came. */
Result<void> check_config(const visor_plugin& plugin, const Options& options);

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_ASKED_HPP
