/* Exports that run sources and hand things in; those of calls.h and boot.h are the others. See ABI.md.
 *
 * Texts and encoded values come one after the other in the input buffer; the parameters are their
 * lengths. What runs JavaScript returns a packed result: error bit, length, pointer.
 */

static bool is_syntax_error(JSValueConst error) {
  if (!JS_IsError(error)) return false;
  JSObject *prototype = JS_VALUE_GET_OBJ(error)->shape->proto;
  return prototype == JS_VALUE_GET_OBJ(ctx->native_error_proto[JS_SYNTAX_ERROR]);
}

/* Called when nothing of a source has run: says so in the report. Returns JS_EXCEPTION. */
static JSValue not_compiled(void) {
  if (is_syntax_error(rt->current_exception)) refusal.status = STATUS_SYNTAX;
  return JS_EXCEPTION;
}

static JSValue evaluate(uint32_t name_length, uint32_t source_length) {
  char *name = js_strndup(ctx, input(), name_length);
  if (!name) return JS_EXCEPTION;
  char *source = input() + name_length;
  source[source_length] = 0;
  const int flags = JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY;
  JSValue code = JS_Eval(ctx, source, source_length, name, flags);
  js_free(ctx, name);
  if (JS_IsException(code)) return not_compiled();
  return JS_EvalFunction(ctx, code);
}

/* Input: file name, source. Run a script in the global scope. */
GUEST_EXPORT(guest_evaluate)(uint32_t name_length, uint32_t source_length) {
  Run outer;
  JSValue result = run_begin(&outer) ? evaluate(name_length, source_length) : JS_EXCEPTION;
  return run_end(&outer, result);
}

/* Input: name. Whether a module of that name ran to its end. Runs no JavaScript. */
GUEST_EXPORT(guest_has_module)(uint32_t name_length) {
  JSAtom name = JS_NewAtomLen(ctx, input(), name_length);
  const JSModuleDef *module = js_find_loaded_module_by_name(ctx, name);
  JS_FreeAtom(ctx, name);
  return module && module_is_sound(module);
}

/* Find or compile a module, link it and begin to run it. Returns its promise, or JS_EXCEPTION. */
static JSValue start_module(JSModuleDef **module, uint32_t name_length, uint32_t source_length) {
  char *name = js_strndup(ctx, input(), name_length);
  if (!name) return JS_EXCEPTION;
  char *source = input() + name_length;
  source[source_length] = 0;
  JSAtom atom = JS_NewAtom(ctx, name);
  *module = js_find_loaded_module_by_name(ctx, atom);
  JS_FreeAtom(ctx, atom);
  if (!*module) *module = compile_module(ctx, name, source, source_length);
  js_free(ctx, name);
  if (!*module) return not_compiled();
  JSValue promise = JS_EvalFunction(ctx, JS_NewModuleValue(ctx, *module));
  return JS_IsException(promise) ? not_compiled() : promise;
}

static JSValue load_module(uint32_t name_length, uint32_t source_length) {
  JSModuleDef *module;
  JSValue outer_registered = modules.registered;
  modules.registered = JS_UNDEFINED;
  modules.loading++;
  JSValue done = start_module(&module, name_length, source_length);
  if (!JS_IsException(done)) {
    if (run.depth == 1) drain_jobs();
    done = settled(done);
  }
  modules.loading--;
  JSValue entrypoint = modules.registered;
  modules.registered = outer_registered;
  if (JS_IsException(done)) {
    JS_FreeValue(ctx, entrypoint);
    forget_failed_modules(ctx);
    return JS_EXCEPTION;
  }
  JS_FreeValue(ctx, done);
  int64_t number = module_add(ctx, module, entrypoint);
  return number < 0 ? JS_EXCEPTION : JS_NewInt64(ctx, number);
}

/* Input: name, source. Load and run a module; the result is its number. */
GUEST_EXPORT(guest_load_module)(uint32_t name_length, uint32_t source_length) {
  Run outer;
  JSValue result = run_begin(&outer) ? load_module(name_length, source_length) : JS_EXCEPTION;
  return run_end(&outer, result);
}

static JSValue set_global(uint32_t name_length, uint32_t value_length) {
  JSValue value = read_input((const uint8_t *)input() + name_length, value_length);
  if (JS_IsException(value)) return value;
  JSAtom name = JS_NewAtomLen(ctx, input(), name_length);
  int defined = JS_DefinePropertyValue(ctx, ctx->global_obj, name, value,
                                       JS_PROP_C_W_E | JS_PROP_THROW);
  JS_FreeAtom(ctx, name);
  return defined < 0 ? JS_EXCEPTION : JS_UNDEFINED;
}

