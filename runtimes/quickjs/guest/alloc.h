/* The guest's allocator: a two-level segregated fit over linear memory, which also keeps the books.
 *
 * The engine serves requests up to 512 bytes from arenas of its own, so what arrives here is mostly
 * those arenas (4 KiB) and large blocks. malloc and free take constant time whatever a script has
 * done before, neighbours are joined at once, and a block at the end of memory grows in place.
 * Algorithm: M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a new dynamic memory allocator for
 * real-time systems", 2004.
 *
 * Memory is a row of blocks, each a multiple of 16 bytes:
 *
 *     | prev_size | size + flags | payload ................ | prev_size | size + flags | ...
 *                                 ^ aligned to 16            ^ belongs to the payload while the
 *                                                              block before it is in use
 *
 * so a block in use costs 4 bytes. Each stretch of memory ends with a block of size 0, always in
 * use. The last stretch is lengthened, a few pages of the host at a time, since writing its end far
 * from all else would take a page; by what memory there is, else by memory.grow. If somebody else grew
 * the memory in between, a new stretch is begun behind theirs.
 *
 * Ownership: what heap_alloc, heap_calloc and heap_realloc return belongs to the caller until
 * heap_free. A refused request changes nothing: after heap_realloc returned NULL the old block is
 * still the caller's. There are no threads in a guest.
 */
#ifndef GUEST_ALLOC_H
#define GUEST_ALLOC_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(sizeof(void *) == 4, "block headers are laid out for 32-bit addresses");

enum {
  HEAP_ALIGN = 16,
  HEAP_OVERHEAD = 4, /* bytes of a block in use that its owner cannot use */
  HEAP_MIN_BLOCK = 16,
  HEAP_MAX_REQUEST = 0x7fff0000, /* keeps all sums below within 32 bits */
  HEAP_SUBCLASSES_LOG2 = 4,      /* a block found is at most 1/16 larger than asked for */
  HEAP_SUBCLASSES = 1 << HEAP_SUBCLASSES_LOG2,
  HEAP_LINEAR = HEAP_ALIGN * HEAP_SUBCLASSES, /* below, each size has a class of its own */
  HEAP_CLASSES = 25,                          /* class 0 is linear, then one per power of two */
  HEAP_PAGE = 65536,
  HEAP_HOST_PAGE = 4096, /* of most hosts: what takes memory once it is written to */
  HEAP_MIN_STRETCH = 64,
  HEAP_MAX_STEP = 1 << 20, /* memory is not grown by more than this in advance */
};

enum { BLOCK_FREE = 1, BLOCK_PREV_FREE = 2, BLOCK_FLAGS = 15 };

typedef struct Block {
  uint32_t prev_size; /* size of the block before; valid only while that one is free */
  uint32_t size;      /* of the whole block, with flags in its low bits */
  struct Block *next; /* links of the free list; payload while the block is in use */
  struct Block *prev;
} Block;

static size_t heap_used;     /* bytes in use now, with overhead */
static size_t heap_peak;     /* the most there ever were */
static size_t heap_limit;    /* heap_used never exceeds it; 0 = unlimited */
static uint32_t heap_refused; /* how many requests were refused, for whatever reason */

static uint32_t heap_class_map;
static uint32_t heap_subclass_map[HEAP_CLASSES];
static Block *heap_free_list[HEAP_CLASSES][HEAP_SUBCLASSES];
static Block *heap_end;      /* the size-0 block of the last stretch; NULL before first use */
static uintptr_t heap_top;   /* up to where memory is ours; the last stretch may end before it */
static Block *heap_first;    /* the first block of the first stretch */
static uint8_t *heap_virgin; /* from here to heap_end memory was never handed out: it is zero but
                                for the header, links and prev_size of the free block in it */

extern uint8_t __heap_base; /* the linker puts it behind stack and data */

static inline uint32_t block_size(const Block *block) {
  return block->size & ~(uint32_t)BLOCK_FLAGS;
}

static inline Block *block_after(Block *block, uint32_t size) {
  return (Block *)((uint8_t *)block + size);
}

static inline void *block_payload(Block *block) { return (uint8_t *)block + offsetof(Block, next); }

