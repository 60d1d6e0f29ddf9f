#include "plugins/chat/envelope.hpp"

#include <catch2/catch.hpp>

#include "lib/codec/utf8.hpp"

namespace visor::chat {
namespace {

using Type = Envelope::Type;

TEST_CASE("chat: frames are the golden bytes", "[chat]") {
  Bytes out;
  CHECK(append_frame(out, "hi"));
  CHECK(to_hex(out) == "000000026869");
  CHECK_FALSE(append_frame(out, ""));
  CHECK_FALSE(append_frame(out, std::string(65537, 'x')));
  CHECK(out.size() == 6);
  CHECK(append_frame(out, std::string(65536, 'x')));
  CHECK(out.size() == 6 + 65540);
  CHECK(to_hex(ByteView(out).subspan(6, 5)) == "0001000078");
}

TEST_CASE("chat: an envelope reads the same however it is written", "[chat]") {
  auto same = [](std::string_view compact, std::string_view loose) {
    const auto one = parse_envelope(compact), other = parse_envelope(loose);
    REQUIRE(one.has_value() == other.has_value());
    if (!one) return;
    CHECK(one->type == other->type);
    CHECK(one->id == other->id);
    CHECK(one->body == other->body);
    CHECK(one->ack == other->ack);
    CHECK(one->reply_to == other->reply_to);
  };
  same(R"({"type":"chat-msg","id":"a1","body":"hé","ack":true,"reply_to":"b2"})",
       R"({ "reply_to":"b2","ack":true,"body":"h\u00e9","id":"a1","type":"chat-msg"})");
  same(R"({"type":"chat-msg","id":"a1","body":"say \"hi\"\n"})",
       R"({ "type":"chat-msg","id":"a1","body":"say \u0022hi\u0022\u000a"})");
  same(R"({"type":"chat-ack","id":"a1"})", R"({ "type" : "chat-ack", "id" : "a1" })");
  same(R"({"type":"chat-msg","id":"a1","more":1})", R"({ "type":"chat-msg","id":"a1"})");
  same(R"({"type":"chat-msg","id":7,"body":"x"})", R"({ "type":"chat-msg","id":7,"body":"x"})");
  same(R"({"type":"chat-msg","id":"a1","body":"x"} )", R"({ "type":"chat-msg","id":"a1","body":"x"})");
  same("{\"type\":\"chat-msg\",\"id\":\"a1\",\"body\":\"\xff\"}", "text, because of one byte");
  same("{\"type\":\"chat-msg\",\"id\":\"a1\",\"body\":\"\n\"}", "text, because of a line's end");
  same(R"({"type":"chat-msg","id":"a1","body":"x"}})", "text, because of one brace");
}

TEST_CASE("chat: envelopes are written as others read them", "[chat]") {
  CHECK(encode({Type::kMessage, "0011223344556677", "hello", true, ""}) ==
        R"({"type":"chat-msg","id":"0011223344556677","body":"hello","ack":true})");
  CHECK(encode({Type::kAck, "a1", "", false, ""}) == R"({"type":"chat-ack","id":"a1"})");
  CHECK(encode({Type::kRead, "a1", "", false, ""}) == R"({"type":"chat-read","id":"a1"})");
  CHECK(encode({Type::kDelete, "a1", "", false, ""}) == R"({"type":"chat-delete","id":"a1"})");
  CHECK(encode({Type::kMessage, "b", "x", false, "a"}) ==
        R"({"type":"chat-msg","id":"b","body":"x","reply_to":"a"})");
}

TEST_CASE("chat: what is no envelope is text", "[chat]") {
  for (const char* text : {"hello", "", "   ", "{", "{}", "[]", "null", R"({"type":"chat-what","id":"1"})",
                           R"({"type":1,"id":"1"})", R"({"type":"chat-msg","id":"1"} and more)",
                           R"(x{"type":"chat-msg"})", "{\"type\":\"chat-msg\",\"body\":\"\xff\"}"}) {
    INFO(text);
    CHECK_FALSE(parse_envelope(text));
  }
}

TEST_CASE("chat: envelopes are read, unknown members and space around them are no matter", "[chat]") {
  auto read = parse_envelope(
      " \n{\"type\":\"chat-msg\",\"id\":\"1\",\"body\":\"\\u003cb\\u003e\",\"ack\":true,"
      "\"reply_to\":\"0\",\"later\":[1,{}]}\r\n");
  REQUIRE(read);
  CHECK(read->type == Type::kMessage);
  CHECK(read->id == "1");
  CHECK(read->body == "<b>");
  CHECK(read->ack);
  CHECK(read->reply_to == "0");
  // Members of another type than they should be are absent.
  read = parse_envelope(R"({"type":"chat-ack","id":7,"ack":"yes","body":[]})");
  REQUIRE(read);
  CHECK(read->id.empty());
  CHECK_FALSE(read->ack);
}

TEST_CASE("chat: an envelope survives being written and read", "[chat]") {
  const Envelope envelope{Type::kMessage, "id \" \\ \n", "text \xf0\x9f\x98\x80 </script>", true, "reply"};
  auto read = parse_envelope(encode(envelope));
  REQUIRE(read);
  CHECK(read->id == envelope.id);
  CHECK(read->body == envelope.body);
  CHECK(read->reply_to == envelope.reply_to);
}

TEST_CASE("codec: UTF-8 is told from what is not, and repaired", "[codec]") {
  for (const char* good :
       {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf"}) {
    INFO(to_hex(bytes(std::string_view(good))));
    CHECK(codec::is_utf8(good));
    CHECK(codec::repair_utf8(good) == good);
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80", "\xe2\x82", "\xed\xa0\x80",
                          "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    INFO(to_hex(bytes(std::string_view(bad))));
    CHECK_FALSE(codec::is_utf8(bad));
    CHECK(codec::is_utf8(codec::repair_utf8(bad)));
  }
  CHECK(codec::repair_utf8("a\xff"
                           "b") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(codec::repair_utf8("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace visor::chat
