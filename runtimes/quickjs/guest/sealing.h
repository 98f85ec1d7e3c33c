/* Sealing the image: where what comes after boot is put.
 *
 * Instances share the pages of the image for as long as they do not write to them, and each page that
 * one does write to costs it 4 KiB and a page fault. The free blocks that boot leaves behind lie all over
 * the heap. So they are closed, and new arenas lie close together behind the
 * image, small ones at first. Which blocks of the boot itself are written to, layout.h knows.
 */

enum {
  SMALL_HEAP = 24 * 1024, /* as long as less than this was added to the image, arenas are small */
  SMALL_ARENA = 4,        /* blocks, or as many as fit into */
  SMALL_ARENA_BYTES = JS_ARENA_MAX_SMALL_SIZE, /* which is one at least */
  NEARLY_FULL = 64 * 1024, /* and as long as there is less than this before the limit */
  USUAL_ARENA = 4096,     /* bytes; upstream's */
};

static size_t heap_sealed; /* bytes handed out for good */
static size_t heap_small; /* the bytes in use below which arenas are small; 0 before the end of boot */

/* Called by the engine, through a named edit: bytes of a new arena for blocks of that size. At boot each
 * block has an arena of its own, so that it can lie where it belongs (layout.h). */
static size_t guest_arena_size(size_t block) {
  if (!heap_small) return sizeof(JSArena) + block;
  bool full = heap_limit && heap_used + NEARLY_FULL > heap_limit; /* what is left must do for an Error */
  if (heap_used >= heap_small && !full) return USUAL_ARENA;
  size_t blocks = SMALL_ARENA_BYTES / block;
  return sizeof(JSArena) + block * (blocks > SMALL_ARENA ? SMALL_ARENA : blocks);
}

/* Likewise: whether an empty arena stays, since it is the only one of its size that is not full. A
 * script that takes and gives back one block would else make and free an arena each time. */
static bool guest_keeps_arena(const struct list_head *free_link) {
#ifdef GUEST_DEBUG
  (void)free_link; /* whose leak check would count it */
  return false;
#else
  return free_link->next == free_link->prev && free_link->next != free_link;
#endif
}

/* Let go of the arenas of the boot: no new block comes from them, and what is made or freed later leaves
 * their links alone. */
static void seal_arenas(void) {
  for (int i = 0; i < JS_ARENA_BLOCK_SIZE_COUNT; i++) {
    struct list_head *each, *next;
    list_for_each_safe(each, next, &rt->arena_state.arena_list[i]) init_list_head(each);
    init_list_head(&rt->arena_state.arena_list[i]);
    list_for_each_safe(each, next, &rt->arena_state.free_arena_list[i]) init_list_head(each);
    init_list_head(&rt->arena_state.free_arena_list[i]);
  }
}

/* Hand out for good whatever is free between the blocks in use: some KiB, which count as used. */
static void seal_heap(void) {
  for (Block *block = heap_first; block != heap_end;) {
    uint32_t size = block_size(block);
    Block *after = block_after(block, size);
    if ((block->size & BLOCK_FREE) && after != heap_end) {
      heap_unlink(block);
      block->size &= ~(uint32_t)BLOCK_FREE;
      after->size &= ~(uint32_t)BLOCK_PREV_FREE;
      heap_count(size);
      heap_sealed += size;
    }
    block = after;
  }
}

static void seal_image(void) {
  seal_arenas();
  seal_heap();
  heap_small = heap_used + SMALL_HEAP;
}
