/* visor/contract.hpp - rules of the ABI that code can check, where it is cheap to.  They are on unless NDEBUG
 * is defined, and then nothing is left of them.  A broken rule is a bug of a plugin, so it ends the process
 * with the rule's text.  Header-only; part of visor/plugin.hpp. */
#ifndef VISOR_CONTRACT_HPP
#define VISOR_CONTRACT_HPP
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace visor {

#ifdef NDEBUG
inline constexpr bool kContractChecks = false;
#else
inline constexpr bool kContractChecks = true;
#endif

namespace detail {

inline void expects([[maybe_unused]] bool holds, [[maybe_unused]] const char* rule) {
  if constexpr (kContractChecks) {
    if (holds) return;
    std::fprintf(stderr, "a rule of the plugin ABI was broken: %s\n", rule);
    std::abort();
  }
}

/* The calls into this plugin's objects that have not returned, the innermost first. */
class Frame {
 public:
  explicit Frame(const void* object) : object_(object), outer_(top), id_(++last) { top = this; }
  ~Frame() { top = outer_; }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  /* The innermost call's number; 0: none. */
  static uint64_t current() { return top ? top->id_ : 0; }
  static bool inside(uint64_t id) {
    for (const Frame* f = top; f; f = f->outer_) {
      if (f->id_ == id) return true;
    }
    return false;
  }
  static bool inside_call_on(const void* object) {
    for (const Frame* f = top; f; f = f->outer_) {
      if (f->object_ == object) return true;
    }
    return false;
  }

 private:
  static inline constinit thread_local Frame* top = nullptr;
  static inline constinit thread_local uint64_t last = 0;
  const void* object_;
  Frame* outer_;
  uint64_t id_;
};

/* Tells threads apart: its address is another in each. */
inline constinit thread_local char thread_mark = 0;

}  // namespace detail
}  // namespace visor
#endif  // VISOR_CONTRACT_HPP
