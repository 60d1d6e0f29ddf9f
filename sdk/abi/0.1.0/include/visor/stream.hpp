/* visor/stream.hpp - both sides of a visor_stream in C++.  Header-only; part of visor/plugin.hpp. */
#ifndef VISOR_STREAM_HPP
#define VISOR_STREAM_HPP
#include <array>

#include "host.hpp"
#include "net.h"

namespace visor {

/* A provider's stream: keeps the order of events that net.h promises, so that a carrier only moves bytes.
 *
 * Create it with new; it deletes itself after `closed` (or on the turn after close(), when nobody is
 * attached). The carrier calls deliver() and deliver_end() only while flowing() and never inside one of the
 * calls below, and finish() once, at any time; after finish() it calls nothing more. */
class StreamProvider : public Object<visor_stream> {
 public:
  /* Does somebody want data now? */
  bool flowing() const { return events_ && !paused_ && !finished_; }
  bool finished() const { return finished_; }

  void deliver(ByteView data) {
    detail::expects(flowing(), "a carrier delivers only while its stream is flowing");
    if (!data.empty()) emit_data(to_span(data));
  }
  /* The peer will send no more. */
  void deliver_end() { emit_data(visor_span{}); }
  /* There is room again after a write that was refused with VISOR_EAGAIN. */
  void deliver_ready() {
    expects_outside();
    if (events_ && !finished_ && events_->ready) events_->ready(ctx_, this);
  }
  /* The stream is over; `closed` follows on a later turn, as soon as somebody is attached. */
  void finish(visor_status status, std::string why = {}) {
    if (finished_) return;
    finished_ = true;
    status_ = status;
    why_ = std::move(why);
    settle();
  }

 protected:
  explicit StreamProvider(Host host) : Object<visor_stream>(host, &kApi), tasks_(host) {}

  /* What a carrier implements. */
  virtual visor_status on_write(
      std::span<const visor_span> parts) = 0; /* all or none; VISOR_EAGAIN when full */
  virtual void on_flow(bool flowing) = 0;     /* data is wanted or not; deliver nothing inside this call */
  virtual void on_end() = 0;
  virtual void on_close() = 0; /* once; the carrier lets go.  finish(VISOR_ECANCELED) is called for it */
  virtual const visor_addr* on_peer() { return nullptr; }
  virtual std::string_view on_origin() { return {}; }

  Tasks& tasks() { return tasks_; }

 private:
  void attach(const visor_stream_events* events, void* ctx) {
    bool before = flowing();
    events_ = events;
    ctx_ = ctx;
    if (finished_) {
      settle();
    } else if (before != flowing()) {
      on_flow(flowing());
    }
  }
  visor_status write(const visor_span* parts, size_t count) {
    if (finished_ || ended_) return host().fail(VISOR_ECLOSED, "write on a stream that was ended or closed");
    size_t size = 0;
    for (size_t i = 0; i < count; ++i) size += parts[i].size;
    if (size > kMaxWrite) {
      return host().fail(VISOR_EINVAL, "a write is at most 1 MiB; got " + std::to_string(size) + " bytes");
    }
    return size == 0 ? VISOR_OK : on_write({parts, count});
  }
  void pause(bool paused) {
    bool before = flowing();
    paused_ = paused;
    if (before != flowing()) on_flow(flowing());
  }
  void end() {
    if (finished_ || std::exchange(ended_, true)) return;
    on_end();
  }
  void close() {
    if (std::exchange(closing_, true)) return;
    if (!finished_) {
      on_close();
      finish(VISOR_ECANCELED, "closed by its user");
    }
    settle();
  }
  const visor_addr* peer() { return on_peer(); }
  visor_span origin() { return to_span(on_origin()); }

  void expects_outside() const {
    detail::expects(
        !kContractChecks || !detail::Frame::inside_call_on(static_cast<const visor_stream*>(this)),
        "an event never runs inside a call on the stream that it is about");
  }
  void emit_data(visor_span data) {
    expects_outside();
    if (flowing() && events_->data) events_->data(ctx_, this, data);
  }
  /* Once finished: tell whoever is attached, or go when nobody will ever be. */
  void settle() {
    if (!finished_ || settling_ || (!events_ && !closing_)) return;
    settling_ = true;
    tasks_.post([this] {
      settling_ = false;
      if (!events_ && !closing_) return; /* detached meanwhile, to be handed on */
      const visor_stream_events* events = std::exchange(events_, nullptr);
      if (events && events->closed) {
        if (status_ != VISOR_OK) host().fail(status_, why_);
        events->closed(ctx_, this, status_);
      }
      delete this;
    });
  }

