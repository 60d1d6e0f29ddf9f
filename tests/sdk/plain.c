/* A plugin in plain C, with nothing but the headers: it gives back its arguments. */
#include <stdlib.h>
#include <visor/visor.h>

typedef struct plain {
  visor_host *host;
  visor_done done;
  int stopping;
} plain;

/* A done never runs inside the call that took it. */
static void later(void *ctx) {
  plain *self = ctx;
  visor_done done = self->done;
  if (self->stopping) free(self);
  done.fn(done.ctx, VISOR_OK, NULL);
}

static visor_status start(visor_host *host, void **out, visor_done done) {
  plain *self = calloc(1, sizeof *self);
  if (!self) return host->api->fail(host, VISOR_EINTERNAL, VISOR_TEXT("no memory is left"));
  self->host = host;
  self->done = done;
  *out = self;
  host->api->post(host, later, self);
  return VISOR_OK;
}

static void stop(void *ctx, visor_done done) {
  plain *self = ctx;
  self->done = done;
  self->stopping = 1;
  self->host->api->post(self->host, later, self);
}

static visor_status echo(void *self, visor_call *call, visor_span args) {
  visor_status status = call->api->emit(call, args);
  (void)self;
  if (status == VISOR_OK) call->api->finish(call, VISOR_OK);
  return status;
}

static const visor_command commands[] = {
    {"echo", "Gives back what it is given", "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}}",
     VISOR_COMMAND_READS, 0, echo},
};

VISOR_PLUGIN(plain) = {
    VISOR_PLUGIN_HEAD,
    .name = "plain",
    .version = "1.0.0",
    .summary = "Gives back what it is given, in C",
    .license = "MIT",
    .commands = commands,
    .command_count = 1,
    .command_size = sizeof(visor_command),
    .start = start,
    .stop = stop,
};
