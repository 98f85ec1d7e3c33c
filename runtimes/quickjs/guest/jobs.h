/* Pending jobs, and the errors in them that nobody catches. */

enum { UNHANDLED = 16 };

/* Rejected promises that nobody handles yet; those left at a run's end are told to the console. */
static struct {
  JSValue promises[UNHANDLED]; /* owned */
  uint32_t count;
  bool short_of_memory; /* one of them was rejected for want of memory, since the last look */
  bool lost_memory;     /* nobody caught an error for want of memory: the run is to report it */
} unhandled;

static void forget_unhandled(uint32_t index) {
  JSValue promise = unhandled.promises[index];
  unhandled.promises[index] = unhandled.promises[--unhandled.count];
  JS_FreeValue(ctx, promise);
}

static void on_rejection(JSContext *context, JSValueConst promise, JSValueConst reason,
                         bool is_handled, void *opaque) {
  (void)opaque;
  for (uint32_t i = 0; i < unhandled.count; i++) {
    if (JS_VALUE_GET_PTR(unhandled.promises[i]) != JS_VALUE_GET_PTR(promise)) continue;
    if (is_handled) forget_unhandled(i);
    return;
  }
  if (is_handled) return;
  bool about_memory = is_memory_error(reason);
  if (unhandled.count == UNHANDLED) {
    if (!about_memory) return; /* the console has heard of enough */
    forget_unhandled(0);
  }
  unhandled.promises[unhandled.count++] = JS_DupValue(context, promise);
  unhandled.short_of_memory |= about_memory;
}

/* Between two jobs: has one failed for want of memory, and is there still nobody to catch that? */
static void look_for_lost_memory(void) {
  unhandled.short_of_memory = false;
  for (uint32_t i = 0; i < unhandled.count && !unhandled.lost_memory; i++) {
    JSValue reason = JS_PromiseResult(ctx, unhandled.promises[i]);
    unhandled.lost_memory = is_memory_error(reason);
    JS_FreeValue(ctx, reason);
  }
}

/* Tell the console of an error that nobody caught. Consumes `error`. */
static void report_uncaught(JSValue error) {
  if (is_memory_error(error)) unhandled.lost_memory = true;
  uint32_t mark = out.length;
  static const char text[] = "Uncaught";
  if (write_array_header(ctx, 4) && write_nil(ctx) && write_nil(ctx) && write_nil(ctx) &&
      write_array_header(ctx, 2) && write_utf8(ctx, text, sizeof text - 1) &&
      write_console_argument(ctx, error) &&
      host_console(CONSOLE_ERROR, out.data + mark, out.length - mark) && run.stop == STOP_NONE)
    latch_stop(STOP_HOST);
  out.length = mark;
  JS_FreeValue(ctx, error);
}

/* What a stopped run has queued must not run in the next one. */
static void purge_jobs(void) {
  while (!list_empty(&rt->job_list)) {
    JSJobEntry *job = list_entry(rt->job_list.next, JSJobEntry, link);
    list_del(&job->link);
    for (int i = 0; i < job->argc; i++) JS_FreeValue(ctx, job->argv[i]);
    js_free(ctx, job);
  }
}

/* Run pending jobs until none is left, or the run is stopped, or is lost for want of memory: what
 * makes jobs faster than they end would otherwise go on in a full heap until its deadline. */
static void drain_jobs(void) {
  while (run.stop == STOP_NONE && JS_IsJobPending(rt)) {
    JSContext *unused;
    bool failed = js_poll_interrupts(ctx) || JS_ExecutePendingJob(rt, &unused) < 0;
    if (failed && run.stop == STOP_NONE) report_uncaught(JS_GetException(ctx));
    else if (failed) JS_FreeValue(ctx, JS_GetException(ctx));
    if (unhandled.short_of_memory) look_for_lost_memory();
    if (unhandled.lost_memory) purge_jobs();
  }
}

static void report_unhandled(void) {
  while (unhandled.count) {
    JSValue reason = JS_PromiseResult(ctx, unhandled.promises[unhandled.count - 1]);
    forget_unhandled(unhandled.count - 1);
    if (run.stop == STOP_NONE) report_uncaught(reason);
    else JS_FreeValue(ctx, reason);
  }
}
