/* What every drive must do, whoever wrote it: storage.h's promises, one check each.  The tests run them on
 * the project's own drives, `visor check` on anybody's. */
#ifndef VISOR_CHECK_DRIVE_HPP
#define VISOR_CHECK_DRIVE_HPP
#include <span>
#include <visor/storage.hpp>

#include "check/await.hpp"
#include "check/findings.hpp"

namespace visor::check {

/* A drive as a check uses it: opened maps, waited-for calls. */
class DriveUser {
 public:
  DriveUser(Findings& findings, Waiter waiter, visor_drive* drive)
      : found(findings), waiter_(std::move(waiter)), drive_(drive) {}

  Host host() const { return waiter_.host; }
  visor_drive* raw() const { return drive_; }
  bool durable() const { return (drive_->api->caps & VISOR_DRIVE_DURABLE) != 0; }

  Result<visor_kv*> try_open(std::string_view name);
  /* Null, and a finding, if it cannot be opened. */
  Owned<visor_kv> open(std::string_view name);
  Result<void> erase(std::string_view name);
  Result<void> sync(visor_kv* kv);
  /* Waits until the condition holds or nothing happens any more. */
  bool run_until(const std::function<bool()>& condition) { return waiter_.run_until(condition); }

  Findings& found;

 private:
  Waiter waiter_;
  visor_drive* drive_;
};

visor_status put_one(visor_kv* kv, std::string_view key, std::string_view value);
/* The value under a key; its absence and every failure are errors. */
Result<std::string> get_one(Host host, visor_kv* kv, std::string_view key);

struct DriveCheck {
  const char* name;
  const char* promise; /* one sentence, for people */
  void (*run)(DriveUser& drive, uint64_t seed);
};

/* Each works on maps of its own names, so that they can run one after another on one drive. */
std::span<const DriveCheck> drive_checks();

}  // namespace visor::check
#endif  // VISOR_CHECK_DRIVE_HPP
