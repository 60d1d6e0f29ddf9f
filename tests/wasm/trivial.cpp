/* The least that a plugin can be: what a bundle weighs without plugins is measured with it (sizes.mjs). */
#include <visor/plugin.hpp>

namespace visor {
namespace {

class Trivial final : public Instance {
 public:
  using Instance::Instance;
  void start(Started started) override { started({}); }
};

}  // namespace
}  // namespace visor

VISOR_PLUGIN(trivial) = {
    VISOR_PLUGIN_HEAD,
    .name = "trivial",
    .version = "1.0.0",
    .summary = "Does nothing",
    .license = "MIT",
    .schema = R"({"type":"object","additionalProperties":false})",
    .needs = nullptr,
    .offers = nullptr,
    .commands = nullptr,
    .command_count = 0,
    .command_size = 0,
    .start = visor::start<visor::Trivial>,
    .stop = visor::stop<visor::Trivial>,
    .configure = nullptr,
};
