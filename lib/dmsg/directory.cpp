#include "lib/dmsg/directory.hpp"

#include "lib/dmsg/answer.hpp"
#include "lib/http/url.hpp"

namespace visor::dmsg {
namespace {

constexpr std::string_view kEntry = "/dmsg-discovery/entry/";
constexpr std::string_view kServers = "/dmsg-discovery/available_servers";

/* What an answer other than 200 means.  One that is not a discovery's own (a proxy's page, another server's)
 * says nothing about entries. */
Error refusal(const http::Answer& answer) {
  std::string said = " (HTTP " + std::to_string(answer.status) + ")";
  if (answer.status == 429) return {VISOR_EAGAIN, "the discovery is asked too often; ask later" + said};
  std::optional<std::string> message = message_of(answer.body);
  if (!message) {
    return {VISOR_EPROTO, "this is no answer of a discovery; check its address" + said};
  }
  std::string text = "the discovery says: " + *message + said;
  if (answer.status == 404) return {VISOR_ENOENT, text};
  if (answer.status == 422 && message->ends_with(kSequenceError)) return {VISOR_EEXIST, text};
  return {answer.status >= 500 ? VISOR_EIO : VISOR_EINVAL, text};
}

std::function<void(Result<http::Answer>)> told(std::function<void(Result<void>)> done) {
  return [done = std::move(done)](Result<http::Answer> answer) {
    if (!answer) return done(std::unexpected(answer.error()));
    if (answer->status != 200) return done(std::unexpected(refusal(*answer)));
    done({});
  };
}

}  // namespace

Result<std::unique_ptr<Directory>> Directory::over_fetch(Host host, std::string_view url,
                                                         DirectoryOptions options) {
  auto parsed = http::parse_url(url);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->scheme != "http" && parsed->scheme != "https") {
    return failure(VISOR_EINVAL,
                   "a discovery's address begins with http:// or https://; got " + std::string(url));
  }
  std::string base(url.substr(0, url.find_last_not_of('/') + 1));
  return std::unique_ptr<Directory>(new Directory(host, {std::move(base)}, options));
}

std::unique_ptr<Directory> Directory::over_streams(Host host, const visor_addr& discovery, OpenStream open,
                                                   DirectoryOptions options) {
  std::string base = "http://" + to_hex(discovery.key) + ":" + std::to_string(discovery.port);
  return std::unique_ptr<Directory>(new Directory(host, {std::move(base), std::move(open)}, options));
}

Call Directory::ask(std::string method, std::string path, std::string body,
                    std::function<void(Result<http::Answer>)> done) {
  return http::ask_at(host_, origin_,
                      {.method = std::move(method),
                       .url = std::move(path),
                       .body = std::move(body),
                       .timeout_ms = options_.timeout_ms,
                       .max_body = options_.max_body},
                      [done = std::move(done)](Result<http::Answer> answer) {
                        if (!answer)
                          answer = std::unexpected(http::unreachable("the discovery", answer.error()));
                        done(std::move(answer));
                      });
}

Call Directory::entry(const visor_key& key, std::function<void(Result<Entry>)> done) {
  auto answered = [key, done = std::move(done)](Result<http::Answer> answer) {
    if (!answer) return done(std::unexpected(answer.error()));
    if (answer->status != 200) return done(std::unexpected(refusal(*answer)));
    auto entry = parse_entry(answer->body);
    if (entry && entry->key != key) entry = failure(VISOR_EPROTO, "this is another key's entry");
    if (!entry) {
      return done(failure(VISOR_EPROTO, "the discovery's answer cannot be read: " + entry.error().text));
    }
    done(std::move(entry));
  };
  return ask("GET", std::string(kEntry) + to_hex(key), {}, std::move(answered));
}

Call Directory::servers(std::function<void(Result<std::vector<Entry>>)> done) {
  auto answered = [done = std::move(done)](Result<http::Answer> answer) {
    if (!answer) return done(std::unexpected(answer.error()));
    if (answer->status != 200) {
      Error error = refusal(*answer);
      if (error.status == VISOR_ENOENT) return done(std::vector<Entry>());
      return done(std::unexpected(std::move(error)));
    }
    auto entries = parse_entries(answer->body);
    if (!entries) {
      return done(failure(VISOR_EPROTO, "the discovery's answer cannot be read: " + entries.error().text));
    }
    std::erase_if(*entries, [](const Entry& entry) { return !entry.server || entry.key == visor_key{}; });
    done(std::move(entries));
  };
  return ask("GET", std::string(kServers), {}, std::move(answered));
}

Call Directory::post(const Entry& entry, std::function<void(Result<void>)> done) {
  return ask("POST", std::string(kEntry), to_json(entry), told(std::move(done)));
}

Call Directory::remove(const Entry& entry, std::function<void(Result<void>)> done) {
  // Without the slash: that is how its path is written for this method.
  return ask("DELETE", std::string(kEntry.substr(0, kEntry.size() - 1)), to_json(entry),
             told(std::move(done)));
}

}  // namespace visor::dmsg
