/* The functions of the module that JavaScript calls (web/visor-host.js).  A module is one visor: it has no
 * state but this.  Arguments come in one place, visor_input(); sizes are in bytes, text is UTF-8.  No
 * function may be called while another one, or one of the imports, has not returned. */
#include <visor/bundle.h>

#include <boost/json.hpp>
#include <memory>

#include "kernel/kernel.hpp"
#include "kernel/wasm/call.hpp"
#include "kernel/wasm/fetch.hpp"
#include "kernel/wasm/imports.hpp"
#include "kernel/wasm/sockets.hpp"

#define VISOR_EXPORT_TO_JS(name) extern "C" __attribute__((export_name(name)))

namespace visor::kernel::wasm {
namespace {

constexpr size_t kMaxInputBytes = 16u << 20, kKeptInputBytes = 1u << 20;

struct Boot {
  std::string config;
  std::optional<crypto::SecretKey> secret_key;
};

/* {"config": {...}, "secret_key": "64 hex digits"}; the key may be absent. */
Result<Boot> parse_boot(std::string_view text) {
  boost::json::error_code error;
  boost::json::value message = boost::json::parse(text, error);
  const boost::json::object* members = message.if_object();
  if (error || !members || !members->contains("config")) {
    return failure(VISOR_EINVAL, R"(expected {"config": {...}, "secret_key": "64 hex digits"}; got )" +
                                     (error ? error.message() : "something else"));
  }
  Boot boot{boost::json::serialize(members->at("config")), std::nullopt};
  if (const boost::json::value* hex = members->if_contains("secret_key"); hex && !hex->is_null()) {
    const boost::json::string* digits = hex->if_string();
    crypto::SecretKey key;
    if (!digits || !from_hex({digits->data(), digits->size()}, key.bytes())) {
      return failure(VISOR_EINVAL, "expected 64 hex digits as secret_key");
    }
    boot.secret_key = std::move(key);
  }
  return boot;
}

class Module {
 public:
  Module() { catalog_.add_bundle(visor_bundle); }

  TabLoop loop;
  SocketEvents* sockets = nullptr; /* null: no kernel has any */
  FetchEvents* fetches = nullptr;  /* likewise */
  Calls calls;

  Kernel* kernel() const { return kernel_.get(); }

  uint8_t* input(size_t size) {
    if (size > kMaxInputBytes) return nullptr;
    if (input_.size() < size) input_.resize(size);
    return input_.data();
  }
  std::string_view input_text(size_t from, size_t size) const {
    return text(ByteView(input_).subspan(from, size));
  }
  ByteView input_bytes(size_t from, size_t size) const { return ByteView(input_).subspan(from, size); }
  void release_input() {
    if (input_.size() > kKeptInputBytes) Bytes().swap(input_);
  }

  void boot(size_t size) {
    auto boot = parse_boot(input_text(0, size));
    crypto::wipe(std::span(input_).first(size));
    if (boot && kernel_) boot = failure(VISOR_EEXIST, "the visor runs already; stop it first");
    if (!boot) return report(boot.error());
    kernel_ = std::make_unique<Kernel>(KernelOptions{
        .loop = loop,
        .catalog = catalog_,
        .config = std::move(boot->config),
        .secret_key = std::move(boot->secret_key),
        .log =
            [](const LogRecord& record) {
              std::string line = format_json(record);
              visor_import_log(line.data(), line.size());
            },
        .services = {wasm::sockets(loop, sockets), wasm::fetch(loop, fetches)},
    });
    kernel_->start([this](Result<void> started) {
      if (started) {
        std::string key = to_hex(kernel_->key());
        visor_import_started(VISOR_OK, key.data(), key.size());
        return;
      }
      loop.post([this, error = started.error()] {
        kernel_.reset();
        report(error);
      });
    });
  }

  void stop() {
    if (!kernel_) return visor_import_stopped();
    kernel_->stop([this] {
      kernel_.reset();
      visor_import_stopped();
    });
  }

 private:
  static void report(const Error& error) {
    visor_import_started(error.status, error.text.data(), error.text.size());
  }

  Catalog catalog_;
  Bytes input_;
  std::unique_ptr<Kernel> kernel_;
};

Module& module() {
  static Module one;
  return one;
}

}  // namespace
}  // namespace visor::kernel::wasm

