/* Modules: resolving and fetching through the host, loading, entrypoints.
 *
 * The host decides what a specifier means and has the sources; the engine keeps the module graph.
 * Modules that the host loaded by name are numbered from 0 in order.
 */

typedef struct LoadedModule {
  JSModuleDef *definition; /* borrowed: the context keeps a linked module until its end */
  JSValue entrypoint;      /* owned: what register_entrypoint was given while it loaded, or undefined */
} LoadedModule;

static struct {
  LoadedModule *list;
  uint32_t count, capacity;
  uint32_t loading;  /* loads under way, nested ones included */
  JSValue registered; /* owned; undefined, once booted */
} modules;

/* Ask the host. Returns the reply as a value, or JS_EXCEPTION. */
static JSValue receive_reply(uint64_t reply);

static JSValue ask_host(uint64_t (*import)(const uint8_t *, uint32_t), JSContext *context,
                        uint32_t count, const char *const *texts) {
  uint32_t mark = out.length;
  bool written = write_array_header(context, count);
  for (uint32_t i = 0; written && i < count; i++)
    written = write_utf8(context, texts[i], strlen(texts[i]));
  uint64_t reply = PACK_STOP;
  if (written) reply = import(out.data + mark, out.length - mark);
  out.length = mark;
  return written ? receive_reply(reply) : JS_EXCEPTION;
}

static char *module_normalize(JSContext *context, const char *base, const char *specifier, void *o) {
  (void)o;
  const char *texts[] = {base, specifier};
  JSValue name = ask_host(host_resolve, context, 2, texts);
  if (JS_IsException(name)) return NULL;
  const char *text = JS_ToCString(context, name);
  char *copy = text ? js_strdup(context, text) : NULL;
  JS_FreeCString(context, text);
  JS_FreeValue(context, name);
  return copy;
}

static int json_module_init(JSContext *context, JSModuleDef *module) {
  return JS_SetModuleExport(context, module, "default",
                            JS_GetModulePrivateValue(context, module));
}

/* A module whose default export is the parsed text. NULL with an exception pending. */
static JSModuleDef *json_module(JSContext *context, const char *name, const char *text,
                                size_t length) {
  JSValue value = JS_ParseJSON(context, text, length, name);
  if (JS_IsException(value)) return NULL;
  JSModuleDef *module = JS_NewCModule(context, name, json_module_init);
  if (!module) {
    JS_FreeValue(context, value);
    return NULL;
  }
  JS_SetModulePrivateValue(context, module, value);
  if (JS_AddModuleExport(context, module, "default") < 0) return NULL;
  return module;
}

static bool names_json(const char *name) {
  size_t length = strlen(name);
  return length >= 5 && !strcmp(name + length - 5, ".json");
}

/* `text[length]` must be 0. The module is parsed and its imports are found, but nothing has run. */
static JSModuleDef *compile_module(JSContext *context, const char *name, const char *text,
                                   size_t length) {
  if (names_json(name)) return json_module(context, name, text, length);
  JSValue value =
      JS_Eval(context, text, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(value)) return NULL;
  JSModuleDef *module = JS_VALUE_GET_PTR(value);
  JS_FreeValue(context, value); /* the context's list keeps it */
  return module;
}

/* Whether there is a type among the attributes: module_check_attributes lets only "json" pass. */
static bool asks_for_json(JSContext *context, JSValueConst attributes) {
  if (!JS_IsObject(attributes)) return false;
  JSValue type = JS_GetPropertyStr(context, attributes, "type");
  bool given = !JS_IsUndefined(type);
  JS_FreeValue(context, type);
  return given;
}

