/* visor/plugin.hpp - the C++ glue over the plugin ABI: for each interface a base class whose thunks are
 * noexcept and turn exceptions into VISOR_EINTERNAL with the text, and owners for what must be closed or
 * withdrawn. Header-only; needs C++23 and nothing else. */
#ifndef VISOR_PLUGIN_HPP
#define VISOR_PLUGIN_HPP
#include "command.hpp"
#include "contract.hpp"
#include "feed.hpp"
#include "host.hpp"
#include "http.hpp"
#include "instance.hpp"
#include "net.hpp"
#include "offer.hpp"
#include "storage.hpp"
#include "stream.hpp"
#include "task.hpp"
#include "value.hpp"
#include "visor.h"
#endif  // VISOR_PLUGIN_HPP
