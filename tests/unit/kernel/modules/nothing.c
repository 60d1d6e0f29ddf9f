/* A shared object that is no plugin. */
int visor_test_nothing(void);
__attribute__((visibility("default"))) int visor_test_nothing(void) {
  return 0;
}
