// The group net: streams between two visors of the plugin, on a simulated network.
#include <algorithm>

#include "check/native/net_end.hpp"
#include "check/native/trial.hpp"
#include "kernel/json.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::check {
namespace {

constexpr uint64_t kPatienceMs = 60000, kLinkMs = 180000; /* virtual */
constexpr uint16_t kPort = 4077;

/* Two visors and what the checks ask of them. */
class Link {
 public:
  Link(Trial& trial, Stage& on, Stage::Visor& first, Stage::Visor& second)
      : found(trial.found), stage(on), alpha(first), beta(second), trial_(trial) {}

  visor_net* net(Stage::Visor& visor) const { return visor.find<visor_net>(VISOR_NET_1); }
  visor_addr address_of(Stage::Visor& visor, uint16_t port) const { return {visor.kernel->key(), port}; }

  Result<visor_stream*> dial(Stage::Visor& from, const visor_addr& to) const {
    return await<visor_stream>(stage.waiter(from),
                               [&](visor_done done) { return net(from)->api->dial(net(from), &to, done); });
  }

  /* Beta listens; until alpha reaches it, by a transport made for it where the plugin makes transports.
   * False: a finding, or what the plugin lacks as the reason to skip the check. */
  bool connect() {
    bool offered = net(alpha) && net(beta);
    if (!found.expect(offered, "announces " VISOR_NET_1 " and offers none")) return false;
    auto heard = listener_.listen(beta.host(), net(beta), kPort, [this](visor_stream* stream) {
      accepted_.push_back(std::make_unique<End>(beta.host(), stream));
    });
    if (!found.expect(heard.has_value(), [&] { return "listen: " + heard.error().text; })) return false;
    bool introduced = save_transport();
    stage.doing("dialling the other visor");
    Error last{VISOR_OK, "it never answered"};
    uint64_t deadline_ns = stage.loop().now_ns() + kLinkMs * 1000000;
    constexpr int kTries = kLinkMs / 1000; /* where nothing is due, time stands still */
    for (int i = 0; i < kTries && stage.loop().now_ns() < deadline_ns; ++i) {
      auto stream = dial(alpha, address_of(beta, kPort));
      if (stream) {
        End first(alpha.host(), *stream);
        stage.loop().run_until([&] { return !accepted_.empty(); }, kPatienceMs);
        first.stream.close();
        stage.loop().run_for(1000);
        accepted_.clear();
        return true;
      }
      last = stream.error();
      stage.loop().run_for(1000);
    }
    std::string why =
        "two visors of it do not reach each other: " + last.text +
        "; give a configuration that connects them with --config, where @PEER_KEY@, @PEER_HOST@ and "
        "@OWN_HOST@ stand for the other's key and the two machines";
    if (!introduced && !trial_.options.config && is_unreachable(last)) {
      trial_.skipped = std::move(why);
    } else {
      found.add(why);
    }
    return false;
  }
  /* A new stream, both ends of it. */
  std::optional<Pair> open() {
    accepted_.clear();
    stage.doing("dialling the other visor");
    auto stream = dial(alpha, address_of(beta, kPort));
    if (!found.expect(stream.has_value(), [&] { return "dial: " + stream.error().text; }))
      return std::nullopt;
    Pair pair{std::make_unique<End>(alpha.host(), *stream), nullptr};
    const Bytes mark = random_bytes(8); /* which of the streams that come in it is */
    pair.dialer->send(mark);
    auto marked = [&] {
      return std::ranges::find_if(accepted_, [&](const auto& end) { return end->received == mark; });
    };
    bool came = stage.loop().run_until([&] { return marked() != accepted_.end(); }, kPatienceMs);
    if (!found.expect(came, "a dial completed and the listener never heard of it, or of the first bytes")) {
      return std::nullopt;
    }
    pair.listener = std::move(*marked());
    accepted_.clear();
    for (End* end : {pair.dialer.get(), pair.listener.get()}) {
      end->received.clear();
      end->outbox.clear();
      end->sent = end->refusals = 0;
    }
    return pair;
  }
  bool until(const std::function<bool()>& condition, std::string_view otherwise) const {
    return found.expect(stage.loop().run_until(condition, kPatienceMs), otherwise);
  }
  Bytes random_bytes(size_t size) const {
    Bytes out(size);
    stage.loop().random(out);
    return out;
  }

