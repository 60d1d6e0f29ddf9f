// The gateway on a real port: the page and the documents that it serves, and what it cannot start with.
#include <filesystem>
#include <fstream>

#include "tests/conformance/gateway_site.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test {

TEST_CASE("the gateway serves a folder from memory", "[gateway]") {
  Scratch folder;
  folder.write("index.html", "<p>hello");
  folder.write("app.wasm", std::string("\0asm", 4));
  folder.write("app.wasm.br", "brotli");
  folder.write("app.wasm.gz", "gzip");
  folder.write("app.3f9a2c81.js", "export {}");
  folder.write("help/index.html", "<p>help");
  folder.write(".secret", "secret");
  folder.write("with space.txt", "space");
  std::ofstream(folder.path().parent_path() / (folder.path().filename().string() + ".outside")) << "outside";
  std::string outside = "/../" + folder.path().filename().string() + ".outside";
  Site site({{"root", folder.path().string()}});

  auto index = site.get("/");
  CHECK(index.status == 200);
  CHECK(index.body == "<p>hello");
  CHECK(index.headers.find("content-type") == "text/html; charset=utf-8");
  CHECK(index.headers.find("cache-control") == "no-cache");
  CHECK(index.headers.find("cross-origin-opener-policy") == "same-origin");
  CHECK(index.headers.find("cross-origin-embedder-policy") == "require-corp");
  CHECK(index.headers.find("access-control-allow-origin").empty());
  auto head = site.ask("HEAD", "/index.html");
  CHECK(head.headers.find("content-length") == "8");
  CHECK(head.body.empty());

  std::string etag(index.headers.find("etag"));
  CHECK(etag.size() == 34);
  auto unchanged = site.get("/", {{"If-None-Match", "\"other\", W/" + etag}});
  CHECK(unchanged.status == 304);
  CHECK(unchanged.headers.find("etag") == etag);

  auto plain = site.get("/app.wasm");
  CHECK(plain.headers.find("content-type") == "application/wasm");
  CHECK(plain.headers.find("content-encoding").empty());
  CHECK(plain.headers.find("vary") == "accept-encoding");
  auto brotli = site.get("/app.wasm", {{"Accept-Encoding", "gzip, deflate, br"}});
  CHECK(brotli.body == "brotli");
  CHECK(brotli.headers.find("content-encoding") == "br");
  CHECK(brotli.headers.find("content-type") == "application/wasm");
  CHECK(brotli.headers.find("etag") != plain.headers.find("etag"));
  CHECK(site.get("/app.wasm", {{"Accept-Encoding", "gzip, br;q=0"}}).body == "gzip");
  CHECK(site.get("/app.wasm.br").status == 404);

  CHECK(site.get("/app.3f9a2c81.js").headers.find("cache-control") == "public, max-age=31536000, immutable");
  CHECK(site.get("/with%20space.txt").body == "space");
  auto redirect = site.get("/help");
  CHECK(redirect.status == 308);
  CHECK(redirect.headers.find("location") == "/help/");
  CHECK(site.get("/help/").body == "<p>help");
  CHECK(site.get("/?query").status == 200);

  for (const std::string& path :
       {std::string("/.secret"), outside, "/%2e%2e" + outside.substr(3), "/help/.." + outside,
        std::string("//etc/passwd"), std::string("/%00"), std::string("/%"), std::string("//help")}) {
    INFO(path);
    CHECK(site.get(path).status == 404);
  }
  auto missing = site.get("/none");
  CHECK(error_status(missing) == "ENOENT");
  CHECK(missing.body.find("/api, /bootstrap.json") != std::string::npos);
  auto post = site.ask("POST", "/index.html", {}, "x");
  CHECK(post.status == 405);
  CHECK(post.headers.find("allow") == "GET, HEAD");

  folder.write("index.html", "<p>changed");
  CHECK(site.get("/").body == "<p>hello");
  REQUIRE(site.node.call("gateway", "reload").has_value());
  CHECK(site.get("/").body == "<p>changed");
  std::filesystem::remove(folder.path().parent_path() / (folder.path().filename().string() + ".outside"));
}

TEST_CASE("a gateway without a page says what it is", "[gateway]") {
  Site site;
  auto welcome = site.get("/");
  CHECK(welcome.status == 200);
  CHECK(welcome.body.find("\"root\"") != std::string::npos);
  CHECK(welcome.body.find("GET /api") != std::string::npos);
}

TEST_CASE("what a gateway cannot start with is said", "[gateway]") {
  NativeWorld world;
  auto why = [&](json::object config) {
    Node& node = world.make("alpha", Site::text_of(with_port(std::move(config))), Site::options());
    auto started = node.start();
    REQUIRE_FALSE(started.has_value());
    return started.error().text;
  };
  CHECK(why({{"root", "/nowhere/at/all"}}).find("\"root\"") != std::string::npos);
  CHECK(why({{"listen", "tcp://nonsense"}}).find("\"listen\"") != std::string::npos);
  CHECK(why({{"listn", "tcp://127.0.0.1:0"}}).find("listen") != std::string::npos);
  CHECK(why({{"token", "short"}}).find("token") != std::string::npos);
  CHECK(why({{"hosts", json::array{"a b"}}}).find("hosts") != std::string::npos);
  for (const char* open : {"tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://192.0.2.1:0", "tcp://visor.example:0"}) {
    INFO(open);
    std::string said = why({{"listen", open}});
    CHECK(said.find(open) != std::string::npos);
    CHECK(said.find("\"token\"") != std::string::npos);
  }

  Site site;
  std::string taken = "tcp" + site.address.substr(4);
  std::string said = why({{"listen", taken}});
  CHECK(said.find(taken) != std::string::npos);
  CHECK(said.find("in use") != std::string::npos);
  CHECK(said.find("\"listen\"") != std::string::npos);
  CHECK(site.get("/").status == 200);
}

TEST_CASE("a new configuration changes what is served, while it runs", "[gateway]") {
  Scratch folder;
  folder.write("index.html", "page");
  Site site({{"bootstrap", json::object{{"step", 1}}}});
  auto first = site.get("/bootstrap.json", {{"Origin", "http://elsewhere"}});
  CHECK(first.body == R"({"step":1})");
  CHECK(first.headers.find("access-control-allow-origin") == "*");
  CHECK(first.headers.find("content-type") == "application/json");

  auto configure = [&](json::object config) {
    return site.node.kernel().configure("gateway", json::serialize(with_port(std::move(config))));
  };
  REQUIRE(
      configure({{"bootstrap", json::object{{"step", 2}}}, {"root", folder.path().string()}}).has_value());
  CHECK(site.get("/bootstrap.json").body == R"({"step":2})");
  REQUIRE(site.world.run_until([&] { return site.get("/").body == "page"; }, 5'000));
  CHECK(configure({{"listen", "tcp://127.0.0.1:1"}}).error().status == VISOR_ENOSYS);
  CHECK(configure({{"bootstrap", 7}}).has_value() == false);
  CHECK(site.get("/bootstrap.json").body == R"({"step":2})");
  CHECK(site.ask("POST", "/bootstrap.json").status == 404);
}

}  // namespace visor::test
