/* The C library's allocator is ours: its own users (the engine's few, and printf) take the same way.
 * Defining all of these keeps the C library's out of the link. */
#include <errno.h>

static inline void *libc_result(void *payload) {
  if (!payload)
    errno = ENOMEM;
  return payload;
}

void *malloc(size_t size) { return libc_result(heap_alloc(size)); }
void *calloc(size_t count, size_t size) { return libc_result(heap_calloc(count, size)); }
void *realloc(void *payload, size_t size) { return libc_result(heap_realloc(payload, size)); }
void free(void *payload) { heap_free(payload); }
size_t malloc_usable_size(void *payload) { return heap_usable_size(payload); }
