/* Keeps one's own entry in a discovery as it should be, for a client and a server alike (specification
 * dmsg.md, end of section 3.2 and section 10). */
#ifndef VISOR_DMSG_REGISTRATION_HPP
#define VISOR_DMSG_REGISTRATION_HPP
#include "lib/dmsg/directory.hpp"

namespace visor::dmsg {

/* What the entry should say.  The part that is absent is somebody else's: another plugin under the same key
 * may keep it in the same entry, and it is left as it is as long as somebody renews it. */
struct OwnEntry {
  std::optional<ClientPart> client;
  std::string client_type; /* with a client */
  std::optional<ServerPart> server;
  std::string protocol; /* empty: yamux */
  bool operator==(const OwnEntry&) const = default;
};

struct RegistrationOptions {
  uint64_t refresh_ms = 60'000; /* the entry is posted again so often */
  uint64_t batch_ms = 200;      /* between posts; the first change after a quiet time goes at once */
  uint64_t retry_first_ms = 1'000, retry_most_ms = 60'000; /* while the discovery is away */
  uint64_t withdraw_ms = 2'000;                            /* that withdrawing may take */
  std::function<void()> posted{};                          /* after each success */
};

struct RegistrationCounters {
  bool registered = false; /* the discovery has what was set last, as far as is known */
  uint64_t sequence = 0;   /* of the entry that it has */
  int64_t posted_ns = 0;   /* when it took the latest, Unix; 0: never */
  uint64_t posts = 0;      /* taken */
  uint64_t overtaken = 0;  /* sequences that were used already, and asked for again */
  uint64_t superseded = 0; /* given up because a later entry of ours is there */
  uint64_t failures = 0;   /* of all kinds */
  std::string last_error;  /* empty: the latest attempt succeeded */
};

class Registration {
 public:
  /* The directory must outlive it; `sign` signs for `key`. */
  Registration(Host host, const visor_key& key, Sign sign, Directory& directory,
               RegistrationOptions options = {});
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration();

  /* Posts what has changed, soon, and again until it is there. */
  void set(OwnEntry own);

  /* Takes our part out of the discovery; `done` runs once, from the loop, at the latest after withdraw_ms,
   * whether it worked or not.  Nothing is posted afterwards. */
  void withdraw(std::function<void()> done);

  const RegistrationCounters& counters() const;

 private:
  class State;
  std::shared_ptr<State> state_; /* callbacks under way keep it */
};

}  // namespace visor::dmsg
#endif  // VISOR_DMSG_REGISTRATION_HPP
