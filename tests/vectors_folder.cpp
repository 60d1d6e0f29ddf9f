// The one place that knows where the tree is, so that all other tests compile the same anywhere, and are
// cached.
namespace visor::test {

const char* vectors_folder();
const char* vectors_folder() {
  return VISOR_TEST_VECTORS;
}

}  // namespace visor::test
