// The gateway on a real port: commands over HTTP.
#include "tests/conformance/gateway_site.hpp"

namespace visor::test {

TEST_CASE("commands are called over HTTP", "[gateway]") {
  Site site;
  auto status = site.get("/api/kernel/status");
  CHECK(status.status == 200);
  CHECK(status.headers.find("content-type") == "application/json");
  CHECK(status.headers.find("access-control-allow-origin").empty());
  CHECK(json::parse(status.body).as_object().at("state").as_string() == "running");
  CHECK(site.ask("POST", "/api/kernel/status").status == 200);
  CHECK(site.ask("POST", "/api/ticker/change", {}, R"({"integer":1})").body == R"({"integer":1})");
  CHECK(site.ask("HEAD", "/api/kernel/status").body.empty());

  auto typed = site.get("/api/ticker/echo?integer=5&number=1.5&flag&text=%E2%82%AC+7&list=1&list=2");
  CHECK(json::parse(typed.body) ==
        json::parse(R"({"integer":5,"number":1.5,"flag":true,"text":"€ 7","list":[1,2]})"));
  CHECK(json::parse(site.get("/api/ticker/echo?text=5&flag=false&list=[3]").body) ==
        json::parse(R"({"text":"5","flag":false,"list":[3]})"));

  auto wrong = site.get("/api/ticker/echo?integer=five");
  CHECK(wrong.status == 400);
  CHECK(wrong.body.find("integer") != std::string::npos);
  CHECK(site.get("/api/ticker/echo?integer=1&integer=2").status == 400);
  CHECK(site.get("/api/ticker/echo?unknown=1").status == 400);
  CHECK(site.ask("POST", "/api/ticker/change", {}, "{").status == 400);
  CHECK(site.ask("POST", "/api/ticker/change", {}, "[]").status == 400);

  auto change = site.get("/api/ticker/change?integer=1");
  CHECK(change.status == 405);
  CHECK(change.headers.find("allow") == "POST");
  CHECK(site.ask("DELETE", "/api/ticker/echo").status == 405);
  auto refused = site.get("/api/ticker/refuse");
  CHECK(refused.status == 409);
  CHECK(json::parse(refused.body) ==
        json::parse(R"({"error":{"status":"EEXIST","message":"it \"exists\""}})"));
  auto unknown = site.get("/api/tiker/echo");
  CHECK(unknown.status == 404);
  CHECK(unknown.body.find("ticker") != std::string::npos);
  CHECK(site.get("/api/ticker/ech").body.find("echo") != std::string::npos);
  CHECK(site.get("/api/ticker").status == 404);
  CHECK(site.get("/api/ticker/echo/more").status == 404);
  CHECK(site.get("/apiary").status == 404);
}

}  // namespace visor::test
