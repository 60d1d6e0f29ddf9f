/* The host as the plugin under check sees it: the kernel's, watched. */
#ifndef VISOR_CHECK_NATIVE_STRICT_HOST_HPP
#define VISOR_CHECK_NATIVE_STRICT_HOST_HPP
#include <map>
#include <set>

#include "check/native/strict.hpp"

namespace visor::check {

class StrictHost final : public visor_host {
 public:
  /* announced: the ids that the plugin says it offers. */
  StrictHost(Ledger& ledger, Party& party, visor_host* inner, const char* const* announced);
  StrictHost(const StrictHost&) = delete;
  StrictHost& operator=(const StrictHost&) = delete;

  Host inner() const { return Host(inner_); }
  Party& party() { return party_; }
  /* The ids under which something is offered now. */
  std::vector<std::string> offered() const;

 private:
  struct Watch;
  struct Offer {
    void *object, *stand_in;
    std::string id;
  };
  static const visor_host_api kApi;
  static StrictHost& self(visor_host* host) { return *static_cast<StrictHost*>(host); }

  /* Whether it may be passed on: what is not [any] comes from the loop's thread.  A finding if it is too
   * late. */
  bool called(const char* call, bool any_thread = false);
  void* translate(std::string_view id, void* object);
  visor_status offer(const char* id, const char* name, void* object);
  void withdraw(void* object);
  visor_status watch(const char* id, void (*fn)(void*, const char*, void*), void* ctx, visor_handle** handle);
  uint64_t timer(uint64_t first_ms, uint64_t repeat_ms, void (*fn)(void*), void* ctx);
  void post(void (*fn)(void*), void* ctx);
  visor_status work(void (*fn)(void*), void* ctx, visor_done done);
  visor_span lent_text(Lent& place, visor_span from, const char* what);
  void log(int32_t level, visor_span text);

  Ledger& ledger_;
  Party& party_;
  visor_host* inner_;
  const char* const* announced_;
  std::map<std::pair<std::string, void*>, void*> stand_ins_; /* of what it uses */
  std::vector<Offer> offers_;
  Lent config_, directory_, error_;
};

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_STRICT_HOST_HPP
