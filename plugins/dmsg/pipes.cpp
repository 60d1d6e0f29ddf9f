#include "pipes.hpp"

#include <boost/json.hpp>

namespace visor::dmsg_client {
namespace {

namespace json = boost::json;

/* Bytes in one value: "text" where they are UTF-8, "hex" where they are not. */
void add_bytes(json::object& value, ByteView data) {
  std::string quoted = json::serialize(json::string_view(text(data).data(), data.size()));
  json::error_code error;
  json::parse(quoted, error); /* refuses what is no UTF-8 */
  if (error) {
    value["hex"] = to_hex(data);
  } else {
    value["text"] = text(data);
  }
}

}  // namespace

/* One command under way. What its caller does not take waits here, and holds its streams. */
class Pipe {
 public:
  Pipe(Pipes& pipes, uint64_t number, Answer answer)
      : pipes_(pipes), number_(number), answer_(std::move(answer)), tasks_(pipes.host_) {
    answer_.on_ready([this] { flush(); });
    answer_.on_canceled([this] { gone(); });
  }
  virtual ~Pipe() = default;

 protected:
  static constexpr size_t kValueBytes = 16384;

  Host host() const { return pipes_.host_; }
  Network& network() { return pipes_.network_; }

  void say(const json::object& value) {
    waiting_.push_back(json::serialize(value));
    flush();
  }
  void say_bytes(json::object value, ByteView data) {
    for (; !data.empty(); data = data.subspan(std::min(data.size(), kValueBytes))) {
      json::object piece = value;
      add_bytes(piece, data.first(std::min(data.size(), kValueBytes)));
      say(piece);
    }
  }
  bool full() const { return !waiting_.empty(); }
  /* The end of the command, once all was said; `this` goes on a later turn. */
  void end(Error error) {
    if (over_) return;
    over_ = std::move(error);
    flush();
  }
  virtual void hold(bool held) = 0;

 private:
  void flush() {
    while (!waiting_.empty()) {
      visor_status status = answer_.say(waiting_.front());
      if (status == VISOR_EAGAIN) return hold_if(true);
      waiting_.pop_front();
      if (status != VISOR_OK) return gone();
    }
    hold_if(false);
    if (!over_) return;
    if (over_->status == VISOR_OK) {
      answer_.finish();
    } else {
      answer_.finish(*over_);
    }
    gone();
  }
  void hold_if(bool held) {
    if (held_ != held) hold(held_ = held);
  }
  void gone() {
    tasks_.post([this] { pipes_.remove(number_); });
  }

  Pipes& pipes_;
  const uint64_t number_;
  Answer answer_;
  std::deque<std::string> waiting_;
  std::optional<Error> over_;
  bool held_ = false;
  Tasks tasks_;
};

namespace {

class DialPipe final : public Pipe {
 public:
  DialPipe(Pipes& pipes, uint64_t number, Answer answer, Pipes::DialTerms terms)
      : Pipe(pipes, number, std::move(answer)), terms_(std::move(terms)), begun_ns_(host().now_ns()) {
    for (uint64_t each = 1; each <= terms_.count; ++each) dials_[each];
    for (uint64_t each = 1; each <= terms_.count; ++each) {
      auto begun = network().begin_dial(terms_.to, true, [this, each](Result<visor_stream*> stream) {
        if (!stream) return ended(each, "failed", stream.error());
        take(each, *stream);
      });
      if (begun) {
        dials_[each].number = *begun;
      } else {
        ended(each, "failed", begun.error());
      }
    }
  }
  ~DialPipe() override {
    for (auto& [each, dial] : dials_) {
      if (dial.number != 0) network().cancel_dial(dial.number);
    }
  }

 private:
  struct Each {
    uint64_t number = 0; /* of the dial that is under way */
    Stream stream;
  };

  void take(uint64_t each, visor_stream* raw) {
    Each& dial = dials_.at(each);
    dial.number = 0;
    dial.stream = Stream(host(), raw);
    double took_ms = static_cast<double>(host().now_ns() - begun_ns_) / 1e6;
    say(value("connected", each,
              {{"pk", to_hex(terms_.to.key)}, {"port", terms_.to.port}, {"took_ms", took_ms}}));
    if (full()) dial.stream.pause(true);
    dial.stream.attach({.data =
                            [this, each](ByteView data) {
                              say_bytes(value("data", each, {}), data);
                              wait();
                            },
                        .end = [this, each] { dials_.at(each).stream.end(); },
                        .ready = {},
                        .closed = [this, each](const Error& error) { ended(each, "ended", error); }});
    if (!terms_.text.empty()) {
      visor_status status = dial.stream.write(bytes(std::string_view(terms_.text)));
      if (status != VISOR_OK) return ended(each, "ended", host().error(status));
    }
    wait();
  }
  json::object value(std::string_view event, uint64_t each, const json::object& rest) const {
    json::object value{{"event", event}};
    if (terms_.count > 1) value["stream"] = each;
    for (const auto& member : rest) value[member.key()] = member.value();
    return value;
  }
  /* What becomes of one stream is the command's own end, or a value among others. */
  void ended(uint64_t each, std::string_view event, const Error& error) {
    dials_.erase(each);
    if (terms_.count == 1) return end(error);
    json::object said = value(event, each, {});
    if (error.status != VISOR_OK) said["error"] = error.text;
    say(said);
    if (dials_.empty()) end({VISOR_OK, {}});
  }
  void wait() {
    if (terms_.idle_ms == 0) return;
    idle_ = Timer::once(host(), terms_.idle_ms, [this] { end({VISOR_OK, {}}); });
  }
  void hold(bool held) override {
    for (auto& [each, dial] : dials_) dial.stream.pause(held);
  }

