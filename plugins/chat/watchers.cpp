#include "watchers.hpp"

#include <algorithm>

#include "lib/codec/telemetry_text.hpp"
#include "report.hpp"

namespace visor::chat {
namespace {

bool settled(const Message& message) {
  return message.state >= State::kReceived || message.deleted;
}

}  // namespace

bool Watchers::admit(Answer& answer) {
  if (open() < kMaxOpen) return true;
  answer.finish(
      Error{VISOR_EAGAIN, std::to_string(kMaxOpen) + " calls wait for messages already; try again later"});
  return false;
}

/* On the next turn, since one of its functions may be under way. */
template <class T>
void Watchers::drop(std::vector<std::shared_ptr<T>>& all, const T& one) {
  auto found = std::ranges::find(all, &one, &std::shared_ptr<T>::get);
  if (found == all.end()) return;
  post(host_, [gone = std::move(*found)] {});
  all.erase(found);
}

void Watchers::watch(Answer answer, const Filter& filter) {
  if (!admit(answer)) return;
  auto watching = std::make_shared<Watching>();
  watching->filter = filter;
  watching->answer = std::move(answer);
  watching->answer.on_ready([this, one = watching.get()] { say(*one); });
  watching->answer.on_canceled([this, one = watching.get()] { drop(watching_, *one); });
  watching_.push_back(std::move(watching));
}

void Watchers::wait(Answer answer, const visor_key& peer, const Message& message, uint64_t wait_ms) {
  if (wait_ms == 0) {
    answer.say(report(peer, message));
    return answer.finish();
  }
  if (!admit(answer)) return;
  auto waiting = std::make_shared<Waiting>();
  waiting->answer = std::move(answer);
  waiting->peer = peer;
  waiting->message = message;
  waiting->limit = Timer::once(host_, wait_ms, [this, one = waiting.get()] { end(*one); });
  waiting->answer.on_canceled([this, one = waiting.get()] { drop(waiting_, *one); });
  waiting_.push_back(std::move(waiting));
}

void Watchers::end(Waiting& waiting) {
  waiting.answer.say(report(waiting.peer, waiting.message));
  waiting.answer.finish();
  drop(waiting_, waiting);
}

void Watchers::tell(std::string line, const codec::Uuid* group) {
  for (const auto& watching : std::vector(watching_)) {
    const Filter& filter = watching->filter;
    const bool wanted = group ? !filter.group || *filter.group == *group : !filter.groups_alone;
    if (!wanted) continue;
    if (watching->unsaid_bytes + line.size() > kMaxUnsaidBytes) {
      ++watching->missed;
      continue;
    }
    watching->unsaid.push_back(line);
    watching->unsaid_bytes += line.size();
    say(*watching);
  }
}

void Watchers::tell(std::string_view kind, const visor_key& peer, const Message& message) {
  if (watched()) {
    codec::JsonObjectText event;
    tell(event.text("event", kind).json("message", report(peer, message)).finish());
  }
  if (waiting_.empty()) return;
  for (const auto& waiting : std::vector(waiting_)) {
    if (waiting->peer != peer || waiting->message.number != message.number) continue;
    waiting->message = message;
    if (settled(message)) end(*waiting);
  }
}

void Watchers::say(Watching& watching) {
  while (!watching.unsaid.empty()) {
    if (watching.answer.say(watching.unsaid.front()) == VISOR_EAGAIN) return;
    watching.unsaid_bytes -= watching.unsaid.front().size();
    watching.unsaid.pop_front();
  }
  if (const uint64_t missed = std::exchange(watching.missed, 0); missed > 0) {
    codec::JsonObjectText event;
    watching.answer.say(event.text("event", "missed").integer("count", missed).finish());
  }
}

void Watchers::finish_all() {
  watching_.clear();
  waiting_.clear();
}

}  // namespace visor::chat
