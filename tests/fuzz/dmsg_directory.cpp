// What a discovery, or somebody in its place, answers to each question that a client asks: the first byte is
// the size of the pieces, the second chooses the question and whether the answer ends.
#include "lib/dmsg/directory.hpp"

#include "tests/fuzz/target.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"

namespace {

using namespace visor;

constexpr uint64_t kTimeoutMs = 1000;

template <class T>
void check(std::optional<Result<T>>& got, std::string_view said) {
  test::must(got.has_value(), "each question ends in time");
  if (*got) return;
  const Error& error = got->error();
  test::must(!error.text.empty(), "a failure has a sentence");
  test::must(error.status != VISOR_ENOENT || said.find("404") != std::string_view::npos,
             "an entry is missing only where the discovery says so");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view said = test::as_text(data + 2, size - 2);
  test::MemoryHost memory;
  Host host = memory.host();
  auto manners = std::make_shared<test::PipeManners>();
  manners->piece = 1 + data[0];
  std::vector<std::unique_ptr<test::StreamUser>> answering;
  visor_key key{{2}};
  auto open = [&](std::function<void(Result<visor_stream*>)> done) {
    auto tasks = std::make_shared<Tasks>(host);
    tasks->post([&, done] {
      auto [ours, theirs] = test::PipeEnd::make(host, manners);
      answering.push_back(std::make_unique<test::StreamUser>(host, theirs));
      answering.back()->write(said);
      if (data[1] & 4) answering.back()->stream.end();
      done(ours);
    });
    return dmsg::Call(std::move(tasks));
  };
  {
    auto directory =
        dmsg::Directory::over_streams(host, {key, 80}, open, {.timeout_ms = kTimeoutMs, .max_body = 4096});
    std::optional<Result<dmsg::Entry>> entry;
    std::optional<Result<std::vector<dmsg::Entry>>> servers;
    std::optional<Result<void>> posted;
    dmsg::Call call;
    switch (data[1] & 3) {
      case 0:
        call = directory->entry(key, [&](auto result) { entry = std::move(result); });
        break;
      case 1:
        call = directory->servers([&](auto result) { servers = std::move(result); });
        break;
      default: {
        dmsg::Entry own;
        own.key = key;
        own.client.emplace();
        own.signature = std::string(130, '0');
        auto done = [&](Result<void> result) { posted = std::move(result); };
        call = (data[1] & 1) ? directory->remove(own, done) : directory->post(own, done);
      }
    }
    memory.advance_ms(kTimeoutMs + 1);
    if ((data[1] & 3) == 0) {
      check(entry, said);
    } else if ((data[1] & 3) == 1) {
      check(servers, said);
    } else {
      check(posted, said);
    }
  }
  answering.clear();
  memory.run();
  return 0;
}
