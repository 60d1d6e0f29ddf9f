#include "bench/null_drive.hpp"

namespace visor::bench {
namespace {

visor_status get(visor_kv*, visor_span, visor_span* value) {
  value->size = 0;
  return VISOR_OK;
}

const visor_kv_api kApi = {
    sizeof(visor_kv_api), 0, &get, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
visor_kv kKv = {&kApi};

}  // namespace

RawGet raw_get() {
  return &get;
}
visor_kv* table_kv() {
  return &kKv;
}

}  // namespace visor::bench
