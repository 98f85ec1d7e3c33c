/* The output buffer: one growing block that the host reads after an export returned, or while an
 * import runs.
 *
 * It is used as a stack. Whoever writes a message notes `out.length`, writes behind it, and sets
 * `out.length` back when the host has read it; nested messages (a getter that calls a host function
 * while its object is being written) lie behind the unfinished outer one. So a position is an
 * offset, never a pointer: any write may move the block.
 *
 * Nothing here throws or traps: a write that fails says why in `codec_failure` and changes nothing.
 * The bytes are the heap's, so they count against the memory limit.
 */

/* Why the codec failed last; valid until the next call into it. */
typedef enum CodecFailureKind {
  CODEC_EXCEPTION = 1,    /* a JavaScript exception is pending */
  CODEC_CONVERSION = 2,   /* a value that cannot cross: `message` and `path` */
  CODEC_RESULT_BYTES = 3, /* more than guest_header.result_bytes */
  CODEC_RESULT_NODES = 4, /* more than guest_header.result_nodes */
  CODEC_MEMORY = 5,       /* no memory for the output buffer; nothing is pending */
} CodecFailureKind;

enum { CODEC_PATH_SIZE = 512 };

static struct {
  CodecFailureKind kind;
  const char *path; /* for CODEC_CONVERSION, like "$.items[3]", see codec_path.h; else "" */
  bool path_full;   /* the rest of the path was left out */
  char message[160];
  char path_space[CODEC_PATH_SIZE]; /* what `path` points into */
} codec_failure = {.path = ""};

/* Returns false, so that callers can return its result. */
__attribute__((cold, format(printf, 2, 3))) static bool codec_fail(CodecFailureKind kind,
                                                                   const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(codec_failure.message, sizeof codec_failure.message, format, arguments);
  va_end(arguments);
  codec_failure.kind = kind;
  codec_failure.path_full = false;
  codec_failure.path_space[CODEC_PATH_SIZE - 1] = 0;
  codec_failure.path = codec_failure.path_space + CODEC_PATH_SIZE - 1;
  return false;
}

static struct {
  uint8_t *data;     /* owned; may move with every write */
  uint32_t length;   /* bytes in use: the top of the stack */
  uint32_t capacity; /* bytes owned */
  uint32_t limit;    /* what `length` may reach while a value is written, else OUT_MOST */
  uint32_t room;     /* the smaller of the two */
  uint32_t peak;     /* the longest that any value made it since out_trim */
} out;

/* Handles made for the messages in the buffer that are not finished: if one fails, nobody else
 * would release them. A stack, too. */
static struct {
  uint32_t *numbers; /* owned */
  uint32_t count, capacity;
  uint32_t floor; /* those below belong to outer messages */
} created;

enum {
  OUT_MOST = 0x7fffffff, /* the length of a packed result has 31 bits */
  OUT_SMALLEST = 508,    /* most results are short, and a runtime's first writes shall lie together */
  OUT_KEEP = 64 * 1024,  /* a block of this size is kept even if little of it is used */
};

static void out_set_limit(uint32_t limit) {
  out.limit = limit;
  out.room = out.capacity < limit ? out.capacity : limit;
}

/* Make room for `size` more bytes, within the limit. */
__attribute__((cold, noinline)) static bool out_grow(uint32_t size) {
  if (size > out.limit - out.length)
    return codec_fail(CODEC_RESULT_BYTES, "the encoded value is longer than allowed");
  uint32_t needed = out.length + size;
  if (needed > out.capacity) {
    /* Half as much again; when memory is short, only what is needed. */
    uint32_t capacity = out.capacity + out.capacity / 2;
    if (capacity < needed) capacity = needed;
    if (capacity < OUT_SMALLEST) capacity = OUT_SMALLEST;
    uint32_t refused = heap_refused;
    uint8_t *grown = heap_realloc(out.data, capacity);
    if (!grown && capacity > needed) {
      grown = heap_realloc(out.data, capacity = needed);
      if (grown) heap_refused = refused; /* got over: no later error is to be blamed on it */
    }
    if (!grown) return codec_fail(CODEC_MEMORY, "no memory for the encoded value");
    out.data = grown;
    out.capacity = capacity;
  }
  out_set_limit(out.limit);
  return true;
}

/* Append `size` bytes for the caller to fill at once. Returns NULL on failure. */
static inline uint8_t *out_claim(uint32_t size) {
  if (unlikely(size > out.room - out.length) && !out_grow(size)) return NULL;
  uint8_t *claimed = out.data + out.length;
  out.length += size;
  return claimed;
}

/* Give memory back after a long message, before a run in which the script may need it: what is more
 * than a sixteenth of all there may be, or four times what messages were using lately. */
static void out_trim(void) {
  out_set_limit(OUT_MOST);
  uint32_t wanted = out.peak > OUT_KEEP ? out.peak : OUT_KEEP;
  bool keep = out.capacity / 4 <= wanted && !(heap_limit && out.capacity > heap_limit / 16);
  out.peak = 0;
  if (keep || out.length != 0) return;
  heap_free(out.data);
  out.data = NULL;
  out.capacity = 0;
  out_set_limit(OUT_MOST);
}

/* Free everything, at shutdown. */
__attribute__((unused)) static void out_free(void) {
  heap_free(out.data);
  heap_free(created.numbers);
  out.data = NULL;
  created.numbers = NULL;
  out.length = out.capacity = out.room = out.peak = created.count = created.capacity = 0;
}
