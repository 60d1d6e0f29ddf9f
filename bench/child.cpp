#include "bench/child.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/machine.hpp"

namespace visor::bench {

Child::Child(const std::vector<std::string>& words) {
  int in[2], out[2];
  // No other child may hold these open: each ends when we close its input.
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) give_up("no pipe can be made");
  pid_ = fork();
  if (pid_ < 0) give_up("no process can be made");
  if (pid_ == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
}

Child::~Child() {
  close(to_);  // it ends when it has nobody to listen to
  close(from_);
  waitpid(pid_, nullptr, 0);
}

void Child::say(const std::string& line) {
  const std::string whole = line + "\n";
  if (::write(to_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size()))
    give_up("the child has gone");
}

std::string Child::hear() {
  while (true) {
    if (const size_t end = heard_.find('\n'); end != std::string::npos) {
      std::string line = heard_.substr(0, end);
      heard_.erase(0, end + 1);
      return line;
    }
    char buffer[4096];
    const ssize_t size = ::read(from_, buffer, sizeof buffer);
    if (size <= 0) give_up("the child has ended");
    heard_.append(buffer, static_cast<size_t>(size));
  }
}

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace visor::bench
