/* What the bench of the TPD does in processes of their own. */
#ifndef VISOR_BENCH_TELEMETRY_PARTS_HPP
#define VISOR_BENCH_TELEMETRY_PARTS_HPP

namespace visor::bench {

/* The row of 1,000 visors that report each second. */
void measure_ingest();

/* Children of it: the TPD, and the visors that report to it. */
void run_tpd();
void run_visors(const char* tpd_key, const char* tpd_url);

/* A TPD with 100,000 series on a gateway; each line on its input changes one of them, `samples` says how many
 * samples it takes in a second. */
void run_served();

}  // namespace visor::bench
#endif  // VISOR_BENCH_TELEMETRY_PARTS_HPP
