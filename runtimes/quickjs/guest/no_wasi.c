/* The calls into the operating system that the C library still mentions, defined here so that the
 * guest does not import them. Nothing in a release build reaches one: they hang on printf to a
 * stream, which only the engine's debugging code uses. Of WASI the clock alone is imported.
 *
 * In a debug build a failed assertion or a leak report writes to a stream; it becomes a console
 * event of level CONSOLE_ERROR, which is the only way out of a guest.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "header.h"

typedef struct Slice { /* WASI's ciovec */
  const uint8_t *data;
  uint32_t length;
} Slice;

enum { WASI_OK = 0, WASI_BAD_FILE = 8 };

#define WASI(name) __imported_wasi_snapshot_preview1_##name

int32_t WASI(fd_write)(int32_t file, const Slice *slices, int32_t count, uint32_t *written);
int32_t WASI(fd_seek)(int32_t file, int64_t offset, int32_t whence, uint64_t *position);
int32_t WASI(fd_fdstat_get)(int32_t file, void *status);

#ifdef GUEST_DEBUG
GUEST_IMPORT(console)
extern uint32_t host_console(uint32_t level, const uint8_t *event, uint32_t length);

/* MessagePack: [nil, nil, nil, [text]], as console.* sends it where there is no position. */
static void report(const uint8_t *text, uint32_t length) {
  static const uint8_t start[] = {0x94, 0xc0, 0xc0, 0xc0, 0x91, 0xd9};
  uint8_t event[sizeof start + 1 + UINT8_MAX];
  if (length > UINT8_MAX) length = UINT8_MAX;
  memcpy(event, start, sizeof start);
  event[sizeof start] = (uint8_t)length;
  memcpy(event + sizeof start + 1, text, length);
  host_console(CONSOLE_ERROR, event, sizeof start + 1 + length);
}

/* What assert() calls; fast_libc.h renames it. */
_Noreturn void guest_assert_fail(const char *text, const char *file, int line,
                                 const char *function) {
  char message[UINT8_MAX];
  int length = snprintf(message, sizeof message, "%s:%d: %s: assertion failed: %s", file, line,
                        function, text);
  report((const uint8_t *)message, (uint32_t)length);
  abort();
}
#endif

int32_t WASI(fd_write)(int32_t file, const Slice *slices, int32_t count, uint32_t *written) {
  (void)file;
  *written = 0;
  for (int32_t i = 0; i < count; i++) {
#ifdef GUEST_DEBUG
    if (slices[i].length) report(slices[i].data, slices[i].length);
#endif
    *written += slices[i].length;
  }
  return WASI_OK;
}

int close(int file) {
  (void)file;
  return -1;
}

int32_t WASI(fd_seek)(int32_t file, int64_t offset, int32_t whence, uint64_t *position) {
  (void)file, (void)offset, (void)whence, (void)position;
  return WASI_BAD_FILE;
}

int32_t WASI(fd_fdstat_get)(int32_t file, void *status) {
  (void)file, (void)status;
  return WASI_BAD_FILE;
}
