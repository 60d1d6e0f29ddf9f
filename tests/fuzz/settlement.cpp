// What the other end of a new connection may send before there is a transport, and after: byte 0 chooses the
// side that is attacked and whether the bytes begin with a sound message, byte 1 how they are cut.  A side
// that settles has both signatures, whatever came.
#include "plugins/transports/settlement.hpp"
#include "lib/codec/transport_packet.hpp"
#include "tests/fuzz/party.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;
using namespace visor::transports;
using test::Party;

Signer signer_of(const Party& party) {
  return [&party](const crypto::Hash& hash) { return crypto::sign_recoverable(hash, party.secret); };
}

// Once it has settled, the rest are packets, which can be anything.
template <class Side>
void attack(Side& side, ByteView wire, size_t piece, const Party& a, const Party& b) {
  Result<bool> settled = false;
  while (!wire.empty() && settled && !*settled) {
    ByteView part = wire.first(std::min(piece, wire.size()));
    const size_t before = part.size();
    settled = side.receive(part);
    wire = wire.subspan(before - part.size());
  }
  if (!settled) {
    test::must(settled.error().status == VISOR_EPROTO || settled.error().status == VISOR_EPERM,
               "an error says whose fault it is");
    return;
  }
  if (!*settled) return;
  const codec::TransportEntry& entry = side.entry().entry;
  test::must(codec::edge_of(entry, a.key) < 2 && codec::edge_of(entry, b.key) < 2, "both ends are its edges");
  test::must(codec::verify_edge(side.entry(), codec::edge_of(entry, b.key)).has_value(),
             "the other end has signed");
  codec::PacketReader packets;
  while (auto packet = packets.read(wire)) {
    test::must(packet->payload.size() <= codec::kMaxPacketPayload, "a packet is bounded");
    (void)codec::ping_nonce(*packet);
  }
  test::must(wire.empty(), "every byte is of a packet");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Party dialer(1), acceptor(2);
  if (size < 2) return 0;
  const bool attack_acceptor = (data[0] & 1) != 0, sound = (data[0] & 2) != 0;
  const size_t piece = 1 + data[1];
  const ByteView rest(data + 2, size - 2);
  Proposal proposal(dialer.key, codec::make_transport_entry(dialer.key, acceptor.key, "stcpr", "user"));
  Response response(acceptor.key, dialer.key, "stcpr");
  Bytes wire;
  Bytes begun = *proposal.begin(signer_of(dialer));
  if (sound && attack_acceptor) wire = begun;
  if (sound && !attack_acceptor) {
    ByteView proposed = begun;
    test::must(response.receive(proposed) == true, "a sound proposal is accepted");
    wire = *response.accept(signer_of(acceptor));
  }
  wire.insert(wire.end(), rest.begin(), rest.end());
  if (sound && !rest.empty() && (data[0] & 4) != 0) wire[rest[0] % wire.size()] ^= rest.back();
  if (attack_acceptor) {
    attack(response, wire, piece, acceptor, dialer);
  } else {
    attack(proposal, wire, piece, dialer, acceptor);
  }
  return 0;
}