static inline Block *payload_block(const void *payload) {
  return (Block *)((uintptr_t)payload - offsetof(Block, next));
}

/* The list that a free block of this size belongs to. */
static inline void heap_classify(uint32_t size, unsigned *cls, unsigned *sub) {
  if (size < HEAP_LINEAR) {
    *cls = 0;
    *sub = size / HEAP_ALIGN;
  } else {
    unsigned top = 31 - (unsigned)__builtin_clz(size);
    *cls = top - 7;
    *sub = (size >> (top - HEAP_SUBCLASSES_LOG2)) & (HEAP_SUBCLASSES - 1);
  }
}

static inline void heap_unlink(Block *block) {
  unsigned cls, sub;
  heap_classify(block_size(block), &cls, &sub);
  if (block->prev)
    block->prev->next = block->next;
  else
    heap_free_list[cls][sub] = block->next;
  if (block->next)
    block->next->prev = block->prev;
  if (!heap_free_list[cls][sub]) {
    heap_subclass_map[cls] &= ~(1u << sub);
    if (!heap_subclass_map[cls])
      heap_class_map &= ~(1u << cls);
  }
}

/* Make [block, block + size) one free block and list it. The block before it is in use. */
static inline void heap_link(Block *block, uint32_t size) {
  unsigned cls, sub;
  Block *after = block_after(block, size);
  heap_classify(size, &cls, &sub);
  block->size = size | BLOCK_FREE;
  block->prev = NULL;
  block->next = heap_free_list[cls][sub];
  if (block->next)
    block->next->prev = block;
  heap_free_list[cls][sub] = block;
  heap_subclass_map[cls] |= 1u << sub;
  heap_class_map |= 1u << cls;
  after->prev_size = size;
  after->size |= BLOCK_PREV_FREE;
}

/* A free block of at least this size, still listed, or NULL. Constant time: it looks only into
 * classes in which every block is large enough. */
static inline Block *heap_find(uint32_t size) {
  unsigned cls, sub;
  uint32_t map;
  if (size >= HEAP_LINEAR)
    size += (1u << (31 - __builtin_clz(size) - HEAP_SUBCLASSES_LOG2)) - 1;
  heap_classify(size, &cls, &sub);
  map = heap_subclass_map[cls] & (~0u << sub);
  if (!map) {
    uint32_t classes = heap_class_map & (~0u << cls << 1);
    if (!classes)
      return NULL;
    cls = (unsigned)__builtin_ctz(classes);
    map = heap_subclass_map[cls];
  }
  return heap_free_list[cls][__builtin_ctz(map)];
}

/* The end of the page of the host that ends here, or in which this is. */
static inline uintptr_t heap_page_end(uintptr_t at) {
  return (at + HEAP_HOST_PAGE - 1) & ~(uintptr_t)(HEAP_HOST_PAGE - 1);
}

/* Begin a stretch at `start` (any alignment), with room for `size` bytes if there is as much before
 * `top` (a page boundary); does nothing if that is hardly any room. */
static void heap_begin(uintptr_t start, uintptr_t top, uint32_t size) {
  if (top - start < HEAP_MIN_STRETCH) return;
  /* Payloads are aligned to 16, so blocks start 8 below such an address. */
  uintptr_t first = ((start + 8 + HEAP_ALIGN - 1) & ~(uintptr_t)(HEAP_ALIGN - 1)) - 8;
  uintptr_t end = top;
  if (size < top - first - 8) end = heap_page_end(first + size + 8);
  heap_top = top;
  heap_end = (Block *)(end - 8);
  heap_virgin = (uint8_t *)first;
  if (!heap_first) heap_first = (Block *)first;
  heap_end->size = 0;
  heap_link((Block *)first, (uint32_t)(end - 8 - first));
}

/* Pages of memory that hold a new stretch with a block of this size. */
static inline uint32_t heap_pages(uint32_t size) {
  return (size + 2 * HEAP_ALIGN + HEAP_PAGE - 1) / HEAP_PAGE;
}

