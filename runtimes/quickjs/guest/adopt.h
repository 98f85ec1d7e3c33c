/* Adoption: what a booted heap, of an image or of a snapshot, gets before it runs as an instance. */

enum { USUAL_GC_THRESHOLD = 256 * 1024 }; /* upstream's, for a heap that is small */

/* Take this instance's limits from the header, and give it a time and randomness of its own. The
 * hash seed stays that of the image: the heap's tables are ordered by it. Returns 0, or 1: the heap
 * is larger than the limit. */
GUEST_EXPORT(guest_adopt)(uint64_t random_seed) {
  heap_limit = guest_header.memory_limit;
  heap_peak = heap_used;
  heap_refused = 0;
  guest_header.soft_stop = 0;
  guest_header.memory_used = guest_header.memory_peak = heap_used;
  guest_header.ran_full = 0;
  guest_hard_stop = HARD_NONE;
  JS_SetMaxStackSize(rt, guest_header.stack_bytes);
  size_t threshold = guest_gc_threshold(rt->malloc_state.malloc_size);
  JS_SetGCThreshold(rt, threshold > USUAL_GC_THRESHOLD ? threshold : USUAL_GC_THRESHOLD);
  ctx->random_state = random_seed ? random_seed : 1; /* 0 would stay 0 for ever */
  ctx->time_origin = js__now_ms();
  guest_time_origin = (double)js__gettimeofday_us() / 1000;
  return heap_limit && heap_used > heap_limit;
}
