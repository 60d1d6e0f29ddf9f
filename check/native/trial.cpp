#include "check/native/trial.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace visor::check {

namespace json = boost::json;

const Cast* Trial::cast(bool strict) {
  auto loaded = Cast::load(options, strict);
  if (!found.expect(loaded.has_value(), [&] { return loaded.error().text; })) return nullptr;
  cast_ = std::move(*loaded);
  return cast_.get();
}

void Trial::judge(const Ledger& ledger, std::initializer_list<Rule> rules) {
  for (Rule rule : rules) {
    for (const std::string& sentence : ledger.sentences(rule)) found.add(sentence);
  }
}

Result<Description> read_description(std::string_view text) {
  json::error_code failed;
  json::value value = json::parse(text, failed);
  const json::object* fields = value.if_object();
  if (failed || !fields) return failure(VISOR_EINTERNAL, "the description of the plugin cannot be read");
  Description out;
  out.name = std::string(fields->at("name").get_string());
  out.version = std::string(fields->at("version").get_string());
  for (const json::value& id : fields->at("offers").get_array()) out.offers.emplace_back(id.get_string());
  out.config_fault = std::string(fields->at("config_fault").get_string());
  out.commands = fields->at("commands").to_number<size_t>(failed);
  return out;
}

size_t exercise_listeners(Trial& trial, Stage& stage, Stage::Visor& visor, int rounds) {
  static constexpr std::string_view kRequest = "GET /api HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
  Waiter stranger = stage.stranger(visor.machine);
  auto* sockets = stage.strangers_sockets();
  size_t connected = 0;
  for (const std::string& url : stage.ledger().listening(visor.machine)) {
    for (int round = 0; round < rounds; ++round) {
      auto stream = await<visor_stream>(stranger, [&](visor_done done) {
        return sockets->api->connect(sockets, to_span(std::string_view(url)), done);
      });
      if (!trial.found.expect(stream.has_value(), [&] {
            return "after " + std::to_string(round) + " strangers its listener " + url +
                   " takes nobody any more: " + stream.error().text;
          }))
        return connected;
      ++connected;
      stage.doing("hearing rubbish on " + url);
      Stream end(stranger.host, *stream);
      end.attach({});
      Bytes rubbish(size_t{1} << (round % 17));
      stage.loop().random(rubbish);
      if (round % 5 == 0) rubbish.assign(kRequest.begin(), kRequest.end());
      (void)end.write(rubbish);
      stage.loop().run_for(static_cast<uint64_t>(round % 3) * 50);
      if (round % 4 == 0) end.end();
      stage.loop().run_for(10);
    }
  }
  return connected;
}

bool exercise(Trial& trial, Stage& stage) {
  constexpr uint64_t kWhileMs = 200000; /* three times the usual rhythm of a minute */
  auto alpha = stage.run("alpha");
  if (!trial.found.expect(alpha.has_value(), [&] { return "it did not start: " + alpha.error().text; }))
    return false;
  if (stage.cast().offers(VISOR_DRIVE_1)) exercise_drive(trial, stage, **alpha);
  Stage::Visor* beta = nullptr;
  if (stage.cast().offers(VISOR_NET_1)) {
    auto second = stage.run("beta");
    if (second) exercise_net(trial, stage, **alpha, *(beta = *second));
  }
  exercise_listeners(trial, stage, **alpha, 20);
  exercise_commands(trial, stage, **alpha);
  stage.doing("running for three minutes");
  stage.loop().run_for(kWhileMs);
  if (beta) stage.stop(*beta);
  trial.found.expect(stage.stop(**alpha), "it did not stop within a minute of virtual time");
  stage.loop().run_for(kWhileMs); /* what comes too late, comes now */
  stage.ledger().close_promises();
  return true;
}

}  // namespace visor::check
