/* Deadline, cancellation and the latch that makes a stop final.
 *
 * The engine calls `on_interrupt` every few thousand steps. Once it has decided to stop, it says so
 * at every later step of the same run, so that neither a catch, nor a finally, nor an async function
 * that swallowed the error can go on: whatever the run returns then, it is reported as stopped.
 */

typedef struct Run {
  uint32_t depth;      /* nested runs; 0 = no JavaScript on the stack */
  StopReason stop;     /* latched */
  int64_t deadline_ns; /* 0 = none */
  int64_t budget_ns;   /* not yet turned into a deadline; 0 = none */
  uint32_t refused;    /* the allocator's count of refusals when the run began */
  uint32_t out_mark;   /* where this run's output begins */
} Run;

enum { MAX_NESTED_RUNS = 32 }; /* of host calls that call back; each uses the thread's own stack */

static Run run;

/* The first poll turns the budget into a deadline, so that short runs never read the clock. */
static bool deadline_passed(void) {
  if (run.budget_ns == 0 && run.deadline_ns == 0) return false;
  int64_t now = monotonic_ns();
  if (run.budget_ns != 0) {
    int64_t deadline = now + run.budget_ns;
    run.budget_ns = 0;
    if (run.deadline_ns == 0 || deadline < run.deadline_ns) run.deadline_ns = deadline;
  }
  return now >= run.deadline_ns;
}

static void latch_stop(StopReason reason) {
  run.stop = reason;
  rt->in_build_stack_trace = true; /* or Error.prepareStackTrace, a script's function, would run */
}

static int on_interrupt(JSRuntime *runtime, void *opaque) {
  (void)runtime;
  (void)opaque;
  if (run.stop == STOP_NONE) {
    if (guest_hard_stop && host_check(CHECK_HANDLER)) latch_stop(STOP_HOST);
    else if (guest_header.soft_stop) latch_stop((StopReason)guest_header.soft_stop);
    else if (deadline_passed()) latch_stop(STOP_TIMEOUT);
    else return 0;
  }
  ctx->interrupt_counter = 1; /* ask again at once: no run-up for what comes next */
  return 1;
}

/* Called by the engine, through a named edit. */
void guest_note_lost_job(void) {
  if (run.depth == 0 || run.stop != STOP_NONE) return;
  latch_stop(STOP_MEMORY);
  ctx->interrupt_counter = 1;
}

/* The host asked for a stop through an import's answer. Returns JS_EXCEPTION. */
static JSValue throw_stop(void) {
  if (run.stop == STOP_NONE) latch_stop(STOP_HOST);
  ctx->interrupt_counter = 1;
  JS_ThrowInterrupted(ctx);
  return JS_EXCEPTION;
}

/* The engine gives up in states it calls impossible, some of which a full memory reaches. Leave
 * through the host: a wasm trap would be a signal, which is fatal after faulthandler.enable(). */
_Noreturn void abort(void) {
  host_check(CHECK_ABORT);
  __builtin_trap();
}
