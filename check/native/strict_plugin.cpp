#include "check/native/strict_plugin.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace visor::check {
namespace {

/* A started instance: what the kernel holds as its self. */
struct Subject {
  Ledger& ledger;
  Party& party;
  const visor_plugin& real;
  StrictHost host;
  void* self = nullptr;
};

struct Stopping {
  Subject& subject;
  visor_done inner;
};

visor_status start(visor_host* host, void** self, visor_done done) {
  auto& door = *static_cast<Ledger::Door*>(host->api->find(host, Ledger::kService, nullptr));
  Ledger& ledger = door.ledger;
  Party& party = ledger.add_party();
  const visor_plugin& real = *ledger.subject;
  party.machine = door.machine;
  auto* subject = ledger.keep(
      std::unique_ptr<Subject>(new Subject{ledger, party, real, {ledger, party, host, real.offers}}));
  *self = subject;
  Promise& promise = ledger.promise(Host(host), Provider::kSubject, nullptr, done, "start");
  ledger.doing("starting with the configuration " + std::string(text(host->api->config(host))));
  return promise.returned(real.start(&subject->host, &subject->self, promise.done()));
}

void stopped(void* ctx, visor_status status, void* result) {
  std::unique_ptr<Stopping> stopping(static_cast<Stopping*>(ctx));
  Subject& subject = stopping->subject;
  for (const std::string& what : Holding::held_by(subject.party)) {
    subject.ledger.broke(Rule::kLeft, "left " + what + " open when its stop completed");
  }
  for (const std::string& id : subject.host.offered()) {
    subject.ledger.broke(Rule::kLeft, "still offered " + id + " when its stop completed");
  }
  subject.party.stopped = true;
  stopping->inner.fn(stopping->inner.ctx, status, result);
}

void stop(void* self, visor_done done) {
  auto& subject = *static_cast<Subject*>(self);
  auto* stopping = new Stopping{subject, done};
  Promise& promise =
      subject.ledger.promise(subject.host.inner(), Provider::kSubject, nullptr, {&stopped, stopping}, "stop");
  subject.ledger.doing("stopping");
  subject.real.stop(subject.self, promise.done());
  promise.returned(VISOR_OK);
}

visor_status configure(void* self, visor_span json) {
  auto& subject = *static_cast<Subject*>(self);
  subject.ledger.doing("giving it a new configuration");
  Lent lent(json, "the JSON given to configure");
  return subject.real.configure(subject.self, lent.span());
}

/* A call as the command sees it; lives until the ledger goes. */
class StrictCall final : public Object<visor_call> {
 public:
  StrictCall(Subject& subject, visor_call* inner, std::string command)
      : Object(subject.host.inner(), &kApi), subject_(subject), inner_(inner), command_(std::move(command)) {
    ledger().count_call(+1);
  }

  visor_status emit(visor_span json) {
    if (!usable("emit")) return VISOR_EINVAL;
    bool full = ledger().pressure && emitted_ > 0 && ledger().below(3) == 0; /* one value always fits */
    if (refusing_ || full) return refuse();
    ++emitted_;
    return inner_->api->emit(inner_, json);
  }
  void finish(visor_status status) {
    if (!usable("finish")) return;
    if (status > 0) ledger().broke(Rule::kErrors, command_ + " finished with " + status_name(status));
    ended();
    inner_->api->finish(inner_, status);
  }
  void attach(const visor_call_events* events, void* ctx) {
    if (!usable("attach")) return;
    events_ = events;
    ctx_ = ctx;
    inner_->api->attach(inner_, events ? &kEvents : nullptr, this);
  }
  /* What run returned; an error finishes the call. */
  void returned(visor_status status) {
    if (status == VISOR_OK) return;
    if (status > 0) ledger().broke(Rule::kErrors, command_ + " returned " + status_name(status));
    if (finished_) {
      ledger().broke(Rule::kDone, command_ + " finished its call and returned " + status_name(status) +
                                      " too; an error alone finishes the call");
    } else if (status != VISOR_ECANCELED && host().error(status).text.empty()) {
      ledger().broke(Rule::kErrors, command_ + " failed with " + status_name(status) +
                                        " and without a word; host->fail takes the sentence");
    }
    if (!finished_) ended();
  }