/* Get `need` bytes of memory or more. Returns where they begin, or 0. */
static uintptr_t heap_more_memory(uint32_t need) {
  /* In advance an eighth of what is in use, so that growth stays amortised, within the limit. */
  uint32_t ahead = heap_used / 8 < HEAP_MAX_STEP ? heap_used / 8 : HEAP_MAX_STEP;
  if (heap_limit && heap_used + ahead > heap_limit)
    ahead = 0;
  uint32_t pages = heap_pages(need > ahead ? need : ahead);
  size_t old = __builtin_wasm_memory_grow(0, pages);
  if (old == SIZE_MAX)
    old = __builtin_wasm_memory_grow(0, heap_pages(need));
  return old == SIZE_MAX ? 0 : old * HEAP_PAGE;
}

/* Lengthen the last stretch, or begin another one, so that it ends with a free block of `size` bytes or
 * more. */
static bool heap_grow(uint32_t size) {
  uint32_t at_end = heap_end && (heap_end->size & BLOCK_PREV_FREE) ? heap_end->prev_size : 0;
  if (at_end >= size) return true; /* heap_find did not look into its class */
  uint32_t need = size - at_end;
  Block *block = heap_end;
  if (!block || need > heap_top - ((uintptr_t)block + 8)) {
    uintptr_t more = heap_more_memory(need);
    if (!more) return false;
    uintptr_t top = __builtin_wasm_memory_size(0) * HEAP_PAGE;
    if (!block || more != heap_top) {
      heap_begin(more, top, size);
      return heap_end->prev_size >= size || heap_grow(size);
    }
    heap_top = top;
  }
  uint32_t grown = (uint32_t)(heap_page_end((uintptr_t)block + 8 + need) - 8 - (uintptr_t)block);
  heap_end = block_after(block, grown);
  heap_end->size = 0;
  if (at_end) {
    Block *before = (Block *)((uint8_t *)block - at_end);
    heap_unlink(before);
    block->prev_size = block->size = 0; /* these 8 bytes become virgin memory */
    heap_link(before, at_end + grown);
  } else {
    heap_link(block, grown);
  }
  return true;
}

static inline uint32_t heap_block_size(size_t request) {
  uint32_t size = (uint32_t)request + HEAP_OVERHEAD + HEAP_ALIGN - 1;
  size &= ~(uint32_t)(HEAP_ALIGN - 1);
  return size < HEAP_MIN_BLOCK ? HEAP_MIN_BLOCK : size;
}

static inline bool heap_within_limit(uint32_t more) {
  return !heap_limit || (heap_used <= heap_limit && more <= heap_limit - heap_used);
}

static inline void heap_count(uint32_t more) {
  heap_used += more;
  if (heap_used > heap_peak)
    heap_peak = heap_used;
}

/* Shorten a block that counts as in use to `size`; the rest joins the free memory behind it. */
static inline void heap_trim(Block *block, uint32_t size) {
  uint32_t total = block_size(block), rest = total - size;
  Block *after = block_after(block, total);
  if (rest < HEAP_MIN_BLOCK)
    return;
  Block *tail = block_after(block, size);
  block->size = size | (block->size & BLOCK_FLAGS);
  tail->size = 0;
  if (after->size & BLOCK_FREE) {
    heap_unlink(after);
    rest += block_size(after);
  }
  heap_link(tail, rest);
}

/* Record that a block was handed out: neither it nor the header and links of a free block behind it
 * are virgin memory any more. */
static inline void heap_touch(Block *block) {
  uint8_t *end = (uint8_t *)block_after(block, block_size(block)) + sizeof(Block);
  if (end > heap_virgin)
    heap_virgin = end;
}

/* At least `size` bytes, aligned to 16, not cleared; NULL if that is refused (see heap_refused). */
static void *heap_alloc(size_t request) {
  if (request > HEAP_MAX_REQUEST)
    goto refuse;
  uint32_t size = heap_block_size(request);
  if (!heap_within_limit(size))
    goto refuse;
  Block *block = heap_find(size);
  if (!block) {
    if (!heap_end) /* the first call ever: what the linker left of the initial memory */
      heap_begin((uintptr_t)&__heap_base, __builtin_wasm_memory_size(0) * HEAP_PAGE, size);
    block = heap_find(size);
    if (!block) {
      if (!heap_grow(size))
        goto refuse;
      block = (Block *)((uint8_t *)heap_end - heap_end->prev_size);
    }
  }
  heap_unlink(block);
  block->size &= ~(uint32_t)BLOCK_FREE;
  block_after(block, block_size(block))->size &= ~(uint32_t)BLOCK_PREV_FREE;
  heap_trim(block, size);
  heap_touch(block);
  heap_count(block_size(block));
  return block_payload(block);
refuse:
  heap_refused++;
  return NULL;
}

