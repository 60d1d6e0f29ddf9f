/* Calls that stay open: `watch`, which hears of every message, and `send`, which waits for its own. */
#ifndef VISOR_CHAT_WATCHERS_HPP
#define VISOR_CHAT_WATCHERS_HPP
#include <deque>
#include <visor/plugin.hpp>

#include "history.hpp"
#include "lib/codec/uuid.hpp"

namespace visor::chat {

class Watchers {
 public:
  static constexpr size_t kMaxOpen = 256;
  /* Of a watcher that takes nothing; what comes beyond is counted and said. */
  static constexpr size_t kMaxUnsaidBytes = 4u << 20;

  explicit Watchers(Host host) : host_(host) {}

  struct Filter {
    bool groups_alone = false;
    std::optional<codec::Uuid> group; /* this one alone */
  };
  /* Every event that the filter lets through, until the caller leaves. */
  void watch(Answer answer, const Filter& filter);
  /* The message as it is now, and no later than after wait_ms; at once when it has been received, read,
   * failed or taken back. */
  void wait(Answer answer, const visor_key& peer, const Message& message, uint64_t wait_ms);

  /* kind: "message" or "state". */
  void tell(std::string_view kind, const visor_key& peer, const Message& message);
  /* Any event, a JSON object with "event", of a group or not; there is no need to make one while nobody
   * watches. */
  void tell(std::string line, const codec::Uuid* group = nullptr);
  bool watched() const { return !watching_.empty(); }
  void finish_all();
  size_t open() const { return watching_.size() + waiting_.size(); }

 private:
  struct Watching {
    Answer answer;
    Filter filter;
    std::deque<std::string> unsaid;
    size_t unsaid_bytes = 0;
    uint64_t missed = 0;
  };
  struct Waiting {
    Answer answer;
    visor_key peer{};
    Message message;
    Timer limit;
  };
  bool admit(Answer& answer);
  void say(Watching& watching);
  void end(Waiting& waiting);
  template <class T>
  void drop(std::vector<std::shared_ptr<T>>& all, const T& one);

  Host host_;
  std::vector<std::shared_ptr<Watching>> watching_;
  std::vector<std::shared_ptr<Waiting>> waiting_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_WATCHERS_HPP
