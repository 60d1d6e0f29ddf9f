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
    auto begun = network().begin_dial(terms_.to, true, [this](Result<visor_stream*> stream) {
      dial_ = 0;
      if (!stream) return end(stream.error());
      take(*stream);
    });
    if (begun) {
      dial_ = *begun;
    } else {
      end(begun.error());
    }
  }
  ~DialPipe() override {
    if (dial_ != 0) network().cancel_dial(dial_);
  }

 private:
  void take(visor_stream* raw) {
    stream_ = Stream(host(), raw);
    double took_ms = static_cast<double>(host().now_ns() - begun_ns_) / 1e6;
    say({{"event", "connected"},
         {"pk", to_hex(terms_.to.key)},
         {"port", terms_.to.port},
         {"took_ms", took_ms}});
    stream_.attach({.data =
                        [this](ByteView data) {
                          say_bytes({{"event", "data"}}, data);
                          wait();
                        },
                    .end = [this] { stream_.end(); },
                    .ready = {},
                    .closed = [this](const Error& error) { end(error); }});
    if (!terms_.text.empty()) {
      visor_status status = stream_.write(bytes(std::string_view(terms_.text)));
      if (status != VISOR_OK) return end(host().error(status));
    }
    wait();
  }
  void wait() {
    if (terms_.idle_ms == 0) return;
    idle_ = Timer::once(host(), terms_.idle_ms, [this] { end({VISOR_OK, {}}); });
  }
  void hold(bool held) override { stream_.pause(held); }

  Pipes::DialTerms terms_;
  const uint64_t begun_ns_;
  uint64_t dial_ = 0;
  Stream stream_;
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
    if (streams_.size() >= Pipes::kMaxStreams) return raw->api->close(raw);
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
  if (open_.size() >= kMaxPipes) {
    return answer.finish(
        {VISOR_EAGAIN, std::to_string(kMaxPipes) + " dials and listeners are open as commands"});
  }
  uint64_t number = ++last_number_;
  open_[number] = make(std::move(answer), number);
}

void Pipes::dial(Answer answer, DialTerms terms) {
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
