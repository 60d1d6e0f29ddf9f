/* A discovery that hears HTTP on streams, keeps one entry a key and can be made to misbehave. */
#ifndef VISOR_TESTS_UNIT_DMSG_DISCOVERY_STUB_HPP
#define VISOR_TESTS_UNIT_DMSG_DISCOVERY_STUB_HPP
#include <algorithm>
#include <catch2/catch.hpp>
#include <list>
#include <map>

#include "lib/dmsg/answer.hpp"
#include "lib/dmsg/directory.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"
#include "tests/support/test_identity.hpp"

namespace visor::test {

class DiscoveryStub {
 public:
  explicit DiscoveryStub(Host host) : host_(host), tasks_(host) {}

  struct Asked {
    std::string method, path, body, text;
  };

  visor::dmsg::OpenStream opener() {
    return [this](std::function<void(Result<visor_stream*>)> done) {
      auto tasks = std::make_shared<Tasks>(host_);
      tasks->post([this, done] {
        if (away) return done(failure(VISOR_ECLOSED, "nobody is there"));
        auto [ours, theirs] = PipeEnd::make(host_, manners);
        auto& user = users_.emplace_back(host_, theirs);
        user.on_data = [this, &user] { heard(user); };
        ++opened;
        done(ours);
      });
      return visor::dmsg::Call(std::move(tasks));
    };
  }

  static constexpr visor_addr address(const visor_key& key) { return {key, 80}; }

  bool away = false, silent = false;
  /* When set, what every question is answered with. */
  std::optional<std::string> raw_answer;
  /* Before a question is answered as it should be. */
  std::function<void(const Asked&)> before;
  std::map<visor_key, visor::dmsg::Entry> entries;
  std::vector<Asked> asked;
  int opened = 0;
  std::shared_ptr<PipeManners> manners = std::make_shared<PipeManners>();

  size_t count(std::string_view method) const {
    return static_cast<size_t>(
        std::ranges::count_if(asked, [&](const Asked& each) { return each.method == method; }));
  }

 private:
  void heard(StreamUser& user) {
    std::string text = user.text();
    size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos || silent) return;
    size_t length = 0, at = text.find("Content-Length: ");
    if (at < head) length = static_cast<size_t>(std::strtoull(text.c_str() + at + 16, nullptr, 10));
    if (text.size() < head + 4 + length) return;
    Asked question{text.substr(0, text.find(' ')), {}, text.substr(head + 4), text};
    size_t path = question.method.size() + 1;
    question.path = text.substr(path, text.find(' ', path) - path);
    if (before) before(question);
    asked.push_back(question);
    user.on_data = nullptr;
    user.write(raw_answer ? *raw_answer : answer(question));
    user.stream.end();
  }

  static std::string http(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  static std::string message(int status, std::string_view text) {
    return http(status, visor::dmsg::message_json(text, status));
  }

  std::string answer(const Asked& question) {
    constexpr std::string_view kEntry = "/dmsg-discovery/entry";
    if (question.path == "/dmsg-discovery/available_servers") {
      std::string list;
      for (const auto& [key, entry] : entries) {
        if (entry.server) list += (list.empty() ? "" : ",") + visor::dmsg::to_json(entry);
      }
      if (list.empty()) return message(404, "entry of public key is not found");
      return http(200, "[" + list + "]");
    }
    REQUIRE(question.path.starts_with(kEntry));
    if (question.method == "GET") {
      auto key = key_from_hex(question.path.substr(kEntry.size() + 1));
      REQUIRE(key);
      auto at = entries.find(*key);
      if (at == entries.end()) return message(404, "entry of public key is not found");
      return http(200, visor::dmsg::to_json(at->second));
    }
    auto entry = visor::dmsg::parse_entry(question.body);
    REQUIRE(entry);
    if (!visor::dmsg::verify(*entry)) return message(401, "invalid signature");
    if (question.method == "DELETE") {
      entries.erase(entry->key);
      return message(200, "deleted entry");
    }
    auto at = entries.find(entry->key);
    if (at != entries.end() && entry->sequence <= at->second.sequence) {
      return message(422, "entry validation error: " + std::string(visor::dmsg::kSequenceError));
    }
    entries[entry->key] = *entry;
    return message(200, "wrote a new entry");
  }

  Host host_;
  Tasks tasks_;
  std::list<StreamUser> users_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_DMSG_DISCOVERY_STUB_HPP
