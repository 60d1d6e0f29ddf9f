/* What JavaScript does for the module (web/visor-host.js implements it): the import module "visor".  None of
 * these functions calls back into the module before it has returned.  Text and bytes are lent for the call.
 */
#ifndef VISOR_KERNEL_WASM_IMPORTS_HPP
#define VISOR_KERNEL_WASM_IMPORTS_HPP
#include <cstddef>
#include <cstdint>

#define VISOR_IMPORT(name) __attribute__((import_module("visor"), import_name(name)))

extern "C" {

/* Milliseconds: monotonic from an arbitrary start; since 1970. */
VISOR_IMPORT("now_ms") double visor_import_now_ms(void);
VISOR_IMPORT("unix_ms") double visor_import_unix_ms(void);

/* Call visor_turn() in so many milliseconds, 0: as soon as other events had their turn; below 0: not at all.
 * Replaces what was asked before. */
VISOR_IMPORT("wake") void visor_import_wake(double delay_ms);

/* A record of the log, a JSON object: {"time", "level", "instance", "sequence", "text"}. */
VISOR_IMPORT("log") void visor_import_log(const char* json, size_t size);

/* The start has ended, once for each visor_boot(): VISOR_OK and the public key in hex, or a status and what
 * is wrong. */
VISOR_IMPORT("started") void visor_import_started(int32_t status, const char* text, size_t size);
/* The end of visor_stop(): no timer, socket or call is left. */
VISOR_IMPORT("stopped") void visor_import_stopped(void);

/* One value, JSON, of the call that visor_call() began.  0: taken; VISOR_EAGAIN: not taken, visor_resume()
 * follows. */
VISOR_IMPORT("value") int32_t visor_import_value(uint32_t call, const char* json, size_t size);
/* The call is over; text: what is wrong when status is not VISOR_OK. */
VISOR_IMPORT("finished")
void visor_import_finished(uint32_t call, int32_t status, const char* text, size_t size);

/* Begins a WebSocket under a number that is new.  0, or VISOR_EINVAL: the browser refuses the address. */
VISOR_IMPORT("socket_open") int32_t visor_import_socket_open(uint32_t socket, const char* url, size_t size);
/* Sends one binary message. */
VISOR_IMPORT("socket_send") void visor_import_socket_send(uint32_t socket, const void* data, size_t size);
/* Bytes that were sent and have not left yet. */
VISOR_IMPORT("socket_buffered") double visor_import_socket_buffered(uint32_t socket);
/* Begins an orderly close.  The socket's events go on. */
VISOR_IMPORT("socket_close") void visor_import_socket_close(uint32_t socket);
/* No event of this socket comes any more; closes it if it is open. */
VISOR_IMPORT("socket_drop") void visor_import_socket_drop(uint32_t socket);

/* Begins a request of the browser's under a number that is new; headers are lines "name: value\r\n".  What it
 * answers is read up to max_body bytes. */
VISOR_IMPORT("fetch_start")
void visor_import_fetch_start(uint32_t fetch, const char* method, size_t method_size, const char* url,
                              size_t url_size, const char* headers, size_t headers_size, const void* body,
                              size_t body_size, double max_body);
/* No answer of this request comes any more; ends it if it is under way. */
VISOR_IMPORT("fetch_drop") void visor_import_fetch_drop(uint32_t fetch);

}  // extern "C"
#endif  // VISOR_KERNEL_WASM_IMPORTS_HPP