  Findings& found;
  Stage& stage;
  Stage::Visor &alpha, &beta;

 private:
  /* It says that it knows no way, where nobody has told it one. */
  static bool is_unreachable(const Error& error) {
    return !error.text.empty() &&
           (error.status == VISOR_ENOENT || error.status == VISOR_ETIMEDOUT || error.status == VISOR_ECLOSED);
  }
  /* Whether alpha has one now. */
  bool save_transport() {
    auto* transports = alpha.find<visor_transports>(VISOR_TRANSPORTS_1);
    if (!transports) return false;
    for (const std::string& url : stage.ledger().listening("beta")) {
      visor_key peer = beta.kernel->key();
      auto saved = await<void>(stage.waiter(alpha), [&](visor_done done) {
        return transports->api->save(transports, &peer, VISOR_TEXT("stcpr"), to_span(std::string_view(url)),
                                     {}, done);
      });
      if (saved) return true;
    }
    return false;
  }
  Trial& trial_;
  Listener listener_;
  std::vector<std::unique_ptr<End>> accepted_;
};

using OnLink = std::function<void(Link&)>;

std::function<void(Trial&)> on_a_link(OnLink check) {
  return [check = std::move(check)](Trial& trial) {
    const Cast* cast = trial.cast();
    if (!cast) return;
    Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
    auto alpha = stage.run("alpha");
    if (!trial.found.expect(alpha.has_value(), [&] { return alpha.error().text; })) return;
    auto beta = stage.run("beta");
    if (!trial.found.expect(beta.has_value(), [&] { return beta.error().text; })) return;
    {
      Link link(trial, stage, **alpha, **beta);
      if (link.connect()) check(link);
    }
    stage.stop(**alpha);
    stage.stop(**beta);
    stage.loop().run_for(kPatienceMs);
    stage.ledger().close_promises();
    trial.judge(stage.ledger(), {Rule::kDone, Rule::kEvents, Rule::kErrors, Rule::kLeft});
  };
}

void listen(Link& link) {
  visor_net* net = link.net(link.alpha);
  Listener first, second;
  auto heard = first.listen(link.alpha.host(), net, 5001, [&](visor_stream* s) { s->api->close(s); });
  link.found.expect(heard.has_value(), [&] { return "listen: " + heard.error().text; });
  heard = second.listen(link.alpha.host(), net, 5001, [&](visor_stream* s) { s->api->close(s); });
  link.found.expect(!heard && heard.error().status == VISOR_EEXIST, [&] {
    return "listen on a port that is listened on: expected VISOR_EEXIST, got " +
           status_name(heard ? VISOR_OK : heard.error().status);
  });
  first.close();
  heard = second.listen(link.alpha.host(), net, 5001, [&](visor_stream* s) { s->api->close(s); });
  link.found.expect(heard.has_value(),
                    [&] { return "listen on a port whose listener was closed: " + heard.error().text; });
}

void refused(Link& link) {
  /* A network that has no answer for a dial says so by closing the stream. */
  auto nobody = link.dial(link.alpha, link.address_of(link.beta, 5999));
  link.found.expect(nobody || !nobody.error().text.empty(),
                    "dial of a port that nobody listens on failed without a word");
  if (nobody) {
    End end(link.alpha.host(), *nobody);
    end.send(Bytes{1});
    link.until([&] { return end.closed.has_value(); },
               "dial of a port that nobody listens on gave a stream, and it was never closed");
  }
  visor_key stranger{};
  std::array<uint8_t, 32> secret{};
  secret.fill(0xc3);
  if (auto key = crypto::public_key_of(crypto::SecretKey(secret))) stranger = *key;
  link.stage.doing("dialling a key that nobody has");
  auto unknown = link.dial(link.alpha, {stranger, kPort});
  if (!link.found.expect(!unknown, "dial of a key that nobody has completed with a stream")) return;
  link.found.expect(!unknown.error().text.empty(), "dial of a key that nobody has failed without a word");
}

void cancel(Link& link) {
  struct Answer {
    int runs = 0;
    visor_status status = VISOR_OK;
  };
  auto finished = [](void* ctx, visor_status status, void* result) {
    auto& answer = *static_cast<Answer*>(ctx);
    ++answer.runs;
    answer.status = status;
    if (auto* stream = static_cast<visor_stream*>(result); status == VISOR_OK && stream)
      stream->api->close(stream);
  };
  visor_net* net = link.net(link.alpha);
  visor_addr to = link.address_of(link.beta, kPort);
  for (uint64_t after_ms : {0u, 1u, 3u}) {
    auto* answer = link.stage.ledger().keep(std::make_unique<Answer>());
    if (!link.found.expect_status(link.alpha.host(), net->api->dial(net, &to, {finished, answer}), VISOR_OK,
                                  "dial"))
      return;
    if (after_ms > 0) link.stage.loop().run_for(after_ms);
    bool late = answer->runs > 0;
    net->api->cancel(net, answer);
    if (!link.until([&] { return answer->runs > 0; }, "the done of a dial that was cancelled never ran"))
      return;
    link.found.expect(late || answer->status == VISOR_ECANCELED, [&] {
      return "a dial that was cancelled completed with " + status_name(answer->status) +
             "; expected VISOR_ECANCELED";
    });
  }
  int nobodys = 0;
  net->api->cancel(net, &nobodys); /* harmless */
}

void streams(Link& link) {
  auto pair = link.open();
  if (!pair) return;
  const visor_addr *theirs = pair->dialer->stream.peer(), *ours = pair->listener->stream.peer();
  link.found.expect(theirs && theirs->key == link.beta.kernel->key() && theirs->port == kPort,
                    "the dialer's peer() is not the key and port that were dialled");
  link.found.expect(ours && ours->key == link.alpha.kernel->key(),
                    "the listener's peer() is not the dialer's key");
  pair->dialer->send(Bytes{1, 2, 3});
  pair->listener->send(Bytes{4, 5});
  link.until(
      [&] { return pair->listener->received == Bytes{1, 2, 3} && pair->dialer->received == Bytes{4, 5}; },
      "a few bytes each way did not arrive as they were sent");
  pair->dialer->stream.end();
  link.until([&] { return pair->listener->ended; },
             "after end() the peer did not hear the end (data of size 0)");
  pair->listener->send(Bytes{6});
  link.until([&] { return pair->dialer->received == Bytes{4, 5, 6}; },
             "after end() of one side, bytes of the other do not arrive");
  pair->listener->stream.end();
  link.until([&] { return pair->dialer->closed && pair->listener->closed; },
             "both sides have ended and `closed` did not run on both");
}

void limits(Link& link) {
  auto pair = link.open();
  if (!pair) return;
  Bytes large((1u << 20) + 1);
  link.found.expect_status(link.alpha.host(), pair->dialer->stream.write(large), VISOR_EINVAL,
                           "write of more than 1 MiB");
  pair->dialer->stream.end();
  link.found.expect_status(link.alpha.host(), pair->dialer->stream.write(Bytes{1}), VISOR_ECLOSED,
                           "write after end");
}

void bulk(Link& link) {
  auto pair = link.open();
  if (!pair) return;
  Bytes there = link.random_bytes(3u << 20), back = link.random_bytes(2u << 20);
  pair->dialer->send(there);
  pair->listener->send(back);
  for (int i = 0; i < 20; ++i) { /* with pauses */
    pair->listener->stream.pause(i % 2 == 0);
    link.stage.loop().run_for(20);
  }
  pair->listener->stream.pause(false);
  link.until(
      [&] {
        return pair->listener->received.size() >= there.size() &&
               pair->dialer->received.size() >= back.size();
      },
      "3 MiB there and 2 MiB back did not arrive within a minute");
  link.found.expect(pair->listener->received == there && pair->dialer->received == back,
                    "what arrived is not what was sent");
}

/* Nobody reads: the writer has to be refused before it has filled the memory, and told when it may go on. */
void back_pressure(Link& link) {
  constexpr size_t kFar = 64u << 20;
  auto pair = link.open();
  if (!pair) return;
  pair->listener->stream.pause(true);
  Bytes piece(1u << 20, 'p');
  while (pair->dialer->refusals == 0 && pair->dialer->sent < kFar && pair->dialer->failed == VISOR_OK) {
    pair->dialer->send(piece);
    link.stage.loop().run_for(100);
  }
  if (!link.found.expect(
          pair->dialer->refusals > 0,
          "64 MiB were taken for a peer that does not read; answer VISOR_EAGAIN when a bound is reached"))
    return;
  pair->listener->stream.pause(false);
  link.until([&] { return pair->dialer->sent == pair->dialer->outbox.size(); },
             "a writer that was refused never heard `ready` although the peer reads again");
  link.until([&] { return pair->listener->received.size() == pair->dialer->outbox.size(); },
             "not everything arrived after a writer was refused");
}

void many(Link& link) {
  std::vector<Pair> pairs;
  for (int i = 0; i < 50; ++i) {
    auto pair = link.open();
    if (!pair) return;
    pairs.push_back(std::move(*pair));
  }
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i].dialer->send(Bytes(1000 + i, static_cast<uint8_t>(i)));
  link.until(
      [&] {
        for (size_t i = 0; i < pairs.size(); ++i) {
          if (pairs[i].listener->received.size() < 1000 + i) return false;
        }
        return true;
      },
      "bytes on 50 streams at once did not all arrive");
  for (size_t i = 0; i < pairs.size(); ++i) {
    bool own = pairs[i].listener->received == Bytes(1000 + i, static_cast<uint8_t>(i));
    if (!link.found.expect(own, "bytes of one stream arrived on another")) return;
  }
  for (size_t i = 0; i < pairs.size(); i += 2) pairs[i].dialer->stream.close();
  link.until([&] { return pairs[0].listener->closed || pairs[0].listener->ended; },
             "a stream was closed and the peer heard nothing of it");
  pairs[1].dialer->send(Bytes{7});
  link.until([&] { return pairs[1].listener->received.back() == 7; }, "closing streams disturbed others");
}

