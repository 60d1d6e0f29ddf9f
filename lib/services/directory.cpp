#include "lib/services/directory.hpp"

#include <boost/json.hpp>

#include "lib/codec/json_fields.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "lib/http/url.hpp"

namespace visor::services {
namespace {

constexpr uint16_t kDirectoryPort = 80; /* of the relay network */

Error unreachable(Error error) {
  // These are a directory's to say.
  if (error.status == VISOR_ENOENT || error.status == VISOR_EEXIST || error.status == VISOR_EINVAL) {
    error.status = VISOR_EIO;
  }
  error.text = "the service directory cannot be asked: " + error.text;
  return error;
}

/* What an answer other than 200 means. */
Directory::Refusal refusal(const http::Answer& answer) {
  std::string said = " (HTTP " + std::to_string(answer.status) + ")";
  if (answer.status == 429) {
    return {{VISOR_EAGAIN, "the service directory is asked too often; ask later" + said}};
  }
  auto object = codec::parse_fields(answer.body, "the answer");
  std::string_view message = object ? codec::string_at(*object, "error") : std::string_view();
  if (message.empty()) {
    return {{VISOR_EPROTO, "this is no answer of a service directory; check its address" + said}};
  }
  Error error{answer.status >= 500 ? VISOR_EIO : VISOR_EINVAL,
              "the service directory says: " + std::string(message) + said};
  if (answer.status != 409) return {std::move(error)};
  error.status = VISOR_EEXIST;
  return {std::move(error), codec::number_at<int64_t>(*object, "timestamp_ms").value_or(0)};
}

/* "dmsg://<key>:80"; nothing for what is not that. */
std::optional<visor_addr> by_key(std::string_view url) {
  constexpr std::string_view kScheme = "dmsg://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  auto authority = http::parse_authority(url.substr(0, url.find('/')));
  if (!authority) return std::nullopt;
  auto key = key_from_hex(authority->host);
  if (!key || !crypto::valid_public_key(*key)) return std::nullopt;
  return visor_addr{*key, authority->port == 0 ? kDirectoryPort : authority->port};
}

}  // namespace

Result<std::unique_ptr<Directory>> Directory::open(Host host, std::string_view url) {
  auto parsed = http::parse_url(url);
  if (parsed && (parsed->scheme == "http" || parsed->scheme == "https")) {
    std::string base(url.substr(0, url.find_last_not_of('/') + 1));
    return std::unique_ptr<Directory>(new Directory(host, base, base, nullptr));
  }
  auto at = by_key(url);
  if (!at) {
    return failure(VISOR_EINVAL,
                   "a service directory's address is http://host:port, https://host:port or "
                   "dmsg://<public key>:<port>; got " +
                       std::string(url));
  }
  std::string where = to_hex(at->key) + ":" + std::to_string(at->port);
  return std::unique_ptr<Directory>(
      new Directory(host, "dmsg://" + where, "http://" + where, http::open_on(host, "dmsg", *at)));
}

http::Call Directory::ask(http::Question question, std::function<void(Result<http::Answer>)> done) {
  question.url = base_ + question.url;
  return open_ ? http::ask_over(host_, open_, question, std::move(done))
               : http::ask(host_, question, std::move(done));
}

http::Call Directory::list(const ServiceQuery& query,
                           std::function<void(Result<std::vector<Service>>)> done) {
  std::string url = std::string(kServicesPath) + "?limit=" + std::to_string(query.limit);
  if (!query.type.empty()) url += "&type=" + query.type;
  if (query.key) url += "&pk=" + to_hex(*query.key);
  if (query.after) url += "&cursor=" + to_hex(*query.after);
  return ask({"GET", std::move(url), {}},
             [done = std::move(done), limit = query.limit](Result<http::Answer> answer) {
               if (!answer) return done(std::unexpected(unreachable(answer.error())));
               if (answer->status != 200) return done(std::unexpected(refusal(*answer).error));
               auto services = parse_services(answer->body);
               if (!services) {
                 return done(failure(VISOR_EPROTO, "the service directory's answer cannot be read: " +
                                                       services.error().text));
               }
               // Each costs a verification: no more of them than were asked for.
               if (services->size() > limit) services->resize(limit);
               std::erase_if(*services, [](const Service& each) { return !verify(each); });
               done(std::move(services));
             });
}

http::Call Directory::put(const Service& service, std::function<void(std::expected<void, Refusal>)> done) {
  return ask({service.withdrawn ? "DELETE" : "POST", std::string(kServicesPath), to_json(service)},
             [done = std::move(done)](Result<http::Answer> answer) {
               if (!answer) return done(std::unexpected(Refusal{unreachable(answer.error())}));
               if (answer->status != 200) return done(std::unexpected(refusal(*answer)));
               done({});
             });
}

}  // namespace visor::services
