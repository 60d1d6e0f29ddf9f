#include "chat.hpp"

#include "lib/codec/json_fields.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "report.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

/* The arguments of a command about one peer. */
struct PeerArguments {
  json::object all;
  visor_key peer{};
};

Result<PeerArguments> peer_arguments(std::string_view text, std::string_view name = "peer") {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return std::unexpected(args.error());
  Result<visor_key> key = key_from_hex(codec::string_at(*args, name));
  if (!key) return std::unexpected(key.error());
  return PeerArguments{std::move(*args), *key};
}

}  // namespace

void Chat::start(Started started) {
  Result<Config> config = read_config(host().config());
  if (!config) return started(std::unexpected(config.error()));
  config_ = std::move(*config);
  identity_ = host().find<visor_identity>(VISOR_IDENTITY_1);
  if (!identity_) return started(failure(VISOR_ENOENT, "chat needs an identity, and there is none"));
  search_.find(config_.drive, [this, later = std::make_shared<Started>(std::move(started))](
                                  const Result<visor_drive*>& drive) {
    if (!drive) return (*later)(std::unexpected(drive.error()));
    const visor_status status =
        opening_.start([&](visor_done done) { return (*drive)->api->open(*drive, VISOR_TEXT("chat"), done); },
                       [this, later](visor_status opened, visor_kv* kv) {
                         if (opened != VISOR_OK) return (*later)(std::unexpected(host().error(opened)));
                         (*later)(begin(Owned<visor_kv>(kv)));
                       });
    if (status != VISOR_OK) (*later)(std::unexpected(host().error(status)));
  });
}

Result<void> Chat::begin(Owned<visor_kv> kv) {
  Result<std::unique_ptr<History>> history = History::open(host(), std::move(kv), config_.history);
  if (!history) return std::unexpected(history.error());
  history_ = std::move(*history);
  direct_ = std::make_unique<Direct>(
      host(), *history_, config_.direct,
      Direct::Events{
          .added = [this](const visor_key& peer, const Message& m) { watchers_.tell("message", peer, m); },
          .changed = [this](const visor_key& peer, const Message& m) { watchers_.tell("state", peer, m); }});
  if (Result<void> started = direct_->start(); !started) return started;
  return begin_groups();
}

Result<void> Chat::begin_groups() {
  const visor_key own = *identity_->api->key(identity_);
  Result<std::unique_ptr<GroupStore>> store =
      GroupStore::open(host(), history_->kv(), own, config_.group_limits);
  if (!store) return std::unexpected(store.error());
  groups_ = std::make_unique<Groups>(
      host(), identity_, std::move(*store), config_.groups,
      Groups::Events{.said =
                         [this, own](const codec::Uuid& group, const StoredGroupMessage& message) {
                           if (!watchers_.watched()) return;
                           tell("group-message", "message", report(group, message, own), &group);
                         },
                     .took_back =
                         [this](const codec::Uuid& group, const MessagePath& path) {
                           codec::JsonObjectText event;
                           watchers_.tell(event.text("event", "group-deleted")
                                              .text("group", codec::to_text(group))
                                              .text("path", to_text(path))
                                              .finish(),
                                          &group);
                         },
                     .changed = [this](const codec::Uuid& group) { group_changed(group); }});
  group_commands_ = std::make_unique<GroupCommands>(*groups_, own);
  if (!config_.directory.url.empty()) {
    auto directory = GroupDirectory::open(host(), identity_, groups_->store(), config_.directory);
    if (!directory) return std::unexpected(directory.error());
    directory_ = std::move(*directory);
    directory_->update();
  }
  return groups_->start();
}

void Chat::group_changed(const codec::Uuid& group) {
  if (!groups_) return;  // they end
  if (directory_) directory_->update();
  if (!watchers_.watched()) return;
  const GroupRecord* record = groups_->store().find(group);
  if (!record) return tell("group-forgotten", "group", '"' + codec::to_text(group) + '"', &group);
  tell("group", "group", report(*groups_, *record, *identity_->api->key(identity_), true), &group);
}

void Chat::tell(std::string_view event, std::string_view of, std::string_view json,
                const codec::Uuid* group) {
  codec::JsonObjectText line;
  watchers_.tell(line.text("event", event).json(of, json).finish(), group);
}

void Chat::stop(Stopped stopped) {
  watchers_.finish_all();
  group_commands_.reset();
  if (!directory_) return end(std::move(stopped));
  // While its network is there still.
  directory_->stop([this, done = std::make_shared<Stopped>(std::move(stopped))] {
    directory_.reset();
    end(std::move(*done));
  });
}

void Chat::end(Stopped stopped) {
  groups_.reset();
  direct_.reset();
  // What was closed just now ends on the next turn, and what was written is made durable before the drive
  // goes.
  auto done = std::make_shared<Stopped>(std::move(stopped));
  history_->sync([this, done](visor_status) {
    tasks_.post([this, done] {
      history_.reset();
      tasks_.post([done] { (*done)(); });
    });
  });
}