/* Input: name, encoded value. */
GUEST_EXPORT(guest_set_global)(uint32_t name_length, uint32_t value_length) {
  Run outer;
  JSValue result = run_begin(&outer) ? set_global(name_length, value_length) : JS_EXCEPTION;
  return run_end(&outer, result);
}

/* The global object, or the plain object of that name on it, made if it is missing. */
static JSValue namespace_object(const char *name, uint32_t length) {
  if (length == 0) return JS_DupValue(ctx, ctx->global_obj);
  JSAtom atom = JS_NewAtomLen(ctx, name, length);
  JSValue object = JS_GetProperty(ctx, ctx->global_obj, atom);
  if (JS_IsUndefined(object)) {
    object = JS_NewObject(ctx);
    if (JS_DefinePropertyValue(ctx, ctx->global_obj, atom, JS_DupValue(ctx, object),
                               JS_PROP_C_W_E | JS_PROP_THROW) < 0) {
      JS_FreeValue(ctx, object);
      object = JS_EXCEPTION;
    }
  }
  JS_FreeAtom(ctx, atom);
  if (JS_IsException(object) || JS_IsObject(object)) return object;
  JS_FreeValue(ctx, object);
  return JS_ThrowTypeError(ctx, "the namespace is taken by a value that is no object");
}

static JSValue register_function(uint32_t number, uint32_t arity, uint32_t namespace_length,
                                 uint32_t name_length) {
  char *name = js_strndup(ctx, input() + namespace_length, name_length);
  if (!name) return JS_EXCEPTION;
  JSValue target = namespace_object(input(), namespace_length);
  JSValue result = target;
  if (!JS_IsException(target)) {
    JSValue function = JS_NewCFunctionMagic(ctx, call_host_function, name, (int)arity,
                                            JS_CFUNC_generic_magic, (int)number);
    int defined = JS_DefinePropertyValueStr(ctx, target, name, function,
                                            JS_PROP_C_W_E | JS_PROP_THROW);
    result = defined < 0 ? JS_EXCEPTION : JS_UNDEFINED;
    JS_FreeValue(ctx, target);
  }
  js_free(ctx, name);
  return result;
}

/* Input: namespace (may be empty), name. Calls arrive at host.call with this number (< 32768). */
GUEST_EXPORT(guest_register)(uint32_t number, uint32_t arity, uint32_t namespace_length,
                             uint32_t name_length) {
  Run outer;
  JSValue result = run_begin(&outer)
                       ? register_function(number, arity, namespace_length, name_length)
                       : JS_EXCEPTION;
  return run_end(&outer, result);
}

static JSValue handle_name(uint32_t handle) {
  JSValue function = handle_lookup(ctx, handle);
  if (JS_IsException(function)) return function;
  JSValue name = JS_GetProperty(ctx, function, JS_ATOM_name);
  JS_FreeValue(ctx, function);
  return name;
}

/* The name of the function behind a handle, whatever value the script gave it. */
GUEST_EXPORT(guest_handle_name)(uint32_t handle) {
  Run outer;
  JSValue result = run_begin(&outer) ? handle_name(handle) : JS_EXCEPTION;
  return run_end(&outer, result);
}

/* Await the promise behind a handle. */
GUEST_EXPORT(guest_await)(uint32_t handle) {
  Run outer;
  JSValue result = run_begin(&outer) ? handle_lookup(ctx, handle) : JS_EXCEPTION;
  return run_end(&outer, result);
}

/* Input: `count` handle numbers, 32 bits each. Runs no JavaScript. */
GUEST_EXPORT(guest_release)(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint32_t number;
    memcpy(&number, input() + i * sizeof number, sizeof number);
    handle_release(ctx, number);
  }
  return 0;
}

/* Collect garbage. Returns the bytes in use. */
GUEST_EXPORT(guest_collect)(void) {
  JS_RunGC(rt);
  return heap_used;
}

#ifdef GUEST_DEBUG
/* Free everything: in this build the engine asserts that nothing leaked. Returns the bytes that the
 * allocator still has out. */
GUEST_EXPORT(guest_shutdown)(void) {
  handles_free(ctx);
  modules_free(ctx);
  JS_FreeContext(ctx);
  JS_FreeRuntime(rt);
  while (shares) guest_unshare(shares->number);
  heap_free(input());
  out_free();
  return heap_used - heap_sealed;
}
#endif
