/* The TPD's public paths without HTTP: a table to fill, questions to ask. */
#ifndef VISOR_TESTS_UNIT_TRANSPORT_DISCOVERY_SERVICE_HPP
#define VISOR_TESTS_UNIT_TRANSPORT_DISCOVERY_SERVICE_HPP
#include <boost/json.hpp>

#include "fixture.hpp"
#include "lib/codec/gzip.hpp"
#include "plugins/transport-discovery/api.hpp"

namespace visor::test {

inline std::string header_of(const Answer& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers) {
    if (key == name) return value;
  }
  return "";
}

struct Service {
  Tpd tpd;
  std::vector<visor_key> keys = make_keys(4);
  Api api{tpd.aggregator,
          {.process_metrics =
               [](bool) {
                 return std::string("# HELP visor_tpd_x X.\n# TYPE visor_tpd_x gauge\nvisor_tpd_x 1\n");
               },
           .version = "0.1.0",
           .addresses = {{"dmsg", "02ab:80"}, {"skynet", "02ab:50"}},
           .started_at_s = kNoon}};

  Answer get(std::string_view path, std::string_view query = "", std::string_view accept = "",
             std::string_view method = "GET") {
    return ask({method, path, query, accept});
  }
  Answer ask(const ApiRequest& request) {
    Answer answer = api.answer(request, tpd.now);
    while (answer.rest && answer.rest->next(answer.body)) {
    }
    return answer;
  }
  /* The same answer as gzip, inflated. */
  std::string unpacked(std::string_view path, std::string_view query = "", std::string_view accept = "") {
    Answer answer = ask({"GET", path, query, accept, "gzip, deflate"});
    CHECK(header_of(answer, "content-encoding") == "gzip");
    Result<Bytes> out = codec::inflate_gzip(bytes(std::string_view(answer.body)), size_t(1) << 30);
    REQUIRE(out.has_value());
    return std::string(text(ByteView(*out)));
  }
  boost::json::value json(std::string_view path, std::string_view query = "", int status = 200) {
    return parsed(get(path, query), status);
  }
  static boost::json::value parsed(const Answer& answer, int status = 200) {
    INFO(answer.body);
    CHECK(answer.status == status);
    CHECK(answer.headers.at(0) == std::pair<std::string, std::string>("content-type", "application/json"));
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(answer.body, error);
    CHECK_FALSE(error);
    return value;
  }
  size_t rows(std::string_view path, std::string_view query = "") {
    return json(path, query).get_array().size();
  }
  TransportId add(size_t a, size_t b, std::string_view type = "swsr", bool measured = true) {
    TransportId id = id_of(keys[a], keys[b], type);
    std::vector<codec::ListedTransport> all;
    for (const Transport* transport : transports_of(a)) {
      all.push_back(
          {codec::make_transport_entry(transport->sides[0].visor->key, transport->sides[1].visor->key,
                                       tpd.aggregator.type_of(*transport), "automatic"),
           std::nullopt});
    }
    all.push_back(listed(keys[a], keys[b], type));
    tpd.list(keys[a], all);
    if (measured) {
      tpd.measure(keys[a], {.id = id,
                            .traffic = {10485760, 2097152},
                            .epoch = 1,
                            .throughput_bytes_per_s = 125000.25,
                            .latency_min_ms = 10.4,
                            .latency_max_ms = 18.9,
                            .latency_avg_ms = 11});
    }
    return id;
  }
  std::vector<Transport*> transports_of(size_t visor) {
    const Visor* record = tpd.aggregator.find_visor(keys[visor]);
    return record ? record->transports : std::vector<Transport*>();
  }
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_TRANSPORT_DISCOVERY_SERVICE_HPP
