/* The chat at a terminal: what the gateway tells becomes a View, and keys become calls. */
#ifndef VISOR_CLIENTS_TUI_APP_HPP
#define VISOR_CLIENTS_TUI_APP_HPP
#include "gateway.hpp"
#include "screen.hpp"

namespace visor::tui {

class App {
 public:
  App(kernel::native::UvLoop& loop, Gateway& gateway, Screen& screen);
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /* Asks for everything and follows it. */
  void start();
  /* Keys have been typed. */
  void typed();
  void resized();

 private:
  /* What comes */
  void follow();
  void refresh();
  void load();
  void heard(const boost::json::object& event);
  void tell(std::string words, bool problem = false);
  void draw();

  /* What is done */
  void character(wint_t code);
  void function(wint_t code);
  void open(const std::string& id, bool group);
  void step(int by);
  void answer_next();
  void send();
  void run(const Command& command);
  void of_group(const std::string& command, const std::string& peer, const std::string& done);
  void unsend();
  void find(const std::string& words);
  void ask(const std::string& command, const boost::json::object& args,
           std::function<void(const boost::json::value&)> then);
  const Room* room() const;

  kernel::native::UvLoop& loop_;
  Gateway& gateway_;
  Screen& screen_;
  Tasks tasks_;
  View view_;
  std::optional<Room> wanted_;     /* the room that is open, also while it is not in the list yet */
  size_t answered_back_ = 0;       /* how many messages before the latest is answered */
  std::vector<std::string> found_; /* invitations to public groups */
  uint64_t retry_ms_ = 1000;
  bool refreshing_ = false, drawing_ = false;
  Timer retry_, refresh_;
};

}  // namespace visor::tui
#endif  // VISOR_CLIENTS_TUI_APP_HPP