/* How many bytes the owner of a block may use; NULL has none. */
static size_t heap_usable_size(const void *payload) {
  return payload ? block_size(payload_block(payload)) - HEAP_OVERHEAD : 0;
}

/* Give a block back; NULL is ignored. */
static void heap_free(void *payload) {
  if (!payload)
    return;
  Block *block = payload_block(payload);
  uint32_t size = block_size(block);
  assert(size >= HEAP_MIN_BLOCK && !(block->size & BLOCK_FREE) && size <= heap_used);
  heap_used -= size;
  Block *after = block_after(block, size);
  if (after->size & BLOCK_FREE) {
    heap_unlink(after);
    size += block_size(after);
  }
  if (block->size & BLOCK_PREV_FREE) {
    block = (Block *)((uint8_t *)block - block->prev_size);
    heap_unlink(block);
    size += block_size(block);
  }
  heap_link(block, size);
}

/* `size` cleared bytes (count * size_each), else as heap_alloc. Virgin memory is not cleared again,
 * so that a large buffer costs no pages before it is written to. */
static void *heap_calloc(size_t count, size_t size_each) {
  size_t request;
  uint8_t *virgin = heap_virgin;
  if (__builtin_mul_overflow(count, size_each, &request))
    request = SIZE_MAX; /* let heap_alloc refuse it */
  uint8_t *payload = heap_alloc(request);
  if (!payload)
    return NULL;
  size_t usable = heap_usable_size(payload);
  if (!virgin || virgin >= payload + usable)
    return memset(payload, 0, usable);
  if (virgin > payload)
    memset(payload, 0, (size_t)(virgin - payload));
  /* What the free list kept in virgin memory: two links in front, prev_size at the end. */
  memset(payload, 0, 8);
  memset(payload + usable - 4, 0, 4);
  return payload;
}

/* Lengthen a block in use to `size` without moving it; false if what is behind it is in use. */
static bool heap_extend(Block *block, uint32_t size) {
  uint32_t old = block_size(block);
  Block *after = block_after(block, old);
  uint32_t room = after->size & BLOCK_FREE ? block_size(after) : 0;
  if (old + room < size) {
    /* Only at the end of memory, and only if growing does not begin a new stretch. */
    if (block_after(after, room) != heap_end || !heap_grow(size - old))
      return false;
    room = after->size & BLOCK_FREE ? block_size(after) : 0;
    if (old + room < size)
      return false;
  }
  heap_unlink(after);
  block_after(after, room)->size &= ~(uint32_t)BLOCK_PREV_FREE;
  block->size += room;
  heap_trim(block, size);
  heap_touch(block);
  heap_count(block_size(block) - old);
  return true;
}

/* Change a block's size, moving it if need be. A payload of NULL allocates. On NULL the old block
 * is unchanged. A request of 0 keeps a smallest block, it does not free. */
static void *heap_realloc(void *payload, size_t request) {
  if (!payload)
    return heap_alloc(request);
  Block *block = payload_block(payload);
  uint32_t old = block_size(block), size;
  assert(old >= HEAP_MIN_BLOCK && !(block->size & BLOCK_FREE));
  if (request > HEAP_MAX_REQUEST)
    goto refuse;
  size = heap_block_size(request);
  if (size <= old) {
    heap_trim(block, size);
    heap_used -= old - block_size(block);
    return payload;
  }
  if (!heap_within_limit(size - old))
    goto refuse;
  if (heap_extend(block, size))
    return payload;
  void *moved = heap_alloc(request);
  if (!moved)
    return NULL; /* counted by heap_alloc */
  memcpy(moved, payload, old - HEAP_OVERHEAD);
  heap_free(payload);
  return moved;
refuse:
  heap_refused++;
  return NULL;
}

#endif
