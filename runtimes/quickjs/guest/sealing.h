/* Sealing the image: where what comes after boot is put.
 *
 * Instances share the pages of the image for as long as they do not write to them, and each page that
 * one does write to costs it 4 KiB and a page fault. The free blocks that boot leaves behind lie all over
 * the heap. So they are closed, and arenas, of which boot makes none, lie close together behind the
 * image, small ones at first. Which blocks of the boot itself are written to, layout.h knows.
 */

enum {
  LARGEST_SMALL = 512,    /* bytes of a block that comes from an arena; upstream's */
  SMALL_HEAP = 24 * 1024, /* as long as less than this was added to the image, arenas are small */
  SMALL_ARENA = 4,        /* blocks, or as many as fit into */
  SMALL_ARENA_BYTES = LARGEST_SMALL, /* which are one at least */
  USUAL_ARENA = 4096,     /* bytes; upstream's */
};

static size_t heap_sealed; /* bytes handed out for good */
static size_t heap_small; /* the bytes in use below which arenas are small; 0 before the end of boot */

/* Called by the engine, through a named edit: bytes of a new arena for blocks of that size. */
static size_t guest_arena_size(size_t block) {
  if (heap_used >= heap_small) return USUAL_ARENA;
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
  seal_heap();
  heap_small = heap_used + SMALL_HEAP;
}
