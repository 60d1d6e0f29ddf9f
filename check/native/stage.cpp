#include "check/native/stage.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "kernel/json.hpp"
#include "kernel/native/loader.hpp"
#include "kernel/schema.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::check {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr uint64_t kPatienceMs = 60000; /* virtual */

bool lists(const char* const* ids, std::string_view id) {
  for (; ids && *ids; ++ids) {
    if (*ids == id) return true;
  }
  return false;
}

bool by_kernel(std::string_view id) {
  return id == VISOR_IDENTITY_1 || id == VISOR_COMMANDS_1 || id == VISOR_SOCKETS_1;
}

/* The schema's first example, or {}. */
std::string sample_config(const visor_plugin& plugin) {
  if (!plugin.schema) return "{}";
  json::error_code failed;
  json::value schema = json::parse(plugin.schema, failed);
  const json::value* example = failed ? nullptr : schema.find_pointer("/examples/0", failed);
  return example && !failed ? json::serialize(*example) : "{}";
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

std::string peer_of(const std::string& machine) {
  return machine == "alpha" ? "beta" : "alpha";
}

}  // namespace

// --- cast
// ----------------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Cast>> Cast::load(const Options& options, bool strict) {
  std::unique_ptr<Cast> cast(new Cast);
  kernel::Catalog own;
  if (auto loaded = kernel::native::load_plugin(own, options.file); !loaded)
    return std::unexpected(loaded.error());
  cast->subject_ = own.entries().front().plugin;
  if (strict) cast->strict_ = std::make_unique<StrictPlugin>(*cast->subject_);
  const visor_plugin* shown = strict ? cast->strict_->plugin() : cast->subject_;
  if (auto added = cast->catalog_.add(shown, options.file); !added) return std::unexpected(added.error());
  cast->subject_config_ = options.config ? *options.config : sample_config(*cast->subject_);
  if (auto met = cast->load_others(options); !met) return std::unexpected(met.error());
  return cast;
}

Result<void> Cast::load_others(const Options& options) {
  kernel::Catalog siblings;
  for (const std::string& file : options.with) {
    if (auto loaded = kernel::native::load_plugin(siblings, file); !loaded) return loaded;
  }
  for (const auto& entry : siblings.entries()) given_.push_back(entry.plugin);
  auto has_needs = [](const visor_plugin* plugin) {
    const char* const* id = plugin->needs;
    while (id && *id && by_kernel(*id)) ++id;
    return id && *id;
  };
  if (has_needs(subject_) || std::ranges::any_of(given_, has_needs)) {
    std::error_code failed;
    fs::path folder = fs::path(options.file).parent_path();
    for (const auto& file : fs::directory_iterator(folder.empty() ? "." : folder, failed)) {
      std::string name = file.path().filename().string();
      if (!name.starts_with("visor-") || !name.ends_with(".so") || fs::equivalent(file.path(), options.file))
        continue;
      (void)kernel::native::load_plugin(siblings,
                                        file.path().string()); /* what cannot be loaded meets no need */
    }
  }
  for (const visor_plugin* plugin : given_) {
    if (auto met = meet(*plugin, siblings, {}); !met) return met;
  }
  return meet(*subject_, siblings, {});
}

/* Who offers what the last step needs: the plugin under check rather than one that was given, that rather
 * than one from its folder, among those one that keeps nothing on the disk, and only then somebody on the
 * way.  Null: nobody. */
const visor_plugin* Cast::choose(const std::vector<Step>& way, const kernel::Catalog& siblings) const {
  const visor_plugin* chosen = nullptr;
  int best = 0;
  auto consider = [&](const visor_plugin* plugin) {
    if (plugin == way.back().plugin || !lists(plugin->offers, way.back().id)) return;
    int rank = 2;
    if (std::string_view(plugin->name).ends_with("_memory")) rank = 3;
    if (std::ranges::find(given_, plugin) != given_.end()) rank = 4;
    if (plugin == subject_) rank = 5;
    if (std::ranges::find(way, plugin, &Step::plugin) != way.end()) rank = 1;
    if (rank > best) chosen = plugin;
    best = std::max(best, rank);
  };
  consider(subject_);
  for (const auto& entry : siblings.entries()) consider(entry.plugin);
  return chosen;
}

/* Adds, before the plugin itself, who meets its needs. */
Result<void> Cast::meet(const visor_plugin& plugin, const kernel::Catalog& siblings, std::vector<Step> way) {
  for (const char* const* id = plugin.needs; id && *id; ++id) {
    if (by_kernel(*id)) continue;
    if (std::ranges::any_of(others_, [&](const visor_plugin* other) { return lists(other->offers, *id); }))
      continue;
    way.push_back({&plugin, *id});
    const visor_plugin* chosen = choose(way, siblings);
    if (!chosen) {
      return failure(VISOR_ENOENT,
                     std::string(plugin.name) + " needs " + *id +
                         ", which no visor-*.so beside it offers; say who does with --with FILE.so");
    }
    if (auto first = std::ranges::find(way, chosen, &Step::plugin); first != way.end()) {
      std::string circle;
      for (auto at = first; at != way.end(); ++at) {
        const visor_plugin* next = at + 1 == way.end() ? chosen : (at + 1)->plugin;
        circle += (circle.empty() ? "" : ", ") + std::string(at->plugin->name) + " needs " + next->name +
                  " (" + at->id + ")";
      }
      return failure(VISOR_EINVAL, "these plugins need each other, so that none can start first: " + circle);
    }
    if (auto met = meet(*chosen, siblings, way); !met) return met;
    way.pop_back();
  }
  bool there = &plugin == subject_ || std::ranges::find(others_, &plugin) != others_.end();
  if (there) return {};
  others_.push_back(&plugin);
  return catalog_.add(&plugin, "beside it");
}

