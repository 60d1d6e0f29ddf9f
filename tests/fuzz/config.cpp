// A configuration file: read, checked against the plugins' schemas, put in order of need.
#include "kernel/config.hpp"

#include "tests/fuzz/bundle.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  const kernel::Catalog& catalog = test::bundled_plugins();
  Result<kernel::Config> config = kernel::read_config(catalog, test::as_text(data, size), "visor.json");
  if (!config) {
    test::must(!config.error().text.empty() && config.error().text.size() < 4096, "an error is a sentence");
    return 0;
  }
  for (const kernel::InstanceConfig& instance : config->instances) {
    test::must(kernel::check_instance_config(*instance.plugin, instance.json, "again").has_value(),
               "what was accepted once is accepted again");
    (void)kernel::redacted_config(*instance.plugin, instance.json);
  }
  (void)kernel::order_by_need(catalog, {}, config->instances);
  return 0;
}
