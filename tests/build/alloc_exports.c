/* The allocator, reachable from a test. */
#include "alloc.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

void *EXPORT(alloc)(size_t size) { return heap_alloc(size); }
void *EXPORT(calloc_)(size_t count, size_t size) { return heap_calloc(count, size); }
void *EXPORT(realloc_)(void *block, size_t size) { return heap_realloc(block, size); }
void EXPORT(free_)(void *block) { heap_free(block); }
size_t EXPORT(usable)(const void *block) { return heap_usable_size(block); }
size_t EXPORT(used)(void) { return heap_used; }
size_t EXPORT(peak)(void) { return heap_peak; }
size_t EXPORT(refused)(void) { return heap_refused; }
void EXPORT(set_limit)(size_t limit) { heap_limit = limit; }
size_t EXPORT(bytes)(void) { return __builtin_wasm_memory_size(0) * 65536; }
