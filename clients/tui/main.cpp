// visor-chat: a visor's chat at a terminal, over the API of its gateway.
#include <unistd.h>

#include <langinfo.h>
#include <CLI/CLI.hpp>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "app.hpp"
#include "kernel/native/signals.hpp"

namespace {

using visor::kernel::native::UvLoop;

constexpr char kFooter[] =
    "Examples:\n"
    "  visor-chat                                   the visor of this machine\n"
    "  visor-chat --gateway http://127.0.0.1:8081   the native visor of `visor run demo`\n"
    "  VISOR_TOKEN=secret visor-chat --gateway http://node.example.net:8080\n"
    "In it:\n"
    "  Tab goes to the next room, Enter sends, F1 shows every key and command, Ctrl+Q leaves;\n"
    "  /new 0279be66... begins a conversation, /group friends makes a group, /join skychat:invite:... joins "
    "one\n"
    "Exit codes: 0 done, 1 failed, 2 not understood, 3 the terminal cannot be used";

std::string from_environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

/* A descriptor or a signal of libuv's that closes itself. */
template <class Handle>
struct Owned {
  explicit Owned(std::function<void()> f) : fn(std::move(f)) { handle.data = this; }
  void close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* h) { delete static_cast<Owned*>(h->data); });
  }
  Handle handle{};
  std::function<void()> fn;
};

/* Characters are drawn and read as UTF-8, whatever the locale forgot to say. */
void use_utf8() {
  if (std::setlocale(LC_ALL, "") && std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0) return;
  std::setlocale(LC_ALL, "C.UTF-8");
}

int run(const visor::tui::Gateway::Options& options) {
  UvLoop loop;
  visor::tui::Gateway gateway(loop, options);
  visor::tui::Screen screen;
  if (!screen.open()) {
    std::cerr << "visor-chat: the terminal '" << from_environment("TERM", "") << "' is not known; set TERM\n";
    return 3;
  }
  visor::tui::App app(loop, gateway, screen);
  auto* keys = new Owned<uv_poll_t>([&] { app.typed(); });
  uv_poll_init(loop.uv(), &keys->handle, STDIN_FILENO);
  uv_poll_start(&keys->handle, UV_READABLE | UV_DISCONNECT, [](uv_poll_t* poll, int status, int events) {
    auto* self = static_cast<Owned<uv_poll_t>*>(poll->data);
    if (status < 0 || (events & UV_DISCONNECT) != 0) {
      uv_poll_stop(poll);
      ::raise(SIGTERM);
      return;
    }
    self->fn();
  });
  auto* size = new Owned<uv_signal_t>([&] { app.resized(); });
  uv_signal_init(loop.uv(), &size->handle);
  uv_signal_start(
      &size->handle, [](uv_signal_t* signal, int) { static_cast<Owned<uv_signal_t>*>(signal->data)->fn(); },
      SIGWINCH);
  {
    visor::kernel::native::StopSignals stop(loop, [&](int) { loop.stop(); });
    app.start();
    loop.run();
  }
  keys->close();
  size->close();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  use_utf8();
  CLI::App cli{"A visor's chat at a terminal: conversations and groups, over the API of its gateway"};
  visor::tui::Gateway::Options options;
  options.address = from_environment("VISOR_GATEWAY", "http://127.0.0.1:8080");
  options.token = from_environment("VISOR_TOKEN", "");
  cli.add_option("-g,--gateway", options.address, "Where the visor's gateway is; VISOR_GATEWAY")
      ->capture_default_str();
  cli.add_option("--token", options.token, "The gateway's token, if it has one; VISOR_TOKEN");
  cli.add_option("--instance", options.instance, "The name of the chat in its configuration")
      ->capture_default_str();
  cli.set_version_flag("--version", "visor-chat " VISOR_VERSION);
  cli.footer(kFooter);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : 2;
  }
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    std::cerr
        << "visor-chat: it needs a terminal; for scripts there is `visor chat send` and `visor chat watch`\n";
    return 3;
  }
  return run(options);
}
