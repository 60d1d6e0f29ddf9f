/* What a check found wrong: sentences, the first of which is the reason that people see. */
#ifndef VISOR_CHECK_FINDINGS_HPP
#define VISOR_CHECK_FINDINGS_HPP
#include <concepts>
#include <string>
#include <string_view>
#include <vector>
#include <visor/host.hpp>

namespace visor::check {

/* "VISOR_OK", "VISOR_ENOENT"..., or the number of one that nobody defined. */
std::string status_name(visor_status status);

class Findings {
 public:
  static constexpr size_t kMaxSentences = 20;

  void add(std::string_view sentence);
  /* Whether it holds; if not, `say` is the finding: a text, or a function that makes one. */
  template <class Say>
  bool expect(bool holds, Say&& say) {
    if (holds) return true;
    if constexpr (std::convertible_to<Say, std::string_view>) {
      add(say);
    } else {
      add(say());
    }
    return false;
  }
  /* A call returned what it must; `host` knows the text of its failure. */
  bool expect_status(Host host, visor_status got, visor_status wanted, std::string_view call);

  bool clean() const { return sentences_.empty(); }
  const std::vector<std::string>& sentences() const { return sentences_; }

  /* Begins every sentence that is found while it lives: "seed 3, step 17: ". */
  class Context {
   public:
    Context(Findings& findings, std::string where) : findings_(findings) {
      findings_.where_.push_back(std::move(where));
    }
    ~Context() { findings_.where_.pop_back(); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

   private:
    Findings& findings_;
  };

 private:
  std::vector<std::string> sentences_, where_;
};

}  // namespace visor::check
#endif  // VISOR_CHECK_FINDINGS_HPP
