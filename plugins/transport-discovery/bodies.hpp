/* Bodies of /metrics, made piece by piece as the client reads them: however many transports there are, the
 * loop is held up only for one block of them.  A body that is under way follows the tables as they change;
 * every row in it is whole. */
#ifndef VISOR_TRANSPORT_DISCOVERY_BODIES_HPP
#define VISOR_TRANSPORT_DISCOVERY_BODIES_HPP
#include "rows.hpp"

namespace visor::transport_discovery {

class Body {
 public:
  virtual ~Body() = default;
  /* Appends the next piece, which may be empty; false when there are no more. */
  virtual bool next(std::string& out) = 0;
};

/* Which renderings of the blocks are kept: those asked for last. */
class Views {
 public:
  struct View {
    size_t slot;
    uint64_t generation;
  };
  /* The rendering that `name` stands for: same name, same text as long as nothing changes. */
  View acquire(const std::string& name);

  /* The block's text in this view; `render` makes it when it is not there or out of date. */
  template <class Render>
  static const RenderedBlock& rendered(RowBlock& block, View view, Render&& render) {
    RenderedBlock& kept = block.views[view.slot];
    if (kept.revision != block.revision || kept.view_generation != view.generation) {
      RenderedBlock fresh{block.revision, view.generation, nullptr, {}};
      std::string text;
      render(text, fresh.sections);
      text.shrink_to_fit();
      fresh.text = std::make_shared<const std::string>(std::move(text));
      kept = std::move(fresh);
    }
    return kept;
  }

 private:
  struct Slot {
    std::string name;
    uint64_t generation = 0, used = 0;
  };
  Slot slots_[RowBlock::kViews];
  uint64_t uses_ = 0, generations_ = 0;
};

/* All rows as one JSON array. */
std::unique_ptr<Body> json_body(const Aggregator& aggregator, Views& views, const RowOptions& options,
                                UnixDay today);

/* All samples, family by family; `process` follows them: what the TPD says of itself, in the same format. */
std::unique_ptr<Body> text_body(const Aggregator& aggregator, Views& views, bool open_metrics, int64_t now_s,
                                std::string process);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_BODIES_HPP