void Chat::send(Answer answer, std::string_view text) {
  Result<PeerArguments> args = peer_arguments(text, "to");
  if (!args) return answer.finish(args.error());
  std::string network = "auto";
  uint64_t wait_ms = 5000;
  codec::read_field(args->all, "network", network);
  codec::read_field(args->all, "wait_ms", wait_ms);
  Result<Message> sent = direct_->send(args->peer, codec::string_at(args->all, "text"), network,
                                       codec::string_at(args->all, "reply_to"));
  if (!sent) return answer.finish(sent.error());
  watchers_.wait(std::move(answer), args->peer, *sent, wait_ms);
}

Result<std::string> Chat::status(std::string_view) {
  return report_status(*identity_->api->key(identity_), *history_, config_.history, *direct_, *groups_,
                       directory_.get(), watchers_.open(), Watchers::kMaxOpen);
}

Result<std::string> Chat::conversations(std::string_view) {
  std::vector<const Conversation*> all;
  for (const auto& [peer, conversation] : history_->conversations()) all.push_back(&conversation);
  std::ranges::stable_sort(all, std::greater{}, &Conversation::last);
  std::vector<std::string> rows;
  rows.reserve(all.size());
  for (const Conversation* conversation : all) rows.push_back(report(*conversation, *history_, *direct_));
  return json_list(rows);
}

Result<std::string> Chat::messages(std::string_view text) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return std::unexpected(args.error());
  auto latest = history_->latest(codec::number_at<size_t>(*args, "limit").value_or(100));
  if (!latest) return std::unexpected(latest.error());
  std::vector<std::string> rows;
  rows.reserve(latest->size());
  for (const auto& [peer, message] : *latest) rows.push_back(report(peer, message));
  return json_list(rows);
}

Result<std::string> Chat::history(std::string_view text) {
  Result<PeerArguments> args = peer_arguments(text);
  if (!args) return std::unexpected(args.error());
  uint64_t before = 0;
  if (const std::string_view number = codec::string_at(args->all, "before"); !number.empty()) {
    before = std::strtoull(std::string(number).c_str(), nullptr, 10);
  }
  size_t limit = 100;
  codec::read_field(args->all, "limit", limit);
  Result<std::vector<Message>> messages = history_->list(args->peer, before, limit);
  if (!messages) return std::unexpected(messages.error());
  std::vector<std::string> rows;
  rows.reserve(messages->size());
  for (auto message = messages->rbegin(); message != messages->rend(); ++message) {
    rows.push_back(report(args->peer, *message));
  }
  return json_list(rows);
}

Result<std::string> Chat::read(std::string_view text) {
  Result<PeerArguments> args = peer_arguments(text);
  if (!args) return std::unexpected(args.error());
  Result<size_t> read = direct_->read(args->peer);
  if (!read) return std::unexpected(read.error());
  return json::serialize(json::object{{"read", *read}});
}

Result<std::string> Chat::unsend(std::string_view text) {
  Result<PeerArguments> args = peer_arguments(text);
  if (!args) return std::unexpected(args.error());
  Result<Message> message = direct_->take_back(args->peer, codec::string_at(args->all, "id"));
  if (!message) return std::unexpected(message.error());
  return report(args->peer, *message);
}

Result<std::string> Chat::forget(std::string_view text) {
  Result<PeerArguments> args = peer_arguments(text);
  if (!args) return std::unexpected(args.error());
  if (Result<void> forgotten = direct_->forget(args->peer); !forgotten)
    return std::unexpected(forgotten.error());
  tell("forgotten", "peer", '"' + to_hex(args->peer) + '"');
  return json::serialize(json::object{{"forgotten", to_hex(args->peer)}});
}

void Chat::group_watch(Answer answer, std::string_view text) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return answer.finish(args.error());
  Watchers::Filter filter{.groups_alone = true, .group = std::nullopt};
  if (args->contains("group")) {
    Result<codec::Uuid> id = codec::parse_uuid(codec::string_at(*args, "group"));
    if (!id) return answer.finish(id.error());
    if (!groups_->store().find(*id)) {
      return answer.finish(
          Error{VISOR_ENOENT, "there is no group " + codec::to_text(*id) + " here; `group_list` shows them"});
    }
    filter.group = *id;
  }
  watchers_.watch(std::move(answer), filter);
}

void Chat::group_directory(Answer answer, std::string_view text) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return answer.finish(args.error());
  if (!directory_) {
    return answer.finish(Error{VISOR_ENOENT,
                               "no service directory is configured; add \"directory\": {\"discovery\": "
                               "\"http://host:port\"} to chat's configuration"});
  }
  directory_->search(std::move(answer), codec::string_at(*args, "search"),
                     codec::number_at<size_t>(*args, "limit").value_or(100));
}

}  // namespace visor::chat