static JSModuleDef *module_load(JSContext *context, const char *name, void *o, JSValueConst attrs) {
  (void)o;
  if (asks_for_json(context, attrs) && !names_json(name)) {
    JS_ThrowTypeError(context, "%s is no JSON module", name); /* and must not run as a script */
    return NULL;
  }
  JSValue source = ask_host(host_source, context, 1, &name);
  if (JS_IsException(source)) return NULL;
  size_t length;
  const char *text = JS_ToCStringLen(context, &length, source);
  JSModuleDef *module = text ? compile_module(context, name, text, length) : NULL;
  JS_FreeCString(context, text);
  JS_FreeValue(context, source);
  return module;
}

/* `with { type: "json" }` is the only attribute that means something here. */
static int module_check_attributes(JSContext *context, void *o, JSValueConst attributes) {
  (void)o;
  JSPropertyEnum *names;
  uint32_t count;
  if (JS_GetOwnPropertyNames(context, &names, &count, attributes,
                             JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return -1;
  int result = 0;
  for (uint32_t i = 0; i < count && result == 0; i++) {
    const char *name = JS_AtomToCString(context, names[i].atom);
    JSValue value = JS_GetProperty(context, attributes, names[i].atom);
    const char *text = JS_ToCString(context, value);
    if (!name || !text) result = -1;
    else if (strcmp(name, "type") || strcmp(text, "json")) {
      JS_ThrowTypeError(context, "import attribute %s: \"%s\" is not supported", name, text);
      result = -1;
    }
    JS_FreeCString(context, name);
    JS_FreeCString(context, text);
    JS_FreeValue(context, value);
  }
  JS_FreePropertyEnum(context, names, count);
  return result;
}

/* Global function: name the entrypoint of the module that is being loaded. */
static JSValue register_entrypoint(JSContext *context, JSValueConst this_value, int argc,
                                   JSValueConst *argv) {
  (void)this_value;
  if (!modules.loading)
    return JS_ThrowTypeError(context, "register_entrypoint may only be called while a module loads");
  if (argc < 1 || !JS_IsFunction(context, argv[0]))
    return JS_ThrowTypeError(context, "register_entrypoint needs a function");
  JSValue old = modules.registered;
  modules.registered = JS_DupValue(context, argv[0]);
  JS_FreeValue(context, old);
  return JS_UNDEFINED;
}

/* Whether it ran to its end. */
static bool module_is_sound(const JSModuleDef *module) {
  return module->status == JS_MODULE_STATUS_EVALUATED && !module->eval_has_exception;
}

/* What a failed load left behind may be loaded again under its name: hide it. With an outer load
 * under way, what is being evaluated may be the outer one's, and is left alone. */
static void forget_failed_modules(JSContext *context) {
  struct list_head *link;
  list_for_each(link, &context->loaded_modules) {
    JSModuleDef *module = list_entry(link, JSModuleDef, link);
    bool evaluating = module->status == JS_MODULE_STATUS_EVALUATING ||
                      module->status == JS_MODULE_STATUS_EVALUATING_ASYNC;
    if (module_is_sound(module) || (evaluating && modules.loading)) continue;
    JS_FreeAtom(context, module->module_name);
    module->module_name = JS_ATOM_empty_string;
  }
}

/* Number a module that has run. Returns -1 with an exception pending if there is no memory. */
static int64_t module_add(JSContext *context, JSModuleDef *definition, JSValue entrypoint) {
  if (modules.count == modules.capacity) {
    uint32_t capacity = modules.capacity ? modules.capacity * 2 : 8;
    LoadedModule *grown = js_realloc(context, modules.list, capacity * sizeof(LoadedModule));
    if (!grown) {
      JS_FreeValue(context, entrypoint);
      return -1;
    }
    modules.list = grown;
    modules.capacity = capacity;
  }
  modules.list[modules.count] = (LoadedModule){definition, entrypoint};
  return modules.count++;
}

#ifdef GUEST_DEBUG
static void modules_free(JSContext *context) {
  for (uint32_t i = 0; i < modules.count; i++) JS_FreeValue(context, modules.list[i].entrypoint);
  js_free(context, modules.list);
  JS_FreeValue(context, modules.registered);
}
#endif
