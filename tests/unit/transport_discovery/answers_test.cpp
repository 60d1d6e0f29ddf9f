// Specification telemetry.md, 4: what /metrics and the other paths answer.
#include "plugins/transport-discovery/query.hpp"
#include "service.hpp"

using namespace visor;
using namespace visor::test;

TEST_CASE("tpd answers: a row has the specified fields", "[telemetry][tpd]") {
  Service service;
  TransportId id = service.add(0, 1, "webrtc");
  std::string a = to_hex(service.keys[0]), b = to_hex(service.keys[1]);
  CHECK(service.get("/metrics", "edges=true").body ==
        "[{\"id\":\"" + codec::to_uuid(id) + "\",\"type\":\"webrtc\",\"live\":true,\"edges\":[\"" + a +
            "\",\"" + b +
            "\"],\"latency\":{\"min\":10400,\"max\":18900,\"avg\":11000},\"daily\":[{\"date\":\"" +
            codec::date_text(codec::day_of(service.tpd.now.unix_s)) +
            "\",\"a\":{\"sent\":10485760,\"recv\":2097152},\"b\":{\"sent\":0,\"recv\":0}}]}]\n");
  boost::json::object row =
      service.json("/metrics", "bandwidth=false&latency=false").get_array().at(0).get_object();
  CHECK(row.size() == 3);
}

TEST_CASE("tpd answers: days are the newest first, and as many as were asked for", "[telemetry][tpd]") {
  Service service;
  TransportId id = service.add(0, 1);
  for (uint64_t day = 1; day <= 40; ++day) {
    service.tpd.pass(codec::kSecondsPerDay);
    service.tpd.list(service.keys[0], {listed(service.keys[0], service.keys[1])});
    service.tpd.sample(service.keys[0], id, 10485760 + day * 100, 2097152, 1);
  }
  auto days = [&](std::string_view query) {
    return service.json("/metrics", query).get_array().at(0).get_object().at("daily").get_array();
  };
  CHECK(days("").size() == 35);
  CHECK(days("days=0").size() == 35);
  CHECK(days("days=1000").size() == 35);
  auto three = days("days=3");
  REQUIRE(three.size() == 3);
  UnixDay today = codec::day_of(service.tpd.now.unix_s);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(three[i].get_object().at("date").get_string() == codec::date_text(today - static_cast<UnixDay>(i)));
  }
}

TEST_CASE("tpd answers: ended ones stay with their history, unmeasured ones are left out",
          "[telemetry][tpd]") {
  Service service;
  service.add(0, 1);
  service.add(2, 3, "stcpr");
  service.add(0, 2, "swsr", false);
  CHECK(service.rows("/metrics") == 2);
  service.tpd.list(service.keys[2], {});
  CHECK(service.rows("/metrics") == 2);
  CHECK(service.rows("/metrics", "live=all") == 2);
  CHECK(service.rows("/metrics", "live=true") == 1);
  CHECK(service.rows("/metrics", "live=false") == 1);
  CHECK(service.rows("/metrics", "type=stcpr") == 1);
  CHECK(service.rows("/metrics", "type=stcpr,ws") == 2);
  CHECK(service.rows("/metrics", "type=quic") == 0);
  CHECK(service.get("/metrics", "type=quic").body == "[]\n");
  // The day it ended is past; its latency is still known.
  service.tpd.pass(2 * codec::kSecondsPerDay);
  CHECK(service.rows("/metrics", "days=1") == 2);
}

TEST_CASE("tpd answers: what is asked for wrongly is told", "[telemetry][tpd]") {
  Service service;
  service.add(0, 1);
  for (const char* query : {"days=x", "days=-1", "days=", "live=maybe", "edges=2", "limit=0", "limit=5001",
                            "limit=1x", "cursor=abc", "type=<script>", "type=%zz", "bandwidth=", "%=1"}) {
    INFO(query);
    boost::json::value body = service.json("/metrics", query, 400);
    CHECK(body.get_object().at("error").is_string());
  }
  CHECK(service.get("/metrics", "unknown=1&&edges=true").status == 200);
  CHECK(service.get("/nothing").status == 404);
  CHECK(service.get("/metricsfoo").status == 404);
  CHECK(service.get("/metrics", "", "", "POST").status == 405);
  CHECK(service.get("/metrics", "", "", "HEAD").status == 200);
}

