#include "group_commands.hpp"

#include "lib/codec/json_fields.hpp"
#include "report.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;
using codec::string_at;

struct OfGroup {
  json::object args;
  codec::Uuid id;
};

Result<OfGroup> of_group(std::string_view text) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return std::unexpected(args.error());
  Result<codec::Uuid> id = codec::parse_uuid(string_at(*args, "group"));
  if (!id) return std::unexpected(id.error());
  return OfGroup{std::move(*args), *id};
}

}  // namespace

std::string GroupCommands::shown(const codec::Uuid& id, bool members) const {
  const GroupRecord* record = groups_.store().find(id);
  return record ? report(groups_, *record, own_, members) : "{}";
}

Result<std::string> GroupCommands::create(std::string_view text) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return std::unexpected(args.error());
  Groups::Plan plan;
  if (const json::array* list = codec::array_at(*args, "members")) {
    for (const json::value& each : *list) {
      Result<visor_key> key = key_from_hex(each.is_string() ? std::string_view(each.get_string()) : "");
      if (!key) return std::unexpected(key.error());
      plan.members.push_back(*key);
    }
  }
  plan.name = string_at(*args, "name");
  plan.topic = string_at(*args, "topic");
  plan.mode = string_at(*args, "mode") == "public" ? Mode::kPublic : Mode::kPrivate;
  codec::read_field(*args, "listed", plan.listed);
  Result<const GroupRecord*> made = groups_.create(plan);
  if (!made) return std::unexpected(made.error());
  std::string out = report(groups_, **made, own_, false);
  if (Result<std::string> link = groups_.invite((*made)->id)) {
    out.pop_back();
    out += R"(,"invite":")" + *link + "\"}";
  }
  return out;
}

Result<std::string> GroupCommands::join(std::string_view text) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return std::unexpected(args.error());
  Result<const GroupRecord*> joined = groups_.join(string_at(*args, "invite"));
  if (!joined) return std::unexpected(joined.error());
  return shown((*joined)->id, false);
}

Result<std::string> GroupCommands::invite(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  Result<std::string> link = of ? groups_.invite(of->id) : std::unexpected(of.error());
  if (!link) return link;
  return json::serialize(json::object{{"invite", *link}});
}

Result<std::string> GroupCommands::send(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  if (!of) return std::unexpected(of.error());
  std::optional<Answered> answers;
  if (const std::string_view to = string_at(of->args, "reply_to"); !to.empty()) {
    const auto path = parse_message_path(to);
    if (!path)
      return failure(VISOR_EINVAL, "`reply_to` is the path of a message, as `group_messages` shows it");
    answers = Answered{path->sender, path->time_ns};
  }
  Result<StoredGroupMessage> sent = groups_.send(of->id, string_at(of->args, "text"), answers);
  if (!sent) return std::unexpected(sent.error());
  return report(of->id, *sent, own_);
}

Result<std::string> GroupCommands::unsend(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  if (!of) return std::unexpected(of.error());
  const auto path = parse_message_path(string_at(of->args, "path"));
  if (!path) return failure(VISOR_EINVAL, "`path` is that of a message, as `group_messages` shows it");
  if (Result<void> done = groups_.take_back(of->id, *path); !done) return std::unexpected(done.error());
  return json::serialize(json::object{{"path", to_text(*path)}, {"deleted", true}});
}

Result<std::string> GroupCommands::decide(std::string_view text, Domain domain, Op op) {
  Result<OfGroup> of = of_group(text);
  if (!of) return std::unexpected(of.error());
  Result<visor_key> peer = key_from_hex(string_at(of->args, "peer"));
  if (!peer) return std::unexpected(peer.error());
  if (Result<void> done = groups_.decide(of->id, domain, op, *peer); !done)
    return std::unexpected(done.error());
  return shown(of->id, true);
}

Result<std::string> GroupCommands::list(std::string_view) {
  std::vector<std::string> rows;
  rows.reserve(groups_.store().groups().size());
  for (const auto& [id, record] : groups_.store().groups()) {
    rows.push_back(report(groups_, record, own_, false));
  }
  return json_list(rows);
}

Result<std::string> GroupCommands::show(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  if (!of) return std::unexpected(of.error());
  if (!groups_.store().find(of->id)) {
    return failure(VISOR_ENOENT,
                   "there is no group " + codec::to_text(of->id) + " here; `group_list` shows them");
  }
  return shown(of->id, true);
}

Result<std::string> GroupCommands::messages(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  if (!of) return std::unexpected(of.error());
  Result<std::vector<StoredGroupMessage>> all =
      groups_.messages(of->id, codec::number_at<size_t>(of->args, "limit").value_or(100));
  if (!all) return std::unexpected(all.error());
  std::vector<std::string> rows;
  rows.reserve(all->size());
  for (const StoredGroupMessage& message : *all) rows.push_back(report(of->id, message, own_));
  return json_list(rows);
}

Result<std::string> GroupCommands::read(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  Result<size_t> read = of ? groups_.read(of->id) : std::unexpected(of.error());
  if (!read) return std::unexpected(read.error());
  return json::serialize(json::object{{"read", *read}});
}

Result<std::string> GroupCommands::set_listed(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  if (!of) return std::unexpected(of.error());
  bool listed = true;
  codec::read_field(of->args, "listed", listed);
  if (Result<void> done = groups_.set_listed(of->id, listed); !done) return std::unexpected(done.error());
  return shown(of->id, false);
}

Result<std::string> GroupCommands::leave(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  if (!of) return std::unexpected(of.error());
  if (Result<void> left = groups_.leave(of->id); !left) return std::unexpected(left.error());
  return shown(of->id, false);
}

Result<std::string> GroupCommands::forget(std::string_view text) {
  Result<OfGroup> of = of_group(text);
  if (!of) return std::unexpected(of.error());
  if (Result<void> done = groups_.forget(of->id); !done) return std::unexpected(done.error());
  return json::serialize(json::object{{"deleted", codec::to_text(of->id)}});
}

}  // namespace visor::chat
