/* Many calls of one function in one run. See ABI.md.
 *
 * Each call is ended as if it were a run of its own (jobs, promise, uncaught errors) and its result
 * is written at once, as it is then: a later call may change the same object. What a batch has in
 * common is the deadline, the limits of its result, and the end at the first failure.
 *
 * Output: the head of a report, which counts only if the heap turns out worn, then the array.
 */

typedef struct Batch {
  JSValue function, this_value; /* owned */
  uint8_t *encoded; /* owned; not the input buffer, which host functions' replies take */
  Reader reader;    /* over it */
  uint32_t count;
} Batch;

enum { WORN_HEAD = 2 }; /* bytes: an array of five, STATUS_WORN */

static void batch_free(Batch *batch) {
  js_free(ctx, batch->encoded);
  JS_FreeValue(ctx, batch->this_value);
  JS_FreeValue(ctx, batch->function);
}

/* Input: name (of a function, if `handle` is none), encoded array of arrays of arguments. */
static bool batch_begin(Batch *batch, uint32_t handle, uint32_t module, uint32_t name_length,
                        uint32_t args_length) {
  char shown[NAME_SHOWN + 1] = "the value";
  batch->encoded = js_malloc(ctx, args_length + 1);
  if (!batch->encoded) return false;
  memcpy(batch->encoded, input() + name_length, args_length);
  batch->reader = reader_over(batch->encoded, args_length);
  if (name_length) {
    copy_name(shown, name_length);
    batch->function = find_value(module, name_length, &batch->this_value);
  } else {
    batch->function = handle_lookup(ctx, handle);
    batch->this_value = this_of(module);
  }
  if (!is_callable(batch->function, shown)) {
    batch->function = JS_UNDEFINED;
    return false;
  }
  if (take_array_header(&batch->reader, &batch->count)) return true;
  JS_ThrowTypeError(ctx, "the calls of a batch are an array");
  return false;
}

static JSValue batch_call(Batch *batch) {
  Arguments arguments;
  if (!next_arguments(&arguments, &batch->reader)) return JS_EXCEPTION;
  JSValue result = JS_Call(ctx, batch->function, batch->this_value, (int)arguments.count,
                           (JSValueConst *)arguments.values);
  free_arguments(&arguments);
  return result;
}

/* Release the handles in results that the host will never see. */
static void forget_created(void) {
  while (created.count > created.floor) handle_release(ctx, created.numbers[--created.count]);
}

/* Run all calls and write their results; the first failure ends it. */
static Failure batch_run(Batch *batch) {
  const Failure none = {0, JS_UNDEFINED, 0};
  out.length = run.out_mark;
  if (!out_claim(WORN_HEAD) || !write_array_header(ctx, batch->count)) return take_write_failure();
  writer_begin();
  for (uint32_t done = 0; done < batch->count; done++) {
    guest_header.calls_done = done; /* before the call, which may never come back */
    Interlude interlude = leave_codec();
    JSValue result = batch_call(batch);
    Failure failure = settle(&result);
    return_to_codec(&interlude);
    bool stopped = failure.status != 0 || run.stop != STOP_NONE;
    if (!stopped && !write_value(ctx, result)) failure = take_write_failure(), stopped = true;
    JS_FreeValue(ctx, result);
    if (!stopped) continue;
    guest_header.calls_done = done; /* again: a nested batch may have had its own */
    forget_created();
    return failure;
  }
  return none;
}

/* Make a report of the results in a worn runtime; else leave its head out. */
static uint64_t batch_result(void) {
  uint32_t start = run.out_mark;
  if (!is_worn()) return pack(out.data + start + WORN_HEAD, out.length - start - WORN_HEAD);
  size_t limit = heap_limit;
  if (heap_limit) heap_limit += REPORT_RESERVE;
  out_set_limit(OUT_MOST);
  bool written = write_nil(ctx) && write_int(ctx, 0) && write_bool(ctx, false);
  heap_limit = limit;
  if (!written) return PACK_ERROR | pack(last_resort, sizeof last_resort);
  out.data[start] = 0x95;
  out.data[start + 1] = STATUS_WORN;
  return PACK_ERROR | pack(out.data + start, out.length - start);
}

/* Call a function by name, or by handle if there is none, many times. The result is the array of
 * results; of a failure, header.calls_done says which call it was. */
GUEST_EXPORT(guest_call_many)(uint32_t handle, uint32_t module, uint32_t name_length,
                              uint32_t args_length) {
  Run outer;
  Batch batch = {.function = JS_UNDEFINED, .this_value = JS_UNDEFINED};
  bool begun = run_begin(&outer) && batch_begin(&batch, handle, module, name_length, args_length);
  Failure failure = begun ? batch_run(&batch) : take_failure();
  batch_free(&batch);
  bool failed = failure.status != 0 || run.stop != STOP_NONE;
  uint64_t packed = failed ? report_failure(failure) : batch_result();
  run_close(&outer);
  return packed;
}
