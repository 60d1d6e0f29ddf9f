/* Drives that do nothing, to price the boundary alone. */
#ifndef VISOR_BENCH_NULL_DRIVE_HPP
#define VISOR_BENCH_NULL_DRIVE_HPP
#include <visor/storage.h>

namespace visor::bench {

using RawGet = visor_status (*)(visor_kv*, visor_span, visor_span*);

/* The function itself, behind a pointer that the compiler cannot see through. */
RawGet raw_get();
/* The same through a table of the ABI, written in C. */
visor_kv* table_kv();

}  // namespace visor::bench
#endif  // VISOR_BENCH_NULL_DRIVE_HPP
