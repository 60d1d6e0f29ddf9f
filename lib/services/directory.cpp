#include "lib/services/directory.hpp"

#include <boost/json.hpp>

#include "lib/codec/json_fields.hpp"
#include "lib/dmsg/address.hpp"
#include "lib/http/url.hpp"

namespace visor::services {
namespace {

constexpr uint16_t kDirectoryPort = 80; /* of the relay network */

Error unreachable(const Error& error) {
  return http::unreachable("the service directory", error);
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

}  // namespace

Result<std::unique_ptr<Directory>> Directory::open(Host host, std::string_view url) {
  auto parsed = http::parse_url(url);
  if (parsed && (parsed->scheme == "http" || parsed->scheme == "https")) {
    std::string base(url.substr(0, url.find_last_not_of('/') + 1));
    return std::unique_ptr<Directory>(new Directory(host, base, {base}));
  }
  auto wrong = [url] {
    return failure(VISOR_EINVAL,
                   "a service directory's address is http://host:port, https://host:port or "
                   "dmsg://<public key>:<port>; got " +
                       std::string(url));
  };
  if (!url.starts_with(dmsg::kScheme)) return wrong();
  auto at = dmsg::parse_address(url.substr(0, url.find('/', dmsg::kScheme.size())), kDirectoryPort);
  if (!at) return wrong();
  std::string where = to_hex(at->key) + ":" + std::to_string(at->port);
  return std::unique_ptr<Directory>(new Directory(host, std::string(dmsg::kScheme) + where,
                                                  {"http://" + where, http::open_on(host, "dmsg", *at)}));
}

http::Call Directory::list(const ServiceQuery& query,
                           std::function<void(Result<std::vector<Service>>)> done) {
  std::string url = std::string(kServicesPath) + "?limit=" + std::to_string(query.limit);
  if (!query.type.empty()) url += "&type=" + query.type;
  if (query.key) url += "&pk=" + to_hex(*query.key);
  if (query.after) url += "&cursor=" + to_hex(*query.after);
  return http::ask_at(
      host_, origin_, {"GET", std::move(url), {}},
      [done = std::move(done), limit = query.limit](Result<http::Answer> answer) {
        if (!answer) return done(std::unexpected(unreachable(answer.error())));
        if (answer->status != 200) return done(std::unexpected(refusal(*answer).error));
        auto services = parse_services(answer->body);
        if (!services) {
          return done(failure(VISOR_EPROTO,
                              "the service directory's answer cannot be read: " + services.error().text));
        }
        // Each costs a verification: no more of them than were asked for.
        if (services->size() > limit) services->resize(limit);
        std::erase_if(*services, [](const Service& each) { return !verify(each); });
        done(std::move(services));
      });
}

http::Call Directory::put(const Service& service, std::function<void(std::expected<void, Refusal>)> done) {
  return http::ask_at(host_, origin_,
                      {service.withdrawn ? "DELETE" : "POST", std::string(kServicesPath), to_json(service)},
                      [done = std::move(done)](Result<http::Answer> answer) {
                        if (!answer) return done(std::unexpected(Refusal{unreachable(answer.error())}));
                        if (answer->status != 200) return done(std::unexpected(refusal(*answer)));
                        done({});
                      });
}

}  // namespace visor::services
