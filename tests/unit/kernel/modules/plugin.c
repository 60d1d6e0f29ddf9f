/* A plugin, and variants of it that break one rule each. */
#include <stdlib.h>
#include <visor/visor.h>

#ifndef ABI
#define ABI VISOR_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(visor_plugin)
#endif

/* Reading a file's symbols must not run this. */
__attribute__((constructor)) static void loaded(void) {
  setenv("VISOR_TEST_MODULE_RAN", "1", 1);
}

#ifdef UNRESOLVED
extern int nobody_defines_this(void);
#endif

static visor_status start(visor_host* host, void** self, visor_done done) {
  *self = host;
  (void)done;
#ifdef UNRESOLVED
  return nobody_defines_this();
#else
  return VISOR_ENOSYS;
#endif
}

static void stop(void* self, visor_done done) {
  (void)self;
  (void)done;
}

static visor_status run(void* self, visor_call* call, visor_span args) {
  (void)self;
  (void)call;
  (void)args;
  return VISOR_ENOSYS;
}

static const visor_command kCommands[] = {
    {"one", "A command", "{}", 0, 0, run},
#ifdef BAD_ROW
    {"one", "The same name again", "{}", 0, 0, run},
#endif
};

#define PLUGIN(name) VISOR_PLUGIN(name)
#define TEXT(name) #name
#define TEXT_OF(name) TEXT(name)
#ifndef OWN_NAME
#define OWN_NAME TEXT_OF(NAME)
#endif

PLUGIN(NAME) = {
    .size = SIZE,
    .abi = ABI,
    .name = OWN_NAME,
    .version = "1.0.0",
    .summary = "A plugin for the loader's tests",
    .license = "MIT",
    .commands = kCommands,
    .command_count = sizeof kCommands / sizeof kCommands[0],
    .command_size = sizeof(visor_command),
    .start = start,
    .stop = stop,
};
