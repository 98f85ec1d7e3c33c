/* What the guest asks of the host; nothing else of the world is reachable. See ABI.md.
 *
 * Replies of call, resolve and source lie in the input buffer and are valid until the guest
 * returns to the host or calls it again.
 */

GUEST_IMPORT(call)
extern uint64_t host_call(uint32_t function_id, const uint8_t *arguments, uint32_t length);
GUEST_IMPORT(console)
extern uint32_t host_console(uint32_t level, const uint8_t *event, uint32_t length);
GUEST_IMPORT(resolve)
extern uint64_t host_resolve(const uint8_t *request, uint32_t length);
GUEST_IMPORT(source)
extern uint64_t host_source(const uint8_t *request, uint32_t length);
GUEST_IMPORT(check)
extern uint32_t host_check(uint32_t place);

__attribute__((import_module("wasi_snapshot_preview1"), import_name("clock_time_get")))
extern uint32_t wasi_clock_time_get(uint32_t clock, uint64_t precision_ns, uint64_t *time_ns);

/* Wasmtime's own clock: no Python, no lock. Nanoseconds since some fixed moment. */
static int64_t monotonic_ns(void) {
  const uint32_t monotonic = 1;
  uint64_t now = 0;
  wasi_clock_time_get(monotonic, 1, &now);
  return (int64_t)now;
}
