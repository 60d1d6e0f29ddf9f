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

// Where the pieces go: as they are, or joined into one gzip member.
class Output {
 public:
  Output(Views& views, Encoding encoding) : views_(views), encoding_(encoding) {}

  void text(std::string& out, std::string_view piece) {
    if (encoding_ == Encoding::kPlain) {
      out += piece;
    } else {
      part(out, views_.part(piece));
    }
  }
  void separator(std::string& out) {
    if (encoding_ == Encoding::kPlain) {
      out += kBetweenRows;
    } else {
      part(out, views_.separator());
    }
  }
  void section(std::string& out, const RenderedBlock& block, size_t number) {
    if (encoding_ == Encoding::kGzip) return part(out, block.content->parts[number]);
    size_t begin = number == 0 ? 0 : block.content->ends[number - 1];
    out.append(block.content->text, begin, block.content->ends[number] - begin);
  }
  void end(std::string& out) {
    if (encoding_ == Encoding::kPlain) return;
    begin(out);
    join_.end(out);
  }

 private:
  void begin(std::string& out) {
    if (!std::exchange(begun_, true)) join_.begin(out);
  }
  void part(std::string& out, const codec::GzipPart& piece) {
    begin(out);
    join_.add(out, piece);
  }

  Views& views_;
  Encoding encoding_;
  codec::GzipJoin join_;
  bool begun_ = false;
};

bool is_empty(const RenderedBlock& block, size_t section) {
  const RenderedContent& content = *block.content;
  if (!content.parts.empty()) return content.parts[section].size == 0;
  return content.ends[section] == (section == 0 ? 0 : content.ends[section - 1]);
}

class RowsBody final : public Body {
 public:
  RowsBody(const Aggregator& aggregator, Views& views, Views::View view, AppendRow row)
      : views_(views),
        view_(view),
        row_(std::move(row)),
        output_(views, view.encoding),
        walk_(aggregator.blocks()) {}

  bool next(std::string& out) override {
    BlockWalk::Step step = walk_.next();
    if (!step.block) {
      output_.text(out, begun_ ? "]\n" : "[]\n");
      output_.end(out);
      return false;
    }
    if (step.row > 0) {
      std::string rest;
      render(rest, *step.block, step.row);
      if (rest.empty()) return true;
      before_rows(out);
      output_.text(out, rest);
      return true;
    }
    const RenderedBlock& block =
        views_.rendered(*step.block, view_, [&](std::string& text, std::vector<size_t>& ends) {
          render(text, *step.block, 0);
          ends.push_back(text.size());
        });
    if (is_empty(block, 0)) return true;
    before_rows(out);
    output_.section(out, block, 0);
    return true;
  }

 private:
  void before_rows(std::string& out) {
    if (std::exchange(begun_, true)) {
      output_.separator(out);
    } else {
      output_.text(out, "[");
    }
  }
  void render(std::string& out, const RowBlock& block, size_t from) const {
    for (size_t i = from; i < block.rows.size(); ++i) {
      size_t before = out.size();
      if (before > 0) out += kBetweenRows;
      if (!row_(out, *block.rows[i])) out.resize(before);
    }
  }

  Views& views_;
  Views::View view_;
  AppendRow row_;
  Output output_;
  BlockWalk walk_;
  bool begun_ = false;
};

class TextBody final : public Body {
 public:
  TextBody(const Aggregator& aggregator, Views& views, Views::View view, bool open_metrics, int64_t now_s,
           std::string process)
      : aggregator_(aggregator),
        views_(views),
        view_(view),
        open_metrics_(open_metrics),
        now_s_(now_s),
        process_(std::move(process)),
        output_(views, view.encoding),
        walk_(aggregator.blocks()) {}

