/* Boot: the engine on our allocator, and its hooks; the input buffer's exports. */

/* What the engine gets. While it compiles it does not look whether it got anything, so a refusal then
 * must end it. */
static void *granted(void *block) {
  if (likely(block)) return block;
  guest_header.ran_full = 1;
  if (guest_compiling) abort();
  return NULL;
}

static void *engine_calloc(void *o, size_t count, size_t size) {
  (void)o;
  return granted(heap_calloc(count, size));
}
static void *engine_malloc(void *o, size_t size) {
  (void)o;
  return granted(heap_alloc(size));
}
static void engine_free(void *o, void *block) {
  (void)o;
  heap_free(block);
}
static void *engine_realloc(void *o, void *block, size_t size) {
  (void)o;
  return granted(heap_realloc(block, size));
}
static size_t engine_usable_size(const void *block) { return heap_usable_size(block); }

static const JSMallocFunctions engine_allocator = {engine_calloc, engine_malloc, engine_free,
                                                   engine_realloc, engine_usable_size};

/* Called by the engine, through a named edit: when to collect next. As upstream, half as much again,
 * but in time before the limit, or garbage would pass for a full memory. What is shared out counts
 * against the limit, but is none of the engine's. */
size_t guest_gc_threshold(size_t used) {
  size_t threshold = used + used / 2;
  size_t limit = heap_limit > shares_used ? heap_limit - shares_used : heap_limit;
  if (heap_limit && threshold > limit - limit / 8) {
    threshold = limit - limit / 8;
    if (threshold < used + limit / 64) threshold = used + limit / 64;
  }
  return threshold;
}

/* Make room for `size` bytes and a terminating zero. Returns where, or 0: out of memory. What was in
 * the buffer is lost. */
GUEST_EXPORT(guest_reserve)(uint32_t size) {
  if (size < guest_header.input_capacity) return guest_header.input_ptr;
  if (size == UINT32_MAX) return 0;
  return replace_input(size + 1 > SMALLEST_INPUT ? size + 1 : SMALLEST_INPUT);
}

/* Give back what a long input took. Returns as guest_reserve. */
GUEST_EXPORT(guest_shrink)(void) { return replace_input(SMALLEST_INPUT); }

static void set_hooks(void) {
  JS_SetInterruptHandler(rt, on_interrupt, NULL);
  JS_SetHostPromiseRejectionTracker(rt, on_rejection, NULL);
  JS_SetModuleLoaderFunc2(rt, module_normalize, module_load, module_check_attributes, NULL);
}

/* Boot the engine; once, at build time (image.py), without limits. The build tells which blocks are
 * `hot`, and gets a list of all in `blocks`, which has room enough; see layout.h. Returns how many there
 * are, or 0: out of memory. */
GUEST_EXPORT(guest_boot)(uint32_t hot, uint32_t hot_count, uint32_t blocks) {
  guest_header.abi = GUEST_ABI;
  guest_header.size = sizeof guest_header;
  handles.free = -1;
  modules.registered = JS_UNDEFINED;
  if (!layout_begin((HotBlock *)(uintptr_t)hot, hot_count, (BootBlock *)(uintptr_t)blocks)) return 0;
  rt = JS_NewRuntime2(&boot_allocator, NULL);
  if (!rt) return 0;
  set_hooks();
  ctx = JS_NewContext(rt);
  if (!ctx || !install_globals(ctx) || !set_input(boot_alloc(SMALLEST_INPUT), SMALLEST_INPUT)) return 0;
  rt->mf = engine_allocator;
  seal_image();
  uint32_t count = layout.count;
  layout = (Layout){0};
  return count;
}