void cut(Link& link) {
  auto pair = link.open();
  if (!pair) return;
  link.stage.network().cut("alpha", "beta");
  pair->dialer->send(Bytes{1});
  bool heard =
      link.stage.loop().run_until([&] { return pair->dialer->closed && pair->listener->closed; }, 300000);
  if (!link.found.expect(heard,
                         "the network was cut and `closed` did not run on both sides within five minutes"))
    return;
  link.found.expect(pair->dialer->closed->status != VISOR_OK,
                    "`closed` says VISOR_OK although the network was cut");
}

}  // namespace

std::vector<TrialRow> net_trials(const Description& plugin) {
  if (std::ranges::find(plugin.offers, VISOR_NET_1) == plugin.offers.end()) return {};
  return {
      {"net", "listen", "A port has one listener, and is free once its handle is closed", on_a_link(listen)},
      {"net", "refused", "Dialling nobody fails, once, with a sentence", on_a_link(refused)},
      {"net", "cancel", "A dial that is cancelled completes with VISOR_ECANCELED", on_a_link(cancel)},
      {"net", "streams", "Streams carry bytes both ways, know their peer, and end half by half",
       on_a_link(streams)},
      {"net", "limits", "A write above 1 MiB or after the end is refused", on_a_link(limits)},
      {"net", "bulk", "Megabytes arrive whole and in order, with pauses", on_a_link(bulk), 2},
      {"net", "back_pressure", "A peer that does not read is felt by the writer", on_a_link(back_pressure),
       2},
      {"net", "many", "Fifty streams do not disturb each other", on_a_link(many)},
      {"net", "cut", "A network that is cut closes its streams on both sides", on_a_link(cut)},
  };
}

void exercise_net(Trial& trial, Stage& stage, Stage::Visor& alpha, Stage::Visor& beta) {
  Link link(trial, stage, alpha, beta);
  if (!link.connect()) return;
  listen(link);
  cancel(link);
  streams(link);
  bulk(link);
  many(link);
}

}  // namespace visor::check
