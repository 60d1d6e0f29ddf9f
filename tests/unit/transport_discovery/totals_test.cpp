// Sums and uptime: /metric, /bandwidth, /uptimes, /versions, and bodies that were compressed beforehand.
#include "service.hpp"

using namespace visor;
using namespace visor::test;

namespace {

void sample(Service& service, size_t reporter, const TransportId& id, uint64_t sent, uint64_t received,
            double latency_ms) {
  service.tpd.aggregator.apply(service.keys[reporter],
                               {.id = id,
                                .traffic = {sent, received},
                                .epoch = 1,
                                .latency_min_ms = latency_ms,
                                .latency_max_ms = latency_ms,
                                .latency_avg_ms = latency_ms,
                                .sampled_at_s = service.tpd.now.unix_s},
                               service.tpd.now);
}

std::string today_of(const Service& service) {
  return codec::date_text(codec::day_of(service.tpd.now.unix_s));
}

}  // namespace

TEST_CASE("tpd totals: the network's day grows with the edge that has seen more", "[telemetry][tpd]") {
  Service service;
  TransportId one = service.add(0, 1, "swtr", false), other = service.add(2, 3, "stcpr", false);
  sample(service, 0, one, 100, 50, 10);
  sample(service, 1, one, 50, 90, 20);  // the same traffic, seen from the other end
  sample(service, 2, other, 1, 2, 30);
  boost::json::value body = service.json("/metric");
  const boost::json::object& day = body.get_object().at("daily").get_array().at(0).get_object();
  CHECK(day.at("date").get_string() == today_of(service));
  CHECK(day.at("bandwidth").to_number<uint64_t>() == 153);
  CHECK(day.at("latency").to_number<double>() == 20);
  CHECK(boost::json::serialize(day.at("by_type")) ==
        R"({"stcpr":{"bandwidth":3,"latency":30},"swtr":{"bandwidth":150,"latency":15}})");
  CHECK(body.get_object().at("cumulative").get_object().at("bandwidth").to_number<uint64_t>() == 153);
  // The other edge passes the first.
  sample(service, 1, one, 50, 120, 20);
  CHECK(service.json("/metric").at("daily").at(0).at("bandwidth").to_number<uint64_t>() == 173);
  CHECK(service.json("/metric", "type=stcpr").at("daily").at(0).at("bandwidth").to_number<uint64_t>() == 3);
  CHECK(service.json("/metric/visor/" + to_hex(service.keys[2]))
            .at("daily")
            .at(0)
            .at("bandwidth")
            .to_number<uint64_t>() == 3);
  std::string both = to_hex(service.keys[0]) + "," + to_hex(service.keys[1]);
  CHECK(service.json("/metric/visor/" + both).at("cumulative").at("bandwidth").to_number<uint64_t>() == 170);
  CHECK(service.get("/metric/visor/zz").status == 400);

  service.tpd.pass(codec::kSecondsPerDay);
  sample(service, 0, one, 300, 50, 10);
  CHECK(service.json("/metric").at("daily").get_array().size() == 2);
  CHECK(service.json("/metric", "days=1").at("daily").get_array().size() == 1);
  CHECK(service.json("/metric").at("daily").at(0).at("bandwidth").to_number<uint64_t>() == 200);
  CHECK(service.json("/metric").at("cumulative").at("bandwidth").to_number<uint64_t>() == 373);
}

TEST_CASE("tpd totals: bandwidth of one transport and of one visor, by day", "[telemetry][tpd]") {
  Service service;
  TransportId one = service.add(0, 1, "swtr", false);
  sample(service, 0, one, 100, 50, 10);
  service.tpd.pass(codec::kSecondsPerDay);
  sample(service, 0, one, 300, 50, 10);
  std::string path = "/bandwidth/transport/" + codec::to_uuid(one);
  boost::json::value body = service.json(path, "period=daily&limit=7");
  REQUIRE(body.at("daily").get_array().size() == 2);
  CHECK(boost::json::serialize(body.at("daily").at(0)) ==
        R"({"date":")" + today_of(service) +
            R"(","a":{"sent":200,"recv":0},"b":{"sent":0,"recv":0},"bandwidth":200})");
  CHECK(service.json(path, "limit=1").at("daily").get_array().size() == 1);
  boost::json::value visor = service.json("/bandwidth/visor/" + to_hex(service.keys[0]));
  CHECK(visor.at("daily").at(1).at("sent").to_number<uint64_t>() == 100);
  CHECK(service.json("/bandwidth/visor/" + to_hex(service.keys[1])).at("daily").get_array().empty());
  for (const char* query : {"period=weekly", "limit=0", "limit=36", "limit=x"})
    CHECK(service.get(path, query).status == 400);
  CHECK(
      service.get("/bandwidth/transport/" + codec::to_uuid(id_of(service.keys[1], service.keys[2]))).status ==
      404);
  CHECK(service.get("/bandwidth/visor/" + to_hex(make_keys(1, 77)[0])).status == 404);
  CHECK(service.get("/bandwidth/visor/1").status == 400);
}

