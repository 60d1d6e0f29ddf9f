// chat: messages between visors.
#include <visor/plugin.hpp>

#include "config.hpp"
#include "group_commands.hpp"
#include "lib/codec/json_fields.hpp"
#include "report.hpp"
#include "watchers.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

class Chat final : public Instance {
 public:
  explicit Chat(Host host) : Instance(host), tasks_(host), watchers_(host) {}

  void start(Started started) override;
  void stop(Stopped stopped) override;

  void send(Answer answer, std::string_view args);
  void watch(Answer answer, std::string_view) { watchers_.watch(std::move(answer)); }
  Result<std::string> status(std::string_view);
  Result<std::string> conversations(std::string_view);
  Result<std::string> history(std::string_view args);
  Result<std::string> read(std::string_view args);
  Result<std::string> unsend(std::string_view args);
  Result<std::string> forget(std::string_view args);
  template <auto Method>
  Result<std::string> group(std::string_view args) {
    return (*group_commands_.*Method)(args);
  }

 private:
  Result<void> begin(Owned<visor_kv> kv);
  Result<void> begin_groups();

  visor_identity* identity_ = nullptr;
  Config config_;
  Request<visor_kv> opening_;
  Tasks tasks_;
  Watchers watchers_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Direct> direct_;
  std::unique_ptr<Groups> groups_;
  std::unique_ptr<GroupCommands> group_commands_;
};

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

void Chat::start(Started started) {
  Result<Config> config = read_config(host().config());
  if (!config) return started(std::unexpected(config.error()));
  config_ = std::move(*config);
  identity_ = host().find<visor_identity>(VISOR_IDENTITY_1);
  auto* drive =
      host().find<visor_drive>(VISOR_DRIVE_1, config_.drive.empty() ? nullptr : config_.drive.c_str());
  if (!identity_ || !drive) {
    return started(
        failure(VISOR_ENOENT, "chat needs an identity and the drive '" + config_.drive +
                                  "'; a storage plugin of that name has to be in the configuration"));
  }
  auto later = std::make_shared<Started>(std::move(started));
  const visor_status status =
      opening_.start([&](visor_done done) { return drive->api->open(drive, VISOR_TEXT("chat"), done); },
                     [this, later](visor_status opened, visor_kv* kv) {
                       if (opened != VISOR_OK) return (*later)(std::unexpected(host().error(opened)));
                       (*later)(begin(Owned<visor_kv>(kv)));
                     });
  if (status != VISOR_OK) (*later)(std::unexpected(host().error(status)));
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
                           watchers_.tell(json::object{{"event", "group-message"},
                                                       {"message", report(group, message, own)}});
                         },
                     .took_back =
                         [this](const codec::Uuid& group, const MessagePath& path) {
                           watchers_.tell(json::object{{"event", "group-deleted"},
                                                       {"group", codec::to_text(group)},
                                                       {"path", to_text(path)}});
                         },
                     .changed =
                         [this, own](const codec::Uuid& group) {
                           const GroupRecord* record = groups_ ? groups_->store().find(group) : nullptr;
                           if (!record) {
                             return watchers_.tell(json::object{{"event", "group-forgotten"},
                                                                {"group", codec::to_text(group)}});
                           }
                           watchers_.tell(json::object{{"event", "group"},
                                                       {"group", report(*groups_, *record, own, true)}});
                         }});
  group_commands_ = std::make_unique<GroupCommands>(*groups_, own);
  return groups_->start();
}

void Chat::stop(Stopped stopped) {
  watchers_.finish_all();
  group_commands_.reset();
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
                       watchers_.open(), Watchers::kMaxOpen);
}

Result<std::string> Chat::conversations(std::string_view) {
  std::vector<const Conversation*> all;
  for (const auto& [peer, conversation] : history_->conversations()) all.push_back(&conversation);
  std::ranges::stable_sort(all, std::greater{}, &Conversation::last);
  json::array rows;
  for (const Conversation* conversation : all) rows.push_back(report(*conversation, *history_, *direct_));
  return json::serialize(rows);
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
  json::array rows;
  for (auto message = messages->rbegin(); message != messages->rend(); ++message) {
    rows.push_back(report(args->peer, *message));
  }
  return json::serialize(rows);
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
  return json::serialize(report(args->peer, *message));
}

