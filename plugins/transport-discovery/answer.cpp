#include "answer.hpp"

#include <algorithm>

#include "bodies.hpp"
#include "lib/codec/telemetry_text.hpp"

namespace visor::transport_discovery {

Answer::Answer(Answer&&) noexcept = default;
Answer& Answer::operator=(Answer&&) noexcept = default;
Answer::~Answer() = default;

Answer json_answer(std::string body, int32_t status) {
  Answer answer;
  answer.status = status;
  answer.headers.emplace_back("content-type", "application/json");
  answer.body = std::move(body);
  return answer;
}

Answer error_answer(int32_t status, std::string_view text) {
  std::string body = "{\"error\":";
  codec::append_json_string(body, text);
  return json_answer(body + "}\n", status);
}

std::vector<const Transport*> sorted_transports(const Visor& visor) {
  std::vector<const Transport*> out(visor.transports.begin(), visor.transports.end());
  std::ranges::sort(out, {}, &Transport::id);
  return out;
}

std::vector<const Transport*> transports_of(const Aggregator& aggregator, std::span<const visor_key> keys) {
  std::vector<const Transport*> out;
  for (const visor_key& key : keys) {
    if (const Visor* visor = aggregator.find_visor(key))
      out.insert(out.end(), visor->transports.begin(), visor->transports.end());
  }
  std::ranges::sort(out, {}, &Transport::id);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void add_snapshot_headers(Answer& answer, const Aggregator& aggregator, Moment now) {
  answer.headers.emplace_back("x-tpd-snapshot-at", codec::time_text(now.unix_s));
  answer.headers.emplace_back("x-tpd-snapshot-transports", std::to_string(aggregator.live()));
}

}  // namespace visor::transport_discovery