TEST_CASE("tpd answers: some transports, or those of some visors", "[telemetry][tpd]") {
  Service service;
  TransportId first = service.add(0, 1), second = service.add(0, 2);
  service.add(3, 1);
  std::string path = "/metrics/" + codec::to_uuid(first);
  CHECK(service.rows(path) == 1);
  CHECK(service.rows(path + "," + codec::to_uuid(second) + "," + codec::to_uuid(first)) == 2);
  CHECK(service.json("/metrics/" + codec::to_uuid(id_of(service.keys[2], service.keys[3])), "", 404)
            .get_object()
            .at("error")
            .get_string() == "transport not found");
  CHECK(service.get("/metrics/").status == 400);
  CHECK(service.get("/metrics/zzz").status == 400);
  std::string k0 = to_hex(service.keys[0]), k1 = to_hex(service.keys[1]);
  CHECK(service.rows("/metrics/visor/" + k0) == 2);
  CHECK(service.rows("/metrics/visor/" + k0 + "," + k1) == 3);
  CHECK(service.rows("/metrics/visor/" + to_hex(make_keys(1, 99)[0])) == 0);
  CHECK(service.get("/metrics/visor/").status == 400);
  CHECK(service.get("/metrics/visor/00").status == 400);
}

TEST_CASE("tpd answers: pages give every row once", "[telemetry][tpd]") {
  Service service;
  service.keys = make_keys(80, 5);
  std::vector<codec::ListedTransport> rows;
  for (size_t i = 1; i < 80; ++i) rows.push_back(listed(service.keys[0], service.keys[i]));
  service.tpd.list(service.keys[0], rows);
  for (size_t i = 1; i < 80; ++i) {
    service.tpd.sample(service.keys[0], id_of(service.keys[0], service.keys[i]), i, i);
  }
  std::vector<std::string> seen;
  std::string query = "limit=7";
  for (;;) {
    Answer page = service.get("/metrics", query);
    boost::json::value body = boost::json::parse(page.body);
    for (const boost::json::value& row : body.get_array()) {
      seen.emplace_back(row.get_object().at("id").get_string());
    }
    std::string next = header_of(page, "x-next-cursor");
    if (next.empty()) break;
    CHECK(next == seen.back());
    CHECK(header_of(page, "link") == "</metrics?limit=7&cursor=" + next + ">; rel=\"next\"");
    query = "limit=7&cursor=" + next;
  }
  CHECK(seen.size() == 79);
  CHECK(std::ranges::is_sorted(seen));
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
  CHECK(service.rows("/metrics") == 79);
}

TEST_CASE("tpd answers: totals, entries, health", "[telemetry][tpd]") {
  Service service;
  CHECK(service.get("/all-transports/stats").status == 404);
  service.add(0, 1);
  service.add(0, 2, "stcpr");
  service.add(3, 2, "stcpr", false);
  Answer stats = service.get("/all-transports/stats");
  CHECK(stats.body == "{\"total_transports\":3,\"by_type\":{\"stcpr\":2,\"swsr\":1},\"unique_visors\":4}\n");
  CHECK(header_of(stats, "x-tpd-snapshot-transports") == "3");
  CHECK(header_of(stats, "x-tpd-snapshot-at") == codec::time_text(service.tpd.now.unix_s));
  auto entries = service.json("/v3/transports/edge:" + to_hex(service.keys[2])).get_array();
  REQUIRE(entries.size() == 2);
  for (const boost::json::value& entry : entries) CHECK(codec::transport_entry_from_json(entry).has_value());
  CHECK(service.rows("/v3/transports/edge:" + to_hex(make_keys(1, 9)[0])) == 0);
  CHECK(service.get("/v3/transports/edge:xyz").status == 400);
  auto health = service.json("/health").get_object();
  CHECK(health.at("service_name").get_string() == "transport-discovery");
  CHECK(health.at("build_info").get_object().at("version").get_string() == "0.1.0");
  CHECK(health.at("skynet_address").get_string() == "02ab:50");
  CHECK(health.at("dmsg_address").get_string() == "02ab:80");
}

