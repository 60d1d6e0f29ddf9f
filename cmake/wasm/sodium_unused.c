/* sodium_init() lets every family of primitives choose an implementation for the processor; these families are not in
 * the wasm subset. */
int _crypto_generichash_blake2b_pick_best_implementation(void);
int _crypto_pwhash_argon2_pick_best_implementation(void);
int _crypto_scalarmult_curve25519_pick_best_implementation(void);
int _crypto_stream_salsa20_pick_best_implementation(void);

int _crypto_generichash_blake2b_pick_best_implementation(void) { return 0; }
int _crypto_pwhash_argon2_pick_best_implementation(void) { return 0; }
int _crypto_scalarmult_curve25519_pick_best_implementation(void) { return 0; }
int _crypto_stream_salsa20_pick_best_implementation(void) { return 0; }
