/* Instances' commands, as this program knows them: of a running visor, or of the plugins that there are. */
#ifndef VISOR_PROGRAMS_ROWS_HPP
#define VISOR_PROGRAMS_ROWS_HPP
#include <string>
#include <vector>
#include <visor/value.hpp>

#include "kernel/catalog.hpp"

namespace visor::programs {

struct Row {
  std::string instance, plugin, command, summary;
  std::string plugin_summary; /* empty: not known */
  std::string params;         /* JSON Schema of the arguments */
  bool streams = false, hidden = false;
};

/* The kernel's own rows, then each plugin's, under the plugin's name: what runs where a configuration gives
 * no other names. */
std::vector<Row> rows_of_catalog(const kernel::Catalog& catalog);

/* Of a gateway's GET /api. */
Result<std::vector<Row>> rows_of_document(std::string_view openapi);

/* Takes the plugins' summaries, which no gateway tells, from the plugins that there are here. */
void add_summaries(std::vector<Row>& rows, const kernel::Catalog& catalog);

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_ROWS_HPP