  static constexpr size_t kMaxWrite = 1u << 20;
  static const visor_stream_api kApi;

  Tasks tasks_;
  const visor_stream_events* events_ = nullptr;
  void* ctx_ = nullptr;
  std::string why_;
  visor_status status_ = VISOR_OK;
  bool paused_ = false, ended_ = false, closing_ = false, finished_ = false, settling_ = false;
};

inline constexpr visor_stream_api StreamProvider::kApi = {
    sizeof(visor_stream_api),       0,
    thunk<&StreamProvider::attach>, thunk<&StreamProvider::write>,
    thunk<&StreamProvider::pause>,  thunk<&StreamProvider::end>,
    thunk<&StreamProvider::close>,  thunk<&StreamProvider::peer>,
    thunk<&StreamProvider::origin>};

/* The user's side: owns a stream.  Destroying it closes the stream, and no callback runs afterwards;
 * callbacks may destroy it. */
class Stream {
 public:
  struct Events {
    std::function<void(ByteView)> data;       /* lent for the call */
    std::function<void()> end;                /* the peer will send no more */
    std::function<void()> ready;              /* a write that met VISOR_EAGAIN may be tried again */
    std::function<void(const Error&)> closed; /* always last; status VISOR_OK for an orderly end */
  };

  Stream() = default;
  Stream(Host host, visor_stream* stream) : state_(std::make_shared<State>(host, stream)) {}
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&& other) noexcept {
    if (this != &other) {
      close();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Stream() { close(); }

  /* True until the stream was closed by either side or released. */
  explicit operator bool() const { return state_ && state_->stream; }
  visor_stream* raw() const { return state_ ? state_->stream : nullptr; }

  void attach(Events events) {
    detail::expects(bool(*this), "only a stream that is open can be attached to");
    state_->events = std::move(events);
    state_->stream->api->attach(state_->stream, &kEvents, state_.get());
  }
  /* All or none, at most 1 MiB. */
  visor_status write(std::span<const visor_span> parts) {
    if (!*this) return VISOR_ECLOSED;
    return state_->stream->api->write(state_->stream, parts.data(), parts.size());
  }
  visor_status write(ByteView data) {
    visor_span part = to_span(data);
    return write(std::span<const visor_span>(&part, 1));
  }
  void pause(bool paused) {
    if (*this) state_->stream->api->pause(state_->stream, paused);
  }
  void end() {
    if (*this) state_->stream->api->end(state_->stream);
  }
  void close() {
    visor_stream* stream = release();
    if (stream) stream->api->close(stream);
    state_.reset();
  }
  /* Gives the stream up, unattached, for somebody else to own. */
  visor_stream* release() {
    if (!*this) return nullptr;
    state_->events = {};
    visor_stream* stream = std::exchange(state_->stream, nullptr);
    stream->api->attach(stream, nullptr, nullptr);
    return stream;
  }
  /* Authenticated key and port of the other end; null on a raw socket. */
  const visor_addr* peer() const { return *this ? state_->stream->api->peer(state_->stream) : nullptr; }
  std::string_view origin() const {
    return *this ? text(state_->stream->api->origin(state_->stream)) : std::string_view{};
  }

 private:
  struct State : std::enable_shared_from_this<State> {
    State(Host h, visor_stream* s) : host(h), stream(s) {}
    Host host;
    visor_stream* stream;
    Events events;
  };
  static void on_data(void* ctx, visor_stream*, visor_span data) {
    auto state = static_cast<State*>(ctx)->shared_from_this();
    auto& fn = state->events;
    if (data.size == 0) {
      if (auto end = fn.end) end();
    } else if (auto handler = fn.data) {
      handler(bytes(data));
    }
  }
  static void on_ready(void* ctx, visor_stream*) {
    auto state = static_cast<State*>(ctx)->shared_from_this();
    if (auto ready = state->events.ready) ready();
  }
  static void on_closed(void* ctx, visor_stream*, visor_status status) {
    auto state = static_cast<State*>(ctx)->shared_from_this();
    Error error = status == VISOR_OK ? Error{VISOR_OK, {}} : state->host.error(status);
    state->stream = nullptr;
    Events events = std::exchange(state->events, {});
    if (events.closed) events.closed(error);
  }
  static constexpr visor_stream_events kEvents = {sizeof(visor_stream_events), 0, &Stream::on_data,
                                                  &Stream::on_ready, &Stream::on_closed};
  std::shared_ptr<State> state_;
};

}  // namespace visor
#endif  // VISOR_STREAM_HPP
