/* The ids under which interfaces are found, fixed: a plugin has them in it.  Rows are appended, never edited.
 */
#include <visor/visor.h>
#include <string_view>

#define ID(name, id) static_assert(std::string_view(name) == (id), #name " has another id")

ID(VISOR_COMMANDS_1, "visor.commands/1");
ID(VISOR_DRIVE_1, "visor.drive/1");
ID(VISOR_FEEDS_1, "visor.feeds/1");
ID(VISOR_FETCH_1, "visor.fetch/1");
ID(VISOR_HTTP_1, "visor.http/1");
ID(VISOR_IDENTITY_1, "visor.identity/1");
ID(VISOR_NET_1, "visor.net/1");
ID(VISOR_SOCKETS_1, "visor.sockets/1");
ID(VISOR_TRANSPORTS_1, "visor.transports/1");