 private:
  void ended() {
    finished_ = true;
    events_ = nullptr;
    ledger().count_call(-1);
  }
  Ledger& ledger() { return subject_.ledger; }
  bool usable(const char* call) {
    ledger().expect_loop_thread(std::string("call->") + call);
    if (!finished_) return true;
    ledger().broke(Rule::kDone, command_ + " called " + call +
                                    " on a call that was finished; it is finished exactly once");
    return false;
  }
  visor_status refuse() {
    constexpr int kPatience = 64;
    if (refusing_) {
      if (++refused_ == kPatience) {
        ledger().broke(Rule::kPressure,
                       command_ + " emitted " + std::to_string(kPatience) +
                           " times after VISOR_EAGAIN; attach to the call and wait for `ready`");
      }
    } else {
      refusing_ = true;
      refused_ = 1;
      ledger().after(1 + ledger().below(10), [this] {
        refusing_ = false;
        if (!finished_ && events_ && events_->ready) events_->ready(ctx_, this);
      });
    }
    return host().fail(VISOR_EAGAIN, "the caller is slower than the command; go on when ready");
  }
  static void on_ready(void* ctx, visor_call*) {
    auto& self = *static_cast<StrictCall*>(ctx);
    if (!self.refusing_ && self.events_ && self.events_->ready) self.events_->ready(self.ctx_, &self);
  }
  static void on_canceled(void* ctx, visor_call*) {
    auto& self = *static_cast<StrictCall*>(ctx);
    self.ledger().doing("telling " + self.command_ + " that its caller has left");
    if (self.events_ && self.events_->canceled) self.events_->canceled(self.ctx_, &self);
  }
  static constexpr visor_call_events kEvents = {sizeof(visor_call_events), 0, &StrictCall::on_ready,
                                                &StrictCall::on_canceled};
  static constexpr visor_call_api kApi = {sizeof(visor_call_api), 0, thunk<&StrictCall::emit>,
                                          thunk<&StrictCall::finish>, thunk<&StrictCall::attach>};

  Subject& subject_;
  visor_call* inner_;
  const std::string command_;
  const visor_call_events* events_ = nullptr;
  void* ctx_ = nullptr;
  size_t emitted_ = 0;
  int refused_ = 0;
  bool refusing_ = false, finished_ = false;
};

const visor_command& row_of(const visor_plugin& plugin, size_t index) {
  return *reinterpret_cast<const visor_command*>(reinterpret_cast<const std::byte*>(plugin.commands) +
                                                 index * plugin.command_size);
}

/* run() is told neither its command nor its call's name: one function a row. */
template <size_t Row>
visor_status run(void* self, visor_call* call, visor_span args) {
  auto& subject = *static_cast<Subject*>(self);
  const visor_command& row = row_of(subject.real, Row);
  auto* strict = subject.ledger.keep(
      std::make_unique<StrictCall>(subject, call, "the command " + std::string(row.name)));
  subject.ledger.doing("running the command " + std::string(row.name) + " with " + std::string(text(args)));
  Lent lent(args, "the arguments of a command");
  visor_status status = row.run(subject.self, strict, lent.span());
  strict->returned(status);
  return status;
}

template <size_t... Rows>
constexpr auto make_runs(std::index_sequence<Rows...>) {
  return std::array<visor_status (*)(void*, visor_call*, visor_span), sizeof...(Rows)>{&run<Rows>...};
}
constexpr auto kRuns = make_runs(std::make_index_sequence<StrictPlugin::kMaxCommands>());

}  // namespace

StrictPlugin::StrictPlugin(const visor_plugin& real) : plugin_(real) {
  size_t count = std::min<size_t>(real.command_count, kMaxCommands);
  for (size_t i = 0; i < count; ++i) {
    rows_.push_back(row_of(real, i));
    rows_.back().run = kRuns[i];
  }
  plugin_.commands = rows_.data();
  plugin_.command_count = static_cast<uint32_t>(count);
  plugin_.command_size = sizeof(visor_command);
  plugin_.start = &start;
  plugin_.stop = &stop;
  plugin_.configure = real.configure ? &configure : nullptr;
}

}  // namespace visor::check
