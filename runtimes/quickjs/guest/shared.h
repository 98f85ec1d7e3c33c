/* Shared memory: blocks of the heap over which the host maps memory that other runtimes see too.
 *
 * The host names a buffer by a number, which it never gives to another one. `guest_share` sets a block
 * of whole pages of the host aside for it; the host maps the buffer over them; from then on the number
 * stands for a SharedArrayBuffer in the codec. There is at most one such object for each number, made
 * when the number is first read. When a script has dropped it, the share is idle: the host asks for
 * idle ones after each run, takes its mapping away (the pages are the guest's own again, and zero) and
 * only then says `guest_unshare`, which frees the block.
 *
 * Ownership: a share owns its block. The object is held by scripts alone; its finaliser clears `object`.
 */

typedef struct Share {
  struct Share *next;
  uint32_t number;
  uint32_t length; /* of the SharedArrayBuffer, in bytes */
  uint8_t *block;  /* what the allocator gave */
  uint8_t *pages;  /* in it: where the host maps */
  JSObject *object; /* not owned; NULL: idle */
} Share;

static Share *shares;
static size_t shares_used; /* bytes of heap_used that are blocks of shares: no garbage in there */

static Share *share_find(uint32_t number) {
  Share *share = shares;
  while (share && share->number != number) share = share->next;
  return share;
}

static Share *share_make(uint32_t number, uint32_t length, uint32_t page) {
  uint32_t refused = heap_refused, size;
  if (__builtin_add_overflow(length, 2 * page - 1, &size)) return NULL; /* rounded up, and aligned */
  size &= ~(page - 1);
  Share *share = heap_alloc(sizeof *share);
  uint8_t *block = share ? heap_alloc(size) : NULL;
  if (!block) {
    heap_free(share);
    heap_refused = refused; /* the host says so, no script's error does */
    return NULL;
  }
  uint8_t *pages = (uint8_t *)(((uintptr_t)block + page - 1) & ~(uintptr_t)(page - 1));
  *share = (Share){shares, number, length, block, pages, NULL};
  shares = share;
  shares_used += heap_usable_size(block);
  return share;
}

/* Set `length` bytes aside, rounded up to pages of the host, whose size is a power of two. Returns where
 * they begin, also if that was done before, or 0: out of memory. Runs no JavaScript. */
GUEST_EXPORT(guest_share)(uint32_t number, uint32_t length, uint32_t page) {
  Share *share = share_find(number);
  if (!share) share = share_make(number, length, page);
  return share ? (uintptr_t)share->pages : 0;
}

/* The number of a share that no script holds, or 0. Runs no JavaScript. */
GUEST_EXPORT(guest_idle_share)(void) {
  Share *share = shares;
  while (share && share->object) share = share->next;
  return share ? share->number : 0;
}

/* Free the block of an idle share; the host has taken its mapping away. Returns 0, or 1: it is not
 * idle. Runs no JavaScript. */
GUEST_EXPORT(guest_unshare)(uint32_t number) {
  Share **link = &shares;
  while (*link && (*link)->number != number) link = &(*link)->next;
  Share *share = *link;
  if (!share || share->object) return 1;
  *link = share->next;
  shares_used -= heap_usable_size(share->block);
  heap_free(share->block);
  heap_free(share);
  return 0;
}

/* The engine frees a buffer by reallocating it to nothing, and a shared one never otherwise. */
static void *share_dropped(JSRuntime *runtime, void *share, void *data, size_t size) {
  (void)runtime, (void)data, (void)size;
  ((Share *)share)->object = NULL;
  return NULL;
}

/* The SharedArrayBuffer of that number; a new reference. JS_UNDEFINED if there is no such share, or
 * JS_EXCEPTION. */
static JSValue share_object(JSContext *context, uint32_t number) {
  Share *share = share_find(number);
  if (!share) return JS_UNDEFINED;
  if (share->object) return js_dup(JS_MKPTR(JS_TAG_OBJECT, share->object));
  JSValue object = js_array_buffer_constructor3(context, JS_UNDEFINED, share->length, NULL,
                                                JS_CLASS_SHARED_ARRAY_BUFFER, share->pages,
                                                share_dropped, share, false);
  if (!JS_IsException(object)) share->object = JS_VALUE_GET_OBJ(object);
  return object;
}

/* The share behind a SharedArrayBuffer; NULL if a script made it. */
static const Share *share_of(const JSArrayBuffer *buffer) {
  return buffer->realloc_func == share_dropped ? buffer->opaque : NULL;
}