TEST_CASE("tpd uptime: a percentage is the slots that are set, and nothing else", "[telemetry][tpd]") {
  Service service;
  service.tpd.now.unix_s -= 43200;  // midnight
  service.add(0, 1, "swsr", false);
  // Every list is a sign of life; however many there are in five minutes, they are one slot.
  for (int minute = 0; minute < 144 * 5; ++minute) {
    service.tpd.list(service.keys[0], {listed(service.keys[0], service.keys[1])});
    service.tpd.pass(60);
  }
  std::string key = to_hex(service.keys[0]);
  boost::json::value rows = service.json("/uptimes", "v=v3");
  REQUIRE(rows.get_array().size() == 1);
  const boost::json::object& row = rows.get_array()[0].get_object();
  CHECK(row.at("pk").get_string() == key);
  CHECK(row.at("on").get_bool() == false);  // one transport is not enough
  CHECK(row.at("daily").get_object().at(today_of(service)).get_string() == "50.00");
  CHECK(row.at("timeline").get_object().at(today_of(service)).get_string() ==
        std::string(144, '.') + std::string(144, ' '));
  CHECK_FALSE(service.json("/uptimes").at(0).get_object().contains("daily"));
  CHECK(service.json("/uptimes", "v=v2").at(0).get_object().contains("daily"));
  CHECK_FALSE(service.json("/uptimes", "v=v2").at(0).get_object().contains("timeline"));

  boost::json::value transports = service.json("/uptimes/transports", "edges=true");
  CHECK(transports.at(0).at("daily").get_object().at(today_of(service)).get_string() == "50.00");
  CHECK(transports.at(0).at("edges").get_array().size() == 2);
  CHECK(service.json("/metrics/uptime") ==
        boost::json::parse(
            R"({"total_transports":1,"online":1,"by_type":{"swsr":{"total_transports":1,"online":1}}})"));
  std::string uuid = codec::to_uuid(id_of(service.keys[0], service.keys[1]));
  CHECK(service.rows("/metrics/uptime/" + uuid) == 1);
  CHECK(service.rows("/metrics/uptime/visor/" + key) == 1);
  CHECK(service.get("/metrics/uptime/" + codec::to_uuid(id_of(service.keys[2], service.keys[3]))).status ==
        404);
  CHECK(service.get("/metrics/uptime/x").status == 400);

  service.tpd.list(service.keys[0], {listed(service.keys[0], service.keys[1]),
                                     listed(service.keys[0], service.keys[2], "stcpr"),
                                     listed(service.keys[0], service.keys[3], "dmsg")});
  CHECK(service.json("/uptimes").at(0).at("on").get_bool());
  service.tpd.list(service.keys[0], {listed(service.keys[0], service.keys[1]),
                                     listed(service.keys[0], service.keys[3], "dmsg")});
  CHECK_FALSE(service.json("/uptimes").at(0).at("on").get_bool());
  // A relayed transport has no uptime.
  CHECK(service.rows("/uptimes/transports", "type=dmsg") == 0);
  for (const char* query : {"v=v4", "visors=1", "cursor=1", "limit=0"})
    CHECK(service.get("/uptimes", query).status == 400);
}

TEST_CASE("tpd uptime: some visors by name, in the path or in the body, all of them in pages",
          "[telemetry][tpd]") {
  Service service;
  service.keys = make_keys(30, 4);
  for (size_t i = 0; i + 1 < 30; ++i)
    service.tpd.list(service.keys[i], {listed(service.keys[i], service.keys[i + 1])});
  std::string a = to_hex(service.keys[0]), b = to_hex(service.keys[7]);
  CHECK(service.rows("/uptimes", "visors=" + a + ";" + b) == 2);
  CHECK(service.rows("/uptimes", "visors=" + to_hex(make_keys(1, 9)[0])) == 0);
  auto post = [&](const std::string& body) { return service.ask({"POST", "/uptimes", "", "", "", body}); };
  CHECK(Service::parsed(post(R"({"pks":[")" + a + R"("],"v":"v2"})")).get_array().size() == 1);
  CHECK(Service::parsed(post(R"({"pks":[]})")).get_array().empty());
  CHECK(post(R"({"pks":[1]})").status == 400);
  CHECK(post("[").status == 400);
  CHECK(post(std::string(1'100'000, ' ')).status == 400);
  std::vector<std::string> seen;
  std::string query = "limit=4";
  for (;;) {
    Answer page = service.get("/uptimes", query);
    boost::json::value rows = boost::json::parse(page.body);
    for (const auto& row : rows.get_array()) seen.emplace_back(row.get_object().at("pk").get_string());
    std::string next = header_of(page, "x-next-cursor");
    if (next.empty()) break;
    query = "limit=4&cursor=" + next;
  }
  CHECK(seen.size() == 29);
  CHECK(std::ranges::is_sorted(seen));
}