  Pipes::DialTerms terms_;
  const uint64_t begun_ns_;
  std::map<uint64_t, Each> dials_;
  Timer idle_;
};

class ListenPipe final : public Pipe {
 public:
  ListenPipe(Pipes& pipes, uint64_t number, Answer answer, Pipes::ListenTerms terms)
      : Pipe(pipes, number, std::move(answer)), terms_(std::move(terms)) {
    auto listening =
        listener_.listen(host(), &network(), terms_.port, [this](visor_stream* raw) { take(raw); });
    if (listening) {
      say({{"event", "listening"}, {"port", terms_.port}});
    } else {
      end(listening.error());
    }
  }

 private:
  void take(visor_stream* raw) {
    if (streams_.size() >= network().config().limits.pipe_streams) return raw->api->close(raw);
    visor_addr peer = *raw->api->peer(raw);
    uint64_t number = ++last_number_;
    Stream& stream = streams_[number] = Stream(host(), raw);
    say({{"event", "connected"}, {"stream", number}, {"pk", to_hex(peer.key)}, {"port", peer.port}});
    if (full()) stream.pause(true);
    stream.attach({.data = [this, number](ByteView data) { heard(number, data); },
                   .end = [this, number] { streams_.at(number).end(); },
                   .ready = {},
                   .closed = [this, number](const Error& error) { ended(number, error); }});
    if (!terms_.text.empty()) (void)stream.write(bytes(std::string_view(terms_.text)));
  }
  void heard(uint64_t number, ByteView data) {
    say_bytes({{"event", "data"}, {"stream", number}}, data);
    Stream& stream = streams_.at(number);
    /* Who sends and does not read what comes back has no use for an echo. */
    if (terms_.echo && stream.write(data) == VISOR_EAGAIN) stream.close();
    if (!stream) ended(number, {VISOR_EAGAIN, "it does not read what comes back"});
  }
  void ended(uint64_t number, const Error& error) {
    if (streams_.erase(number) == 0) return;
    json::object value{{"event", "ended"}, {"stream", number}};
    if (error.status != VISOR_OK) value["error"] = error.text;
    say(value);
  }
  void hold(bool held) override {
    for (auto& [number, stream] : streams_) stream.pause(held);
  }

  Pipes::ListenTerms terms_;
  std::map<uint64_t, Stream> streams_;
  uint64_t last_number_ = 0;
  Listener listener_;
};

}  // namespace

Pipes::Pipes(Host host, Network& network) : host_(host), network_(network) {}

Pipes::~Pipes() = default;

void Pipes::add(Answer answer, const std::function<std::unique_ptr<Pipe>(Answer, uint64_t number)>& make) {
  if (open_.size() >= limits().pipes) {
    return answer.finish({VISOR_EAGAIN, std::to_string(limits().pipes) +
                                            " dials and listeners are open as commands, the limit"});
  }
  uint64_t number = ++last_number_;
  open_[number] = make(std::move(answer), number);
}

void Pipes::dial(Answer answer, DialTerms terms) {
  if (terms.count > limits().pipe_streams) {
    return answer.finish({VISOR_EINVAL, "one command dials at most " + std::to_string(limits().pipe_streams) +
                                            " streams; got count " + std::to_string(terms.count)});
  }
  add(std::move(answer), [&](Answer each, uint64_t number) {
    return std::make_unique<DialPipe>(*this, number, std::move(each), std::move(terms));
  });
}

void Pipes::listen(Answer answer, ListenTerms terms) {
  add(std::move(answer), [&](Answer each, uint64_t number) {
    return std::make_unique<ListenPipe>(*this, number, std::move(each), std::move(terms));
  });
}

void Pipes::remove(uint64_t number) {
  open_.erase(number);
}

void Pipes::finish_all() {
  open_.clear();
}

}  // namespace visor::dmsg_client
