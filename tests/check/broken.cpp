// A plugin, and variants of it that break one rule each (VISOR_CHECK_DEFECT=...): `visor check` must find
// each.  Written against the C headers, since the C++ glue prevents most of it.  Without a defect it passes.
#include <fcntl.h>
#include <unistd.h>
#include <visor/visor.h>

#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <thread>

namespace {

/* The one rule that this process's copy breaks, named by the environment. */
bool is(std::string_view defect) {
  static const char* chosen = std::getenv("VISOR_CHECK_DEFECT");
  return chosen && defect == chosen;
}

visor_span span(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view text(visor_span s) {
  return {static_cast<const char*>(s.data), s.size};
}

/* What state in globals breaks. */
int instances = 0;
std::set<std::string> locked;

/* A service of its own, so that there is something to offer. */
struct Service {
  const visor_handle_api* api;
};

struct Broken {
  visor_host* host;
  visor_done started{}, stopped{};
  uint64_t timer = 0, ticks = 0;
  visor_handle* watch = nullptr;
  Service service{};
  visor_span kept{};
  visor_call* open = nullptr;  // the call of `follow`
  int next = 0, reconfigured = 0;
  visor_call* counting = nullptr;  // the call of `count`
};

visor_status fail(Broken* self, visor_status status, std::string_view why) {
  return is("silent_failure") ? status : self->host->api->fail(self->host, status, span(why));
}

void post(Broken* self, void (*fn)(void*)) {
  self->host->api->post(self->host, fn, self);
}

// --- start and stop
// -----------------------------------------------------------------------------------------------------

void tick(void* ctx) {
  ++static_cast<Broken*>(ctx)->ticks;
}

void complete_start(void* ctx) {
  auto* self = static_cast<Broken*>(ctx);
  self->started.fn(self->started.ctx, VISOR_OK, nullptr);
  if (is("starts_twice")) self->started.fn(self->started.ctx, VISOR_OK, nullptr);
}

visor_status check_config(Broken* self, std::string_view config) {
  if (is("crashes_on_config") && config.find("\"mode\":\"slow\"") != config.npos) std::abort();
  if (config.find("\"mode\":\"never\"") == config.npos) return VISOR_OK;
  return is("refuses_silently") ? VISOR_EINVAL
                                : fail(self, VISOR_EINVAL, "the mode never is not for this machine");
}

void take_what_it_needs(Broken* self) {
  visor_host* host = self->host;
  self->timer = host->api->timer(host, 100, 1000, tick, self);
  host->api->watch(host, VISOR_NET_1, [](void*, const char*, void*) {}, self, &self->watch);
  if (!is("offers_nothing")) {
    static const visor_handle_api kApi{sizeof(visor_handle_api), 0, [](visor_handle*) {},
                                       [](visor_handle*) { return visor_span{}; }};
    self->service.api = &kApi;
    host->api->offer(host, is("offers_unannounced") ? "check.other/1" : "check.service/1", nullptr,
                     &self->service);
  }
  if (is("leaks_memory")) {
    auto* lost = static_cast<volatile char*>(std::malloc(100));
    lost[0] = 1;
  }
  if (is("leaks_files")) (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (is("leaks_threads")) std::thread([] { ::pause(); }).detach();
  if (is("host_from_thread"))
    std::thread([host] { host->api->timer(host, 1, 0, [](void*) {}, nullptr); }).join();
}

visor_status start(visor_host* host, void** out, visor_done done) {
  auto* self = new Broken{.host = host, .started = done};
  *out = self;
  visor_status status = check_config(self, text(host->api->config(host)));
  if (status == VISOR_OK && is("global_state") && ++instances > 1) {
    --instances;
    status = fail(self, VISOR_EEXIST, "one of it runs already");
  }
  std::string folder(text(host->api->directory(host)));
  if (is("keeps_lock")) {
    if (!locked.insert(folder).second) status = fail(self, VISOR_EEXIST, "the folder is in use");
  }
  if (status != VISOR_OK) {
    if (is("fails_and_completes")) done.fn(done.ctx, status, nullptr);
    delete self;
    return is("positive_status") ? 7 : status;
  }
  take_what_it_needs(self);
  if (is("starts_early")) {
    complete_start(self);
  } else if (is("starts_from_thread")) {
    std::thread([self] { complete_start(self); }).detach();
  } else {
    post(self, complete_start);
  }
  return VISOR_OK;
}

void complete_stop(void* ctx) {
  auto* self = static_cast<Broken*>(ctx);
  visor_done stopped = self->stopped;
  if (is("timer_after_stop")) {
    post(self, tick);
    stopped.fn(stopped.ctx, VISOR_OK, nullptr);
    return;  // and lives on
  }
  delete self;
  stopped.fn(stopped.ctx, VISOR_OK, nullptr);
}

void stop(void* raw, visor_done done) {
  auto* self = static_cast<Broken*>(raw);
  visor_host* host = self->host;
  self->stopped = done;
  if (!is("leaves_timer")) host->api->cancel(host, self->timer);
  if (!is("leaves_watch")) self->watch->api->close(self->watch);
  if (is("uses_after_close")) self->watch->api->close(self->watch);
  if (!is("offers_nothing")) host->api->withdraw(host, &self->service);
  if (is("global_state")) --instances;
  for (visor_call** call : {&self->open, &self->counting}) {
    if (*call && !is("leaves_call")) (*call)->api->finish(*call, VISOR_ECANCELED);
    *call = nullptr;
  }
  bool early = self->ticks == 0;
  if (!is("never_stops") && !(is("never_stops_early") && early)) post(self, complete_stop);
}

visor_status configure(void* raw, visor_span json) {
  auto* self = static_cast<Broken*>(raw);
  if (is("configures_once") && ++self->reconfigured > 1) {
    return fail(self, VISOR_EPERM, "it was given a new configuration already");
  }
  return check_config(self, text(json));
}

// --- commands
// -----------------------------------------------------------------------------------------------------------

/* {"text"?}: how long it is. */
visor_status run_length(void* raw, visor_call* call, visor_span args) {
  auto* self = static_cast<Broken*>(raw);
  std::string_view given = text(args);
  if (is("keeps_arguments")) {
    if (self->kept.size > 0) self->next += static_cast<const char*>(self->kept.data)[0];
    self->kept = args;
  }
  if (is("reads_beyond")) self->next += static_cast<const volatile char*>(args.data)[args.size];
  if (is("crashes_on_argument") && given.find("\\n") != given.npos) std::abort();
  if (is("never_finishes")) return VISOR_OK;
  std::string answer = "{\"length\":" + std::to_string(given.size()) + (is("emits_nonsense") ? "" : "}");
  visor_status status = call->api->emit(call, span(answer));
  if (is("emits_two")) status = call->api->emit(call, span(answer));
  if (status != VISOR_OK) return status;
  call->api->finish(call, VISOR_OK);
  if (is("finishes_twice")) call->api->finish(call, VISOR_OK);
  return VISOR_OK;
}

/* A stream that ends: 100 numbers, as quickly as they are taken. */
constexpr int kNumbers = 100;

void count_on(Broken* self) {
  visor_call* call = self->counting;
  while (self->next < kNumbers) {
    visor_status status = call->api->emit(call, span(std::to_string(self->next)));
    if (status == VISOR_EAGAIN && is("ignores_full")) continue;
    if (status == VISOR_EAGAIN && !is("loses_values")) return;
    ++self->next;
  }
  self->counting = nullptr;
  call->api->finish(call, VISOR_OK);
}

visor_status run_count(void* raw, visor_call* call, visor_span) {
  static const visor_call_events kEvents{sizeof(visor_call_events), 0,
                                         [](void* ctx, visor_call*) { count_on(static_cast<Broken*>(ctx)); },
                                         [](void* ctx, visor_call*) {
                                           auto* self = static_cast<Broken*>(ctx);
                                           visor_call* leaving = self->counting;
                                           self->counting = nullptr;
                                           if (leaving) leaving->api->finish(leaving, VISOR_ECANCELED);
                                         }};
  auto* self = static_cast<Broken*>(raw);
  if (self->counting)
    return fail(self, VISOR_EAGAIN, "one call counts already; try again when it has finished");
  self->counting = call;
  self->next = 0;
  call->api->attach(call, &kEvents, self);
  count_on(self);
  return VISOR_OK;
}

/* A stream without an end. */
visor_status run_follow(void* raw, visor_call* call, visor_span) {
  static const visor_call_events kEvents{sizeof(visor_call_events), 0, nullptr, [](void* ctx, visor_call*) {
                                           auto* self = static_cast<Broken*>(ctx);
                                           if (is("ignores_cancel") || is("leaves_call")) return;
                                           visor_call* leaving = self->open;
                                           self->open = nullptr;
                                           leaving->api->finish(leaving, VISOR_ECANCELED);
                                         }};
  auto* self = static_cast<Broken*>(raw);
  if (self->open) return fail(self, VISOR_EEXIST, "somebody follows already");
  self->open = call;
  call->api->attach(call, &kEvents, self);
  return call->api->emit(call, span("{\"following\":true}"));
}

const char* const kSchema =
    is("bad_schema")    ? R"({"type":"object","properties":{"mode":{"type":"string","enum":"fast"}}})"
    : is("bad_example") ? R"({"type":"object","additionalProperties":false,"examples":[{"speed":1}],
                            "properties":{"mode":{"type":"string"}}})"
                        : R"({"type":"object","additionalProperties":false,
                            "properties":{"mode":{"type":"string","enum":["fast","slow","never"]}}})";
