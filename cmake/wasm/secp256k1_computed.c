/* libsecp256k1 with tables that are computed when the module starts, in a few milliseconds: loaded, they would be 65 KB
 * of numbers that no compression makes smaller.  The library's own table headers are kept out by their include guards,
 * and its own functions, those that wrote its tables, fill ours. */
#define SECP256K1_BUILD
#include <secp256k1.h>

#include "group.h"
#include "ecmult.h"
#include "ecmult_gen.h"

#define SECP256K1_PRECOMPUTED_ECMULT_H
#define WINDOW_G ECMULT_WINDOW_SIZE
static secp256k1_ge_storage secp256k1_pre_g[ECMULT_TABLE_SIZE(WINDOW_G)];
static secp256k1_ge_storage secp256k1_pre_g_128[ECMULT_TABLE_SIZE(WINDOW_G)];

#define SECP256K1_PRECOMPUTED_ECMULT_GEN_H
static secp256k1_ge_storage secp256k1_ecmult_gen_prec_table[ECMULT_GEN_PREC_N(ECMULT_GEN_PREC_BITS)]
                                                           [ECMULT_GEN_PREC_G(ECMULT_GEN_PREC_BITS)];

#include "secp256k1.c"

#include "ecmult_compute_table_impl.h"
#include "ecmult_gen_compute_table_impl.h"

__attribute__((constructor)) static void compute_tables(void) {
  secp256k1_ecmult_compute_two_tables(secp256k1_pre_g, secp256k1_pre_g_128, WINDOW_G, &secp256k1_ge_const_g);
  secp256k1_ecmult_gen_compute_table(&secp256k1_ecmult_gen_prec_table[0][0], &secp256k1_ge_const_g, ECMULT_GEN_PREC_BITS);
}
