#include "screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <ncurses.h>

#include "text.hpp"

namespace visor::tui {
namespace {

constexpr int kBold = static_cast<int>(A_BOLD), kReverse = static_cast<int>(A_REVERSE);
constexpr int kLeastForTwo = 60; /* columns; with fewer only one side is shown */
enum Colour : short { kPlain = 0, kOwn, kPeer, kQuiet, kGood, kBad, kUnread };

/* As https://no-color.org asks: any text in NO_COLOR. */
bool coloured() {
  const char* no = std::getenv("NO_COLOR");
  return has_colors() && !(no && *no);
}

int colour(Colour which) {
  return coloured() ? static_cast<int>(COLOR_PAIR(which)) : 0;
}

/* One colour for each sender, always the same. */
int sender_colour(const std::string& key) {
  if (!coloured()) return kBold;
  unsigned sum = 0;
  for (const char c : key) sum = sum * 31 + static_cast<unsigned char>(c);
  return static_cast<int>(COLOR_PAIR(8 + sum % 4)) | kBold;
}

std::wstring time_of(int64_t time_ms) {
  const std::time_t seconds = time_ms / 1000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d", local.tm_hour, local.tm_min);
  return to_wide(text);
}

std::wstring name_of(const Room& room) {
  return room.group ? to_wide(room.name) : short_key(room.id);
}

struct Line {
  std::wstring head, text;
  int head_attributes = 0, attributes = 0;
};

std::wstring state_of(const Message& message) {
  if (message.state == "pending") return L" \u25cc waiting";
  if (message.state == "sent") return L" \u2713";
  if (message.state == "received") return L" \u2713\u2713";
  if (message.state == "read") return L" \u2713\u2713 read";
  if (message.state == "failed") return L" \u2717 not delivered";
  return L"";
}

const Message* answered_by(const std::vector<Message>& all, const Message& message) {
  for (const Message& other : all) {
    if (!message.answers.empty() && other.id.starts_with(message.answers)) return &other;
  }
  return nullptr;
}

void add_message(std::vector<Line>& lines, const View& view, const Message& message, int columns) {
  const bool group = view.open && view.rooms[*view.open].group;
  std::wstring head = time_of(message.time_ms) + L' ' + (message.own ? L"you" : short_key(message.from));
  if (message.own && !message.deleted) head += group && message.state.empty() ? L"" : state_of(message);
  lines.push_back(
      {std::move(head), L"", message.own ? colour(kOwn) | kBold : sender_colour(message.from), 0});
  if (!message.answers.empty() && !message.deleted) {
    const Message* other = answered_by(view.messages, message);
    const std::wstring quoted =
        other ? (other->own ? L"you" : short_key(other->from)) + L": " + to_wide(other->text)
              : L"a message that is not here";
    lines.push_back({L"  \u2502 ", cut(quoted, columns - 4), colour(kQuiet), colour(kQuiet)});
  }
  if (message.deleted) {
    lines.push_back({L"  ", L"(taken back)", 0, colour(kQuiet)});
    return;
  }
  for (std::wstring& line : wrap(to_wide(message.text), columns - 2))
    lines.push_back({L"  ", std::move(line), 0, 0});
}

const wchar_t* const kHelp[] = {
    L"Tab, Shift+Tab        the next, the previous room",
    L"PgUp, PgDn            earlier and later messages",
    L"Enter                 send the line",
    L"Ctrl+R                answer the latest message, again: the one before it",
    L"Ctrl+N                over which network: auto, skynet, dmsg",
    L"Ctrl+U, Ctrl+W        delete the line, the word before the cursor",
    L"Ctrl+Q                leave",
    L"",
    L"/new KEY              a conversation with a public key",
    L"/group NAME           make a private group; /public NAME a public one",
    L"/join LINK            join a group by its invitation",
    L"/find WORDS           public groups of the network; /join NUMBER joins one of them",
    L"/invite               show the invitation of this group",
    L"/add KEY  /remove KEY  /promote KEY  /demote KEY   members of this group",
    L"/members              who is in this group, and who is reached",
    L"/unsend               take back what was said last here",
    L"/leave                leave this group",
    L"//...                 a message that begins with a slash",
};

}  // namespace

bool Screen::open() {
  screen_ = newterm(nullptr, stdout, stdin);
  if (!screen_) return false;
  set_term(static_cast<SCREEN*>(screen_));
  raw(); /* Ctrl+C too is a key: what was written is not lost by it */
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(25);
  if (coloured()) {
    start_color();
    use_default_colors();
    init_pair(kOwn, COLOR_CYAN, -1);
    init_pair(kPeer, COLOR_GREEN, -1);
    init_pair(kQuiet, COLOR_BLUE, -1);
    init_pair(kGood, COLOR_GREEN, -1);
    init_pair(kBad, COLOR_RED, -1);
    init_pair(kUnread, COLOR_YELLOW, -1);
    constexpr short kSenders[] = {COLOR_GREEN, COLOR_MAGENTA, COLOR_YELLOW, COLOR_BLUE};
    for (short i = 0; i < 4; ++i) init_pair(static_cast<short>(8 + i), kSenders[i], -1);
  }
  return true;
}

Screen::~Screen() {
  if (!screen_) return;
  endwin();
  delscreen(static_cast<SCREEN*>(screen_));
}

Screen::Key Screen::read() {
  wint_t code = 0;
  switch (get_wch(&code)) {
    case OK:
      return {Key::Kind::kCharacter, code};
    case KEY_CODE_YES:
      return {Key::Kind::kFunction, code};
    default:
      return {};
  }
}

void Screen::resized() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) resizeterm(size.ws_row, size.ws_col);
  clearok(curscr, TRUE);
}