using visor::kernel::wasm::module;

/* Where the arguments of the next call go, or 0: more than can be taken. */
VISOR_EXPORT_TO_JS("visor_input") uint8_t* visor_input(size_t size) {
  return module().input(size);
}

/* Starts the visor from a JSON text, {"config": the kernel's configuration, "secret_key": 64 hex digits or
 * absent}.  The import `started` follows, once. */
VISOR_EXPORT_TO_JS("visor_boot") void visor_boot(size_t size) {
  module().loop.enter([=] { module().boot(size); });
  module().release_input();
}

/* What `wake` asked for. */
VISOR_EXPORT_TO_JS("visor_turn") void visor_turn() {
  module().loop.woken();
}

/* Stops the visor, or the start that is under way; the import `stopped` follows, once a call. */
VISOR_EXPORT_TO_JS("visor_stop") void visor_stop() {
  module().loop.enter([] { module().stop(); });
}

/* Calls a command; the input has the instance's name, the command's, and the arguments as JSON, one after
 * another.  The number is new; the import `finished` follows, once, and may come before this returns. */
VISOR_EXPORT_TO_JS("visor_call")
void visor_call_command(uint32_t number, size_t instance_size, size_t command_size, size_t args_size) {
  module().loop.enter([=] {
    std::string instance(module().input_text(0, instance_size));
    std::string command(module().input_text(instance_size, command_size));
    module().calls.begin(module().kernel(), number, instance, command,
                         module().input_text(instance_size + command_size, args_size));
  });
  module().release_input();
}

/* A value that `value` refused can be taken now. */
VISOR_EXPORT_TO_JS("visor_resume") void visor_resume(uint32_t number) {
  module().loop.enter([=] { module().calls.resume(number); });
}

/* Leads to `finished` with VISOR_ECANCELED. */
VISOR_EXPORT_TO_JS("visor_cancel") void visor_cancel(uint32_t number) {
  module().loop.enter([=] { module().calls.cancel(number); });
}

/* Events of a socket that the import `socket_open` began; harmless for one that is no more. */
VISOR_EXPORT_TO_JS("visor_socket_opened") void visor_socket_opened(uint32_t socket) {
  module().loop.enter([=] {
    if (module().sockets) module().sockets->opened(socket);
  });
}

/* A binary message, in the input. */
VISOR_EXPORT_TO_JS("visor_socket_message") void visor_socket_message(uint32_t socket, size_t size) {
  module().loop.enter([=] {
    if (module().sockets) module().sockets->message(socket, module().input_bytes(0, size));
  });
  module().release_input();
}

/* A message that cannot be taken; the input says why. */
VISOR_EXPORT_TO_JS("visor_socket_refused") void visor_socket_refused(uint32_t socket, size_t size) {
  module().loop.enter([=] {
    if (module().sockets) module().sockets->refused(socket, module().input_text(0, size));
  });
}

/* The close code (RFC 6455, 7.4; 1006 without one), and the peer's reason in the input. */
VISOR_EXPORT_TO_JS("visor_socket_closed")
void visor_socket_closed(uint32_t socket, uint32_t code, size_t size) {
  module().loop.enter([=] {
    if (module().sockets) {
      module().sockets->closed(socket, static_cast<uint16_t>(code), module().input_text(0, size));
    }
  });
}

/* The answer to what the import `fetch_start` began: HTTP's status; headers as lines, then the body in the
 * input. */
VISOR_EXPORT_TO_JS("visor_fetch_answered")
void visor_fetch_answered(uint32_t fetch, int32_t http, size_t headers_size, size_t body_size) {
  module().loop.enter([=] {
    if (module().fetches) {
      module().fetches->answered(fetch, http, module().input_text(0, headers_size),
                                 module().input_bytes(headers_size, body_size));
    }
  });
  module().release_input();
}

/* There is none; the input says why. */
VISOR_EXPORT_TO_JS("visor_fetch_failed")
void visor_fetch_failed(uint32_t fetch, int32_t status, size_t size) {
  module().loop.enter([=] {
    if (module().fetches) module().fetches->failed(fetch, status, module().input_text(0, size));
  });
}
