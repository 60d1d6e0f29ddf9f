/* What the screen shows: rooms, the messages of the one that is open, and what was told last. */
#ifndef VISOR_CLIENTS_TUI_MODEL_HPP
#define VISOR_CLIENTS_TUI_MODEL_HPP
#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace visor::tui {

struct Room {
  std::string id; /* a peer's key, or a group's id */
  bool group = false;
  std::string name;   /* of a group */
  std::string detail; /* "private, 3 members", or the network */
  uint64_t unread = 0, last_ms = 0;
  bool over = false; /* left or removed */

  friend bool operator==(const Room& a, const Room& b) { return a.id == b.id && a.group == b.group; }
};

struct Message {
  std::string id; /* what unsend and reply_to take */
  std::string from;
  bool own = false, deleted = false;
  std::string text, state, answers;
  int64_t time_ms = 0;
};

/* Rows of `conversations` and `group_list`, the latest first. */
std::vector<Room> rooms_of(const boost::json::value& conversations, const boost::json::value& groups);
/* Rows of `history` or `group_messages`. */
std::vector<Message> messages_of(const boost::json::value& rows);
/* The room that an event is about. */
std::optional<Room> room_of_event(const boost::json::object& event);

/* What a line that begins with a slash asks for. */
struct Command {
  std::string name, argument;
};
/* Nothing when it is a message; "//" begins one with a slash. */
std::optional<Command> parse_command(std::string_view line);

}  // namespace visor::tui
#endif  // VISOR_CLIENTS_TUI_MODEL_HPP
