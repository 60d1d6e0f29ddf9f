#include "app.hpp"

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <ncurses.h>

#include <algorithm>

#include "lib/codec/json_fields.hpp"
#include "text.hpp"

namespace visor::tui {
namespace {

namespace json = boost::json;

constexpr uint64_t kRefreshMs = 50; /* many events of one moment cost one question */
constexpr uint64_t kMaxRetryMs = 30'000;
constexpr size_t kMessages = 300, kMaxLine = 16384;
constexpr wint_t control(char letter) {
  return static_cast<wint_t>(letter - 'A' + 1);
}

}  // namespace

App::App(kernel::native::UvLoop& loop, Gateway& gateway, Screen& screen)
    : loop_(loop), gateway_(gateway), screen_(screen), tasks_(gateway.host()) {}

void App::start() {
  tell("asking " + gateway_.options().address + "\u2026");
  follow();
}

void App::follow() {
  gateway_.watch([this](const json::object& event) { heard(event); },
                 [this](const Error& why) {
                   view_.connected = false;
                   tell(why.text, true);
                   retry_ = Timer::once(gateway_.host(), retry_ms_, [this] { follow(); });
                   retry_ms_ = std::min(2 * retry_ms_, kMaxRetryMs);
                 });
  refresh();
}

void App::heard(const json::object&) {
  refresh();
}

void App::refresh() {
  if (std::exchange(refreshing_, true)) return;
  refresh_ = Timer::once(gateway_.host(), kRefreshMs, [this] {
    refreshing_ = false;
    load();
  });
}

void App::load() {
  gateway_.ask("conversations", {}, [this](Result<json::value> conversations) {
    if (!conversations) return tell(conversations.error().text, true);
    if (!std::exchange(view_.connected, true)) {
      retry_ms_ = 1000;
      tell("connected with " + gateway_.options().address);
    }
    ask("group_list", {}, [this, conversations = std::move(*conversations)](const json::value& groups) {
      view_.rooms = rooms_of(conversations, groups);
      view_.open.reset();
      if (wanted_) {
        auto at = std::ranges::find(view_.rooms, *wanted_);
        // One that is not listed keeps the name that it had.
        if (at == view_.rooms.end()) at = view_.rooms.insert(view_.rooms.begin(), *wanted_);
        wanted_ = *at;
        view_.open = static_cast<size_t>(at - view_.rooms.begin());
      }
      draw();
    });
  });
  if (!wanted_) return;
  const Room open = *wanted_;
  json::object args{{open.group ? "group" : "peer", open.id}};
  json::object limited = args;
  limited["limit"] = kMessages;
  ask(open.group ? "group_messages" : "history", limited, [this, open, args](const json::value& rows) {
    if (wanted_ != open) return;
    view_.messages = messages_of(rows);
    draw();
    // What is on the screen has been seen.
    const Room* shown = room();
    if (shown && shown->unread > 0)
      ask(open.group ? "group_read" : "read", args, [this](const json::value&) { refresh(); });
  });
}

void App::ask(const std::string& command, const json::object& args,
              std::function<void(const json::value&)> then) {
  gateway_.ask(command, args, [this, then = std::move(then)](Result<json::value> answer) {
    if (!answer) return tell(answer.error().text, true);
    then(*answer);
  });
}

const Room* App::room() const {
  return view_.open && *view_.open < view_.rooms.size() ? &view_.rooms[*view_.open] : nullptr;
}

void App::tell(std::string words, bool problem) {
  view_.status = std::move(words);
  view_.problem = problem;
  draw();
}

/* Once a turn, however much has changed. */
void App::draw() {
  if (std::exchange(drawing_, true)) return;
  tasks_.post([this] {
    drawing_ = false;
    screen_.draw(view_);
  });
}

void App::resized() {
  screen_.resized();
  draw();
}

// --- keys ---

void App::typed() {
  for (;;) {
    const Screen::Key key = screen_.read();
    if (key.kind == Screen::Key::Kind::kNone) break;
    if (key.kind == Screen::Key::Kind::kCharacter) {
      character(key.code);
    } else {
      function(key.code);
    }
  }
  draw();
}

void App::character(wint_t code) {
  std::wstring& line = view_.line;
  size_t& cursor = view_.cursor;
  if (code == control('Q')) return loop_.stop();
  if (code == L'\r' || code == L'\n') return send();
  if (code == L'\t') return step(+1);
  if (code == control('R')) return answer_next();
  if (code == control('N')) {
    view_.network = view_.network == "auto" ? "skynet" : view_.network == "skynet" ? "dmsg" : "auto";
  } else if (code == 27) {
    view_.help = false;
    view_.answers.reset();
    answered_back_ = 0;
  } else if (code == control('C') || code == control('U')) {
    if (code == control('C') && line.empty()) return tell("Ctrl+Q leaves");
    line.erase(0, cursor);
    cursor = 0;
  } else if (code == control('W')) {
    size_t from = cursor;
    while (from > 0 && line[from - 1] == L' ') --from;
    while (from > 0 && line[from - 1] != L' ') --from;
    line.erase(from, cursor - from);
    cursor = from;
  } else if (code == control('A')) {
    cursor = 0;
  } else if (code == control('E')) {
    cursor = line.size();
  } else if (code == control('G')) {
    view_.help = !view_.help;
  } else if (code == 127 || code == 8) {
    if (cursor > 0) line.erase(--cursor, 1);
  } else if (code >= 32 && line.size() < kMaxLine) {
    line.insert(cursor++, 1, static_cast<wchar_t>(code));
  }
}

void App::function(wint_t code) {
  std::wstring& line = view_.line;
  size_t& cursor = view_.cursor;
  switch (code) {
    case KEY_F(1):
      view_.help = !view_.help;
      return;
    case KEY_BTAB:
      return step(-1);
    case KEY_UP:
    case KEY_PPAGE:
      view_.scrolled += code == KEY_UP ? 1 : 10;
      return;
    case KEY_DOWN:
    case KEY_NPAGE:
      view_.scrolled -= std::min<size_t>(view_.scrolled, code == KEY_DOWN ? 1 : 10);
      return;
    case KEY_LEFT:
      if (cursor > 0) --cursor;
      return;
    case KEY_RIGHT:
      if (cursor < line.size()) ++cursor;
      return;
    case KEY_HOME:
      cursor = 0;
      return;
    case KEY_END:
      cursor = line.size();
      return;
    case KEY_BACKSPACE:
      if (cursor > 0) line.erase(--cursor, 1);
      return;
    case KEY_DC:
      if (cursor < line.size()) line.erase(cursor, 1);
      return;
    default:
      return;
  }
}

// --- what people do ---

void App::step(int by) {
  const auto count = static_cast<int>(view_.rooms.size());
  if (count == 0) return tell("there is no room yet; /new KEY begins one");
  const int at = view_.open ? static_cast<int>(*view_.open) + by : by > 0 ? 0 : count - 1;
  const Room& next = view_.rooms[static_cast<size_t>((at + count) % count)];
  open(next.id, next.group);
}

void App::open(const std::string& id, bool group) {
  const bool another = !wanted_ || wanted_->id != id;
  wanted_ = Room{id, group, {}, {}, 0, 0, false};
  if (another) {
    view_.messages.clear();
    view_.answers.reset();
    view_.scrolled = answered_back_ = 0;
  }
  view_.help = false;
  auto at = std::ranges::find(view_.rooms, *wanted_);
  if (at != view_.rooms.end()) view_.open = static_cast<size_t>(at - view_.rooms.begin());
  load();
}

void App::answer_next() {
  std::vector<const Message*> all;
  for (const Message& message : view_.messages) {
    if (!message.deleted) all.push_back(&message);
  }
  if (all.empty()) return tell("there is nothing to answer");
  view_.answers = *all[all.size() - 1 - answered_back_ % all.size()];
  ++answered_back_;
}

void App::send() {
  const std::string text = to_utf8(view_.line);
  if (text.empty()) return;
  if (const std::optional<Command> command = parse_command(text)) {
    view_.line.clear();
    view_.cursor = 0;
    return run(*command);
  }
  if (!wanted_) return tell("to whom? choose a room with Tab, or /new KEY", true);
  json::object args{{"text", text.starts_with("//") ? text.substr(1) : text}};
  args[wanted_->group ? "group" : "to"] = wanted_->id;
  if (!wanted_->group) {
    args["wait_ms"] = 0;
    args["network"] = view_.network;
  }
  if (view_.answers) args["reply_to"] = view_.answers->id;
  view_.line.clear();
  view_.cursor = view_.scrolled = answered_back_ = 0;
  view_.answers.reset();
  gateway_.ask(wanted_->group ? "group_send" : "send", args, [this, text](Result<json::value> sent) {
    if (sent) return refresh();
    // Nothing that was written is lost.
    view_.line = to_wide(text) + view_.line;
    view_.cursor = view_.line.size();
    tell(sent.error().text, true);
  });
}

void App::of_group(const std::string& command, const std::string& peer, const std::string& done) {
  if (!wanted_ || !wanted_->group) return tell("this is about a group; choose one with Tab first", true);
  json::object args{{"group", wanted_->id}};
  if (!peer.empty()) args["peer"] = peer;
  ask(command, args, [this, done](const json::value& answer) {
    const json::object* object = answer.if_object();
    std::string words = done;
    if (object && object->contains("invite")) words = codec::string_at(*object, "invite");
    if (const json::array* members =
            object && done.empty() ? codec::array_at(*object, "member_list") : nullptr) {
      for (const json::value& each : *members) {
        const json::object& member = each.as_object();
        words += std::string(words.empty() ? "" : "  ") +
                 (member.at("reached") == true ? "\u25cf " : "\u25cb ") +
                 to_utf8(short_key(codec::string_at(member, "pk"))) +
                 (member.at("admin") == true ? " (admin)" : "");
      }
    }
    tell(words);
    refresh();
  });
}

void App::unsend() {
  auto at = std::ranges::find_if(view_.messages.rbegin(), view_.messages.rend(),
                                 [](const Message& message) { return message.own && !message.deleted; });
  if (!wanted_ || at == view_.messages.rend()) return tell("there is nothing of yours to take back", true);
  json::object args = wanted_->group ? json::object{{"group", wanted_->id}, {"path", at->id}}
                                     : json::object{{"peer", wanted_->id}, {"id", at->id}};
  ask(wanted_->group ? "group_unsend" : "unsend", args, [this](const json::value&) {
    tell("taken back");
    refresh();
  });
}

/* Public groups of the network's directory, by numbers that /join takes. */
void App::find(const std::string& words) {
  constexpr size_t kFound = 9;
  ask("group_directory", {{"search", words}, {"limit", kFound}}, [this](const json::value& groups) {
    found_.clear();
    std::string told;
    for (const json::value& group : groups.as_array()) {
      const json::object& row = group.as_object();
      found_.emplace_back(codec::string_at(row, "invite"));
      told += (told.empty() ? "" : "   ") + std::to_string(found_.size()) + " " +
              std::string(codec::string_at(row, "name"));
    }
    tell(found_.empty() ? "no public group is listed under these words" : told + "   (/join NUMBER)");
  });
}

void App::run(const Command& command) {
  const auto& [name, argument] = command;
  auto opened = [this](const json::value& group) {
    open(std::string(codec::string_at(group.as_object(), "id")), true);
  };
  if (name == "new") {
    Result<visor_key> key = key_from_hex(argument);
    return key ? open(to_hex(*key), false) : tell("/new takes a public key: " + key.error().text, true);
  }
  if (name == "group" || name == "public") {
    return ask("group_create", {{"name", argument}, {"mode", name == "group" ? "private" : "public"}},
               opened);
  }
  if (name == "find") return find(argument);
  if (name == "join") {
    // A number stands for what /find has found.
    const bool number = !argument.empty() && argument.find_first_not_of("0123456789") == argument.npos;
    const size_t at = number ? std::strtoul(argument.c_str(), nullptr, 10) : 0;
    const bool found = at >= 1 && at <= found_.size();
    return ask("group_join", {{"invite", found ? found_[at - 1] : argument}}, opened);
  }
  if (name == "invite") return of_group("group_invite", {}, {});
  if (name == "members") return of_group("group_show", {}, {});
  if (name == "leave") return of_group("group_leave", {}, "left");
  if (name == "unsend") return unsend();
  if (name == "help") {
    view_.help = true;
    return;
  }
  if (name == "quit") return loop_.stop();
  for (const char* decision : {"add", "remove", "promote", "demote"}) {
    if (name == decision && !argument.empty()) return of_group("group_" + name, argument, name + ": done");
  }
  tell("there is no /" + name + "; F1 shows what there is, and // begins a message with a slash", true);
}

}  // namespace visor::tui
