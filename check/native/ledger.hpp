/* What the plugin under check has done against the contract (visor/abi.h, laws 1 to 8), and the dones that
 * are open. */
#ifndef VISOR_CHECK_NATIVE_LEDGER_HPP
#define VISOR_CHECK_NATIVE_LEDGER_HPP
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include <visor/host.hpp>

#include "check/findings.hpp"
#include "check/native/guard.hpp"
#include "kernel/service.hpp"

namespace visor::check {

enum class Rule { kDone, kThread, kPressure, kEvents, kLeft, kStopped, kOffer, kErrors, kMisuse };
inline constexpr size_t kRules = 9;

/* Who provides an object: what its provider does wrong counts only if that is the plugin under check, and
 * what its user does wrong only if it is not. */
enum class Provider { kSubject, kOther };

class Ledger;

/* One instance of the plugin under check. */
struct Party {
  Ledger& ledger;
  std::string machine = {};
  bool stopped = false; /* its stop has completed */
};

/* A visor_done on its way through: it must run once, later, from the loop.  Lives until the ledger goes, so
 * that a second run is seen. */
class Promise {
 public:
  using Translate = std::function<void*(void*)>;
  Promise(Ledger& ledger, Host host, Provider provider, const Party* user, visor_done inner, std::string what,
          Translate translate);

  visor_done done() { return {&Promise::run, this}; }
  /* What the call returned; to be returned on. */
  visor_status returned(visor_status status);
  /* The inner done is this one, and it has not run. */
  bool is(const void* done_ctx) const { return inner_.ctx == done_ctx && runs_ == 0 && !refused_; }
  /* cancel() is called for it; `inside` as long as that call lasts. */
  void set_canceling(bool inside);
  bool open() const { return runs_ == 0 && !refused_; }
  const std::string& what() const { return what_; }
  Provider provider() const { return provider_; }

 private:
  static void run(void* ctx, visor_status status, void* result);
  void deliver(visor_status status, void* result);

  Ledger& ledger_;
  Host host_;
  const Provider provider_;
  const Party* user_; /* null: nobody who could stop */
  visor_done inner_;
  const std::string what_;
  Translate translate_;
  bool in_call_ = true, in_cancel_ = false, canceled_ = false, refused_ = false, early_ = false;
  visor_status early_status_ = VISOR_OK;
  void* early_result_ = nullptr;
  int runs_ = 0;
};

class Ledger {
 public:
  explicit Ledger(uint64_t seed) : random_(seed) {}
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /* [any] */
  void broke(Rule rule, std::string sentence);
  std::vector<std::string> sentences(Rule rule) const;
  bool on_loop_thread() const { return std::this_thread::get_id() == thread_; }
  /* A finding, unless this is the loop's thread. */
  bool expect_loop_thread(std::string_view call);

  Promise& promise(Host host, Provider provider, const Party* user, visor_done inner, std::string what,
                   Promise::Translate translate = nullptr);
  Promise* find_promise(const void* done_ctx);
  /* Everything has stopped: what is still open is never going to complete. */
  void close_promises();
  /* Promises that have not run, of calls to the plugin under check. */
  size_t open_promises() const;

  /* Things kept until the ledger goes, so that whoever uses them too late is heard, not hurt. */
  template <class T>
  T* keep(std::unique_ptr<T> object) {
    T* raw = object.get();
    kept_.push_back(std::shared_ptr<void>(std::move(object)));
    return raw;
  }

  Party& add_party();

  /* Runs fn after so much of the loop's time; set by whoever has the loop. */
  std::function<void(uint64_t ms, std::function<void()> fn)> after;
  /* What the plugin is being asked, for a sentence about its end; never null. */
  std::function<void(std::string_view)> doing = [](std::string_view) {};

  /* Where its instance on this machine listens: "tcp://beta:7000". */
  std::vector<std::string> listening(std::string_view machine) const;
  void set_listening(std::string machine, std::string url, bool on);

  /* The first object that its instance on this machine offers under an id; null: none, or it is not watched.
   */
  void* offered(const std::string& machine, const std::string& id) const;
  void set_offered(const std::string& machine, const std::string& id, void* object);

  /* Calls of its commands that it has not finished. */
  size_t open_calls() const { return open_calls_; }
  void count_call(int difference) { open_calls_ += static_cast<size_t>(difference); }

  /* Refuse writes and emits now and then, with VISOR_EAGAIN. */
  bool pressure = false;
  size_t below(size_t bound) { return static_cast<size_t>(random_() % bound); }

  /* The plugin under check, as its file has it. */
  const visor_plugin* subject = nullptr;

  /* How the wrapped plugin finds its ledger in the kernel that runs it. */
  static constexpr const char* kService = "visor.check.door/1";
  struct Door {
    Ledger& ledger;
    std::string machine;
  };
  kernel::Service service(std::string machine);

 private:
  mutable std::mutex mutex_; /* of the sentences */
  std::array<std::vector<std::string>, kRules> sentences_;
  const std::thread::id thread_ = std::this_thread::get_id();
  std::vector<std::unique_ptr<Promise>> promises_;
  std::vector<std::shared_ptr<void>> kept_;
  std::vector<std::unique_ptr<Party>> parties_;
  std::mt19937_64 random_;
  size_t open_calls_ = 0;
  std::multimap<std::string, std::string> listening_;            /* by machine */
  std::map<std::pair<std::string, std::string>, void*> offered_; /* by machine and id */
};

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_LEDGER_HPP
