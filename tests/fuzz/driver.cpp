// fuzz_x [--seconds N] [--seed N] FILE_OR_FOLDER...
//
// Runs every input as it is, then changed at random until the time is over: bytes flipped, cut out, repeated,
// parts of other inputs put in.  An input that ends the program is left in ./crash-<seed>-<number>, to be
// given as a FILE.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace {

using Input = std::vector<uint8_t>;

Input running;
uint64_t seed = 1, number = 0;

[[maybe_unused]] void keep_input() { /* only the sanitizers call back */
  std::string name = "crash-" + std::to_string(seed) + "-" + std::to_string(number);
  std::ofstream(name, std::ios::binary)
      .write(reinterpret_cast<const char*>(running.data()), std::ssize(running));
  std::cerr << "the input is in " << name << std::endl;
}

void run(Input input) {
  running = std::move(input);
  ++number;
  LLVMFuzzerTestOneInput(running.data(), running.size());
}

Input read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(in), {});
}

class Changer {
 public:
  explicit Changer(uint64_t start) : engine_(start) {}
  size_t below(size_t limit) { return limit == 0 ? 0 : engine_() % limit; }

  Input change(Input input, const std::vector<Input>& others) {
    for (size_t times = 1 + below(4); times > 0; --times) change_once(input, others[below(others.size())]);
    if (input.size() > kMaxBytes) input.resize(kMaxBytes);
    return input;
  }

 private:
  static constexpr size_t kMaxBytes = 64u << 10;
  static constexpr uint8_t kOdd[] = {0, 1, 0x7f, 0x80, 0xff, '"', '\\', '{', '[', '\r', '\n', '0', '-', ' '};

  void change_once(Input& input, const Input& other) {
    const auto at = static_cast<std::ptrdiff_t>(below(input.size() + 1));
    const auto left = static_cast<size_t>(std::ssize(input) - at);
    switch (below(6)) {
      case 0:
        if (left > 0) input[static_cast<size_t>(at)] ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 1:
        if (left > 0) input[static_cast<size_t>(at)] = kOdd[below(std::size(kOdd))];
        break;
      case 2:
        input.insert(input.begin() + at, kOdd[below(std::size(kOdd))]);
        break;
      case 3:
        input.erase(input.begin() + at, input.begin() + at + static_cast<std::ptrdiff_t>(below(left + 1)));
        break;
      case 4: {  // itself, again
        Input part(input.begin() + at, input.begin() + at + static_cast<std::ptrdiff_t>(below(left + 1)));
        input.insert(input.begin() + at, part.begin(), part.end());
        break;
      }
      default: {
        const auto from = static_cast<std::ptrdiff_t>(below(other.size() + 1));
        const auto size = static_cast<std::ptrdiff_t>(below(other.size() - static_cast<size_t>(from) + 1));
        input.insert(input.begin() + at, other.begin() + from, other.begin() + from + size);
      }
    }
  }
  std::mt19937_64 engine_;
};

}  // namespace

int main(int count, char** arguments) {
  uint64_t seconds = 5;
  std::vector<Input> corpus;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--seconds" && i + 1 < count) {
      seconds = std::stoull(arguments[++i]);
    } else if (argument == "--seed" && i + 1 < count) {
      seed = std::stoull(arguments[++i]);
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::directory_iterator(argument))
        corpus.push_back(read(entry.path()));
    } else {
      corpus.push_back(read(argument));
    }
  }
  if (corpus.empty()) {
    std::cerr << "expected inputs to begin with: FILE_OR_FOLDER...\n";
    return 2;
  }
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_set_death_callback(keep_input);
#endif
  for (const Input& input : corpus) run(input);
  Changer changer(seed);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end)
    run(changer.change(corpus[changer.below(corpus.size())], corpus));
  std::cout << number << " inputs, seed " << seed << std::endl;
}
