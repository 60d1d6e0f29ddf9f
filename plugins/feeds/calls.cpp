#include "calls.hpp"

#include <algorithm>
#include <deque>

#include "lib/codec/json_fields.hpp"
#include "report.hpp"

namespace visor::feeds {
namespace {

namespace json = boost::json;
using codec::read_field;
using codec::string_at;

constexpr size_t kLeavesAnEvent = 256;

/* Which feed is meant. */
struct Wanted {
  std::optional<visor_key> owner;
  std::string network;
  uint16_t port = 0;

  visor_feed_options options() const {
    return {.size = sizeof(visor_feed_options),
            .flags = 0,
            .owner = owner ? &*owner : nullptr,
            .network = to_span(std::string_view(network)),
            .port = port,
            .batch_ms = 1000,
            .drive = {}};
  }
};

Result<Wanted> read_wanted(const json::object& args) {
  Wanted wanted;
  read_field(args, "network", wanted.network);
  read_field(args, "port", wanted.port);
  const std::string_view owner = string_at(args, "owner");
  if (owner.empty()) return wanted;
  Result<OwnerAddress> address = read_owner(owner);
  if (!address) return std::unexpected(address.error());
  wanted.owner = address->key;
  if (address->network.empty()) return wanted;
  if (!wanted.network.empty()) {
    return failure(VISOR_EINVAL, "the owner is given with an address, " + address->network +
                                     ", and a network beside it; one of them is enough");
  }
  wanted.network = std::move(address->network);
  return wanted;
}

}  // namespace

Result<OwnerAddress> read_owner(std::string_view text) {
  const size_t at = text.find('@');
  Result<visor_key> key = key_from_hex(text.substr(0, at));
  if (!key) return std::unexpected(key.error());
  OwnerAddress owner{*key, {}};
  if (at == std::string_view::npos) return owner;
  const std::string_view address = text.substr(at + 1);
  if (address.find(':') == std::string_view::npos) {
    return failure(VISOR_EINVAL, "an owner's address is <key>@host:port; there is no port in '" +
                                     std::string(address) + "'");
  }
  owner.network = "tcp://" + std::string(address);
  return owner;
}

/* --- what both have in common: an answer, and a feed that is opened for it
 * ----------------------------------- */

class Calls::Call {
 public:
  Call(Calls& calls, Answer answer, Wanted wanted)
      : calls_(calls), answer_(std::move(answer)), wanted_(std::move(wanted)) {
    answer_.on_canceled([this] { calls_.drop(*this); });
  }
  virtual ~Call() = default;

  void begin() {
    auto* feeds = static_cast<visor_feeds*>(&calls_.service_);
    const visor_feed_options options = wanted_.options();
    const visor_status status =
        opening_.start([&](visor_done done) { return feeds->api->open(feeds, &options, done); },
                       [this](visor_status opened, visor_feed* feed) {
                         if (opened != VISOR_OK) return end(host().error(opened));
                         feed_.reset(feed);
                         this->opened();
                       },
                       [feeds](void* ctx) { feeds->api->cancel(feeds, ctx); });
    if (status != VISOR_OK) end(host().error(status));
  }

 protected:
  virtual void opened() = 0;

  Host host() const { return calls_.host_; }
  void end(const Error& why) {
    if (why.status == VISOR_OK) {
      answer_.finish();
    } else {
      answer_.finish(why);
    }
    calls_.drop(*this);
  }

  Calls& calls_;
  Answer answer_;
  const Wanted wanted_;
  Owned<visor_feed> feed_;

 private:
  Request<visor_feed> opening_;
};

bool Calls::admit(Answer& answer) {
  if (calls_.size() < kMaxCalls) return true;
  answer.finish(Error{VISOR_EAGAIN, std::to_string(kMaxCalls) +
                                        " calls that publish or watch are open already; try again later"});
  return false;
}

void Calls::add(std::unique_ptr<Call> call) {
  Call& added = *call;
  calls_.push_back(std::move(call));
  added.begin();
}

void Calls::drop(Call& call) {
  auto found = std::ranges::find(calls_, &call, &std::unique_ptr<Call>::get);
  if (found == calls_.end()) return;
  leaving_.push_back(std::move(*found));
  calls_.erase(found);
  if (leaving_.size() == 1) {
    tasks_.post([this] { auto gone = std::exchange(leaving_, {}); });
  }
}

void Calls::finish_all() {
  calls_.clear();
  leaving_.clear();  // their feeds go before the service
}

Calls::Calls(Host host, Service& service) : host_(host), service_(service), tasks_(host) {}
Calls::~Calls() = default;

/* --- publish
 * ------------------------------------------------------------------------------------------------ */

class Calls::Publishing final : public Call {
 public:
  Publishing(Calls& calls, Answer answer, Wanted wanted, std::string path, std::optional<Bytes> value)
      : Call(calls, std::move(answer), std::move(wanted)), path_(std::move(path)), value_(std::move(value)) {}