  bool next(std::string& out) override {
    if (family_ == kTransportFamilies) {
      output_.text(out, open_metrics_ ? process_ + "# EOF\n" : process_);
      output_.end(out);
      return false;
    }
    if (!std::exchange(head_, true)) {
      std::string head;
      append_family_head(head, transport_family(family_), open_metrics_);
      output_.text(out, head);
    }
    BlockWalk::Step step = walk_.next();
    if (!step.block) {
      ++family_;
      head_ = false;
      walk_.restart();
    } else if (step.row > 0) {
      std::string rest;
      render(rest, *step.block, step.row, family_);
      output_.text(out, rest);
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
  void append_section(std::string& out, RowBlock& block) {
    const RenderedBlock& rendered =
        views_.rendered(block, view_, [&](std::string& text, std::vector<size_t>& ends) {
          for (size_t family = 0; family < kTransportFamilies; ++family) {
            render(text, block, 0, family);
            ends.push_back(text.size());
          }
        });
    output_.section(out, rendered, family_);
  }

  const Aggregator& aggregator_;
  Views& views_;
  Views::View view_;
  bool open_metrics_;
  int64_t now_s_;
  std::string process_;
  Output output_;
  BlockWalk walk_;
  size_t family_ = 0;
  bool head_ = false;
};

class PiecewiseBody final : public Body {
 public:
  PiecewiseBody(Views& views, Encoding encoding, std::function<bool(std::string&)> next)
      : output_(views, encoding), next_(std::move(next)) {}

  bool next(std::string& out) override {
    std::string piece;
    bool more = next_(piece);
    output_.text(out, piece);
    if (!more) output_.end(out);
    return more;
  }

 private:
  Output output_;
  std::function<bool(std::string&)> next_;
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

Views::Views() : separator_(maker_.make(kBetweenRows)) {}

Views::View Views::acquire(const std::string& text_name, Encoding encoding) {
  std::string name = encoding == Encoding::kGzip ? text_name + " gzip" : text_name;
  Slot* oldest = &slots_[0];
  for (Slot& slot : slots_) {
    if (slot.generation != 0 && slot.name == name) {
      slot.used = ++uses_;
      return {static_cast<size_t>(&slot - slots_), slot.generation, encoding};
    }
    if (slot.used < oldest->used) oldest = &slot;
  }
  *oldest = {name, ++generations_, ++uses_};
  return {static_cast<size_t>(oldest - slots_), oldest->generation, encoding};
}

const RenderedBlock& Views::rendered(RowBlock& block, View view, const Render& render) {
  RenderedBlock& kept = block.views[view.slot];
  if (kept.content && kept.revision == block.revision && kept.view_generation == view.generation) return kept;
  auto fresh = std::make_unique<RenderedContent>();
  std::string text;
  render(text, fresh->ends);
  if (view.encoding == Encoding::kGzip) {
    size_t begin = 0;
    for (size_t end : fresh->ends) {
      fresh->parts.push_back(maker_.make(std::string_view(text).substr(begin, end - begin)));
      begin = end;
    }
  } else {
    text.shrink_to_fit();
    fresh->text = std::move(text);
  }
  kept = {block.revision, view.generation, std::move(fresh)};
  return kept;
}

std::unique_ptr<Body> rows_body(const Aggregator& aggregator, Views& views, Encoding encoding,
                                const std::string& name, AppendRow row) {
  return std::make_unique<RowsBody>(aggregator, views, views.acquire(name, encoding), std::move(row));
}

std::unique_ptr<Body> json_body(const Aggregator& aggregator, Views& views, Encoding encoding,
                                const RowOptions& options, UnixDay today) {
  return rows_body(aggregator, views, encoding, name_of(options, today),
                   [&aggregator, options, today](std::string& out, const Transport& transport) {
                     return append_json_row(out, aggregator, transport, options, today);
                   });
}

std::unique_ptr<Body> text_body(const Aggregator& aggregator, Views& views, Encoding encoding,
                                bool open_metrics, int64_t now_s, std::string process) {
  return std::make_unique<TextBody>(aggregator, views, views.acquire("text", encoding), open_metrics, now_s,
                                    std::move(process));
}

std::unique_ptr<Body> piecewise_body(Views& views, Encoding encoding,
                                     std::function<bool(std::string&)> next) {
  return std::make_unique<PiecewiseBody>(views, encoding, std::move(next));
}

}  // namespace visor::transport_discovery
