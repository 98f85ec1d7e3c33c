/* Exports that find and call what scripts and modules have defined. See ABI.md. */

/* The module's export if it has one of that name (`*this_value` becomes the namespace), else the
 * global, declared with let and const included; undefined if there is neither. `module` is a
 * module's number + 1, or 0. */
static JSValue find_named(uint32_t module, JSAtom name, JSValue *this_value) {
  JSValue value = JS_UNDEFINED;
  if (module != 0 && module <= modules.count) {
    JSValue names = JS_GetModuleNamespace(ctx, modules.list[module - 1].definition);
    value = JS_IsException(names) ? names : JS_GetProperty(ctx, names, name);
    if (this_value && !JS_IsUndefined(value)) *this_value = names;
    else JS_FreeValue(ctx, names);
  }
  return JS_IsUndefined(value) ? JS_GetGlobalVar(ctx, name, false) : value;
}

/* As find_named, for the name at the start of the input buffer. */
static JSValue find_value(uint32_t module, uint32_t name_length, JSValue *this_value) {
  JSAtom name = JS_NewAtomLen(ctx, input(), name_length);
  if (name == JS_ATOM_NULL) return JS_EXCEPTION;
  JSValue value = find_named(module, name, this_value);
  JS_FreeAtom(ctx, name);
  return value;
}

enum { NAME_SHOWN = 100 };

/* The name in the input buffer, cut, for an error's text: a getter of the global object may call a
 * host function, whose reply takes the buffer, before the error is known. */
static void copy_name(char shown[NAME_SHOWN + 1], uint32_t name_length) {
  uint32_t length = name_length < NAME_SHOWN ? name_length : NAME_SHOWN;
  memcpy(shown, input(), length);
  shown[length] = 0;
}

enum { FEW_ARGUMENTS = 8 };

/* Decoded arguments: a few lie here, more in an array. */
typedef struct Arguments {
  uint32_t count;
  JSValue *values; /* `few`, or inside `array` */
  JSValue array;   /* owned */
  JSValue few[FEW_ARGUMENTS];
} Arguments;

static void free_arguments(Arguments *arguments) {
  if (arguments->values == arguments->few)
    for (uint32_t i = 0; i < arguments->count; i++) JS_FreeValue(ctx, arguments->few[i]);
  JS_FreeValue(ctx, arguments->array);
}

/* Read a few arguments without making an array of them, which would cost as much as the rest of a
 * small call. False if they are many, or one of them cannot be read; nothing is left behind, and the
 * reader stays where it was. */
static bool read_few_arguments(Arguments *arguments, Reader *reader) {
  uint32_t count;
  Reader ahead = *reader;
  *arguments = (Arguments){.values = arguments->few, .array = JS_UNDEFINED};
  if (!take_array_header(&ahead, &count) || count > FEW_ARGUMENTS) return false;
  while (arguments->count < count) {
    JSValue value = read_value(ctx, &ahead);
    if (JS_IsException(value)) {
      free_arguments(arguments);
      JS_FreeValue(ctx, JS_GetException(ctx));
      return false;
    }
    arguments->few[arguments->count++] = value;
  }
  *reader = ahead;
  return true;
}

/* Decode the next array as arguments. False: as read_next. */
static bool next_arguments(Arguments *arguments, Reader *reader) {
  if (read_few_arguments(arguments, reader)) return true;
  arguments->array = read_next(reader); /* names the place of what cannot be read */
  if (js_get_fast_array(ctx, arguments->array, &arguments->values, &arguments->count)) return true;
  if (!JS_IsException(arguments->array)) {
    JS_FreeValue(ctx, arguments->array);
    JS_ThrowTypeError(ctx, "the arguments of a call are an array");
  }
  return false;
}

/* Decode the arguments that lie `offset` bytes into the input buffer. False: as read_next. */
static bool read_arguments(Arguments *arguments, uint32_t offset, uint32_t length) {
  Reader reader = reader_over((const uint8_t *)input() + offset, length);
  return next_arguments(arguments, &reader);
}

/* Refuse what is no function. Consumes it then, and nothing else. */
static bool is_callable(JSValue function, const char *shown) {
  if (JS_IsFunction(ctx, function)) return true;
  if (JS_IsUndefined(function))
    refuse(STATUS_VALUE_NOT_FOUND, "there is no function named %s (exports need their module)", shown);
  else if (!JS_IsException(function))
    refuse(STATUS_VALUE_NOT_CALLABLE, "%s is no function", shown);
  JS_FreeValue(ctx, function);
  return false;
}

/* Call, or refuse what is no function. Consumes all but `shown`. */
static JSValue call_found(JSValue function, JSValue this_value, Arguments *arguments,
                          const char *shown) {
  JSValue result = JS_EXCEPTION;
  if (is_callable(function, shown)) {
    result = JS_Call(ctx, function, this_value, (int)arguments->count,
                     (JSValueConst *)arguments->values);
    JS_FreeValue(ctx, function);
  }
  free_arguments(arguments);
  JS_FreeValue(ctx, this_value);
  return result;
}

