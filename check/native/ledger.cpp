#include "check/native/ledger.hpp"

#include <algorithm>

namespace visor::check {

Promise::Promise(Ledger& ledger, Host host, Provider provider, const Party* user, visor_done inner,
                 std::string what, Translate translate)
    : ledger_(ledger),
      host_(host),
      provider_(provider),
      user_(user),
      inner_(inner),
      what_(std::move(what)),
      translate_(std::move(translate)) {}

visor_status Promise::returned(visor_status status) {
  in_call_ = false;
  bool mine = provider_ == Provider::kSubject;
  if (mine && status > 0) ledger_.broke(Rule::kErrors, what_ + " returned " + status_name(status));
  if (mine && early_) {
    ledger_.broke(Rule::kDone, status == VISOR_OK
                                   ? "the done of " + what_ +
                                         " ran before the call had returned; it runs later, from the loop"
                                   : what_ + " returned " + status_name(status) +
                                         " and ran its done too; a call that fails at once never runs it");
  }
  if (status != VISOR_OK) {
    refused_ = true;
    return status;
  }
  if (early_) post(host_, [this] { deliver(early_status_, early_result_); });
  return status;
}

void Promise::set_canceling(bool inside) {
  in_cancel_ = inside;
  canceled_ = true;
}

void Promise::run(void* ctx, visor_status status, void* result) {
  auto& self = *static_cast<Promise*>(ctx);
  bool mine = self.provider_ == Provider::kSubject;
  if (!self.ledger_.on_loop_thread()) {
    if (mine)
      self.ledger_.broke(Rule::kThread,
                         "the done of " + self.what_ + " ran on another thread than the loop's");
    post(self.host_, [&self, status, result] { run(&self, status, result); });
    return;
  }
  if (++self.runs_ > 1) {
    if (mine)
      self.ledger_.broke(Rule::kDone, "the done of " + self.what_ + " ran twice; it runs exactly once");
    return;
  }
  if (self.refused_) {
    if (mine)
      self.ledger_.broke(Rule::kDone, self.what_ + " returned an error and ran its done later all the same");
    return;
  }
  if (mine && self.in_cancel_) {
    self.ledger_.broke(Rule::kDone,
                       "the done of " + self.what_ + " ran inside cancel; it runs later, from the loop");
  }
  if (self.in_call_) {
    self.early_ = true;
    self.early_status_ = status;
    self.early_result_ = result;
    return;
  }
  self.deliver(status, result);
}

void Promise::deliver(visor_status status, void* result) {
  if (provider_ == Provider::kSubject) {
    if (status > 0) ledger_.broke(Rule::kErrors, "the done of " + what_ + " was told " + status_name(status));
    if (canceled_ && status == VISOR_OK && result) {
      ledger_.broke(Rule::kDone, what_ + " was cancelled and completed with a result all the same");
    }
    if (status != VISOR_OK && status != VISOR_ECANCELED && host_.error(status).text.empty()) {
      ledger_.broke(Rule::kErrors, what_ + " failed with " + status_name(status) +
                                       " and without a word; host->fail takes the sentence");
    }
  }
  if (user_ && user_->stopped) {
    ledger_.broke(
        Rule::kStopped,
        "the done of " + what_ + " ran after stop had completed; cancel what is under way, or wait for it");
  }
  if (status == VISOR_OK && translate_) result = translate_(result);
  if (inner_.fn) inner_.fn(inner_.ctx, status, result);
}

void Ledger::broke(Rule rule, std::string sentence) {
  std::lock_guard lock(mutex_);
  auto& sentences = sentences_[static_cast<size_t>(rule)];
  if (sentences.size() < Findings::kMaxSentences) sentences.push_back(std::move(sentence));
}

std::vector<std::string> Ledger::sentences(Rule rule) const {
  std::lock_guard lock(mutex_);
  return sentences_[static_cast<size_t>(rule)];
}

bool Ledger::expect_loop_thread(std::string_view call) {
  if (on_loop_thread()) return true;
  broke(Rule::kThread, "called " + std::string(call) +
                           " on another thread than the loop's; use host->post, which may be called on any");
  return false;
}

Promise& Ledger::promise(Host host, Provider provider, const Party* user, visor_done inner, std::string what,
                         Promise::Translate translate) {
  promises_.push_back(
      std::make_unique<Promise>(*this, host, provider, user, inner, std::move(what), std::move(translate)));
  return *promises_.back();
}

Promise* Ledger::find_promise(const void* done_ctx) {
  for (auto at = promises_.rbegin(); at != promises_.rend(); ++at) {
    if ((*at)->is(done_ctx)) return at->get();
  }
  return nullptr;
}

void Ledger::close_promises() {
  for (const auto& promise : promises_) {
    if (!promise->open() || promise->provider() != Provider::kSubject) continue;
    broke(Rule::kDone, "the done of " + promise->what() + " never ran");
  }
}

size_t Ledger::open_promises() const {
  return static_cast<size_t>(std::ranges::count_if(
      promises_, [](const auto& p) { return p->open() && p->provider() == Provider::kSubject; }));
}

Party& Ledger::add_party() {
  parties_.push_back(std::make_unique<Party>(Party{*this}));
  return *parties_.back();
}

std::vector<std::string> Ledger::listening(std::string_view machine) const {
  std::vector<std::string> out;
  for (const auto& [where, url] : listening_) {
    if (where == machine) out.push_back(url);
  }
  return out;
}

void Ledger::set_listening(std::string machine, std::string url, bool on) {
  auto [from, to] = listening_.equal_range(machine);
  auto at = std::find_if(from, to, [&](const auto& row) { return row.second == url; });
  if (on) {
    listening_.emplace(std::move(machine), std::move(url));
  } else if (at != to) {
    listening_.erase(at);
  }
}

void* Ledger::offered(const std::string& machine, const std::string& id) const {
  auto at = offered_.find({machine, id});
  return at == offered_.end() ? nullptr : at->second;
}

void Ledger::set_offered(const std::string& machine, const std::string& id, void* object) {
  if (object) {
    offered_.emplace(std::pair{machine, id}, object);
  } else {
    offered_.erase({machine, id});
  }
}

kernel::Service Ledger::service(std::string machine) {
  class Offer final : public kernel::ServiceObject {
   public:
    Offer(Ledger& ledger, std::string machine) : door_{ledger, std::move(machine)} {}
    void* object() override { return &door_; }
    std::string status() const override { return "{}"; }

   private:
    Door door_;
  };
  return {kService, "check", [this, machine](Host) { return std::make_unique<Offer>(*this, machine); }};
}

}  // namespace visor::check
