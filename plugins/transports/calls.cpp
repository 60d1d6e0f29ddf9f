#include "calls.hpp"

#include "report.hpp"

namespace visor::transports {

Result<void> Calls::watch(visor_call* call, uint64_t interval_ms) {
  if (watching_.size() >= kMaxWatchers) {
    return failure(VISOR_EAGAIN, std::to_string(kMaxWatchers) + " callers watch already");
  }
  static constexpr visor_call_events kEvents = {sizeof(visor_call_events), 0,
                                                [](void* ctx, visor_call*) {
                                                  auto* watching = static_cast<Watching*>(ctx);
                                                  if (!watching->behind) return;
                                                  watching->calls->show(
                                                      *watching, report_list(watching->calls->manager_));
                                                },
                                                [](void* ctx, visor_call*) {
                                                  auto* watching = static_cast<Watching*>(ctx);
                                                  watching->calls->end(*watching, VISOR_ECANCELED);
                                                }};
  auto owned = std::make_unique<Watching>(Watching{this, call, false, {}});
  Watching* watching = owned.get();
  watching_.push_back(std::move(owned));
  call->api->attach(call, &kEvents, watching);
  watching->timer =
      Timer::every(host_, interval_ms, [this, watching] { show(*watching, report_list(manager_)); });
  show(*watching, report_list(manager_));
  return {};
}

void Calls::show(Watching& watching, std::string_view list) {
  visor_status status = watching.call->api->emit(watching.call, to_span(list));
  watching.behind = status == VISOR_EAGAIN;
}

void Calls::show_all() {
  waiting_ = false;
  told_ms_ = host_.now_ms();
  std::string list = report_list(manager_);
  for (const auto& watching : watching_) show(*watching, list);
}

void Calls::tell() {
  if (watching_.empty() || waiting_) return;
  uint64_t ago_ms = host_.now_ms() - told_ms_;
  if (ago_ms >= kMinSpacingMs) return show_all();
  waiting_ = true;
  soon_ = Timer::once(host_, kMinSpacingMs - ago_ms, [this] { show_all(); });
}

void Calls::end(Watching& watching, visor_status status) {
  visor_call* call = watching.call;
  std::erase_if(watching_, [&](const auto& each) { return each.get() == &watching; });
  call->api->finish(call, status);
}

Result<void> Calls::add(visor_call* call, const visor_key& remote, std::string_view type,
                        std::string_view address, std::string_view label) {
  static constexpr visor_call_events kEvents = {sizeof(visor_call_events), 0, nullptr,
                                                [](void* ctx, visor_call*) {
                                                  auto* adding = static_cast<Adding*>(ctx);
                                                  adding->calls->manager_.cancel(adding->number);
                                                  adding->calls->end(*adding, VISOR_ECANCELED);
                                                }};
  auto owned = std::make_unique<Adding>(Adding{this, call});
  Adding* adding = owned.get();
  auto begun = manager_.save(remote, type, address, label, [this, adding](Result<const Transport*> saved) {
    if (!saved) return end(*adding, host_.fail(saved.error()));
    std::string row = report(**saved);
    visor_status status = adding->call->api->emit(adding->call, to_span(std::string_view(row)));
    end(*adding, status);
  });
  if (!begun) return std::unexpected(begun.error());
  adding->number = *begun;
  adding_.push_back(std::move(owned));
  call->api->attach(call, &kEvents, adding);
  return {};
}

void Calls::end(Adding& adding, visor_status status) {
  visor_call* call = adding.call;
  std::erase_if(adding_, [&](const auto& each) { return each.get() == &adding; });
  call->api->finish(call, status);
}

void Calls::finish_all() {
  while (!watching_.empty()) end(*watching_.back(), VISOR_ECANCELED);
  while (!adding_.empty()) {
    manager_.cancel(adding_.back()->number);
    end(*adding_.back(), VISOR_ECANCELED);
  }
}

}  // namespace visor::transports