static JSValue call_named(uint32_t module, uint32_t name_length, uint32_t args_length) {
  char shown[NAME_SHOWN + 1];
  copy_name(shown, name_length);
  Arguments arguments;
  if (!read_arguments(&arguments, name_length, args_length)) return JS_EXCEPTION;
  JSValue this_value = JS_UNDEFINED;
  JSValue function = find_value(module, name_length, &this_value);
  return call_found(function, this_value, &arguments, shown);
}

/* Input: name, encoded array of arguments. */
GUEST_EXPORT(guest_call)(uint32_t module, uint32_t name_length, uint32_t args_length) {
  Run outer;
  JSValue result =
      run_begin(&outer) ? call_named(module, name_length, args_length) : JS_EXCEPTION;
  return run_end(&outer, result);
}

/* What `this` is in a function that was found in a module (number + 1), or in none (0). */
static JSValue this_of(uint32_t module) {
  if (module == 0 || module > modules.count) return JS_UNDEFINED;
  return JS_GetModuleNamespace(ctx, modules.list[module - 1].definition);
}

static JSValue call_handle(uint32_t handle, uint32_t module, uint32_t args_length) {
  Arguments arguments;
  if (!read_arguments(&arguments, 0, args_length)) return JS_EXCEPTION;
  return call_found(handle_lookup(ctx, handle), this_of(module), &arguments, "the value");
}

/* Input: encoded array of arguments. */
GUEST_EXPORT(guest_call_handle)(uint32_t handle, uint32_t module, uint32_t args_length) {
  Run outer;
  JSValue result = run_begin(&outer) ? call_handle(handle, module, args_length) : JS_EXCEPTION;
  return run_end(&outer, result);
}

static JSValue bind_function(uint32_t module, uint32_t name_length) {
  char shown[NAME_SHOWN + 1];
  copy_name(shown, name_length);
  JSValue this_value = JS_UNDEFINED;
  JSValue function = find_value(module, name_length, &this_value);
  bool exported = !JS_IsUndefined(this_value);
  JS_FreeValue(ctx, this_value);
  if (!is_callable(function, shown)) return JS_EXCEPTION;
  JSValue members[] = {function, js_bool(exported)};
  return JS_NewArrayFrom(ctx, 2, members); /* which consumes them */
}

/* Input: name. The function, and whether it is the module's export: what to call it with. */
GUEST_EXPORT(guest_bind)(uint32_t module, uint32_t name_length) {
  Run outer;
  JSValue result = run_begin(&outer) ? bind_function(module, name_length) : JS_EXCEPTION;
  return run_end(&outer, result);
}

/* Input: default name, encoded array of arguments. What the module registered, else its default
 * export if that is a function, else its function with the default name. */
static JSValue find_entrypoint(uint32_t module, JSValueConst names, uint32_t name_length) {
  JSValue function = JS_DupValue(ctx, modules.list[module - 1].entrypoint);
  if (JS_IsFunction(ctx, function)) return function;
  JSAtom default_name = JS_NewAtomLen(ctx, input(), name_length); /* before a getter runs */
  function = JS_GetProperty(ctx, names, JS_ATOM_default);
  if (!JS_IsException(function) && !JS_IsFunction(ctx, function) && name_length) {
    JS_FreeValue(ctx, function);
    function = find_named(module, default_name, NULL);
  }
  JS_FreeAtom(ctx, default_name);
  return function;
}

static JSValue call_entrypoint(uint32_t module, uint32_t name_length, uint32_t args_length) {
  Arguments arguments;
  if (!read_arguments(&arguments, name_length, args_length)) return JS_EXCEPTION;
  JSValue names = JS_GetModuleNamespace(ctx, modules.list[module - 1].definition);
  JSValue function = JS_IsException(names) ? names : find_entrypoint(module, names, name_length);
  if (!JS_IsException(function) && !JS_IsFunction(ctx, function)) {
    JS_FreeValue(ctx, function);
    function = refuse(STATUS_MISSING_ENTRYPOINT, "the module has no entrypoint");
  }
  return call_found(function, names, &arguments, "");
}

GUEST_EXPORT(guest_call_entrypoint)(uint32_t module, uint32_t name_length, uint32_t args_length) {
  Run outer;
  bool begun = run_begin(&outer) && module != 0 && module <= modules.count;
  JSValue result = begun ? call_entrypoint(module, name_length, args_length) : JS_EXCEPTION;
  return run_end(&outer, result);
}

static JSValue get_value(uint32_t module, uint32_t name_length) {
  char shown[NAME_SHOWN + 1];
  copy_name(shown, name_length);
  JSValue value = find_value(module, name_length, NULL);
  if (!JS_IsUndefined(value)) return value;
  return refuse(STATUS_VALUE_NOT_FOUND, "there is no value named %s (exports need their module)",
                shown);
}

/* Input: name. */
GUEST_EXPORT(guest_get_value)(uint32_t module, uint32_t name_length) {
  Run outer;
  JSValue result = run_begin(&outer) ? get_value(module, name_length) : JS_EXCEPTION;
  return run_end(&outer, result);
}
