/* The input buffer, where the host puts what an export expects, and what an import answers. */

enum {
  SMALLEST_INPUT = 1020, /* 1 KiB with its header: it lies among what every runtime writes to */
  MUCH_INPUT = 1024 * 1024, /* more is given back after the run; the host knows this number too */
};

static char *input(void) { return (char *)(uintptr_t)guest_header.input_ptr; }

static uint32_t set_input(void *buffer, uint32_t capacity) {
  guest_header.input_ptr = (uint32_t)(uintptr_t)buffer;
  guest_header.input_capacity = buffer ? capacity : 0;
  return guest_header.input_ptr;
}

static uint32_t replace_input(uint32_t capacity) {
  heap_free(input());
  return set_input(heap_alloc(capacity), capacity);
}

/* Free most of a buffer that is too large to keep, at the end of a run, when nobody needs it. */
static void release_much_input(void) {
  if (guest_header.input_capacity > MUCH_INPUT + 1) replace_input(SMALLEST_INPUT);
}
