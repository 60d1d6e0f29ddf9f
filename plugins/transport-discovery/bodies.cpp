#include "bodies.hpp"

#include <algorithm>

namespace visor::transport_discovery {
namespace {

constexpr std::string_view kBetweenRows = ",\n";

// Goes through all blocks in order, whatever happens to them in between.
class BlockWalk {
 public:
  explicit BlockWalk(const RowBlocks& blocks) : blocks_(blocks) {}

  struct Step {
    RowBlock* block; /* null at the end */
    size_t row;      /* the first one not walked over yet; 0 but for a block that was divided meanwhile */
  };
  Step next() {
    Transport* first = begun_ ? blocks_.after(last_) : blocks_.first();
    begun_ = true;
    if (!first) return {nullptr, 0};
    RowBlock* block = first->block;
    last_ = block->rows.back()->id;
    return {block, static_cast<size_t>(std::ranges::lower_bound(block->rows, first->id, {}, &Transport::id) -
                                       block->rows.begin())};
  }
  void restart() { begun_ = false; }

 private:
  const RowBlocks& blocks_;
  TransportId last_;
  bool begun_ = false;
};

class JsonBody final : public Body {
 public:
  JsonBody(const Aggregator& aggregator, Views::View view, const RowOptions& options, UnixDay today)
      : aggregator_(aggregator), view_(view), options_(options), today_(today), walk_(aggregator.blocks()) {}

  bool next(std::string& out) override {
    BlockWalk::Step step = walk_.next();
    if (!step.block) {
      out += begun_ ? "]\n" : "[]\n";
      return false;
    }
    if (step.row > 0) {
      std::string rest;
      render(rest, *step.block, step.row);
      append(out, rest);
    } else {
      append(out, *Views::rendered(*step.block, view_, [&](std::string& text, std::vector<size_t>&) {
                     render(text, *step.block, 0);
                   }).text);
    }
    return true;
  }

 private:
  // Every row behind a separator; the first of all loses it.
  void render(std::string& out, const RowBlock& block, size_t from) const {
    for (size_t i = from; i < block.rows.size(); ++i) {
      size_t before = out.size();
      out += kBetweenRows;
      if (!append_json_row(out, aggregator_, *block.rows[i], options_, today_)) out.resize(before);
    }
  }
  void append(std::string& out, std::string_view rows) {
    if (rows.empty()) return;
    if (!std::exchange(begun_, true)) {
      out += '[';
      rows.remove_prefix(kBetweenRows.size());
    }
    out += rows;
  }

  const Aggregator& aggregator_;
  Views::View view_;
  RowOptions options_;
  UnixDay today_;
  BlockWalk walk_;
  bool begun_ = false;
};

class TextBody final : public Body {
 public:
  TextBody(const Aggregator& aggregator, Views::View view, bool open_metrics, int64_t now_s,
           std::string process)
      : aggregator_(aggregator),
        view_(view),
        open_metrics_(open_metrics),
        now_s_(now_s),
        process_(std::move(process)),
        walk_(aggregator.blocks()) {}

  bool next(std::string& out) override {
    if (family_ == kTransportFamilies) {
      out += process_;
      if (open_metrics_) out += "# EOF\n";
      return false;
    }
    if (!head_) {
      head_ = true;
      append_family_head(out, transport_family(family_), open_metrics_);
    }
    BlockWalk::Step step = walk_.next();
    if (!step.block) {
      ++family_;
      head_ = false;
      walk_.restart();
    } else if (step.row > 0) {
      render(out, *step.block, step.row, family_);
    } else {
      append_section(out, *step.block);
    }
    return true;
  }

 private:
  void render(std::string& out, const RowBlock& block, size_t from, size_t family) const {
    for (size_t i = from; i < block.rows.size(); ++i) {
      append_samples(out, aggregator_, *block.rows[i], family, now_s_);
    }
  }
  void append_section(std::string& out, RowBlock& block) const {
    const RenderedBlock& rendered =
        Views::rendered(block, view_, [&](std::string& text, std::vector<size_t>& ends) {
          for (size_t family = 0; family < kTransportFamilies; ++family) {
            render(text, block, 0, family);
            ends.push_back(text.size());
          }
        });
    size_t begin = family_ == 0 ? 0 : rendered.sections[family_ - 1];
    out.append(*rendered.text, begin, rendered.sections[family_] - begin);
  }

  const Aggregator& aggregator_;
  Views::View view_;
  bool open_metrics_;
  int64_t now_s_;
  std::string process_;
  BlockWalk walk_;
  size_t family_ = 0;
  bool head_ = false;
};

// What makes two renderings of rows the same.
std::string name_of(const RowOptions& options, UnixDay today) {
  std::string name = "json " + std::to_string(today) + " " + std::to_string(options.days) + " " +
                     std::to_string(static_cast<int>(options.live)) + (options.edges ? " e" : "") +
                     (options.bandwidth ? " b" : "") + (options.latency ? " l" : "");
  for (const std::string& type : options.types) name += " " + type;
  return name;
}

}  // namespace

Views::View Views::acquire(const std::string& name) {
  Slot* oldest = &slots_[0];
  for (Slot& slot : slots_) {
    if (slot.generation != 0 && slot.name == name) {
      slot.used = ++uses_;
      return {static_cast<size_t>(&slot - slots_), slot.generation};
    }
    if (slot.used < oldest->used) oldest = &slot;
  }
  *oldest = {name, ++generations_, ++uses_};
  return {static_cast<size_t>(oldest - slots_), oldest->generation};
}

std::unique_ptr<Body> json_body(const Aggregator& aggregator, Views& views, const RowOptions& options,
                                UnixDay today) {
  return std::make_unique<JsonBody>(aggregator, views.acquire(name_of(options, today)), options, today);
}

std::unique_ptr<Body> text_body(const Aggregator& aggregator, Views& views, bool open_metrics, int64_t now_s,
                                std::string process) {
  return std::make_unique<TextBody>(aggregator, views.acquire("text"), open_metrics, now_s,
                                    std::move(process));
}

}  // namespace visor::transport_discovery