void Screen::put(int y, int x, std::wstring_view text, int columns, int attributes) const {
  if (y < 0 || y >= height_ || columns <= 0) return;
  const std::wstring shown = cut(text, columns);
  attron(attributes);
  mvaddnwstr(y, x, shown.data(), static_cast<int>(shown.size()));
  attroff(attributes);
}

void Screen::draw(const View& view) {
  getmaxyx(stdscr, height_, width_);
  erase();
  const bool two = width_ >= kLeastForTwo;
  left_ = two ? std::min(32, width_ / 3) : view.open ? 0 : width_;
  if (left_ > 0) draw_rooms(view);
  if (left_ < width_) draw_messages(view);
  draw_writing(view);
  refresh();
}

void Screen::draw_rooms(const View& view) {
  put(0, 1, L"Rooms", left_ - 2, kBold);
  int y = 1;
  for (size_t i = 0; i < view.rooms.size() && y < height_ - 3; ++i, ++y) {
    const Room& room = view.rooms[i];
    const bool here = view.open == i;
    int attributes = here              ? kReverse
                     : room.unread > 0 ? kBold | colour(kUnread)
                     : room.over       ? colour(kQuiet)
                                       : 0;
    const std::wstring count = room.unread > 0 ? L" (" + to_wide(std::to_string(room.unread)) + L")" : L"";
    std::wstring name = (room.group ? L"# " : L"  ") + name_of(room);
    name = cut(name, left_ - 2 - width_of(count)) + count;
    name.resize(name.size() + static_cast<size_t>(std::max(0, left_ - 2 - width_of(name))), L' ');
    put(y, 1, name, left_ - 1, attributes);
  }
  if (view.rooms.empty()) put(1, 1, L"none yet: /new KEY", left_ - 2, colour(kQuiet));
  if (left_ < width_) mvvline_set(0, left_ - 1, WACS_VLINE, height_ - 3);
}

void Screen::draw_messages(const View& view) {
  const int x = left_ > 0 ? left_ + 1 : 0, columns = width_ - x - 1, rows = height_ - 4;
  if (view.help) {
    put(0, x, L"Keys and commands", columns, kBold);
    int y = 1;
    for (const wchar_t* line : kHelp) {
      if (y < height_ - 3) put(y++, x, line, columns);
    }
    return;
  }
  if (!view.open) return put(0, x, L"Choose a room with Tab, or /new KEY", columns, colour(kQuiet));
  const Room& room = view.rooms[*view.open];
  put(0, x, name_of(room) + (room.detail.empty() ? L"" : L"  " + to_wide(room.detail)), columns, kBold);
  std::vector<Line> lines;
  for (const Message& message : view.messages) add_message(lines, view, message, columns);
  const size_t shown = static_cast<size_t>(std::max(0, rows));
  const size_t most = lines.size() > shown ? lines.size() - shown : 0;
  const size_t first = most - std::min(most, view.scrolled);
  for (size_t i = first; i < lines.size() && i < first + shown; ++i) {
    const int y = 1 + static_cast<int>(i - first), head = width_of(lines[i].head);
    put(y, x, lines[i].head, columns, lines[i].head_attributes);
    put(y, x + head, lines[i].text, columns - head, lines[i].attributes);
  }
}

void Screen::draw_writing(const View& view) {
  const int status_y = height_ - 3, line_y = height_ - 2, help_y = height_ - 1;
  std::wstring status = to_wide(view.status);
  int attributes = view.problem ? colour(kBad) | kBold : colour(kQuiet);
  if (view.answers) {
    status = L"\u21b3 " + (view.answers->own ? std::wstring(L"you") : short_key(view.answers->from)) + L": " +
             to_wide(view.answers->text) + L"  (Esc: no)";
    attributes = colour(kGood);
  }
  put(status_y, 1, status, width_ - 2, attributes);

  const std::wstring prompt = L"> ";
  // The part of a long line around the cursor.
  const int room = width_ - 4;
  size_t first = 0;
  while (width_of(std::wstring_view(view.line).substr(first, view.cursor - first)) >= room) ++first;
  put(line_y, 0, prompt, 2, kBold);
  put(line_y, 2, std::wstring_view(view.line).substr(first), width_ - 3);

  std::wstring help = L" Enter send  Tab room  Ctrl+R answer  Ctrl+N ";
  help += to_wide(view.network) + L"  PgUp/PgDn  F1 help  Ctrl+Q leave";
  if (!view.connected) help = L" not connected, trying again" + help;
  // The last cell stays empty: some terminals go on to the next line after it.
  if (width_of(help) < width_ - 1) help.append(static_cast<size_t>(width_ - 1 - width_of(help)), L' ');
  put(help_y, 0, help, width_ - 1, kReverse);
  move(line_y, 2 + width_of(std::wstring_view(view.line).substr(first, view.cursor - first)));
}

}  // namespace visor::tui
