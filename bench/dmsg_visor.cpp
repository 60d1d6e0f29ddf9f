#include "bench/dmsg_visor.hpp"

#include <malloc.h>
#include <unistd.h>
#include <visor/bundle.h>

#include <cstdio>
#include <fstream>

#include "bench/machine.hpp"
#include "kernel/native/sockets.hpp"

namespace visor::bench {
namespace {

constexpr uint64_t kPatienceMs = 600'000;

}  // namespace

Visor::Visor(const std::string& plugins) {
  catalog_.add_bundle(visor_bundle);
  kernel_ =
      std::make_unique<kernel::Kernel>(kernel::KernelOptions{.loop = loop_,
                                                             .catalog = catalog_,
                                                             .config = "{\"plugins\":[" + plugins + "]}",
                                                             .log_level = VISOR_WARN,
                                                             .services = {kernel::native::sockets(loop_)}});
  std::optional<Result<void>> started;
  kernel_->start([&](Result<void> result) { started = std::move(result); });
  run_until([&] { return started.has_value(); });
  if (!*started) give_up(started->error().text);
}

Visor::~Visor() {
  bool stopped = false;
  kernel_->stop([&] { stopped = true; });
  run_until([&] { return stopped; });
  kernel_.reset();
}

void Visor::run_until(const std::function<bool()>& condition) {
  if (!loop_.run_until(condition, kPatienceMs)) give_up("what is awaited does not come about");
}

visor_net* Visor::dmsg() {
  return kernel_->find<visor_net>(VISOR_NET_1, "dmsg");
}

std::string Visor::call(const char* instance, const char* command) {
  struct Answer {
    std::string value;
    bool finished = false;
  } answer;
  static constexpr visor_caller kCaller = {
      sizeof(visor_caller), 0,
      [](void* ctx, visor_span value) {
        static_cast<Answer*>(ctx)->value = text(value);
        return visor_status{VISOR_OK};
      },
      [](void* ctx, visor_status, visor_span) { static_cast<Answer*>(ctx)->finished = true; }};
  visor_ticket* ticket = nullptr;
  visor_commands* commands = kernel_->commands();
  if (commands->api->call(commands, instance, command, VISOR_TEXT("{}"), &kCaller, &answer, &ticket) !=
      VISOR_OK) {
    give_up(host().error(VISOR_EINVAL).text);
  }
  run_until([&] { return answer.finished; });
  return answer.value;
}

visor_stream* Visor::dial(const visor_addr& to) {
  Result<visor_stream*> dialed = try_dial(to);
  if (!dialed) give_up(dialed.error().text);
  return *dialed;
}

Result<visor_stream*> Visor::try_dial(const visor_addr& to) {
  Request<visor_stream> request;
  std::optional<Result<visor_stream*>> dialed;
  visor_net* net = dmsg();
  visor_status status = request.start([&](visor_done done) { return net->api->dial(net, &to, done); },
                                      [&](visor_status result, visor_stream* stream) {
                                        dialed = stream;
                                        if (result != VISOR_OK)
                                          dialed = std::unexpected(host().error(result));
                                      });
  if (status != VISOR_OK) return std::unexpected(host().error(status));
  run_until([&] { return dialed.has_value(); });
  return *dialed;
}

void Visor::obey(const std::function<std::string(const std::string& line)>& line) {
  struct Input {
    uv_pipe_t pipe;
    char buffer[256];
    std::string heard;
    bool over = false;
  };
  /* libuv's until the loop goes, as is everything else of a process that ends with its parent. */
  auto* input = new Input;
  uv_pipe_init(loop_.uv(), &input->pipe, 0);
  uv_pipe_open(&input->pipe, 0);
  input->pipe.data = input;
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&input->pipe),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        auto* self = static_cast<Input*>(handle->data);
        *buffer = uv_buf_init(self->buffer, sizeof self->buffer);
      },
      [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
        auto* self = static_cast<Input*>(stream->data);
        if (size < 0) {
          self->over = true;
          uv_read_stop(stream);
        } else {
          self->heard.append(buffer->base, static_cast<size_t>(size));
        }
        uv_stop(stream->loop);
      });
  while (!input->over) {
    loop_.run();
    for (size_t end; (end = input->heard.find('\n')) != std::string::npos;) {
      std::string answer = line(input->heard.substr(0, end));
      input->heard.erase(0, end + 1);
      std::printf("%s\n", answer.c_str());
      std::fflush(stdout);
    }
  }
  _exit(0);
}

std::string json_field(const std::string& json, const std::string& name) {
  const size_t at = json.find("\"" + name + "\":");
  if (at == std::string::npos) give_up("there is no " + name + " in " + json);
  size_t begin = at + name.size() + 3;
  if (json[begin] == '"') ++begin;
  return json.substr(begin, json.find_first_of("\",}", begin) - begin);
}

uint64_t resident_kb() {
  malloc_trim(0); /* what the allocator keeps for later is no session's */
  std::ifstream in("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) / 1000;
}

uint64_t peak_kb() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    uint64_t kib = 0;
    if (word == "VmHWM:" && in >> kib) return kib * 1024 / 1000;
  }
  give_up("the system does not tell how much memory this process had");
}

void reset_peak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;
}

}  // namespace visor::bench