Result<std::string> Chat::forget(std::string_view text) {
  Result<PeerArguments> args = peer_arguments(text);
  if (!args) return std::unexpected(args.error());
  if (Result<void> forgotten = direct_->forget(args->peer); !forgotten)
    return std::unexpected(forgotten.error());
  watchers_.tell(json::object{{"event", "forgotten"}, {"peer", to_hex(args->peer)}});
  return json::serialize(json::object{{"forgotten", to_hex(args->peer)}});
}

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_DRIVE_1, nullptr};

constexpr char kNoArguments[] = R"({"type":"object","additionalProperties":false})";

constexpr visor_command kCommands[] = {
    {"send", "Sends a message; it is kept and delivered later when the receiver is away", R"({
  "type": "object", "additionalProperties": false, "required": ["to", "text"], "properties": {
    "to": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the receiver's public key"},
    "text": {"type": "string", "minLength": 1, "maxLength": 65536},
    "network": {"type": "string", "maxLength": 64, "default": "auto", "description": "auto, skynet or dmsg"},
    "reply_to": {"type": "string", "maxLength": 128, "description": "the id of the message that is answered"},
    "wait_ms": {"type": "integer", "minimum": 0, "maximum": 600000, "default": 5000, "description": "how long to wait for it to be received; 0: not at all"}},
  "examples": [{"to": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "text": "hello"}]
})",
     0, 0, command<&Chat::send>},
    {"conversations", "Who messages were exchanged with, the latest first", kNoArguments, VISOR_COMMAND_READS,
     0, command<&Chat::conversations>},
    {"history", "The messages to and from a peer, the latest last", R"({
  "type": "object", "additionalProperties": false, "required": ["peer"], "properties": {
    "peer": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the peer's public key"},
    "before": {"type": "string", "pattern": "^[0-9]{1,20}$", "description": "only those before the message of this number"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}},
  "examples": [{"peer": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "limit": 20}]
})",
     VISOR_COMMAND_READS, 0, command<&Chat::history>},
    {"read", "Notes that a person has read all of a peer's messages, and tells the peer", R"({
  "type": "object", "additionalProperties": false, "required": ["peer"], "properties": {
    "peer": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the peer's public key"}},
  "examples": [{"peer": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}]
})",
     0, 0, command<&Chat::read>},
    {"unsend", "Takes a message of ours back, here and at its receiver", R"({
  "type": "object", "additionalProperties": false, "required": ["peer", "id"], "properties": {
    "peer": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the receiver's public key"},
    "id": {"type": "string", "minLength": 1, "maxLength": 128, "description": "of the message"}},
  "examples": [{"peer": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "id": "9f86d081884c7d65"}]
})",
     0, 0, command<&Chat::unsend>},
    {"forget", "Deletes a conversation here, and what still waits to be sent", R"({
  "type": "object", "additionalProperties": false, "required": ["peer"], "properties": {
    "peer": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the peer's public key"}},
  "examples": [{"peer": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}]
})",
     0, 0, command<&Chat::forget>},
    {"group_create", "Makes a group; gives the link that invites to it", R"({
  "type": "object", "additionalProperties": false, "required": ["name"], "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 128},
    "mode": {"type": "string", "enum": ["private", "public"], "default": "private", "description": "private: messages are encrypted, members are admitted by admins"},
    "members": {"type": "array", "maxItems": 256, "items": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$"}, "description": "who may join"}},
  "examples": [{"name": "friends"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::create>>},
    {"group_join", "Joins a group by its link", R"({
  "type": "object", "additionalProperties": false, "required": ["invite"], "properties": {
    "invite": {"type": "string", "minLength": 16, "maxLength": 65536, "description": "skychat:invite:..."}},
  "examples": [{"invite": "skychat:invite:e30"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::join>>},
    {"group_invite", "The link that invites to a group", R"({
  "type": "object", "additionalProperties": false, "required": ["group"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10"}]
})",
     VISOR_COMMAND_READS, 0, command<&Chat::group<&GroupCommands::invite>>},
    {"group_send", "Says something in a group", R"({
  "type": "object", "additionalProperties": false, "required": ["group", "text"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"},
    "text": {"type": "string", "minLength": 1, "maxLength": 49152},
    "reply_to": {"type": "string", "maxLength": 200, "description": "the path of the message that is answered, as group_messages shows it"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10", "text": "hello"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::send>>},
    {"group_unsend", "Takes a message of ours back in a group", R"({
  "type": "object", "additionalProperties": false, "required": ["group", "path"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"},
    "path": {"type": "string", "minLength": 1, "maxLength": 200, "description": "of the message, as group_messages shows it"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10", "path": "msgs/0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798/1700000000000000000/1"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::unsend>>},
    {"group_add", "Admits a visor to a group", R"({
  "type": "object", "additionalProperties": false, "required": ["group", "peer"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"},
    "peer": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the member's public key"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10", "peer": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::add>>},
    {"group_remove", "Removes a member from a group", R"({
  "type": "object", "additionalProperties": false, "required": ["group", "peer"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"},
    "peer": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the member's public key"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10", "peer": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::remove>>},
    {"group_promote", "Makes a member an admin", R"({
  "type": "object", "additionalProperties": false, "required": ["group", "peer"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"},
    "peer": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the member's public key"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10", "peer": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::promote>>},
    {"group_demote", "Makes an admin a member", R"({
  "type": "object", "additionalProperties": false, "required": ["group", "peer"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"},
    "peer": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the member's public key"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10", "peer": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::demote>>},
    {"group_list", "The groups of this visor", kNoArguments, VISOR_COMMAND_READS, 0,
     command<&Chat::group<&GroupCommands::list>>},
    {"group_show", "A group with its members, and who of them is reached", R"({
  "type": "object", "additionalProperties": false, "required": ["group"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10"}]
})",
     VISOR_COMMAND_READS, 0, command<&Chat::group<&GroupCommands::show>>},
    {"group_messages", "What was said in a group, the latest last, in the order that all members see", R"({
  "type": "object", "additionalProperties": false, "required": ["group"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 100}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10"}]
})",
     VISOR_COMMAND_READS, 0, command<&Chat::group<&GroupCommands::messages>>},
    {"group_read", "Notes that a person has seen all that was said in a group", R"({
  "type": "object", "additionalProperties": false, "required": ["group"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::read>>},
    {"group_leave", "Leaves a group; its history stays", R"({
  "type": "object", "additionalProperties": false, "required": ["group"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::leave>>},
    {"group_delete", "Deletes a group and its history here", R"({
  "type": "object", "additionalProperties": false, "required": ["group"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10"}]
})",
     0, 0, command<&Chat::group<&GroupCommands::forget>>},
    {"watch", "Every message and every change of one, as it happens", kNoArguments,
     VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0, command<&Chat::watch>},
    {"status", "Where we are reached, what waits, every queue and its bound", kNoArguments,
     VISOR_COMMAND_READS, 0, command<&Chat::status>},
};

}  // namespace
}  // namespace visor::chat

VISOR_PLUGIN(chat) = {
    VISOR_PLUGIN_HEAD,
    .name = "chat",
    .version = "1.0.0",
    .summary = "Messages between visors",
    .license = "MIT",
    .schema = visor::chat::kConfigSchema,
    .needs = visor::chat::kNeeds,
    .offers = nullptr,
    .commands = visor::chat::kCommands,
    .command_count = std::size(visor::chat::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::chat::Chat>,
    .stop = visor::stop<visor::chat::Chat>,
    .configure = nullptr,
};
