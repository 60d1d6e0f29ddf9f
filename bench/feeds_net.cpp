#include "bench/feeds_net.hpp"

#include <visor/bundle.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>

#include "bench/machine.hpp"
#include "kernel/native/sockets.hpp"

namespace visor::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPatienceMs = 600'000;

}  // namespace

std::string Drive::folder() const {
  if (!leveldb) return "";
  const fs::path path = fs::temp_directory_path() / ("visor-bench-" + std::to_string(std::random_device{}()));
  fs::create_directories(path);
  return path.string();
}

std::string Drive::plugin(const std::string& folder) const {
  if (!leveldb) return R"({"plugin":"storage_memory","as":"disk"})";
  return R"({"plugin":"storage_leveldb","as":"disk","config":{"path":")" + folder + "\"}}";
}

NativeVisor::NativeVisor(const Drive& drive, const std::string& feeds_config) : folder_(drive.folder()) {
  catalog_.add_bundle(visor_bundle);
  kernel_ = std::make_unique<kernel::Kernel>(kernel::KernelOptions{
      .loop = loop_,
      .catalog = catalog_,
      .config =
          "{\"plugins\":[" + drive.plugin(folder_) + R"(,{"plugin":"feeds","config":)" + feeds_config + "}]}",
      .services = {kernel::native::sockets(loop_)}});
  std::optional<Result<void>> started;
  kernel_->start([&](Result<void> result) { started = std::move(result); });
  loop_.run_until([&] { return started.has_value(); }, kPatienceMs);
  if (!started || !*started) give_up(started ? started->error().text : "the kernel does not start");
}

NativeVisor::~NativeVisor() {
  bool stopped = false;
  kernel_->stop([&] { stopped = true; });
  loop_.run_until([&] { return stopped; }, kPatienceMs);
  kernel_.reset();
  if (!folder_.empty()) fs::remove_all(folder_);
}

visor_feeds* NativeVisor::feeds() {
  return kernel_->find<visor_feeds>(VISOR_FEEDS_1);
}

Owned<visor_feed> NativeVisor::open(const visor_key* owner, const std::string& network) {
  visor_feed_options options{};
  options.size = sizeof options;
  options.owner = owner;
  options.network = to_span(std::string_view(network));
  options.port = 50;
  std::optional<Owned<visor_feed>> opened;
  Request<visor_feed> request;
  const visor_status status =
      request.start([&](visor_done d) { return feeds()->api->open(feeds(), &options, d); },
                    [&](visor_status result, visor_feed* feed) {
                      if (result != VISOR_OK) give_up(host().error(result).text);
                      opened.emplace(feed);
                    });
  if (status != VISOR_OK) give_up(host().error(status).text);
  loop_.run_until([&] { return opened.has_value(); }, kPatienceMs);
  if (!opened) give_up("a feed does not open");
  return std::move(*opened);
}

namespace {

/* What follows `"name":` in JSON that we know the form of. */
std::string field(const std::string& json, const std::string& name) {
  const size_t at = json.find("\"" + name + "\":");
  if (at == std::string::npos) give_up("there is no " + name + " in " + json);
  size_t begin = at + name.size() + 3;
  if (json[begin] == '"') ++begin;
  return json.substr(begin, json.find_first_of("\",}", begin) - begin);
}

}  // namespace

std::string NativeVisor::listening() {
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
  if (commands->api->call(commands, "feeds", "status", VISOR_TEXT("{}"), &kCaller, &answer, &ticket) !=
      VISOR_OK) {
    give_up(host().error(VISOR_EINVAL).text);
  }
  loop_.run_until([&] { return answer.finished; }, kPatienceMs);
  return field(answer.value, "address");
}

uint64_t NativeVisor::wire_bytes() const {
  const std::string status = kernel_->status();
  return std::stoull(field(status, "received_bytes")) + std::stoull(field(status, "sent_bytes"));
}

void NativeVisor::write(visor_feed* feed, std::span<const visor_op> ops) {
  std::optional<visor_status> published;
  Request<void> request;
  const visor_status status =
      request.start([&](visor_done d) { return feed->api->write(feed, ops.data(), ops.size(), d); },
                    [&](visor_status result, void*) { published = result; });
  if (status != VISOR_OK) give_up(host().error(status).text);
  loop_.run_until([&] { return published.has_value(); }, kPatienceMs);
  if (published != VISOR_OK) give_up("a feed is not published");
}

// --- leaves ---

std::string leaf_path(size_t number) {
  char path[32];
  std::snprintf(path, sizeof path, "d%05zu/leaf%02zu", number / 100, number % 100);
  return path;
}

void fill_leaf(size_t number, uint64_t version, std::array<uint8_t, 200>& value) {
  uint64_t state = number * 0x9e3779b97f4a7c15u + version * 0xbf58476d1ce4e5b9u + 1;
  for (size_t at = 0; at < value.size(); at += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(value.data() + at, &state, 8);
  }
}

}  // namespace visor::bench
