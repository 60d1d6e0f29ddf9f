/* Long bodies, made piece by piece as the client reads them: however many transports there are, the loop is
 * held up only for one block of them.  A body that is under way follows the tables as they change; every row
 * in it is whole.
 *
 * What is rendered of a block is kept, compressed for those who ask for gzip: an answer is joined from
 * prepared pieces, and a change costs rendering and compressing its own block. */
#ifndef VISOR_TRANSPORT_DISCOVERY_BODIES_HPP
#define VISOR_TRANSPORT_DISCOVERY_BODIES_HPP
#include <functional>

#include "lib/codec/gzip_parts.hpp"
#include "rows.hpp"

namespace visor::transport_discovery {

enum class Encoding : uint8_t { kPlain, kGzip };

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
    Encoding encoding;
  };
  /* Appends the sections of a block to the text and tells where each ends. */
  using Render = std::function<void(std::string& text, std::vector<size_t>& ends)>;

  Views();
  /* The rendering that `name` stands for: same name, same text as long as nothing changes. */
  View acquire(const std::string& name, Encoding encoding);
  /* The block in this view; `render` makes it when it is not there or out of date. */
  const RenderedBlock& rendered(RowBlock& block, View view, const Render& render);
  /* Text that is not kept, for joining with what is. */
  codec::GzipPart part(std::string_view text) { return maker_.make(text); }
  /* What stands between rows. */
  const codec::GzipPart& separator() const { return separator_; }

 private:
  struct Slot {
    std::string name;
    uint64_t generation = 0, used = 0;
  };
  Slot slots_[RowBlock::kViews];
  uint64_t uses_ = 0, generations_ = 0;
  codec::GzipPartMaker maker_;
  codec::GzipPart separator_;
};

/* Rows as one JSON array, a row a transport in the order of the identifiers.  `name` says what `row` writes:
 * the same name, the same row. */
using AppendRow = std::function<bool(std::string& out, const Transport& transport)>;
std::unique_ptr<Body> rows_body(const Aggregator& aggregator, Views& views, Encoding encoding,
                                const std::string& name, AppendRow row);

/* Rows of /metrics. */
std::unique_ptr<Body> json_body(const Aggregator& aggregator, Views& views, Encoding encoding,
                                const RowOptions& options, UnixDay today);

/* All samples, family by family; `process` follows them: what the TPD says of itself, in the same format. */
std::unique_ptr<Body> text_body(const Aggregator& aggregator, Views& views, Encoding encoding,
                                bool open_metrics, int64_t now_s, std::string process);

/* Whatever `next` appends, until it says false; nothing of it is kept. */
std::unique_ptr<Body> piecewise_body(Views& views, Encoding encoding, std::function<bool(std::string&)> next);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_BODIES_HPP