constexpr const char* kNoArguments = R"({"type":"object","additionalProperties":false})";
constexpr const char* kText =
    R"({"type":"object","additionalProperties":false,"properties":{"text":{"type":"string","maxLength":500}}})";

constexpr visor_command kCommands[] = {
    {"length", "How long a text is", kText, VISOR_COMMAND_READS, 0, run_length},
    {"count", "Counts to a hundred", kNoArguments, VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0, run_count},
    {"follow", "Says nothing more until it is cancelled", kNoArguments, VISOR_COMMAND_STREAMS, 0, run_follow},
};
#ifndef BROKEN_OFFERS
#define BROKEN_OFFERS "check.service/1"
#endif
constexpr const char* kOffers[] = {BROKEN_OFFERS, nullptr};
#ifdef BROKEN_NEEDS
constexpr const char* kNeeds[] = {BROKEN_NEEDS, nullptr};
#else
constexpr const char* const* kNeeds = nullptr;
#endif

struct Loud {
  Loud() {
    if (is("loud_load")) (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
} loud;

}  // namespace

#ifdef EXPORTS_MORE
extern "C" VISOR_EXPORT int visor_check_leaked_symbol() {
  return 1;
}
#endif
#define PLUGIN(name) VISOR_PLUGIN(name)
#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

PLUGIN(BROKEN_NAME) = {
    VISOR_PLUGIN_HEAD,
    .name = TEXT(BROKEN_NAME),
    .version = "1.0.0",
    .summary = "A plugin for the tests of visor check",
    .license = "MIT",
    .schema = kSchema,
    .needs = kNeeds,
    .offers = kOffers,
    .commands = kCommands,
    .command_count = sizeof kCommands / sizeof kCommands[0],
    .command_size = sizeof(visor_command),
    .start = start,
    .stop = stop,
    .configure = configure,
};
