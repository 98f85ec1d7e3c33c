/* Writing errors; part of codec_write.h.
 *
 * An error always crosses: fields that are missing, hostile or no strings become nil, texts are
 * cut, a cause that cannot cross is left out. Only the limits of a result and a full memory still
 * fail.
 * Fields are read as data where they are data; a getter is called, but what it throws is dropped.
 */

enum { ERROR_TEXT_MOST = 64 * 1024 }; /* characters of name, message and stack each */

/* Read `key` of the object or its prototypes. Returns a new reference; undefined if there is none,
 * or if it can only be had by code that failed or must not run. */
static JSValue read_error_field(JSContext *context, JSObject *object, JSAtom key) {
  for (JSObject *holder = object; holder; holder = holder->shape->proto) {
    JSProperty *property;
    JSShapeProperty *shape = find_own_property(&property, holder, key);
    if (shape && !(shape->flags & JS_PROP_TMASK)) return js_dup(property->u.value);
    if (!shape && holder->class_id != JS_CLASS_PROXY) continue;
    if (writer.lenient) return JS_UNDEFINED;
    JSValue value = read_property(context, JS_MKPTR(JS_TAG_OBJECT, object), key);
    if (!JS_IsException(value)) return value;
    JS_FreeValue(context, JS_GetException(context));
    return JS_UNDEFINED;
  }
  return JS_UNDEFINED;
}

/* Write a string, cut if it is long, or nil for anything else. Consumes `value`. */
static bool put_error_text(JSContext *context, JSValue value) {
  if (JS_VALUE_GET_TAG(value) == JS_TAG_STRING_ROPE) {
    JSValue flat = JS_ToString(context, value);
    JS_FreeValue(context, value);
    if (JS_IsException(flat)) JS_FreeValue(context, JS_GetException(context));
    value = flat;
  }
  if (JS_VALUE_GET_TAG(value) != JS_TAG_STRING) {
    JS_FreeValue(context, value);
    return put_byte(0xc0);
  }
  JSString *string = JS_VALUE_GET_STRING(value);
  uint32_t length = string->len < ERROR_TEXT_MOST ? string->len : ERROR_TEXT_MOST;
  bool written;
  if (!string->is_wide_char) {
    written = put_latin1(str8(string), length);
  } else {
    if (length < string->len && is_hi_surrogate(str16(string)[length - 1])) length--;
    written = put_utf16(str16(string), length);
  }
  JS_FreeValue(context, value);
  return written;
}

/* Write a cause or a list of errors, or `absent` if it cannot cross. Consumes `value`. */
static bool put_error_value(JSContext *context, JSValue value, bool (*absent)(void)) {
  uint32_t mark = out.length, first_handle = created.count;
  bool wanted = !writer.bare_errors && !JS_IsUndefined(value);
  bool written = wanted && put_value(context, value);
  JS_FreeValue(context, value);
  if (written) return true;
  if (wanted) {
    if (codec_failure.kind == CODEC_EXCEPTION) JS_FreeValue(context, JS_GetException(context));
    else if (codec_failure.kind != CODEC_CONVERSION) return false;
  }
  out.length = mark;
  while (created.count > first_handle)
    handle_release(context, created.numbers[--created.count]);
  return absent();
}

static bool put_nil(void) { return put_byte(0xc0); }

/* The stack as the engine keeps it, unless the script put something in its place. */
static JSValue read_error_stack(JSObject *error) {
  JSProperty *property;
  JSShapeProperty *shape = find_own_property(&property, error, JS_ATOM_stack);
  if (shape && !(shape->flags & JS_PROP_TMASK)) return js_dup(property->u.value);
  return error->class_id == JS_CLASS_ERROR ? js_dup(error->u.object_data) : JS_UNDEFINED;
}

static JSValue read_error_list(JSContext *context, JSObject *error) {
  JSValue list = read_error_field(context, error, JS_ATOM_errors);
  if (JS_IsArray(list)) return list;
  JS_FreeValue(context, list);
  return JS_UNDEFINED;
}

static bool put_error(JSContext *context, JSObject *error) {
  uint32_t payload = open_extension(WIRE_ERROR);
  if (!payload || !put_array_header(WIRE_ERROR_FIELDS)) return false;
  bool written;
  if (error->class_id == JS_CLASS_DOM_EXCEPTION) {
    JSDOMExceptionData *fields = error->u.opaque;
    written = put_error_text(context, js_dup(fields->name)) &&
              put_error_text(context, js_dup(fields->message));
  } else {
    written = put_error_text(context, read_error_field(context, error, JS_ATOM_name)) &&
              put_error_text(context, read_error_field(context, error, JS_ATOM_message));
  }
  written = written && put_error_text(context, read_error_stack(error)) &&
            put_error_value(context, read_error_field(context, error, JS_ATOM_cause),
                            put_undefined) &&
            put_error_value(context, read_error_list(context, error), put_nil);
  if (!written) return false;
  close_extension(payload);
  return true;
}
