/* A plugin that lets a test outside of the module use the host: one WebSocket, requests, timers, a
 * command that has much to say. */
#include <boost/json.hpp>
#include <cstdlib>
#include <visor/plugin.hpp>

namespace visor::probe {
namespace {

namespace json = boost::json;

int64_t number(const json::value& args, std::string_view name) {
  const json::value* value = args.as_object().if_contains(name);
  return value && value->is_int64() ? value->get_int64() : 0;
}

std::string string(const json::value& args, std::string_view name) {
  const json::value* value = args.as_object().if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

class JsonAnswer : public Answer {
 public:
  using Answer::Answer;
  bool say(const json::object& value) { return Answer::say(json::serialize(value)) == VISOR_OK; }
};

class Probe final : public Instance {
 public:
  using Instance::Instance;
  void start(Started started) override { started({}); }
  void stop(Stopped stopped) override {
    stream_.close();
    stopped();
  }

  /* {"url"}: says each event of the stream until it is closed. */
  Result<void> open(visor_call* call, std::string_view args) {
    answer_ = std::make_unique<JsonAnswer>(host(), call);
    answer_->on_canceled([this] {
      connecting_ = {};
      stream_.close();
    });
    std::string url = string(json::parse(args), "url");
    auto* sockets = host().find<visor_sockets>(VISOR_SOCKETS_1);
    visor_status status = connecting_.start(
        [&](visor_done done) { return sockets->api->connect(sockets, to_span(std::string_view(url)), done); },
        [this](visor_status connected, visor_stream* raw) {
          if (connected != VISOR_OK) {
            answer_->say(
                {{"event", "failed"}, {"status", connected}, {"text", host().error(connected).text}});
            return answer_->finish(VISOR_OK);
          }
          use(raw);
        },
        [sockets](void* ctx) { sockets->api->cancel(sockets, ctx); });
    if (status != VISOR_OK) answer_->finish(host().error(status));
    return {};
  }

  /* {"bytes", "times"}: {"accepted": writes that were taken, "status": of the last}. */
  Result<std::string> write(std::string_view text) {
    json::value args = json::parse(text);
    Bytes data(static_cast<size_t>(number(args, "bytes")));
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i);
    int64_t accepted = 0;
    visor_status status = VISOR_OK;
    for (; accepted < number(args, "times"); ++accepted) {
      status = stream_.write(data);
      if (status != VISOR_OK) break;
    }
    return json::serialize(json::object{{"accepted", accepted}, {"status", status}});
  }
  Result<std::string> pause(std::string_view args) {
    stream_.pause(number(json::parse(args), "paused") != 0);
    return "{}";
  }
  Result<std::string> end(std::string_view) {
    stream_.end();
    return "{}";
  }
  Result<std::string> close(std::string_view) {
    stream_.close();
    answer_->say({{"event", "closed by us"}});
    answer_->finish(VISOR_OK);
    return "{}";
  }

  /* {"ms", "times"}: says when each came, in milliseconds since the first was asked for. */
  Result<void> tick(visor_call* call, std::string_view text) {
    json::value args = json::parse(text);
    ticks_ = std::make_unique<JsonAnswer>(host(), call);
    uint64_t asked_ns = host().now_ns();
    left_ = number(args, "times");
    timer_ = Timer::every(host(), static_cast<uint64_t>(number(args, "ms")), [this, asked_ns] {
      ticks_->say({{"ms", static_cast<double>(host().now_ns() - asked_ns) / 1e6}});
      if (--left_ > 0) return;
      timer_.cancel();
      ticks_->finish(VISOR_OK);
    });
    return {};
  }

  /* {"to"}: counts as fast as it is listened to. */
  Result<void> count(visor_call* call, std::string_view text) {
    counting_ = std::make_unique<JsonAnswer>(host(), call);
    next_ = 0;
    to_ = number(json::parse(text), "to");
    counting_->on_ready([this] { go_on_counting(); });
    go_on_counting();
    return {};
  }

  /* {"next"}: what count says next. */
  Result<std::string> counted(std::string_view) { return json::serialize(json::object{{"next", next_}}); }

  /* {"url", "method", "body", "header", "timeout_ms", "max_body"}: {"status", "body", "type", "bytes"}. */
  void fetch(Answer answer, std::string_view text_args) {
    json::value args = json::parse(text_args);
    auto* fetch = host().find<visor_fetch>(VISOR_FETCH_1);
    std::string url = string(args, "url"), method = string(args, "method"), body = string(args, "body");
    std::string header = string(args, "header");
    visor_span headers[] = {VISOR_TEXT("X-Probe"), to_span(std::string_view(header))};
    visor_request request{to_span(std::string_view(method)),
                          to_span(std::string_view(url)),
                          to_span(std::string_view(body)),
                          headers,
                          header.empty() ? 0u : 2u,
                          static_cast<uint64_t>(number(args, "timeout_ms")),
                          static_cast<uint64_t>(number(args, "max_body"))};
    auto asking = std::make_shared<Asking>();
    asking->answer = std::move(answer);
    visor_status status = asking->request.start(
        [&](visor_done done) { return fetch->api->send(fetch, &request, done); },
        [this, asking](visor_status answered, visor_response* response) {
          auto keep = asking;
          if (answered != VISOR_OK) return asking->answer.finish(host().error(answered));
          json::object said{{"status", response->status}, {"bytes", response->body.size}};
          said["body"] = std::string(text(response->body).substr(0, 1000));
          for (size_t i = 0; i + 1 < response->header_count; i += 2) {
            if (text(response->headers[i]) == "content-type") said["type"] = text(response->headers[i + 1]);
          }
          asking->answer.say(json::serialize(said));
          asking->answer.finish();
        },
        [fetch](void* ctx) { fetch->api->cancel(fetch, ctx); });
    if (status != VISOR_OK) return asking->answer.finish(host().error(status));
    asking->answer.on_canceled([weak = std::weak_ptr(asking)] {
      if (auto alive = weak.lock()) alive->request = {};
    });
  }

  /* Breaks the module. */
  Result<std::string> crash(std::string_view) { std::abort(); }

 private:
  struct Asking {
    Answer answer;
    Request<visor_response> request;
  };
  void use(visor_stream* raw) {
    stream_ = Stream(host(), raw);
    answer_->say({{"event", "open"}, {"origin", std::string(stream_.origin())}});
    stream_.attach({.data =
                        [this](ByteView data) {
                          answer_->say({{"event", "data"},
                                        {"hex", to_hex(data.first(std::min<size_t>(data.size(), 32)))},
                                        {"size", data.size()}});
                        },
                    .end = [this] { answer_->say({{"event", "end"}}); },
                    .ready = [this] { answer_->say({{"event", "ready"}}); },
                    .closed =
                        [this](const Error& error) {
                          answer_->say({{"event", "closed"}, {"status", error.status}, {"text", error.text}});
                          answer_->finish(VISOR_OK);
                        }});
  }
  void go_on_counting() {
    while (next_ < to_ && counting_->say({{"n", next_}})) ++next_;
    if (next_ == to_) counting_->finish(VISOR_OK);
  }

  std::unique_ptr<JsonAnswer> answer_, ticks_, counting_;
  Request<visor_stream> connecting_;
  Stream stream_;
  Timer timer_;
  int64_t left_ = 0, next_ = 0, to_ = 0;
};

constexpr const char* kAny = R"({"type":"object"})";
constexpr visor_command kCommands[] = {
    {"open", "Opens the socket", kAny, VISOR_COMMAND_STREAMS, 0, command<&Probe::open>},
    {"write", "Writes to it", kAny, 0, 0, command<&Probe::write>},
    {"pause", "Stops or resumes reading", kAny, 0, 0, command<&Probe::pause>},
    {"end", "Says that nothing more is written", kAny, 0, 0, command<&Probe::end>},
    {"close", "Closes it", kAny, 0, 0, command<&Probe::close>},
    {"tick", "Sets a timer", kAny, VISOR_COMMAND_STREAMS, 0, command<&Probe::tick>},
    {"count", "Counts", kAny, VISOR_COMMAND_STREAMS, 0, command<&Probe::count>},
    {"counted", "How far the count is", kAny, 0, 0, command<&Probe::counted>},
    {"fetch", "Asks over HTTP", kAny, 0, 0, command<&Probe::fetch>},
    {"crash", "Breaks the module", kAny, 0, 0, command<&Probe::crash>},
};

}  // namespace
}  // namespace visor::probe

VISOR_PLUGIN(probe) = {
    VISOR_PLUGIN_HEAD,
    .name = "probe",
    .version = "1.0.0",
    .summary = "Uses the host on behalf of a test",
    .license = "MIT",
    .schema = nullptr,
    .needs = nullptr,
    .offers = nullptr,
    .commands = visor::probe::kCommands,
    .command_count = std::size(visor::probe::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::probe::Probe>,
    .stop = visor::stop<visor::probe::Probe>,
    .configure = nullptr,
};