 private:
  void opened() override {
    const visor_op op = value_ ? put(bytes(path_), *value_) : erase(bytes(path_));
    const visor_status status =
        writing_.start([&](visor_done done) { return feed_->api->write(feed_.get(), &op, 1, done); },
                       [this](visor_status written, void*) { stored(written); });
    if (status != VISOR_OK) end(host().error(status));
  }

  void stored(visor_status status) {
    if (status != VISOR_OK) return end(host().error(status));
    json::object said{{"path", path_}};
    if (const StoredRoot* root = calls_.service_.current({wanted_.port, calls_.service_.own()})) {
      said["seq"] = root->record.seq;
      said["root"] = to_hex(root->record.hash);
    }
    answer_.say(json::serialize(said));
    end({VISOR_OK, {}});
  }

  std::string path_;
  std::optional<Bytes> value_;  // absent: the leaf is deleted
  Request<void> writing_;
};

void Calls::publish(Answer answer, const json::object& args) {
  if (!admit(answer)) return;
  Result<Wanted> wanted = read_wanted(args);
  if (!wanted) return answer.finish(wanted.error());
  const bool text = args.contains("value"), hex = args.contains("value_hex");
  bool gone = false;
  read_field(args, "delete", gone);
  if (text + hex + gone != 1) {
    return answer.finish(
        Error{VISOR_EINVAL, "give exactly one of `value`, `value_hex` and `delete` for the leaf"});
  }
  std::optional<Bytes> value;
  if (text) {
    const std::string_view said = string_at(args, "value");
    value.emplace(said.begin(), said.end());
  } else if (hex) {
    const std::string_view said = string_at(args, "value_hex");
    value.emplace(said.size() / 2);
    if (said.size() % 2 != 0 || !from_hex(said, *value)) {
      return answer.finish(Error{VISOR_EINVAL, "`value_hex` is pairs of hex digits; got " +
                                                   std::to_string(said.size()) + " characters"});
    }
  }
  add(std::make_unique<Publishing>(*this, std::move(answer), std::move(*wanted),
                                   std::string(string_at(args, "path")), std::move(value)));
}

/* --- watch
 * -------------------------------------------------------------------------------------------------- */

class Calls::Watching final : public Call {
 public:
  Watching(Calls& calls, Answer answer, Wanted wanted, std::string prefix, bool values)
      : Call(calls, std::move(answer), std::move(wanted)), prefix_(std::move(prefix)), values_(values) {
    answer_.on_ready([this] { say(); });
  }

 private:
  void opened() override {
    visor_handle* handle = nullptr;
    const visor_status status = feed_->api->subscribe(feed_.get(), to_span(std::string_view(prefix_)),
                                                      VISOR_FEED_BRANCH, &kEvents, this, &handle);
    if (status != VISOR_OK) return end(host().error(status));
    subscription_.reset(handle);
  }

  void changed(uint64_t seq, std::span<const visor_op> ops) {
    do {
      const auto part = ops.first(std::min(ops.size(), kLeavesAnEvent));
      ops = ops.subspan(part.size());
      json::array changes;
      for (const visor_op& op : part) changes.push_back(describe(op));
      unsaid_.push_back(json::serialize(
          json::object{{"seq", seq}, {"changes", std::move(changes)}, {"more", !ops.empty()}}));
    } while (!ops.empty());
    say();
  }

  json::object describe(const visor_op& op) const {
    json::object out;
    put_bytes(out, "path", text(op.key));
    if (op.kind == VISOR_DELETE) {
      out["deleted"] = true;
    } else if (values_) {
      put_bytes(out, "value", text(op.value));
    } else {
      out["bytes"] = op.value.size;
    }
    return out;
  }

  // One Root at most is held for a caller that is slow: the feed waits with the next.
  void say() {
    while (!unsaid_.empty()) {
      const visor_status status = answer_.say(unsaid_.front());
      if (status == VISOR_EAGAIN) break;
      unsaid_.pop_front();
    }
    feed_->api->pause(feed_.get(), !unsaid_.empty());
  }

  void closed(visor_status status) {
    if (status == VISOR_OK) return end({VISOR_OK, {}});
    end(host().error(status));
  }
  static void on_changed(void* ctx, visor_feed*, uint64_t seq, uint32_t, const visor_op* ops, size_t count) {
    static_cast<Watching*>(ctx)->changed(seq, {ops, count});
  }
  static void on_closed(void* ctx, visor_feed*, visor_status status) {
    static_cast<Watching*>(ctx)->closed(status);
  }
  static constexpr visor_feed_events kEvents = {sizeof(visor_feed_events), 0, &Watching::on_changed,
                                                &Watching::on_closed};

  const std::string prefix_;
  const bool values_;
  std::deque<std::string> unsaid_;
  Owned<visor_handle> subscription_;  // goes before the feed
};

void Calls::watch(Answer answer, const json::object& args) {
  if (!admit(answer)) return;
  Result<Wanted> wanted = read_wanted(args);
  if (!wanted) return answer.finish(wanted.error());
  bool values = false;
  read_field(args, "values", values);
  add(std::make_unique<Watching>(*this, std::move(answer), std::move(*wanted),
                                 std::string(string_at(args, "prefix")), values));
}

}  // namespace visor::feeds