TEST_CASE("tpd versions, counts by key, the service's own uptime", "[telemetry][tpd]") {
  Service service;
  service.add(0, 1);
  service.add(0, 2, "stcpr");
  CHECK(service.get("/version").body == "{\"v1\":1}\n");
  CHECK(service.get("/version", "on=false").body == "{}\n");
  CHECK(service.json("/versions", "status=true").at(to_hex(service.keys[0])).at("on").get_bool());
  CHECK(service.json("/versions/" + to_hex(service.keys[1])).get_object().empty());
  CHECK(service.get("/versions", "on=perhaps").status == 400);

  boost::json::object by_key = service.json("/all-transports/per-key-stats").get_object();
  uint64_t sum = 0;
  for (const auto& [key, row] : by_key) sum += row.at("total").to_number<uint64_t>();
  CHECK(sum == 2 * service.tpd.aggregator.live());
  CHECK(boost::json::serialize(by_key.at(to_hex(service.keys[0]))) == R"({"total":2,"stcpr":1,"swsr":1})");
  CHECK(service.json("/transports/stats/" + to_hex(service.keys[0])).at("total").to_number<int>() == 2);
  CHECK(service.get("/transports/stats/" + to_hex(service.keys[3])).status == 404);
  CHECK(service.rows("/all-transports", "selfTransports=hide") == 2);
  CHECK(service.rows("/all-transports", "limit=1") == 1);
  Answer edges = service.ask({"POST", "/transports/edges", "", "", "",
                              "[\"" + to_hex(service.keys[0]) + "\",\"" + to_hex(service.keys[1]) + "\"]"});
  CHECK(Service::parsed(edges).get_array().size() == 2);
  CHECK(service.ask({"POST", "/statuses", "", ""}).status == 410);
  CHECK(header_of(service.ask({"DELETE", "/metrics", "", ""}), "allow") == "GET, HEAD");

  CHECK(service.get("/uptime/now").status == 503);
  Sessions sessions;
  sessions.see(kNoon - 7200, kNoon - 3600);
  sessions.see(kNoon - 1800, kNoon);
  Api api(service.tpd.aggregator, {.process_metrics = [](bool) { return std::string(); },
                                   .version = "1",
                                   .started_at_s = kNoon - 1800,
                                   .sessions = &sessions});
  auto get = [&](std::string_view path) { return api.answer({"GET", path, "", ""}, service.tpd.now).body; };
  CHECK(get("/uptime/now").find("\"uptime_seconds\":1800") != std::string::npos);
  CHECK(boost::json::parse(get("/uptime/sessions")).get_array().size() == 2);
  std::string timeline(boost::json::parse(get("/uptime/timeline")).at(0).at("timeline").get_string());
  CHECK(std::ranges::count(timeline, '.') == 13 + 7);
  CHECK(get("/uptime/dates") == "[\"" + today_of(service) + "\"]\n");
}

TEST_CASE("tpd answers: gzip is the same text, from blocks that were compressed once", "[telemetry][tpd]") {
  Service service;
  service.keys = make_keys(300, 6);
  std::vector<codec::ListedTransport> rows;
  for (size_t i = 1; i < 300; ++i) rows.push_back(listed(service.keys[0], service.keys[i]));
  service.tpd.list(service.keys[0], rows);
  for (size_t i = 1; i < 300; ++i)
    service.tpd.sample(service.keys[0], id_of(service.keys[0], service.keys[i]), i, 1, 1);
  CHECK(service.get("/metrics", "edges=true").body == service.unpacked("/metrics", "edges=true"));
  CHECK(service.get("/all-transports").body == service.unpacked("/all-transports"));
  CHECK(service.unpacked("/metrics", "type=quic") == "[]\n");
  for (const char* accept : {"text/plain", "application/openmetrics-text"})
    CHECK(service.get("/metrics", "", accept).body == service.unpacked("/metrics", "", accept));
  // Only the block of what has changed is made anew.
  auto out_of_date = [&] {
    size_t count = 0;
    const RowBlocks& blocks = service.tpd.aggregator.blocks();
    for (size_t i = 0; i < blocks.size(); ++i) {
      bool current = false;
      for (const RenderedBlock& view : blocks.at(i).views)
        current = current ||
                  (view.content && !view.content->parts.empty() && view.revision == blocks.at(i).revision);
      count += !current;
    }
    return count;
  };
  CHECK(out_of_date() == 0);
  service.tpd.sample(service.keys[0], id_of(service.keys[0], service.keys[9]), 5000, 1, 1);
  CHECK(out_of_date() == 1);
  CHECK(service.unpacked("/metrics", "edges=true").find("5000") != std::string::npos);
  for (auto [header, yes] : {std::pair{"gzip", true},
                             {"br, GZIP;q=0.5", true},
                             {"*", true},
                             {"gzip;q=0", false},
                             {"identity", false},
                             {"", false},
                             {"*;q=0", false},
                             {"gzip;q=0.001", true}}) {
    INFO(header);
    CHECK(accepts_gzip(header) == yes);
  }
}
