/* Strict stand-ins for the ABI's objects.  Each passes calls on to the real object and watches both sides:
 * what is lent is poisoned when the call is over, dones run once and later, calls come from the loop's
 * thread, events keep their order.  The same stand-in serves objects that the plugin under check offers and
 * those that it uses. */
#ifndef VISOR_CHECK_NATIVE_STRICT_HPP
#define VISOR_CHECK_NATIVE_STRICT_HPP
#include <visor/http.h>

#include <map>
#include <visor/plugin.hpp>

#include "check/native/ledger.hpp"

namespace visor::check {

/* What every stand-in knows. */
struct Side {
  Ledger& ledger;
  Host host; /* the real one, of the instance at whose door it stands */
  Provider provider = Provider::kOther;
  Party* user = nullptr; /* the instance under check, if it is the user */

  bool subject_uses() const { return provider == Provider::kOther; }
  /* The user called something; false: not from the loop's thread, so that it is not passed on. */
  bool called(std::string_view call) const { return !subject_uses() || ledger.expect_loop_thread(call); }
  void blame_user(Rule rule, std::string sentence) const {
    if (subject_uses()) ledger.broke(rule, std::move(sentence));
  }
  void blame_provider(Rule rule, std::string sentence) const {
    if (!subject_uses()) ledger.broke(rule, std::move(sentence));
  }
};

/* A stand-in for the object, or the object itself where its interface has none.  One a pair of object and id.
 */
void* stand_in(const Side& side, std::string_view id, void* object);
visor_stream* strict_stream(const Side& side, visor_stream* stream);
/* `what` is for people: "the listener of port 50". */
visor_handle* strict_handle(const Side& side, visor_handle* handle, std::string what);

visor_drive* strict_drive(const Side& side, visor_drive* drive);
visor_net* strict_net(const Side& side, visor_net* net);
visor_sockets* strict_sockets(const Side& side, visor_sockets* sockets);

/* What the plugin under check still holds of others when it has stopped goes to the ledger (Rule::kLeft). */
class Holding {
 public:
  Holding(const Side& side, std::string what);
  ~Holding() { release(); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;
  void release();
  static std::vector<std::string> held_by(const Party& party);

 private:
  static std::map<const Holding*, std::pair<const Party*, std::string>>& all();
  bool held_ = false;
};

/* A table is whole: its size reaches the last function of its first release, and each is there.  The
 * sentence, or empty. */
std::string table_fault(std::string_view id, const void* object);

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_STRICT_HPP
