/* Runs: what surrounds every entry into JavaScript, and how its outcome is written for the host.
 *
 * A run is begun, does one thing that yields a value or an exception, and is ended: jobs are run,
 * a promise is unwrapped, and the result or an error report [status, detail, text, host error,
 * usable] is written. Nested runs (a host function that calls back) use the same two functions.
 */

/* Set, together with JS_EXCEPTION and no exception pending, by what is refused by the shim itself;
 * STATUS_SYNTAX instead goes with a pending exception. */
static struct {
  Status status;
  char text[256];
} refusal;

__attribute__((format(printf, 2, 3))) static JSValue refuse(Status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(refusal.text, sizeof refusal.text, format, arguments);
  va_end(arguments);
  refusal.status = status;
  return JS_EXCEPTION;
}

/* Read one value from the host's input; one that cannot cross is the caller's fault, not the
 * script's. Returns it, or JS_EXCEPTION. */
static JSValue read_next(Reader *reader) {
  JSValue value = read_value(ctx, reader);
  if (!JS_IsException(value) || codec_failure.kind != CODEC_CONVERSION) return value;
  JS_FreeValue(ctx, JS_GetException(ctx));
  return refuse(STATUS_CONVERSION, "%s", codec_failure.message);
}

/* As read_next, for a value that is all there is. */
static JSValue read_input(const uint8_t *encoded, uint32_t length) {
  Reader reader = reader_over(encoded, length);
  return read_next(&reader);
}

/* Unwrap a promise, whose jobs have been run. Consumes `value`. */
static JSValue settled(JSValue value) {
  if (!JS_IsPromise(value)) return value;
  JSValue result;
  switch (JS_PromiseState(ctx, value)) {
  case JS_PROMISE_FULFILLED:
    result = JS_PromiseResult(ctx, value);
    break;
  case JS_PROMISE_REJECTED:
    JS_PromiseMarkAsHandled(ctx, value);
    on_rejection(ctx, value, JS_UNDEFINED, true, NULL);
    result = JS_Throw(ctx, JS_PromiseResult(ctx, value));
    break;
  default:
    result = run.depth > 1
                 ? refuse(STATUS_UNSETTLED, "a promise cannot be awaited while a host function runs")
                 : refuse(STATUS_UNSETTLED, "the promise is pending and no job is left to settle it");
  }
  JS_FreeValue(ctx, value);
  return result;
}

static bool run_begin(Run *outer) {
  if (run.depth != 0) deadline_passed(); /* the outer deadline counts from before the nested run */
  *outer = run;
  refusal.status = 0;
  if (run.depth == 0) {
    run = (Run){.budget_ns = guest_header.budget_ns, .refused = heap_refused};
    refusals_noted = heap_refused;
    guest_header.ran_full = 0;
    out_trim();
  } else if (guest_header.budget_ns != 0) {
    run.budget_ns = guest_header.budget_ns;
    deadline_passed(); /* nested budgets count from now, and never outlast the outer one */
  }
  run.depth = outer->depth + 1;
  run.out_mark = out.length;
  if (run.depth <= MAX_NESTED_RUNS) return true;
  refuse(STATUS_STACK, "more than %d calls between Python and JavaScript are nested",
         MAX_NESTED_RUNS);
  return false;
}

/* What went wrong in a run, until it is written down. */
typedef struct Failure {
  Status status; /* 0 = nothing */
  JSValue thrown; /* owned; for STATUS_THROWN and STATUS_SYNTAX */
  uint32_t host_error;
} Failure;

/* Classify what is pending: a refusal, a codec failure, or an exception. */
static Failure take_failure(void) {
  Failure failure = {refusal.status, JS_GetException(ctx), 0};
  refusal.status = 0;
  const Mark *mark = find_mark(failure.thrown);
  if (is_memory_error(failure.thrown)) failure.status = STATUS_MEMORY;
  else if (mark && mark->kind == MARK_STACK) failure.status = STATUS_STACK;
  else if (failure.status == 0) failure.status = STATUS_THROWN;
  if (mark && mark->kind == MARK_HOST) failure.host_error = mark->host_error;
  if (failure.status == STATUS_STACK && mark)
    snprintf(refusal.text, sizeof refusal.text, "the script recursed too deep");
  return failure;
}

static Failure take_write_failure(void) {
  Status status;
  switch (codec_failure.kind) {
  case CODEC_CONVERSION: status = STATUS_CONVERSION; break;
  case CODEC_RESULT_BYTES: status = STATUS_RESULT_BYTES; break;
  case CODEC_RESULT_NODES: status = STATUS_RESULT_NODES; break;
  case CODEC_MEMORY: status = STATUS_MEMORY; break;
  default: return take_failure();
  }
  JS_FreeValue(ctx, JS_GetException(ctx));
  snprintf(refusal.text, sizeof refusal.text, "%s", codec_failure.message);
  return (Failure){status, JS_UNDEFINED, 0};
}

static const char *const memory_text = "the script needed more memory than it may have";

/* Text of a thrown primitive. Objects have none: a script's toString has no business in a report. */
static bool write_thrown_text(JSValueConst value) {
  size_t length;
  const char *text = JS_IsObject(value) ? NULL : JS_ToCStringLen(ctx, &length, value);
  if (!text) {
    JS_FreeValue(ctx, JS_GetException(ctx));
    return write_nil(ctx);
  }
  bool written = write_utf8(ctx, text, length < 65536 ? length : 65536);
  JS_FreeCString(ctx, text);
  return written;
}