TEST_CASE("tpd answers: a client gets the format it would rather have", "[telemetry][tpd]") {
  constexpr auto kJson = Format::kJson;
  constexpr auto kOpen = Format::kOpenMetrics;
  constexpr auto kText = Format::kPrometheusText;
  CHECK(negotiate("") == kJson);
  CHECK(negotiate("  ") == kJson);
  CHECK(negotiate("*/*") == kJson);
  CHECK(negotiate("application/json") == kJson);
  CHECK(negotiate("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") == kJson);
  CHECK(negotiate("text/plain;version=0.0.4") == kText);
  CHECK(negotiate("text/plain") == kText);
  CHECK(negotiate("text/*") == kText);
  CHECK(negotiate("TEXT/Plain; Version=\"0.0.4\"") == kText);
  CHECK(negotiate("application/openmetrics-text;version=1.0.0") == kOpen);
  CHECK(negotiate(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1") == kOpen);
  CHECK(negotiate("application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1") ==
        kText);
  CHECK(negotiate("application/json;q=0.2,text/plain;q=0.3") == kText);
  CHECK(negotiate("application/json;q=0,*/*") == kOpen);
  CHECK(negotiate("application/*;q=0.1,application/json;q=0,text/plain;q=0.05") == kOpen);
  CHECK(negotiate("application/openmetrics-text;version=1.0.0;q=0.5,application/json") == kJson);
  CHECK_FALSE(negotiate("image/png"));
  CHECK_FALSE(negotiate("*/*;q=0"));
  CHECK_FALSE(negotiate("text/plain;version=1.0.0"));
  CHECK_FALSE(negotiate("application/json;q=nonsense"));
  CHECK_FALSE(negotiate(",,;;==,/"));
  Seeded random(5);
  for (int i = 0; i < 3000; ++i) {
    std::string accept = "application/json;q=0.5, text/plain;version=\"0.0.4\", */*;q=0.1";
    for (size_t change = random.below(6); change > 0; --change) {
      accept[random.below(accept.size())] = static_cast<char>(random.below(256));
    }
    negotiate(accept);
  }
  Service service;
  CHECK(service.get("/metrics", "", "image/png").status == 406);
  CHECK(header_of(service.get("/metrics"), "vary") == "accept, accept-encoding");
}

TEST_CASE("tpd answers: Prometheus' formats", "[telemetry][tpd]") {
  Service service;
  TransportId id = service.add(0, 1);
  std::string labels = "{id=\"" + codec::to_uuid(id) + "\",type=\"swsr\",edge_a=\"" +
                       to_hex(service.keys[0]) + "\",edge_b=\"" + to_hex(service.keys[1]) + "\"";
  Answer text = service.get("/metrics", "", "text/plain;version=0.0.4");
  CHECK(header_of(text, "content-type") == "text/plain; version=0.0.4; charset=utf-8");
  auto has = [&](const Answer& answer, const std::string& line) {
    INFO(line);
    CHECK(("\n" + answer.body).find("\n" + line + "\n") != std::string::npos);
  };
  has(text, "visor_transport_live" + labels + "} 1");
  has(text, "visor_transport_latency_seconds" + labels + ",stat=\"min\"} 0.0104");
  has(text, "visor_transport_latency_seconds" + labels + ",stat=\"max\"} 0.0189");
  has(text, "visor_transport_latency_seconds" + labels + ",stat=\"avg\"} 0.011");
  has(text, "visor_transport_throughput_bytes_per_second" + labels + "} 125000.25");
  has(text, "visor_transport_sent_bytes_total" + labels + ",edge=\"a\"} 10485760");
  has(text, "visor_transport_received_bytes_total" + labels + ",edge=\"a\"} 2097152");
  has(text, "# TYPE visor_transport_sent_bytes_total counter");
  has(text, "visor_tpd_x 1");
  CHECK(text.body.find("edge=\"b\"") == std::string::npos);
  CHECK(text.body.find("# UNIT") == std::string::npos);
  CHECK(text.body.find("EOF") == std::string::npos);

  Answer open = service.get("/metrics", "", "application/openmetrics-text;version=1.0.0");
  CHECK(header_of(open, "content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  has(open, "# TYPE visor_transport_sent_bytes counter");
  has(open, "# UNIT visor_transport_sent_bytes bytes");
  has(open, "# UNIT visor_transport_latency_seconds seconds");
  has(open, "visor_transport_sent_bytes_total" + labels + ",edge=\"a\"} 10485760");
  CHECK(open.body.ends_with("\n# EOF\n"));

  // An ended one is shown as such for a while, and then not at all.
  service.tpd.list(service.keys[0], {});
  has(service.get("/metrics", "", "text/plain"), "visor_transport_live" + labels + "} 0");
  service.tpd.pass(3601);
  CHECK(service.get("/metrics", "", "text/plain").body.find("visor_transport_live{") == std::string::npos);
}

TEST_CASE("tpd answers: one change costs one block, and every answer shows it", "[telemetry][tpd]") {
  Service service;
  service.keys = make_keys(300, 6);
  std::vector<codec::ListedTransport> rows;
  for (size_t i = 1; i < 300; ++i) rows.push_back(listed(service.keys[0], service.keys[i]));
  service.tpd.list(service.keys[0], rows);
  TransportId id = id_of(service.keys[0], service.keys[7]);
  for (size_t i = 1; i < 300; ++i) {
    service.tpd.sample(service.keys[0], id_of(service.keys[0], service.keys[i]), 1, 1, 1);
  }
  std::string before = service.get("/metrics", "edges=true").body;
  CHECK(service.get("/metrics", "edges=true").body == before);
  auto out_of_date = [&] {
    size_t count = 0;
    const RowBlocks& blocks = service.tpd.aggregator.blocks();
    for (size_t i = 0; i < blocks.size(); ++i)
      count += blocks.at(i).views[0].revision != blocks.at(i).revision;
    return count;
  };
  CHECK(service.tpd.aggregator.blocks().size() > 8);
  CHECK(out_of_date() == 0);
  service.tpd.sample(service.keys[0], id, 5, 1, 1);
  CHECK(out_of_date() == 1);
  std::string after = service.get("/metrics", "edges=true").body;
  CHECK(after != before);
  CHECK(service.rows("/metrics") == 299);
  // Other renderings are kept beside it, and give the same rows.
  for (const char* query : {"days=1&edges=true", "days=2&edges=true", "days=3&edges=true",
                            "days=4&edges=true", "days=5&edges=true", "edges=true"}) {
    CHECK(service.get("/metrics", query).body == after);
  }
}

TEST_CASE("tpd answers: a body under way survives whatever happens to the tables", "[telemetry][tpd]") {
  Service service;
  service.keys = make_keys(700, 8);
  Seeded random(12);
  auto list = [&](size_t from, size_t to) {
    std::vector<codec::ListedTransport> rows;
    for (size_t i = from; i < to; ++i) rows.push_back(listed(service.keys[0], service.keys[i]));
    service.tpd.list(service.keys[0], rows);
  };
  list(1, 400);
  for (size_t i = 1; i < 400; ++i) {
    service.tpd.sample(service.keys[0], id_of(service.keys[0], service.keys[i]), 1, 1, 1);
  }
  for (const char* accept : {"application/json", "text/plain", "application/openmetrics-text"}) {
    Views views;
    auto body =
        std::string(accept) == "application/json"
            ? json_body(service.tpd.aggregator, views, Encoding::kPlain, {.edges = true},
                        codec::day_of(service.tpd.now.unix_s))
            : text_body(service.tpd.aggregator, views, Encoding::kPlain, true, service.tpd.now.unix_s, "");
    std::string out;
    for (bool more = true; more;) {
      more = body->next(out);
      size_t from = 1 + random.below(300);
      list(from, from + 1 + random.below(399));
      for (int i = 0; i < 20; ++i) {
        service.tpd.sample(service.keys[0], id_of(service.keys[0], service.keys[1 + random.below(699)]),
                           random.below(99), 1);
      }
      service.tpd.pass(1);
    }
    if (std::string(accept) == "application/json") {
      boost::json::error_code error;
      boost::json::value value = boost::json::parse(out, error);
      REQUIRE_FALSE(error);
      std::vector<std::string> ids;
      for (const auto& row : value.get_array()) ids.emplace_back(row.get_object().at("id").get_string());
      CHECK(ids.size() > 100);
      CHECK(std::ranges::is_sorted(ids));
      CHECK(std::ranges::adjacent_find(ids) == ids.end());
    } else {
      CHECK(out.ends_with("# EOF\n"));
      CHECK(out.find("\n\n") == std::string::npos);
    }
  }
}
