/* What the public paths are asked and what they answer, without HTTP itself; the short forms that the files
 * of answers share. */
#ifndef VISOR_TRANSPORT_DISCOVERY_ANSWER_HPP
#define VISOR_TRANSPORT_DISCOVERY_ANSWER_HPP
#include <functional>
#include <memory>
#include <utility>

#include "aggregator.hpp"

namespace visor::transport_discovery {

class Body;

struct ApiRequest {
  std::string_view method, path, query, accept;
  std::string_view accept_encoding = {}, body = {};
  std::function<std::string_view(std::string_view)> header = {}; /* by lower-case name; empty if absent */

  std::string_view header_of(std::string_view name) const {
    return header ? header(name) : std::string_view();
  }
};

struct Answer {
  int32_t status = 200;
  std::vector<std::pair<std::string, std::string>> headers; /* lower-case names */
  std::string body;                                         /* all of it, or its beginning */
  std::unique_ptr<Body> rest;                               /* what follows `body`; null: nothing */

  Answer() = default;
  Answer(Answer&&) noexcept;
  Answer& operator=(Answer&&) noexcept;
  ~Answer();
};

Answer json_answer(std::string body, int32_t status = 200);
/* {"error":"..."} */
Answer error_answer(int32_t status, std::string_view text);

/* What follows the prefix; nothing for another path. */
inline std::optional<std::string_view> path_after(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  return path.substr(prefix.size());
}

/* A JSON array out of rows that come one by one. */
class JsonRows {
 public:
  /* append(std::string&) writes a row, or says false and the row is left out. */
  template <class Append>
  void add(Append&& append) {
    size_t before = text_.size();
    text_ += empty_ ? "[" : ",\n";
    if (append(text_)) {
      empty_ = false;
    } else {
      text_.resize(before);
    }
  }
  bool empty() const { return empty_; }
  std::string finish() && { return std::move(text_) + (empty_ ? "[]\n" : "]\n"); }

 private:
  std::string text_;
  bool empty_ = true;
};

/* The visor's transports by identifier. */
std::vector<const Transport*> sorted_transports(const Visor& visor);
/* Those of some visors, by identifier, a transport between two of them once. */
std::vector<const Transport*> transports_of(const Aggregator& aggregator, std::span<const visor_key> keys);

/* Says which snapshot a body of counts was made of, so that two can be known to belong together. */
void add_snapshot_headers(Answer& answer, const Aggregator& aggregator, Moment now);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_ANSWER_HPP
