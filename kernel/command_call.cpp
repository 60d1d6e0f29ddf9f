#include "kernel/command_call.hpp"

#include "kernel/status_text.hpp"

namespace visor::kernel {

const visor_call_api Commands::Call::kApi = {sizeof(visor_call_api), 0, thunk<&Call::emit>,
                                             thunk<&Call::finish>, thunk<&Call::attach>};

Commands::Call::Call(Commands& commands, std::string instance, const visor_caller* caller, void* ctx)
    : Object<visor_call>(commands.host(), &kApi),
      commands_(commands),
      instance_(std::move(instance)),
      caller_(caller),
      caller_ctx_(ctx) {}

void Commands::Call::begin(Work work) {
  work_ = std::move(work);
  later();
}

void Commands::Call::resume() {
  held_ = false;
  later();
}

void Commands::Call::cancel(std::string why) {
  if (canceled_ || caller_done_) return;
  canceled_ = true;
  queue_.clear();
  queued_bytes_ = 0;
  status_ = VISOR_ECANCELED;
  why_ = std::move(why);
  later();
}

void Commands::Call::abandon() {
  if (plugin_done_) return;
  events_ = nullptr;
  work_.reset();
  end_plugin(VISOR_ECANCELED, "the plugin stopped without finishing the command");
}

visor_status Commands::Call::emit(visor_span json) {
  if (canceled_) return host().fail(VISOR_ECANCELED, "the caller has left");
  if (plugin_done_) return host().fail(VISOR_EINVAL, "a value was emitted after finish");
  if (json.size > kMaxValueBytes) {
    return host().fail(VISOR_EINVAL, "a value is at most " + std::to_string(kMaxValueBytes) + " bytes; got " +
                                         std::to_string(json.size));
  }
  // One value always fits, however large, so that nobody waits for ever.
  bool full =
      queue_.size() >= kMaxQueuedValues || (!queue_.empty() && queued_bytes_ + json.size > kMaxQueuedBytes);
  if (full) {
    refused_ = true;
    return host().fail(VISOR_EAGAIN, "the caller is slower than the command; go on when ready");
  }
  queue_.emplace_back(text(json));
  queued_bytes_ += json.size;
  later();
  return VISOR_OK;
}

void Commands::Call::finish(visor_status status) {
  if (plugin_done_) return host().log(VISOR_ERROR, instance_ + ": a command was finished twice");
  end_plugin(status, status == VISOR_OK ? "" : failure_text(host(), status));
}

void Commands::Call::attach(const visor_call_events* events, void* ctx) {
  events_ = events;
  events_ctx_ = ctx;
  if (canceled_ && !cancel_told_) later();
}

void Commands::Call::end_plugin(visor_status status, std::string why) {
  plugin_done_ = true;
  events_ = nullptr;
  if (!canceled_) {
    status_ = status;
    why_ = std::move(why);
  }
  later();
}

void Commands::Call::later() {
  if (std::exchange(turning_, true)) return;
  post(host(), [weak = weak_from_this()] {
    if (auto alive = weak.lock()) alive->turn();
  });
}

void Commands::Call::turn() {
  turning_ = false;
  if (auto work = std::exchange(work_, std::nullopt)) {
    clear_failure(host());
    const visor_span args = to_span(std::string_view(work->args));
    visor_status status = canceled_ ? VISOR_ECANCELED : work->run(work->self, this, args);
    if (status != VISOR_OK && !plugin_done_) end_plugin(status, failure_text(host(), status));
  }
  deliver();
  tell_plugin();
  if (plugin_done_ && caller_done_) commands_.forget(this);
}

void Commands::Call::deliver() {
  while (!held_ && !canceled_ && !queue_.empty()) {
    visor_status status = caller_->value(caller_ctx_, to_span(std::string_view(queue_.front())));
    if (canceled_) break; /* by the caller, meanwhile: the queue is gone */
    if (status == VISOR_EAGAIN) {
      held_ = true;
      break;
    }
    queued_bytes_ -= queue_.front().size();
    queue_.pop_front();
    if (status != VISOR_OK) return cancel("the caller takes no more values");
  }
  if (caller_done_ || !(canceled_ || (plugin_done_ && queue_.empty()))) return;
  caller_done_ = true;
  if (status_ != VISOR_OK) host().fail(status_, why_);
  caller_->finished(caller_ctx_, status_, to_span(std::string_view(why_)));
}

void Commands::Call::tell_plugin() {
  if (!events_) return;
  if (canceled_) {
    if (!std::exchange(cancel_told_, true) && events_->canceled) events_->canceled(events_ctx_, this);
  } else if (refused_ && queue_.size() <= kMaxQueuedValues / 2 && queued_bytes_ <= kMaxQueuedBytes / 2) {
    refused_ = false;
    if (events_->ready) events_->ready(events_ctx_, this);
  }
}

}  // namespace visor::kernel
