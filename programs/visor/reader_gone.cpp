#include "reader_gone.hpp"

#include <sys/epoll.h>
#include <unistd.h>

namespace visor::programs {

/* libuv would make stdout itself non-blocking if it were polled; so an epoll descriptor around it is, which
 * is readable once stdout has an error or was hung up. */
struct ReaderGone::Watch {
  uv_poll_t poll;
  int epoll = -1;
  std::function<void()> fn;
};

ReaderGone::ReaderGone(kernel::native::UvLoop& loop, std::function<void()> fn) {
  int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return;
  epoll_event event{}; /* errors and hang-ups are always told */
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, STDOUT_FILENO, &event) != 0) {
    ::close(epoll); /* a file: nobody leaves */
    return;
  }
  watch_ = new Watch{{}, epoll, std::move(fn)};
  watch_->poll.data = watch_;
  uv_poll_init(loop.uv(), &watch_->poll, epoll);
  uv_poll_start(&watch_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
    uv_poll_stop(poll);
    static_cast<Watch*>(poll->data)->fn();
  });
}

ReaderGone::~ReaderGone() {
  if (!watch_) return;
  uv_poll_stop(&watch_->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&watch_->poll), [](uv_handle_t* handle) {
    auto* watch = static_cast<Watch*>(handle->data);
    ::close(watch->epoll);
    delete watch;
  });
}

}  // namespace visor::programs
