#include "model.hpp"

#include <algorithm>

#include "lib/codec/json_fields.hpp"

namespace visor::tui {
namespace {

namespace json = boost::json;
using codec::number_at;
using codec::string_at;

bool flag_at(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  return member && member->is_bool() && member->get_bool();
}

template <class Fn>
void each_object(const json::value& rows, Fn&& fn) {
  const json::array* all = rows.if_array();
  if (!all) return;
  for (const json::value& row : *all) {
    if (const json::object* object = row.if_object()) fn(*object);
  }
}

}  // namespace

std::vector<Room> rooms_of(const json::value& conversations, const json::value& groups) {
  std::vector<Room> rooms;
  each_object(conversations, [&](const json::object& row) {
    rooms.push_back({std::string(string_at(row, "peer")),
                     false,
                     {},
                     std::string(string_at(row, "network")),
                     number_at<uint64_t>(row, "unread").value_or(0),
                     number_at<uint64_t>(row, "last_ms").value_or(0),
                     false});
  });
  each_object(groups, [&](const json::object& row) {
    const std::string_view status = string_at(row, "status");
    std::string detail(string_at(row, "mode"));
    detail += ", " + std::to_string(number_at<uint64_t>(row, "members").value_or(0)) + " members";
    if (status != "active") detail += ", " + std::string(status);
    rooms.push_back({std::string(string_at(row, "id")), true, std::string(string_at(row, "name")), detail,
                     number_at<uint64_t>(row, "unread").value_or(0),
                     number_at<uint64_t>(row, "last_ms").value_or(0),
                     status == "left" || status == "revoked"});
  });
  std::ranges::stable_sort(rooms, std::greater{}, &Room::last_ms);
  return rooms;
}

std::vector<Message> messages_of(const json::value& rows) {
  std::vector<Message> messages;
  each_object(rows, [&](const json::object& row) {
    const bool of_group = row.contains("path");
    messages.push_back({std::string(string_at(row, of_group ? "path" : "id")),
                        std::string(string_at(row, of_group ? "from" : "peer")), flag_at(row, "out"),
                        flag_at(row, "deleted"), std::string(string_at(row, "text")),
                        std::string(string_at(row, "state")), std::string(string_at(row, "reply_to")),
                        number_at<int64_t>(row, "time_ms").value_or(0)});
  });
  return messages;
}

std::optional<Room> room_of_event(const json::object& event) {
  Room room;
  const json::object message = codec::object_at(event, "message");
  const json::object group = codec::object_at(event, "group");
  for (const auto& [object, name, is_group] :
       {std::tuple(&message, "peer", false), std::tuple(&message, "group", true),
        std::tuple(&group, "id", true), std::tuple(&event, "group", true),
        std::tuple(&event, "peer", false)}) {
    room.id = string_at(*object, name);
    room.group = is_group;
    if (!room.id.empty()) return room;
  }
  return std::nullopt;
}

std::optional<Command> parse_command(std::string_view line) {
  if (!line.starts_with('/') || line.starts_with("//")) return std::nullopt;
  const size_t space = line.find(' ');
  Command command{std::string(line.substr(1, space == line.npos ? line.npos : space - 1)), {}};
  if (space == line.npos) return command;
  const size_t first = line.find_first_not_of(' ', space);
  if (first == line.npos) return command;
  command.argument = line.substr(first, line.find_last_not_of(' ') - first + 1);
  return command;
}

}  // namespace visor::tui