static bool write_report(const Failure *failure, bool usable) {
  if (!write_array_header(ctx, 5) || !write_int(ctx, failure->status)) return false;
  if (failure->status == STATUS_THROWN || failure->status == STATUS_SYNTAX) {
    if (!write_thrown(ctx, failure->thrown)) return false;
    if (!write_thrown_text(failure->thrown)) return false;
  } else {
    const char *text = failure->status == STATUS_MEMORY ? memory_text : refusal.text;
    bool written = failure->status == STATUS_STOPPED ? write_int(ctx, run.stop)
                   : failure->status == STATUS_CONVERSION
                       ? write_utf8(ctx, codec_failure.path, strlen(codec_failure.path))
                       : write_nil(ctx);
    if (!written || !write_utf8(ctx, text, strlen(text))) return false;
  }
  return write_int(ctx, failure->host_error) && write_bool(ctx, usable);
}

/* What is left of the heap decides whether the runtime is worth keeping after it ran full. */
static bool recovers_memory(void) {
  release_much_input();
  purge_jobs();
  forget_marks();
  JS_RunGC(rt);
  return heap_limit == 0 || heap_used < heap_limit - heap_limit / 8;
}

/* Whether the script keeps a full heap, so that not even its own functions could be called again. */
static bool is_worn(void) {
  return run.depth == 1 && heap_refused != run.refused && !recovers_memory();
}

/* For when not even a report fits: [STATUS_MEMORY, nil, nil, 0, false]. */
static const uint8_t last_resort[] = {0x95, STATUS_MEMORY, 0xc0, 0xc0, 0x00, 0xc2};

static uint64_t pack(const uint8_t *data, uint32_t length) {
  return (uint64_t)length << 32 | (uint32_t)(uintptr_t)data;
}

enum { REPORT_RESERVE = 256 * 1024 }; /* bytes above the limit that only a report may use */

/* Write a result, in a worn runtime inside a report that says so. False as write_value. */
static bool write_result(JSValueConst result, bool worn) {
  size_t limit = heap_limit;
  if (worn && heap_limit) heap_limit += REPORT_RESERVE;
  bool written = !worn || (write_array_header(ctx, 5) && write_int(ctx, STATUS_WORN));
  writer_begin();
  written = written && write_value(ctx, result);
  if (worn)
    written = written && write_nil(ctx) && write_int(ctx, 0) && write_bool(ctx, false);
  heap_limit = limit;
  return written;
}

static Status stopped_status(void) {
  return run.stop == STOP_MEMORY ? STATUS_MEMORY : STATUS_STOPPED;
}

/* Write the report and return it packed. Consumes the failure. */
static uint64_t report_failure(Failure failure) {
  if (run.stop != STOP_NONE) failure.status = stopped_status();
  if (failure.status != STATUS_THROWN && failure.status != STATUS_SYNTAX) {
    JS_FreeValue(ctx, failure.thrown);
    failure.thrown = JS_UNDEFINED;
  }
  bool usable = !is_worn();
  size_t limit = heap_limit;
  if (heap_limit) heap_limit += REPORT_RESERVE;
  out.length = run.out_mark;
  bool written = write_report(&failure, usable);
  if (written && run.stop != STOP_NONE && failure.status != stopped_status()) {
    failure.status = stopped_status(); /* reading the thrown value ran into the stop */
    out.length = run.out_mark;
    written = write_report(&failure, usable);
  }
  heap_limit = limit;
  JS_FreeValue(ctx, failure.thrown);
  if (!written) return PACK_ERROR | pack(last_resort, sizeof last_resort);
  return PACK_ERROR | pack(out.data + run.out_mark, out.length - run.out_mark);
}

/* Leave the run as if it had never been: only results and the script's own state stay. */
static void run_close(const Run *outer) {
  if (run.depth == 1) {
    if (run.stop != STOP_NONE) purge_jobs();
    forget_marks();
    ctx->interrupt_counter = JS_INTERRUPT_COUNTER_INIT;
    guest_header.memory_used = (uint32_t)heap_used;
    guest_header.memory_peak = (uint32_t)heap_peak;
    guest_header.jobs_pending = JS_IsJobPending(rt);
  }
  out.length = run.out_mark; /* the bytes stay where they are until the next run */
  run = *outer;
  rt->in_build_stack_trace = run.stop != STOP_NONE;
}

/* What follows a call: its jobs, its promise, errors that nobody caught. `result` becomes what the
 * promise came to; it is no value if there is a failure. */
static Failure settle(JSValue *result) {
  Failure failure = {0, JS_UNDEFINED, 0};
  if (JS_IsException(*result)) failure = take_failure();
  if (failure.status == STATUS_MEMORY && run.depth == 1) purge_jobs();
  if (run.depth == 1) drain_jobs();
  if (failure.status == 0) {
    *result = settled(*result);
    if (JS_IsException(*result)) failure = take_failure();
  }
  if (run.depth == 1) report_unhandled();
  if (failure.status == 0 && unhandled.lost_memory) failure.status = STATUS_MEMORY;
  unhandled.lost_memory = false;
  return failure;
}

/* End a run with its outcome (JS_EXCEPTION: what is pending). Consumes `result`. */
static uint64_t run_end(const Run *outer, JSValue result) {
  Failure failure = settle(&result);
  bool worn = false;
  if (failure.status == 0 && run.stop == STOP_NONE) {
    out.length = run.out_mark;
    worn = is_worn();
    if (!write_result(result, worn)) failure = take_write_failure();
  }
  JS_FreeValue(ctx, result);
  uint64_t packed = failure.status != 0 || run.stop != STOP_NONE
                        ? report_failure(failure)
                        : (worn ? PACK_ERROR : 0) |
                              pack(out.data + run.out_mark, out.length - run.out_mark);
  run_close(outer);
  return packed;
}
