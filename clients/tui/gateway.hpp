/* A visor's chat, asked over its gateway's HTTP API; many questions at once, on one loop. */
#ifndef VISOR_CLIENTS_TUI_GATEWAY_HPP
#define VISOR_CLIENTS_TUI_GATEWAY_HPP
#include <boost/json.hpp>
#include <list>

#include "kernel/kernel.hpp"
#include "kernel/native/loop.hpp"
#include "lib/http/client.hpp"
#include "lib/http/lines.hpp"

namespace visor::tui {

class Gateway {
 public:
  struct Options {
    std::string address = "http://127.0.0.1:8080";
    std::string token; /* empty: none */
    std::string instance = "chat";
  };
  using Answered = std::function<void(Result<boost::json::value>)>;

  Gateway(kernel::native::UvLoop& loop, Options options);
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  ~Gateway();

  Host host() const { return kernel_->host(); }
  const Options& options() const { return options_; }

  /* `answered` runs once, from the loop; an error says what the visor said. */
  void ask(const std::string& command, const boost::json::object& args, Answered answered);
  /* Each event of `watch`; `ended` runs once when there are no more. */
  void watch(std::function<void(const boost::json::object&)> event, std::function<void(const Error&)> ended);

 private:
  struct Call {
    http::ClientCall http;
    int32_t status = 0;
    std::string body;
  };
  http::ClientRequest request(const std::string& command) const;
  void drop(const Call& call);

  Options options_;
  kernel::native::UvLoop& loop_;
  kernel::Catalog nothing_;
  std::unique_ptr<kernel::Kernel> kernel_;
  std::list<std::shared_ptr<Call>> calls_;
  std::shared_ptr<Call> watching_;
  http::Lines lines_{1u << 20};
};

}  // namespace visor::tui
#endif  // VISOR_CLIENTS_TUI_GATEWAY_HPP
