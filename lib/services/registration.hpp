/* Keeps one service of our own listed in a service directory, and takes it out again. */
#ifndef VISOR_SERVICES_REGISTRATION_HPP
#define VISOR_SERVICES_REGISTRATION_HPP
#include <visor/net.hpp>

#include "lib/services/directory.hpp"

namespace visor::services {

struct RegistrationOptions {
  uint64_t refresh_ms = 60'000;                            /* it is posted again so often */
  uint64_t retry_first_ms = 1'000, retry_most_ms = 60'000; /* while it is not taken */
  uint64_t withdraw_ms = 2'000;                            /* that withdrawing may take */
};

struct RegistrationCounters {
  bool registered = false; /* the directory has what was set last, as far as is known */
  int64_t posted_ms = 0;   /* when it took the latest, Unix; 0: never */
  uint64_t posts = 0;      /* taken */
  uint64_t failures = 0;   /* of all kinds */
  std::string last_error;  /* empty: the latest attempt succeeded */
};

class Registration {
 public:
  /* The directory must outlive it; `sign` signs for the key of what is set. */
  Registration(Host host, Directory& directory, dmsg::Sign sign, RegistrationOptions options = {});
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration();

  /* Posts it now, and again and again.  Its name must be that of the one before; time and signature are made
   * here. */
  void set(Service own);
  /* Takes it out; `done` runs once, from the loop, at the latest after withdraw_ms, whether it worked or not.
   * Nothing is posted afterwards. */
  void withdraw(std::function<void()> done);

  const RegistrationCounters& counters() const { return counters_; }

 private:
  void wait(uint64_t ms);
  void post();
  void answered(std::expected<void, Directory::Refusal> result);
  void failed(const Error& error);
  void withdrawn();
  Result<Service> make(bool gone);

  Host host_;
  Directory& directory_;
  const dmsg::Sign sign_;
  const RegistrationOptions options_;
  RegistrationCounters counters_;
  std::optional<Service> own_;
  int64_t last_ms_ = 0; /* the latest time that was signed, or that the directory has */
  uint64_t failures_in_row_ = 0;
  bool changed_ = false; /* since the post that is under way */
  std::function<void()> withdrawing_;
  Tasks tasks_;
  Timer timer_, limit_;
  http::Call call_;
  bool posting_ = false;
};

}  // namespace visor::services
#endif  // VISOR_SERVICES_REGISTRATION_HPP
