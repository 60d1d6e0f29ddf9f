#include "check/native/strict_host.hpp"

#include <algorithm>

namespace visor::check {

/* A callback with the instance that it belongs to: none of its code runs once its stop has completed. */
struct Guarded {
  Ledger& ledger;
  const Party& party;
  const char* what;
  void (*fn)(void*);
  void* ctx;
  void run() const {
    if (party.stopped) {
      ledger.broke(Rule::kStopped,
                   std::string(what) + " of it ran after stop had completed; wait for it, or cancel it");
    }
    ledger.doing(std::string("running ") + what);
    fn(ctx);
  }
};

struct StrictHost::Watch {
  StrictHost& host;
  std::string id;
  void (*fn)(void*, const char*, void*);
  void* ctx;
  bool in_call = true;
  static void told(void* raw, const char* name, void* object) {
    auto& self = *static_cast<Watch*>(raw);
    if (self.host.party_.stopped) return;
    self.host.ledger_.doing("telling a watch of " + self.id);
    Lent lent(visor_bytes(name, std::string_view(name).size() + 1), "the name that a watch was told");
    self.fn(self.ctx, static_cast<const char*>(lent.span().data), self.host.translate(self.id, object));
  }
};

const visor_host_api StrictHost::kApi = {
    .size = sizeof(visor_host_api),
    .caps = 0,
    .find = [](visor_host* host, const char* id, const char* name) -> void* {
      StrictHost& me = self(host);
      if (!me.called("find")) return nullptr;
      void* object = me.inner_->api->find(me.inner_, id, name);
      return object && id ? me.translate(id, object) : object;
    },
    .offer = [](visor_host* host, const char* id, const char* name,
                void* object) { return self(host).offer(id, name, object); },
    .withdraw = [](visor_host* host, void* object) { self(host).withdraw(object); },
    .watch = [](visor_host* host, const char* id, void (*fn)(void*, const char*, void*), void* ctx,
                visor_handle** handle) { return self(host).watch(id, fn, ctx, handle); },
    .now =
        [](visor_host* host) {
          (void)self(host).called("now", true);
          return self(host).inner_->api->now(self(host).inner_);
        },
    .time =
        [](visor_host* host) {
          (void)self(host).called("time", true);
          return self(host).inner_->api->time(self(host).inner_);
        },
    .random =
        [](visor_host* host, void* bytes, size_t size) {
          (void)self(host).called("random", true);
          self(host).inner_->api->random(self(host).inner_, bytes, size);
        },
    .timer = [](visor_host* host, uint64_t first_ms, uint64_t repeat_ms, void (*fn)(void*),
                void* ctx) { return self(host).timer(first_ms, repeat_ms, fn, ctx); },
    .cancel =
        [](visor_host* host, uint64_t timer) {
          if (!self(host).called("cancel")) return;
          self(host).inner_->api->cancel(self(host).inner_, timer);
        },
    .post = [](visor_host* host, void (*fn)(void*), void* ctx) { self(host).post(fn, ctx); },
    .work = [](visor_host* host, void (*fn)(void*), void* ctx,
               visor_done done) { return self(host).work(fn, ctx, done); },
    .config = [](visor_host* host) -> visor_span {
      StrictHost& me = self(host);
      if (!me.called("config")) return {};
      return me.lent_text(me.config_, me.inner_->api->config(me.inner_),
                          "the configuration, after the next call of it");
    },
    .directory = [](visor_host* host) -> visor_span {
      StrictHost& me = self(host);
      if (!me.called("directory")) return {};
      return me.lent_text(me.directory_, me.inner_->api->directory(me.inner_),
                          "the directory, after the next call of it");
    },
    .log = [](visor_host* host, int32_t level, visor_span text) { self(host).log(level, text); },
    .fail = [](visor_host* host, visor_status status, visor_span why) -> visor_status {
      StrictHost& me = self(host);
      if (!me.called("fail")) return status;
      if (status >= 0) {
        me.ledger_.broke(Rule::kErrors,
                         "told host->fail of " + status_name(status) + ", which is no failure");
      }
      std::string copy(text(why)); /* it may be the text that the host lent */
      me.error_ = Lent();
      return me.inner_->api->fail(me.inner_, status, to_span(std::string_view(copy)));
    },
    .error = [](visor_host* host) -> visor_span {
      StrictHost& me = self(host);
      if (!me.called("error")) return {};
      visor_span now = me.inner_->api->error(me.inner_);
      if (text(now) == text(me.error_.span())) return me.error_.span();
      return me.lent_text(me.error_, now, "the text of a failure, after the next failure");
    },
};

StrictHost::StrictHost(Ledger& ledger, Party& party, visor_host* inner, const char* const* announced)
    : visor_host{&kApi}, ledger_(ledger), party_(party), inner_(inner), announced_(announced) {}

bool StrictHost::called(const char* call, bool any_thread) {
  bool right_thread = any_thread || ledger_.expect_loop_thread(std::string("host->") + call);
  if (party_.stopped) {
    ledger_.broke(Rule::kStopped, "called host->" + std::string(call) + " after its stop had completed");
  }
  return right_thread;
}

visor_span StrictHost::lent_text(Lent& place, visor_span from, const char* what) {
  place = Lent(from, what);
  return place.span();
}

void* StrictHost::translate(std::string_view id, void* object) {
  if (!object) return nullptr;
  auto& made = stand_ins_[{std::string(id), object}];
  if (!made) made = stand_in({ledger_, inner(), Provider::kOther, &party_}, id, object);
  return made;
}

visor_status StrictHost::offer(const char* id, const char* name, void* object) {
  if (!called("offer")) return VISOR_EINVAL;
  if (!id || !object) return inner_->api->offer(inner_, id, name, object);
  bool known = false;
  for (const char* const* each = announced_; each && *each; ++each) known |= std::string_view(*each) == id;
  if (!known) {
    ledger_.broke(Rule::kOffer,
                  "offers " + std::string(id) +
                      ", which its description does not announce; add it to .offers, which orders the start");
  }
  std::string fault = table_fault(id, object);
  if (!fault.empty()) {
    ledger_.broke(Rule::kOffer, fault);
    return inner().fail(VISOR_EINVAL, fault);
  }
  void* in_its_place = stand_in({ledger_, inner(), Provider::kSubject, nullptr}, id, object);
  visor_status status = inner_->api->offer(inner_, id, name, in_its_place);
  if (status != VISOR_OK) return status;
  offers_.push_back({object, in_its_place, id});
  ledger_.set_offered(party_.machine, id, in_its_place);
  return status;
}

void StrictHost::withdraw(void* object) {
  if (!called("withdraw")) return;
  auto at = std::ranges::find(offers_, object, &Offer::object);
  if (at == offers_.end()) {
    ledger_.broke(Rule::kMisuse, "withdrew something that it does not offer");
    return inner_->api->withdraw(inner_, object);
  }
  void* in_its_place = at->stand_in;
  if (ledger_.offered(party_.machine, at->id) == in_its_place)
    ledger_.set_offered(party_.machine, at->id, nullptr);
  offers_.erase(at);
  inner_->api->withdraw(inner_, in_its_place);
}

std::vector<std::string> StrictHost::offered() const {
  std::vector<std::string> out;
  out.reserve(offers_.size());
  for (const Offer& offer : offers_) out.push_back(offer.id);
  return out;
}

visor_status StrictHost::watch(const char* id, void (*fn)(void*, const char*, void*), void* ctx,
                               visor_handle** handle) {
  if (!called("watch")) return VISOR_EINVAL;
  if (!id || !fn || !handle) return inner_->api->watch(inner_, id, fn, ctx, handle);
  auto* watch = ledger_.keep(std::make_unique<Watch>(Watch{*this, id, fn, ctx}));
  visor_handle* made = nullptr;
  visor_status status = inner_->api->watch(inner_, id, &Watch::told, watch, &made);
  if (status != VISOR_OK) return status;
  *handle =
      strict_handle({ledger_, inner(), Provider::kOther, &party_}, made, "a watch of " + std::string(id));
  return status;
}

uint64_t StrictHost::timer(uint64_t first_ms, uint64_t repeat_ms, void (*fn)(void*), void* ctx) {
  if (!called("timer")) return 0;
  auto* guarded = ledger_.keep(std::make_unique<Guarded>(Guarded{ledger_, party_, "a timer", fn, ctx}));
  return inner_->api->timer(
      inner_, first_ms, repeat_ms, [](void* raw) { static_cast<const Guarded*>(raw)->run(); }, guarded);
}

void StrictHost::post(void (*fn)(void*), void* ctx) {
  (void)called("post", true);
  auto* guarded = new Guarded{ledger_, party_, "what was posted", fn, ctx};
  inner_->api->post(
      inner_,
      [](void* raw) {
        std::unique_ptr<const Guarded> owned(static_cast<const Guarded*>(raw));
        owned->run();
      },
      guarded);
}

visor_status StrictHost::work(void (*fn)(void*), void* ctx, visor_done done) {
  if (!called("work")) return VISOR_EINVAL;
  if (ledger_.pressure && ledger_.below(4) == 0) {
    return inner().fail(VISOR_EAGAIN, "too much work is under way; try again when some is done");
  }
  Promise& promise = ledger_.promise(inner(), Provider::kOther, &party_, done, "work");
  return promise.returned(inner_->api->work(inner_, fn, ctx, promise.done()));
}

void StrictHost::log(int32_t level, visor_span line) {
  (void)called("log", true);
  if (level < VISOR_TRACE || level > VISOR_ERROR) {
    ledger_.broke(Rule::kErrors,
                  "logged at level " + std::to_string(level) + "; levels are VISOR_TRACE to VISOR_ERROR");
  }
  inner_->api->log(inner_, level, line);
}

}  // namespace visor::check
