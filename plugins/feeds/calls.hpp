/* Commands of feeds that answer later: `publish`, which waits until a leaf is stored, and `watch`, which
 * tells of every Root.  Both use the feeds as any plugin does. */
#ifndef VISOR_FEEDS_CALLS_HPP
#define VISOR_FEEDS_CALLS_HPP
#include <boost/json.hpp>

#include "service.hpp"

namespace visor::feeds {

/* Whose feed a command means: "<key>", or "<key>@host:port" for one that is reached over TCP. */
struct OwnerAddress {
  visor_key key{};
  std::string network;  // "tcp://host:port", or empty
};
Result<OwnerAddress> read_owner(std::string_view text);

class Calls {
 public:
  static constexpr size_t kMaxCalls = 64;

  Calls(Host host, Service& service);
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  ~Calls();

  /* Writes one leaf of our own feed of a port ("value" or "value_hex"), or deletes it ("delete"); answers
   * with the Root that has it. */
  void publish(Answer answer, const boost::json::object& args);
  /* What a feed has under "prefix", then each change of it, until the caller leaves or the feed ends.  A
   * caller that takes nothing pauses the feed: Roots are merged meanwhile. */
  void watch(Answer answer, const boost::json::object& args);
  /* Ends what is open. */
  void finish_all();

  size_t open() const { return calls_.size(); }

 private:
  class Call;
  class Publishing;
  class Watching;
  bool admit(Answer& answer);
  void add(std::unique_ptr<Call> call);
  /* On the next turn, since one of its functions may be under way. */
  void drop(Call& call);

  Host host_;
  Service& service_;
  Tasks tasks_;
  std::vector<std::unique_ptr<Call>> calls_, leaving_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_CALLS_HPP
