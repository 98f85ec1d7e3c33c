/* Errors that mean more than they say.
 *
 * A script can throw an Error with any name and text, so what an uncaught error *is* (out of memory,
 * stack overflow, a failed host function) is decided by identity: the objects that the engine or the
 * shim made are remembered until the outermost run ends. A ring: the newest are the ones that matter.
 */

typedef enum MarkKind { MARK_NONE, MARK_MEMORY, MARK_STACK, MARK_HOST } MarkKind;

typedef struct Mark {
  JSValue error; /* owned */
  MarkKind kind;
  uint32_t host_error; /* MARK_HOST: the host's number for its exception */
} Mark;

enum {
  MARKS = 32,
  MEMORY_ERROR_ROOM = 32 * 1024, /* eight of the engine's arenas */
};

static Mark marks[MARKS] GUEST_SELDOM_WRITTEN;
static uint32_t refusals_noted; /* the allocator's count of refusals that an error was made of */
static uint32_t memory_errors_in_making; /* inside each other: a script may prepare their stacks */
static uint32_t mark_count; /* ever made since the outermost run began */

/* Remember the exception that is pending. Allocates nothing: memory may have just run out. */
static void mark_pending(MarkKind kind, uint32_t host_error) {
  JSValue error = rt->current_exception;
  if (!JS_IsObject(error)) return;
  Mark *mark = &marks[mark_count % MARKS];
  JSValue old = mark_count >= MARKS ? mark->error : JS_UNDEFINED;
  mark->error = JS_DupValue(ctx, error);
  mark->kind = kind;
  mark->host_error = host_error;
  mark_count++;
  JS_FreeValue(ctx, old);
}

static const Mark *find_mark(JSValueConst error) {
  if (!JS_IsObject(error)) return NULL;
  uint32_t held = mark_count < MARKS ? mark_count : MARKS;
  for (uint32_t i = 0; i < held; i++)
    if (JS_VALUE_GET_PTR(marks[i].error) == JS_VALUE_GET_PTR(error)) return &marks[i];
  return NULL;
}

static void forget_marks(void) {
  uint32_t held = mark_count < MARKS ? mark_count : MARKS;
  mark_count = 0;
  for (uint32_t i = 0; i < held; i++) JS_FreeValue(ctx, marks[i].error);
}

/* Whether `error` was thrown for want of memory. */
static bool is_memory_error(JSValueConst error) {
  const Mark *mark = find_mark(error);
  if (mark) return mark->kind == MARK_MEMORY;
  /* With no memory left even for an Error object, nothing is pending, or null. */
  bool nothing = JS_IsUninitialized(error) || JS_IsNull(error) || JS_IsUndefined(error);
  return nothing && heap_refused != run.refused;
}

/* Called by the engine, through named edits of the build. */
void guest_note_out_of_memory(void) { mark_pending(MARK_MEMORY, 0); }
void guest_note_stack_overflow(void) { mark_pending(MARK_STACK, 0); }

/* Called before the engine makes an error: whether a request was refused of which none has been made.
 * Such an error may go beyond the limit, once: where it cannot be made, the engine throws null, and a
 * script that catches it would find that, since each of its parts may need an arena of its own. */
bool guest_short_of_memory(void) {
  if (likely(heap_refused == refusals_noted)) return false;
  if (!memory_errors_in_making++ && heap_limit) heap_limit += MEMORY_ERROR_ROOM;
  return true;
}

/* Called with each error that the engine throws: the first after a refused request is about memory,
 * whatever it says (an expression that cannot be compiled for want of memory is a SyntaxError), and
 * though another one was noted, and lost, while this one was made. */
void guest_note_error(bool about_memory) {
  if (likely(heap_refused == refusals_noted) && !about_memory) return;
  if (about_memory && !--memory_errors_in_making && heap_limit) heap_limit -= MEMORY_ERROR_ROOM;
  refusals_noted = heap_refused;
  mark_pending(MARK_MEMORY, 0);
}
