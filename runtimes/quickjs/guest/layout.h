/* The layout of the image: which blocks of the boot lie together.
 *
 * A runtime copies each page of the image that it writes to, and most of what it writes are counts and
 * links in some tens of blocks, which boot makes between a thousand that are only read. So the build
 * boots twice. The first time it gets a list of all blocks, and runs scripts to see which ones are
 * written to (rehearsal.py); the second time it hands in those, and they lie in one place.
 *
 * Boot does the same each time, so a block is known by its number: that of the request for it. While the
 * engine boots its arenas have one block each (sealing.h), so that all requests arrive here. What is here
 * runs at build time only.
 */

/* A block that lies in the place for those that are written to. Their order here is that there. */
typedef struct HotBlock {
  uint32_t number;
  uint32_t size;    /* in: of the request */
  uint8_t *payload; /* used here */
} HotBlock;

/* A request, as the build reads it. */
typedef struct BootBlock {
  uint32_t payload;
  uint32_t size; /* usable; it may have been freed since */
} BootBlock;

typedef struct Layout {
  HotBlock *hot;
  uint32_t hot_count;
  BootBlock *blocks;
  uint32_t count; /* of requests so far */
} Layout;

static Layout layout;

/* Make two blocks in use of one; returns the second. Each is at least of the smallest size. */
static inline Block *heap_split(Block *block, uint32_t size) {
  Block *second = block_after(block, size);
  second->size = block_size(block) - size;
  block->size = size | (block->size & BLOCK_FLAGS);
  return second;
}

/* Cut the place for the hot blocks out of one large block, which lies where the heap begins. */
static bool layout_begin(HotBlock *hot, uint32_t hot_count, BootBlock *blocks) {
  uint32_t total = HEAP_MIN_BLOCK;
  for (uint32_t i = 0; i < hot_count; i++) total += heap_block_size(hot[i].size);
  uint8_t *payload = heap_alloc(total);
  if (!payload) return false;
  Block *rest = payload_block(payload);
  for (uint32_t i = 0; i < hot_count; i++) {
    hot[i].payload = block_payload(rest);
    rest = heap_split(rest, heap_block_size(hot[i].size));
  }
  heap_sealed += block_size(rest); /* of the smallest size, and nobody's */
  layout.hot = hot;
  layout.hot_count = hot_count;
  layout.blocks = blocks;
  layout.count = 0;
  return true;
}

/* The place that was kept for the request that comes now, or NULL. */
static void *hot_place(size_t size) {
  for (uint32_t i = 0; i < layout.hot_count; i++) {
    const HotBlock *hot = &layout.hot[i];
    if (hot->number == layout.count && heap_block_size(hot->size) == heap_block_size(size))
      return hot->payload;
  }
  return NULL;
}

static void *boot_alloc(size_t size) {
  void *payload = hot_place(size);
  if (!payload) payload = heap_alloc(size);
  layout.blocks[layout.count++] = (BootBlock){(uintptr_t)payload, heap_usable_size(payload)};
  return payload;
}

static void *boot_malloc(void *o, size_t size) {
  (void)o;
  return boot_alloc(size);
}

static void *boot_calloc(void *o, size_t count, size_t size) {
  (void)o;
  void *payload = boot_alloc(count * size);
  return payload ? memset(payload, 0, count * size) : NULL;
}

static void boot_free(void *o, void *payload) {
  (void)o;
  heap_free(payload);
}

static size_t boot_usable_size(const void *payload) { return heap_usable_size(payload); }

/* Always moves: whether there is room behind a block depends on the layout. */
static void *boot_realloc(void *o, void *payload, size_t size) {
  (void)o;
  void *moved = boot_alloc(size);
  if (!moved) return NULL;
  size_t usable = heap_usable_size(payload);
  if (payload) memcpy(moved, payload, size < usable ? size : usable);
  heap_free(payload);
  return moved;
}

static const JSMallocFunctions boot_allocator = {boot_calloc, boot_malloc, boot_free, boot_realloc,
                                                 boot_usable_size};
