/* Where the plugin under check runs: kernels in virtual time, with what it needs beside it. */
#ifndef VISOR_CHECK_NATIVE_STAGE_HPP
#define VISOR_CHECK_NATIVE_STAGE_HPP
#include <memory>
#include <optional>

#include "check/await.hpp"
#include "check/native/check.hpp"
#include "check/native/check_loop.hpp"
#include "check/native/strict_plugin.hpp"
#include "kernel/kernel.hpp"
#include "kernel/sim/network.hpp"

namespace visor::check {

/* The plugin and those that meet its needs, loaded into this process. */
class Cast {
 public:
  /* strict: every instance of it is watched.  VISOR_ENOENT: a need that nobody meets. */
  static Result<std::unique_ptr<Cast>> load(const Options& options, bool strict);

  const visor_plugin& subject() const { return *subject_; }
  const kernel::Catalog& catalog() const { return catalog_; }
  bool offers(std::string_view id) const;
  /* The configuration that it runs with; the one that was given, the schema's first example, or {}. */
  const std::string& subject_config() const { return subject_config_; }
  /* A kernel's configuration that runs it with `config`, and before it what it needs. */
  std::string kernel_config(const std::string& config) const;

 private:
  Cast() = default;
  Result<void> load_others(const Options& options);
  /* Who needs what, on the way to a plugin that is being looked for. */
  struct Step {
    const visor_plugin* plugin;
    std::string id;
  };
  Result<void> meet(const visor_plugin& plugin, const kernel::Catalog& siblings, std::vector<Step> way);
  const visor_plugin* choose(const std::vector<Step>& way, const kernel::Catalog& siblings) const;

  const visor_plugin* subject_ = nullptr;
  std::unique_ptr<StrictPlugin> strict_;
  kernel::Catalog catalog_;
  std::vector<const visor_plugin*> given_;  /* with --with */
  std::vector<const visor_plugin*> others_; /* each after those that it needs */
  std::string subject_config_;
};

/* One seed, one loop, one network, one ledger; as many kernels as a check wants. */
class Stage {
 public:
  Stage(const Cast& cast, uint64_t seed, std::string directory, Sheet& sheet);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  /* Stops what runs. */
  ~Stage();

  /* One visor on a machine of its own: "alpha", "beta". */
  struct Visor {
    std::string machine;
    std::unique_ptr<kernel::Kernel> kernel;
    Host host() const { return kernel->host(); }
    /* What the plugin under check offers; null: nothing under that id. */
    template <class T>
    T* find(const char* id) const {
      void* own = ledger->offered(machine, id);
      return own ? static_cast<T*>(own) : kernel->find<T>(id);
    }
    const Ledger* ledger = nullptr;
    std::string name; /* the subject's instance */
  };
  /* config: of the subject, as config_on() takes it. */
  Visor& make(const std::string& machine, const std::string& config);
  Result<void> start(Visor& visor);
  /* False: it does not stop within a minute of virtual time. */
  bool stop(Visor& visor);
  /* make() and start() with the cast's own configuration. */
  Result<Visor*> run(const std::string& machine = "alpha");

  /* Somebody else on that machine, with nothing but sockets. */
  Waiter stranger(const std::string& machine);
  visor_sockets* strangers_sockets() const { return stranger_->find<visor_sockets>(VISOR_SOCKETS_1); }

  CheckLoop& loop() { return loop_; }
  kernel::sim::SimNetwork& network() { return network_; }
  Ledger& ledger() { return ledger_; }
  const Cast& cast() const { return cast_; }
  Sheet& sheet() { return sheet_; }
  Waiter waiter(Visor& visor);
  void doing(std::string_view what) { sheet_.set_doing(what); }

 private:
  const Cast& cast_;
  const std::string directory_;
  Sheet& sheet_;
  CheckLoop loop_;
  kernel::sim::SimNetwork network_;
  Ledger ledger_;
  std::vector<std::unique_ptr<Visor>> visors_;
  kernel::Catalog nothing_;
  std::unique_ptr<kernel::Kernel> stranger_;
};

/* Of the machines "alpha" and "beta". */
const crypto::SecretKey& machine_secret(const std::string& machine);
/* The configuration on that machine: @OWN_HOST@, @PEER_HOST@ and @PEER_KEY@ stand for the machines' addresses
 * and the other's key. */
std::string config_on(const std::string& machine, std::string config);

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_STAGE_HPP
