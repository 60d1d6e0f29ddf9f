#include "lib/http/url.hpp"

#include <catch2/catch.hpp>

using namespace visor;
using namespace visor::http;

TEST_CASE("addresses are taken apart", "[http][url]") {
  auto url = parse_url("HTTP://Example.COM/a?b=c#d");
  REQUIRE(url);
  CHECK(url->scheme == "http");
  CHECK(url->host == "example.com");
  CHECK(url->port == 80);
  CHECK(url->path == "/a?b=c");
  CHECK(url->authority() == "example.com");
  CHECK(url->socket() == "tcp://example.com:80");

  auto v6 = parse_url("ws://[::1]:8080");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->path == "/");
  CHECK(v6->authority() == "[::1]:8080");
  CHECK(v6->socket() == "tcp://[::1]:8080");

  CHECK(parse_url("http://host?x")->path == "/?x");
}

TEST_CASE("what is no address is refused with a reason", "[http][url]") {
  for (std::string_view bad :
       {"", "host", "http:/host", "ftp://host/", "http://", "http://:80/", "http://host:99999/",
        "http://host:/", "http://host:8x/", "http://user@host/", "http://[::1/", "http://[]/", "tcp://host",
        "http://host/a b", "http://host/\r\nX: y", "http://ho%73t/"}) {
    INFO(bad);
    auto url = parse_url(bad);
    REQUIRE_FALSE(url);
    CHECK(url.error().status == VISOR_EINVAL);
    CHECK(url.error().text.find("http://host:port/path") != std::string::npos);
  }
  CHECK_FALSE(parse_url("http://host/" + std::string(9000, 'a')));
  CHECK_FALSE(parse_url("http://" + std::string(300, 'a') + "/"));
}

TEST_CASE("host and port of a header", "[http][url]") {
  CHECK(parse_authority("LOCALHOST:80")->host == "localhost");
  CHECK(parse_authority("localhost")->port == 0);
  CHECK(parse_authority("[::1]:8080")->host == "::1");
  CHECK_FALSE(parse_authority("::1"));
  CHECK_FALSE(parse_authority("a b"));
  CHECK_FALSE(parse_authority("localhost:80:90"));
}
