// chat: messages between visors.
#include "chat.hpp"

namespace visor::chat {
namespace {

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
    {"messages", "The latest messages to and from all peers, the latest last", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}},
  "examples": [{"limit": 20}]
})",
     VISOR_COMMAND_READS, 0, command<&Chat::messages>},
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
    "topic": {"type": "string", "maxLength": 256, "description": "of a public group, for who looks for one"},
    "listed": {"type": "boolean", "default": true, "description": "whether a public group is listed in the service directory"},
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
    {"group_listed", "Lists a public group in the service directory, or takes it out", R"({
  "type": "object", "additionalProperties": false, "required": ["group", "listed"], "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the group's id"},
    "listed": {"type": "boolean"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10", "listed": false}]
})",
     0, 0, command<&Chat::group<&GroupCommands::set_listed>>},
    {"group_directory", "Public groups that the service directory lists, each with a link to join it", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "search": {"type": "string", "maxLength": 128, "description": "in the name, the topic or the founder's key"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}},
  "examples": [{"search": "kayak"}]
})",
     VISOR_COMMAND_READS, 0, command<&Chat::group_directory>},
    {"group_watch", "What is said in groups, taken back and decided, as it happens", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "group": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the id of one; all groups if not said"}},
  "examples": [{"group": "0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10"}]
})",
     VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0, command<&Chat::group_watch>},
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
