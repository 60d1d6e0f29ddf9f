#include "tests/support/world.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

namespace visor::test {
namespace {

constexpr uint64_t kPatienceMs = 120000;

}  // namespace

Node::Node(World& world, std::string machine, std::string config, NodeOptions options)
    : world_(world), machine_(std::move(machine)) {
  std::vector<kernel::Service> services = std::move(options.services);
  services.push_back(world.sockets(machine_));
  std::optional<crypto::SecretKey> secret;
  if (options.secret) secret.emplace(*options.secret);
  bool shown = std::getenv("VISOR_TEST_LOG") != nullptr;
  kernel_ = std::make_unique<kernel::Kernel>(kernel::KernelOptions{
      .loop = world.loop(),
      .catalog = options.catalog ? *options.catalog : plugins(),
      .config = std::move(config),
      .secret_key = std::move(secret),
      .directory = std::move(options.directory),
      .name = machine_,
      .log =
          [this, shown](const kernel::LogRecord& record) {
            log_.push_back(record);
            if (shown) std::fprintf(stderr, "%s\n", kernel::format_text(record).c_str());
          },
      .log_level = options.log_level,
      .services = std::move(services),
  });
}

Node::~Node() {
  stop();
}

Result<void> Node::start() {
  std::optional<Result<void>> started;
  kernel_->start([&](Result<void> result) { started = std::move(result); });
  world_.run_until([&] { return started.has_value(); }, kPatienceMs);
  return started ? *started : failure(VISOR_ETIMEDOUT, machine_ + " did not start: " + kernel_->status());
}

void Node::stop() {
  if (kernel_->state() == kernel::Kernel::State::kIdle || kernel_->state() == kernel::Kernel::State::kStopped)
    return;
  bool stopped = false;
  kernel_->stop([&] { stopped = true; });
  if (world_.run_until([&] { return stopped; }, kPatienceMs)) return;
  std::fprintf(stderr, "%s does not stop: %s\n", machine_.c_str(), kernel_->status().c_str());
  std::abort();  // its plugins' callbacks would go on into what is destroyed next
}

bool Node::logged(std::string_view part) const {
  return std::ranges::any_of(
      log_, [&](const kernel::LogRecord& record) { return record.text.find(part) != std::string::npos; });
}

Result<std::vector<std::string>> Node::values(const std::string& instance, const std::string& command,
                                              const std::string& args) {
  struct Answer {
    std::vector<std::string> values;
    std::optional<Error> finished;
  };
  static constexpr visor_caller kCaller = {
      .size = sizeof(visor_caller),
      .caps = 0,
      .value = [](void* ctx, visor_span json) -> visor_status {
        static_cast<Answer*>(ctx)->values.emplace_back(text(json));
        return VISOR_OK;
      },
      .finished =
          [](void* ctx, visor_status status, visor_span why) {
            static_cast<Answer*>(ctx)->finished = Error{status, std::string(text(why))};
          },
  };
  Answer answer;
  visor_commands* commands = kernel_->commands();
  visor_ticket* ticket = nullptr;
  visor_status status = commands->api->call(commands, instance.c_str(), command.c_str(),
                                            to_span(std::string_view(args)), &kCaller, &answer, &ticket);
  if (status != VISOR_OK) return std::unexpected(host().error(status));
  if (!world_.run_until([&] { return answer.finished.has_value(); }, kPatienceMs)) {
    commands->api->cancel(commands, ticket);
    world_.run_until([&] { return answer.finished.has_value(); }, kPatienceMs);
    return failure(VISOR_ETIMEDOUT, instance + " " + command + " did not finish");
  }
  if (answer.finished->status != VISOR_OK) return std::unexpected(*answer.finished);
  return std::move(answer.values);
}

Result<std::string> Node::call(const std::string& instance, const std::string& command,
                               const std::string& args) {
  auto all = values(instance, command, args);
  if (!all) return std::unexpected(all.error());
  if (all->size() == 1) return std::move(all->front());
  return failure(VISOR_EPROTO, instance + " " + command + " gave " + std::to_string(all->size()) + " values");
}

World::~World() = default;

void World::stop_all() {
  while (!nodes_.empty()) nodes_.pop_back();
}

void World::run_for(uint64_t ms) {
  run_until([] { return false; }, ms);
}

Node& World::make(std::string machine, std::string config, NodeOptions options) {
  nodes_.push_back(std::make_unique<Node>(*this, std::move(machine), std::move(config), std::move(options)));
  return *nodes_.back();
}

Node& World::add(std::string machine, std::string config, NodeOptions options) {
  Node& node = make(std::move(machine), std::move(config), std::move(options));
  auto started = node.start();
  INFO(node.machine() << ": " << (started ? "" : started.error().text));
  REQUIRE(started.has_value());
  return node;
}

void World::remove(Node& node) {
  std::erase_if(nodes_, [&](const auto& known) { return known.get() == &node; });
}

check::Waiter World::waiter(Node& node) {
  return {node.host(), [this](const auto& condition) { return run_until(condition, kPatienceMs); }};
}

}  // namespace visor::test
