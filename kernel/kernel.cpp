#include "kernel/kernel.hpp"

#include <algorithm>
#include <cassert>

#include "kernel/kernel_impl.hpp"
#include "kernel/status_text.hpp"

namespace visor::kernel {
namespace {

constexpr uint64_t kSlowMs = 5000;
constexpr int kMaxRounds = 100; /* of waiting for posts that bring new posts */

std::set<std::string> ids_without_plugins(const std::vector<Service>& services) {
  std::set<std::string> out = {VISOR_IDENTITY_1, VISOR_COMMANDS_1};
  for (const Service& service : services) out.insert(service.id);
  return out;
}

}  // namespace

// --- construction
// -------------------------------------------------------------------------------------------------

Kernel::Impl::Impl(KernelOptions options)
    : core(options.loop),
      own_host(core, std::string(kKernelInstance), "{}", options.directory),
      commands(Host(&own_host)),
      options_(std::move(options)),
      own_commands_(Host(&own_host), core.log,
                    {[this] { return status(); }, [this](bool schemas) { return plugins_json(schemas); },
                     [this] { return config_json(); }}) {
  core.log.set_sink(options_.name, options_.log);
  core.log.set_level(options_.log_level);
  (void)core.registry.offer(own_host.name(), VISOR_COMMANDS_1, own_host.name(),
                            static_cast<visor_commands*>(&commands));
  commands.add(own_host.name(), KernelCommands::plugin(), &own_commands_);
  for (const Service& service : options_.services) {
    services_.push_back(service.make(Host(&own_host)));
    auto offered = core.registry.offer(own_host.name(), service.id, service.name, services_.back()->object());
    if (!offered) Host(&own_host).log(VISOR_ERROR, offered.error().text);
  }
}

Kernel::Impl::~Impl() {
  // Running instances would go on calling what is being destroyed.
  assert(state == State::kIdle || state == State::kStopped);
  core.registry.withdraw_all(own_host.name());
  services_.clear();
}

// --- start
// --------------------------------------------------------------------------------------------------------

void Kernel::Impl::start(Started started) {
  if (state != State::kIdle) {
    core.loop.post([started = std::move(started)] {
      started(failure(VISOR_EINVAL, "a kernel starts once; make another"));
    });
    return;
  }
  state = State::kStarting;
  started_ns_ = core.loop.now_ns();
  started_ = std::move(started);
  auto prepared = prepare();
  core.loop.post([this, prepared] {
    if (!prepared) return fail_start(prepared.error());
    start_next();
  });
}

Result<void> Kernel::Impl::prepare() {
  auto config = read_config(options_.catalog, options_.config, options_.config_name);
  if (!config) return std::unexpected(config.error());
  auto ordered = order_by_need(options_.catalog, ids_without_plugins(options_.services), config->instances);
  if (!ordered) return failure(ordered.error().status, options_.config_name + ": " + ordered.error().text);

  if (config->log_level) core.log.set_level(*config->log_level);
  for (const auto& [instance, level] : config->log_levels) core.log.set_level(instance, level);
  if (auto done = set_identity(*config); !done) return done;
  std::string directory = config->directory.value_or(options_.directory);
  for (InstanceConfig& instance : config->instances) {
    std::string own = directory.empty() ? "" : directory + "/" + instance.name;
    instances_.push_back(std::make_unique<Running>(core, std::move(instance), std::move(own)));
  }
  return {};
}

Result<void> Kernel::Impl::set_identity(const Config& config) {
  Host host(&own_host);
  Result<std::unique_ptr<Identity>> made;
  if (options_.secret_key) {
    made = Identity::make(host, core.loop, std::move(*options_.secret_key));
    options_.secret_key.reset();
  } else if (config.identity_file) {
    if (!options_.read_key) {
      return failure(VISOR_ENOSYS,
                     options_.config_name + ": identity.file: this host reads no files; hand the key in");
    }
    auto secret = options_.read_key(*config.identity_file);
    if (!secret)
      return failure(secret.error().status, options_.config_name + ": identity.file: " + secret.error().text);
    made = Identity::make(host, core.loop, std::move(*secret));
  } else {
    made = Identity::draw(host, core.loop);
  }
  if (!made) return std::unexpected(made.error());
  identity_ = std::move(*made);
  key = *identity_->key();
  return core.registry.offer(own_host.name(), VISOR_IDENTITY_1, own_host.name(),
                             static_cast<visor_identity*>(identity_.get()));
}

void Kernel::Impl::start_next() {
  if (!stopped_.empty()) return fail_start({VISOR_ECANCELED, "stopped while starting"});
  if (running_ == instances_.size()) {
    state = State::kRunning;
    Host(&own_host).info("running as " + to_hex(key));
    return std::exchange(started_, nullptr)({});
  }
  Running& instance = *instances_[running_];
  const visor_plugin& plugin = *instance.config.plugin;
  for (const char* const* id = plugin.needs; id && *id; ++id) {
    if (core.registry.find(*id, nullptr)) continue;
    return fail_start({VISOR_ENOENT, instance.config.name + " needs " + *id +
                                         ", which its provider did not offer when it started"});
  }
  instance.state = "starting";
  clear_failure(Host(&own_host));
  Answer* answer = await(instance, "start", [this, &instance](visor_status status, const std::string& why) {
    started_one(instance, status, why);
  });
  visor_status status = plugin.start(&instance.host, &instance.self, {&Answer::run, answer});
  answer->in_call = false;
  if (status != VISOR_OK) answered(answer, status, failure_text(Host(&own_host), status));
}

void Kernel::Impl::started_one(Running& instance, visor_status status, const std::string& why) {
  if (status != VISOR_OK) {
    instance.state = "failed";
    instance.host.when_idle([this, &instance, status, why] {
      instance.host.clean_up();
      fail_start({status, instance.config.name + " did not start: " + why});
    });
    return;
  }
  instance.state = "running";
  ++running_;
  commands.add(instance.config.name, instance.config.plugin, instance.self);
  Host(&instance.host).debug("started");
  start_next();
}

void Kernel::Impl::fail_start(Error error) {
  start_error_ = std::move(error);
  state = State::kStopping;
  stop_next();
}

Kernel::Impl::Answer* Kernel::Impl::await(Running& instance, const char* what,
                                          std::function<void(visor_status, std::string)> then) {
  auto* answer = new Answer{*this, instance, what, std::move(then)};
  answer->slow_timer = core.loop.timer(kSlowMs, kSlowMs, [this, &instance, what, since = core.loop.now_ns()] {
    uint64_t waited_s = (core.loop.now_ns() - since) / 1000000000u;
    Host(&own_host).warn(instance.config.name + " (" + instance.config.plugin->name + ") takes long to " +
                         what + ": " + std::to_string(waited_s) + " s so far; still waiting");
  });
  return answer;
}

void Kernel::Impl::Answer::run(void* ctx, visor_status status, void*) {
  auto* self = static_cast<Answer*>(ctx);
  std::string why = status == VISOR_OK ? "" : failure_text(Host(&self->impl.own_host), status);
  if (!self->in_call) return self->impl.answered(self, status, std::move(why));
  Host(&self->instance.host)
      .log(VISOR_ERROR,
           std::string(self->what) + " completed before it had returned; a done runs later, from the loop");
  self->impl.core.loop.post([self, status, why] { self->impl.answered(self, status, why); });
}

void Kernel::Impl::answered(Answer* answer, visor_status status, std::string why) {
  std::unique_ptr<Answer> owned(answer);
  core.loop.cancel(owned->slow_timer);
  owned->then(status, std::move(why));
}

// --- stop
// ---------------------------------------------------------------------------------------------------------

void Kernel::Impl::stop(Stopped stopped) {
  if (state == State::kStopped) return core.loop.post(std::move(stopped));
  stopped_.push_back(std::move(stopped));
  if (state == State::kStarting || state == State::kStopping) return;
  state = State::kStopping;
  core.loop.post([this] { stop_next(); });
}

void Kernel::Impl::stop_next() {
  if (running_ == 0) return stop_kernel();
  Running& instance = *instances_[--running_];
  instance.state = "stopping";
  commands.close(instance.config.name);
  core.registry.withdraw_all(instance.config.name);
  core.loop.post([this, &instance] { stop_one(instance); }); /* behind what was posted before */
}

void Kernel::Impl::stop_one(Running& instance) {
  Answer* answer = await(instance, "stop", [this, &instance](visor_status, const std::string&) {
    instance.host.when_idle([this, &instance] {
      settle([this, &instance] {
        if (size_t calls = commands.remove(instance.config.name)) {
          Host(&own_host).warn(instance.config.name + " did not finish " + std::to_string(calls) +
                               " commands");
        }
        instance.host.clean_up();
        instance.state = "stopped";
        Host(&instance.host).debug("stopped");
        stop_next();
      });
    });
  });
  instance.config.plugin->stop(instance.self, {&Answer::run, answer});
  answer->in_call = false;
}

void Kernel::Impl::stop_kernel() {
  commands.close(own_host.name());
  settle([this] {
    core.registry.withdraw_all(own_host.name());
    services_.clear();
    commands.remove(own_host.name());
    settle([this] {
      own_host.clean_up();
      state = State::kStopped;
      // The last of these may destroy this object.
      auto tell = [started = std::move(started_), error = std::move(start_error_),
                   stopped = std::move(stopped_)] {
        if (started) started(std::unexpected(*error));
        for (const Stopped& fn : stopped) fn();
      };
      tell();
    });
  });
}

/* Runs `then` once the posts of this kernel's instances have brought no new ones. */
void Kernel::Impl::settle(std::function<void()> then, int round) {
  core.loop.post([this, before = core.posted.load(), then = std::move(then), round] {
    if (core.posted.load() == before || round >= kMaxRounds) return then();
    settle(then, round + 1);
  });
}

// --- the rest
// -----------------------------------------------------------------------------------------------------

Result<void> Kernel::Impl::configure(std::string_view name, std::string_view text) {
  auto at = std::ranges::find_if(instances_, [&](const auto& i) { return i->config.name == name; });
  if (at == instances_.end() || state != State::kRunning) {
    return failure(VISOR_ENOENT, "no instance \"" + std::string(name) + "\" is running");
  }
  Running& instance = **at;
  const visor_plugin& plugin = *instance.config.plugin;
  if (auto fits = check_instance_config(plugin, text, name); !fits) return fits;
  if (!plugin.configure) {
    return failure(VISOR_ENOSYS, instance.config.name + " takes a new configuration only by a restart");
  }
  clear_failure(Host(&own_host));
  visor_status status = plugin.configure(instance.self, to_span(text));
  if (status != VISOR_OK)
    return failure(status, instance.config.name + ": " + failure_text(Host(&own_host), status));
  instance.host.set_config(std::string(text));
  return {};
}

// --- the public face
// ----------------------------------------------------------------------------------------------

Kernel::Kernel(KernelOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Kernel::~Kernel() = default;

void Kernel::start(Started started) {
  impl_->start(std::move(started));
}
void Kernel::stop(Stopped stopped) {
  impl_->stop(std::move(stopped));
}
Kernel::State Kernel::state() const {
  return impl_->state;
}
Result<void> Kernel::configure(std::string_view instance, std::string_view text) {
  return impl_->configure(instance, text);
}
std::string Kernel::status() const {
  return impl_->status();
}
void* Kernel::find(const char* id, const char* name) const {
  return impl_->core.registry.find(id, name);
}
visor_commands* Kernel::commands() const {
  return &impl_->commands;
}
Host Kernel::host() const {
  return Host(&impl_->own_host);
}
const visor_key& Kernel::key() const {
  return impl_->key;
}
Log& Kernel::log() {
  return impl_->core.log;
}

Result<std::vector<std::string>> check_config(const Catalog& catalog, const std::vector<Service>& services,
                                              std::string_view text, std::string_view name) {
  auto config = read_config(catalog, text, name);
  if (!config) return std::unexpected(config.error());
  auto ordered = order_by_need(catalog, ids_without_plugins(services), config->instances);
  if (!ordered) return failure(ordered.error().status, std::string(name) + ": " + ordered.error().text);
  std::vector<std::string> out;
  for (const InstanceConfig& instance : config->instances) out.push_back(instance.name);
  return out;
}

}  // namespace visor::kernel
