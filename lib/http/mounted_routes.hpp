/* Paths on the kernel's HTTP server for as long as there is one: mounted when it comes, gone when it goes.
 * Header-only. */
#ifndef VISOR_HTTP_MOUNTED_ROUTES_HPP
#define VISOR_HTTP_MOUNTED_ROUTES_HPP
#include <optional>
#include <visor/http.hpp>
#include <visor/offer.hpp>

namespace visor::http {

class MountedRoutes {
 public:
  struct Events {
    Route::Handler asked; /* a request of any of the paths; answers it exactly once */
    /* Somebody else has a path; the others are mounted all the same. */
    std::function<void(std::string_view path, const Error&)> refused{};
    std::function<void()> left{}; /* the server is going; not for close() */
  };

  MountedRoutes() = default;
  MountedRoutes(const MountedRoutes&) = delete;
  MountedRoutes& operator=(const MountedRoutes&) = delete;

  /* Mounts the paths, open to anybody, now or when a server comes.  Of several servers the first one that is
   * seen has them. */
  Result<void> open(Host host, std::vector<std::string> paths, Events events) {
    close();
    host_.emplace(host);
    paths_ = std::move(paths);
    events_ = std::move(events);
    return watch_.open(host, VISOR_HTTP_1,
                       [this](std::string_view name, visor_http* http) { on_server(name, http); });
  }
  void close() {
    watch_.close();
    unmount();
  }

  bool mounted() const { return !routes_.empty(); }
  /* Why the latest path that could not be mounted could not be; empty: all are, or there is no server. */
  const std::string& problem() const { return problem_; }

 private:
  void on_server(std::string_view name, visor_http* http) {
    if (!http) {
      if (server_ != name) return;
      unmount();
      if (events_.left) events_.left();
      return;
    }
    if (!server_.empty()) return;
    server_ = name;
    for (const std::string& path : paths_) mount(http, path);
  }

  void mount(visor_http* http, const std::string& path) {
    auto route = std::make_unique<Route>();
    auto mounted = route->mount(*host_, http, path, VISOR_HTTP_PUBLIC, events_.asked);
    if (mounted) return routes_.push_back(std::move(route));
    problem_ = mounted.error().text;
    if (events_.refused) events_.refused(path, mounted.error());
  }

  void unmount() {
    routes_.clear();
    server_.clear();
    problem_.clear();
  }

  std::optional<Host> host_;
  std::vector<std::string> paths_;
  Events events_;
  std::string server_; /* whose routes these are; empty: nobody's */
  std::string problem_;
  std::vector<std::unique_ptr<Route>> routes_;
  Watch<visor_http> watch_;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_MOUNTED_ROUTES_HPP
