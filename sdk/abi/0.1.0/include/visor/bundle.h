/* visor/bundle.h - the table of plugins that were linked into this program (visor_bundle in CMake writes it). */
#ifndef VISOR_BUNDLE_H
#define VISOR_BUNDLE_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

extern const visor_plugin *const visor_bundle[]; /* NULL-terminated */

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* VISOR_BUNDLE_H */
