// What a peer may say in a chat: byte 0 says what it is meant to be.  What is read is written and read the
// same.
#include "plugins/chat/envelope.hpp"
#include "plugins/chat/group_invite.hpp"
#include "plugins/chat/group_key.hpp"
#include "plugins/chat/group_mutation.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;
using namespace visor::chat;

void envelope(std::string_view input) {
  auto read = parse_envelope(input);
  if (!read) return;
  auto again = parse_envelope(encode(*read));
  test::must(again && again->type == read->type && again->id == read->id && again->body == read->body &&
                 again->ack == read->ack && again->reply_to == read->reply_to,
             "an envelope survives being written");
}

void group_message(ByteView input) {
  auto read = parse_group_message(input);
  if (!read) return;
  auto again = parse_group_message(bytes(std::string_view(to_leaf(*read))));
  test::must(again && canonical(*again) == canonical(*read) && again->signature == read->signature,
             "a group's message survives being written");
}

void decision(ByteView input) {
  for (Domain domain : {Domain::kRoster, Domain::kAdmin}) {
    auto read = parse_mutation(domain, input);
    if (!read) continue;
    auto again = parse_mutation(domain, bytes(std::string_view(to_leaf(*read))));
    test::must(again && canonical(*again) == canonical(*read), "a decision survives being written");
  }
  auto key = parse_key_mutation(input);
  if (!key) return;
  auto again = parse_key_mutation(bytes(std::string_view(to_leaf(*key))));
  test::must(again && canonical(*again) == canonical(*key), "a new key survives being written");
}

void link(std::string_view input) {
  auto read = parse_link(input);
  if (!read) return;
  auto again = parse_link(to_link(*read));
  test::must(again && again->group == read->group && again->key == read->key && again->port == read->port,
             "an invitation survives being written");
}

void path(std::string_view input) {
  auto read = parse_message_path(input);
  if (read) test::must(to_text(*read) == input, "a path is read as it is written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      envelope(visor::text(input));
      break;
    case 1:
      group_message(input);
      break;
    case 2:
      decision(input);
      break;
    case 3:
      link(visor::text(input));
      break;
    default:
      path(visor::text(input));
  }
  return 0;
}
