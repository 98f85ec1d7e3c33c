/* Host functions and console: JavaScript calls Python. */

/* Turn the host's packed reply into a value, or throw what it carries.
 * An error reply is [number of the host's exception, name, message]. */
static JSValue receive_reply(uint64_t reply) {
  if (reply == PACK_STOP) return throw_stop();
  Reader reader = reader_over((const uint8_t *)(uintptr_t)(uint32_t)reply,
                              (uint32_t)(reply >> 32) & 0x7fffffff);
  JSValue value = read_value(ctx, &reader);
  if (!(reply & PACK_ERROR) || JS_IsException(value)) return value;
  JSValue number = JS_GetPropertyUint32(ctx, value, 0);
  JSValue name = JS_GetPropertyUint32(ctx, value, 1);
  JSValue message = JS_GetPropertyUint32(ctx, value, 2);
  const char *kind = JS_ToCString(ctx, name);
  JSValue error = kind && !strcmp(kind, "TypeError")
                      ? JS_NewTypeError(ctx, "%s", "")
                      : JS_NewError(ctx);
  if (JS_IsObject(error)) {
    const int flags = JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE;
    JS_DefinePropertyValue(ctx, error, JS_ATOM_message, JS_DupValue(ctx, message), flags);
    JS_DefinePropertyValue(ctx, error, JS_ATOM_name, JS_DupValue(ctx, name), flags);
    build_backtrace(ctx, error, JS_UNDEFINED, NULL, 0, 0, 0);
    JS_Throw(ctx, error);
    mark_pending(MARK_HOST, (uint32_t)JS_VALUE_GET_INT(number));
  }
  JS_FreeCString(ctx, kind);
  JS_FreeValue(ctx, message);
  JS_FreeValue(ctx, name);
  JS_FreeValue(ctx, number);
  JS_FreeValue(ctx, value);
  return JS_EXCEPTION;
}

/* A conversion that failed while JavaScript runs is the script's TypeError. */
static JSValue throw_write_failure(JSContext *context) {
  if (codec_failure.kind == CODEC_EXCEPTION) return JS_EXCEPTION;
  return JS_ThrowTypeError(context, "%s (at %s)", codec_failure.message, codec_failure.path);
}

/* The body of every registered function: `magic` is its number on the host. */
static JSValue call_host_function(JSContext *context, JSValueConst this_value, int argc,
                                  JSValueConst *argv, int magic) {
  (void)this_value;
  uint32_t mark = out.length;
  writer_begin();
  bool written = write_array_header(context, (uint32_t)argc);
  for (int i = 0; written && i < argc; i++) written = write_value(context, argv[i]);
  uint64_t reply = 0;
  if (written) reply = host_call((uint32_t)magic, out.data + mark, out.length - mark);
  out.length = mark;
  return written ? receive_reply(reply) : throw_write_failure(context);
}

/* Where the JavaScript that called the current native function stands. */
static bool caller_position(JSContext *context, JSAtom *filename, int *line, int *column) {
  JSStackFrame *frame = context->rt->current_stack_frame;
  if (frame) frame = frame->prev_frame; /* the first is the native function's own */
  if (!frame || !JS_IsObject(frame->cur_func)) return false;
  JSObject *function = JS_VALUE_GET_OBJ(frame->cur_func);
  if (!js_class_has_bytecode(function->class_id) || !frame->cur_pc) return false;
  JSFunctionBytecode *code = function->u.func.function_bytecode;
  *filename = code->filename;
  *line = find_line_num(context, code, (uint32_t)(frame->cur_pc - code->byte_code_buf - 1), column);
  return *filename != JS_ATOM_NULL;
}

/* Write the argument, or its text if it cannot cross. False with an exception pending. */
static bool write_console_argument(JSContext *context, JSValueConst value) {
  uint32_t mark = out.length;
  writer_begin_lenient();
  if (write_value(context, value)) return true;
  out.length = mark;
  if (run.stop != STOP_NONE) return false;
  JS_FreeValue(context, JS_GetException(context));
  const char *text = "[a value that cannot be shown]";
  return write_utf8(context, text, strlen(text));
}

static bool write_console_event(JSContext *context, int argc, JSValueConst *argv) {
  JSAtom filename = JS_ATOM_NULL;
  int line = 0, column = 0;
  if (!write_array_header(context, 4)) return false;
  if (caller_position(context, &filename, &line, &column)) {
    const char *name = JS_AtomToCString(context, filename);
    bool written = name && write_utf8(context, name, strlen(name)) && write_int(context, line) &&
                   write_int(context, column);
    JS_FreeCString(context, name);
    if (!written) return false;
  } else if (!write_nil(context) || !write_nil(context) || !write_nil(context)) {
    return false;
  }
  if (!write_array_header(context, (uint32_t)argc)) return false;
  for (int i = 0; i < argc; i++)
    if (!write_console_argument(context, argv[i])) return false;
  return true;
}

/* console.*: `magic` is the ConsoleLevel. */
static JSValue console_method(JSContext *context, JSValueConst this_value, int argc,
                              JSValueConst *argv, int magic) {
  (void)this_value;
  uint32_t mark = out.length;
  bool written = write_console_event(context, argc, argv);
  uint32_t stop = 0;
  if (written) stop = host_console((uint32_t)magic, out.data + mark, out.length - mark);
  out.length = mark;
  if (!written) return throw_write_failure(context);
  return stop ? throw_stop() : JS_UNDEFINED;
}

/* console.assert: says nothing if its first argument holds. */
static JSValue console_assert(JSContext *context, JSValueConst this_value, int argc,
                              JSValueConst *argv) {
  if (argc > 0 && JS_ToBool(context, argv[0])) return JS_UNDEFINED;
  int rest = argc > 0 ? argc - 1 : 0;
  return console_method(context, this_value, rest, argv + (argc > 0), CONSOLE_ERROR);
}

static const JSCFunctionListEntry console_functions[] = {
    JS_CFUNC_MAGIC_DEF("debug", 0, console_method, CONSOLE_DEBUG),
    JS_CFUNC_MAGIC_DEF("trace", 0, console_method, CONSOLE_DEBUG),
    JS_CFUNC_MAGIC_DEF("log", 0, console_method, CONSOLE_LOG),
    JS_CFUNC_MAGIC_DEF("dir", 0, console_method, CONSOLE_LOG),
    JS_CFUNC_MAGIC_DEF("table", 0, console_method, CONSOLE_LOG),
    JS_CFUNC_MAGIC_DEF("group", 0, console_method, CONSOLE_LOG),
    JS_CFUNC_MAGIC_DEF("info", 0, console_method, CONSOLE_INFO),
    JS_CFUNC_MAGIC_DEF("warn", 0, console_method, CONSOLE_WARN),
    JS_CFUNC_MAGIC_DEF("error", 0, console_method, CONSOLE_ERROR),
    JS_CFUNC_DEF("assert", 0, console_assert),
};

/* Put console and register_entrypoint on the global object. */
static bool install_globals(JSContext *context) {
  JSValue console = JS_NewObject(context);
  if (JS_IsException(console)) return false;
  const int flags = JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE;
  JS_SetPropertyFunctionList(context, console, console_functions, countof(console_functions));
  JSValue entrypoint = JS_NewCFunction(context, register_entrypoint, "register_entrypoint", 1);
  return JS_DefinePropertyValueStr(context, context->global_obj, "console", console, flags) >= 0 &&
         JS_DefinePropertyValueStr(context, context->global_obj, "register_entrypoint", entrypoint,
                                   flags) >= 0;
}
