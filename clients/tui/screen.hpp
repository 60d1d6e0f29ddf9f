/* The terminal by ncurses: rooms on the left, messages on the right, the line that is written, keys to press.
 */
#ifndef VISOR_CLIENTS_TUI_SCREEN_HPP
#define VISOR_CLIENTS_TUI_SCREEN_HPP
#include "model.hpp"

namespace visor::tui {

/* Everything that is to be seen. */
struct View {
  std::string own_key;
  std::vector<Room> rooms;
  std::optional<size_t> open; /* index of the room that is open */
  std::vector<Message> messages;
  size_t scrolled = 0; /* lines up from the end */
  std::wstring line;   /* being written */
  size_t cursor = 0;   /* in it */
  std::optional<Message> answers;
  std::string network = "auto";
  std::string status;     /* what was told last */
  bool problem = false;   /* it is one */
  bool connected = false; /* events are heard */
  bool help = false;
};

class Screen {
 public:
  struct Key {
    enum class Kind { kCharacter, kFunction, kNone } kind = Kind::kNone;
    wint_t code = 0; /* a character, or one of ncurses' KEY_ */
  };

  /* Takes the terminal over.  False: it cannot (TERM is unknown, or it is none). */
  bool open();
  ~Screen();

  void draw(const View& view);
  /* The next key; kNone: there is none. */
  Key read();
  /* The terminal has another size now. */
  void resized();

 private:
  void draw_rooms(const View& view);
  void draw_messages(const View& view);
  void draw_writing(const View& view);
  void put(int y, int x, std::wstring_view text, int columns, int attributes = 0) const;

  void* screen_ = nullptr;
  int height_ = 0, width_ = 0, left_ = 0;
};

}  // namespace visor::tui
#endif  // VISOR_CLIENTS_TUI_SCREEN_HPP