bool Cast::offers(std::string_view id) const {
  return lists(subject_->offers, id);
}

std::string Cast::kernel_config(const std::string& config) const {
  std::string rows;
  for (const visor_plugin* other : others_) {
    rows += std::string(R"({"plugin":")") + other->name + R"(","config":)" + sample_config(*other) + "},";
  }
  rows += std::string(R"({"plugin":")") + subject_->name + R"(","config":)" + config + "}";
  return R"({"log":{"level":"warn"},"plugins":[)" + rows + "]}";
}

// --- stage
// ---------------------------------------------------------------------------------------------------------------

const crypto::SecretKey& machine_secret(const std::string& machine) {
  static const crypto::SecretKey alpha = [] {
    std::array<uint8_t, 32> bytes{};
    bytes.fill(0xa1);
    return crypto::SecretKey(bytes);
  }();
  static const crypto::SecretKey beta = [] {
    std::array<uint8_t, 32> bytes{};
    bytes.fill(0xb2);
    return crypto::SecretKey(bytes);
  }();
  return machine == "alpha" ? alpha : beta;
}

std::string config_on(const std::string& machine, std::string config) {
  auto peer_key = crypto::public_key_of(machine_secret(peer_of(machine)));
  replace_all(config, "@OWN_HOST@", machine);
  replace_all(config, "@PEER_HOST@", peer_of(machine));
  replace_all(config, "@PEER_KEY@", peer_key ? to_hex(*peer_key) : "");
  return config;
}

Stage::Stage(const Cast& cast, uint64_t seed, std::string directory, Sheet& sheet)
    : cast_(cast),
      directory_(std::move(directory)),
      sheet_(sheet),
      loop_(seed),
      network_(loop_.sim(), {}),
      ledger_(seed) {
  ledger_.subject = &cast.subject();
  ledger_.after = [this](uint64_t ms, std::function<void()> fn) { loop_.timer(ms, 0, std::move(fn)); };
  ledger_.doing = [this](std::string_view what) { sheet_.set_doing(what); };
}

Stage::~Stage() {
  if (stranger_) {
    auto stopped = std::make_shared<bool>(false);
    stranger_->stop([stopped] { *stopped = true; });
    loop_.run_until([&] { return *stopped; }, kPatienceMs);
  }
  for (auto at = visors_.rbegin(); at != visors_.rend(); ++at) {
    if (stop(**at)) continue;
    sheet_.finish(Outcome::kFailed, std::string(cast_.subject().name) +
                                        " did not complete stop within a minute of virtual time");
    std::_Exit(EXIT_FAILURE);  // its callbacks would go on into what is destroyed next
  }
}

Stage::Visor& Stage::make(const std::string& machine, const std::string& config) {
  auto visor = std::make_unique<Visor>();
  visor->machine = machine;
  visor->ledger = &ledger_;
  visor->name = cast_.subject().name;
  kernel::KernelOptions options{
      .loop = loop_, .catalog = cast_.catalog(), .config = cast_.kernel_config(config_on(machine, config))};
  options.config_name = "the configuration of " + machine;
  options.secret_key = crypto::SecretKey(machine_secret(machine).bytes());
  options.directory = directory_.empty() ? "" : directory_ + "/" + machine;
  options.name = machine;
  options.log = [this](const kernel::LogRecord& record) {
    if (record.instance != cast_.subject().name || !record.text.starts_with("left ")) return;
    ledger_.broke(Rule::kLeft, record.text);
  };
  options.services = {ledger_.service(machine), network_.sockets(machine)};
  visor->kernel = std::make_unique<kernel::Kernel>(std::move(options));
  visors_.push_back(std::move(visor));
  return *visors_.back();
}

Result<void> Stage::start(Visor& visor) {
  auto answer = std::make_shared<std::optional<Result<void>>>();
  visor.kernel->start([answer](Result<void> result) { *answer = std::move(result); });
  if (loop_.run_until([&] { return answer->has_value(); }, kPatienceMs)) return **answer;
  sheet_.finish(Outcome::kFailed, std::string(cast_.subject().name) +
                                      " did not complete start within a minute of virtual time, while " +
                                      sheet_.doing);
  std::_Exit(EXIT_FAILURE);
}

bool Stage::stop(Visor& visor) {
  using State = kernel::Kernel::State;
  State state = visor.kernel->state();
  if (state == State::kIdle || state == State::kStopped) return true;
  auto stopped = std::make_shared<bool>(false);
  visor.kernel->stop([stopped] { *stopped = true; });
  doing("stopping");
  return loop_.run_until([&] { return *stopped; }, kPatienceMs);
}

Result<Stage::Visor*> Stage::run(const std::string& machine) {
  Visor& visor = make(machine, cast_.subject_config());
  if (auto started = start(visor); !started) return std::unexpected(started.error());
  return &visor;
}

Waiter Stage::stranger(const std::string& machine) {
  if (!stranger_) {
    kernel::KernelOptions options{.loop = loop_, .catalog = nothing_, .config = R"({"plugins":[]})"};
    options.services = {network_.sockets(machine)};
    stranger_ = std::make_unique<kernel::Kernel>(std::move(options));
    auto started = std::make_shared<bool>(false);
    stranger_->start([started](const Result<void>&) { *started = true; });
    loop_.run_until([&] { return *started; }, kPatienceMs);
  }
  return {stranger_->host(),
          [this](const auto& condition) { return loop_.run_until(condition, kPatienceMs); }};
}

Waiter Stage::waiter(Visor& visor) {
  return {visor.host(), [this](const auto& condition) { return loop_.run_until(condition, kPatienceMs); }};
}

}  // namespace visor::check
