/* Reading extensions and buffers; part of codec_read.h. */

/* The result of a function of the engine, which may be JS_EXCEPTION. */
static inline JSValue read_big(JSValue value) {
  return unlikely(JS_IsException(value)) ? read_failed() : value;
}

/* The header of an array item; false if it is none or is cut off. */
static bool take_array_header(Reader *reader, uint32_t *count) {
  uint32_t code;
  if (!take_count(reader, 1, &code)) return false;
  if ((code & 0xf0) == 0x90) *count = code & 15;
  else if (code != 0xdc && code != 0xdd) return false;
  else if (!take_count(reader, code == 0xdc ? 2 : 4, count)) return false;
  return has_bytes(reader, *count);
}

/* The rest of the payload, as the engine's numbers: two's complement in 32-bit limbs. */
static JSValue read_bigint(JSContext *context, Reader *payload) {
  uint32_t length = (uint32_t)(payload->end - payload->at);
  if (length == 0) return read_malformed(context);
  if (length > WIRE_MAX_BIGINT_BYTES) return read_refused(context, "the BigInt is too large");
  const uint8_t *bytes = payload->at;
  payload->at = payload->end;
  int fill = bytes[length - 1] & 0x80 ? 0xff : 0;
  if (length <= sizeof(int64_t)) {
    int64_t number = 0;
    memset(&number, fill, sizeof number);
    memcpy(&number, bytes, length);
    return read_big(JS_NewBigInt64(context, number));
  }
  uint32_t limbs = (length + sizeof(js_limb_t) - 1) / sizeof(js_limb_t);
  JSBigInt *number = js_bigint_new(context, (int)limbs);
  if (!number) return read_failed();
  memset(number->tab, fill, limbs * sizeof(js_limb_t));
  memcpy(number->tab, bytes, length);
  return JS_CompactBigInt(context, js_bigint_normalize(context, number));
}

static JSValue read_date(JSContext *context, Reader *payload) {
  double ms;
  if (!has_bytes(payload, sizeof ms)) return read_malformed(context);
  memcpy(&ms, payload->at, sizeof ms);
  payload->at += sizeof ms;
  return read_big(JS_NewDate(context, ms));
}

/* An ArrayBuffer with a copy of `length` bytes, which are there. */
static JSValue read_array_buffer(JSContext *context, Reader *payload, uint32_t length) {
  uint8_t *bytes = js_malloc(context, length ? length : 1);
  if (!bytes) return read_failed();
  memcpy(bytes, payload->at, length);
  payload->at += length;
  JSValue buffer = js_array_buffer_constructor3(context, JS_UNDEFINED, length, NULL,
                                                JS_CLASS_ARRAY_BUFFER, bytes,
                                                js_array_buffer_realloc, NULL, false);
  if (!JS_IsException(buffer)) return buffer;
  js_free(context, bytes);
  return read_failed();
}

static JSValue read_typed_array(JSContext *context, Reader *payload, uint32_t kind,
                                uint32_t length) {
  if (length & ((1u << typed_array_size_log2[kind]) - 1)) return read_malformed(context);
  JSValue buffer = read_array_buffer(context, payload, length);
  if (JS_IsException(buffer)) return buffer;
  JSValueConst arguments[3] = {buffer, JS_UNDEFINED, JS_UNDEFINED};
  JSValue array = JS_NewTypedArray(context, 3, arguments, (JSTypedArrayEnum)kind);
  JS_FreeValue(context, buffer);
  return read_big(array);
}

static JSValue read_binary(JSContext *context, Reader *reader, uint32_t length) {
  if (!has_bytes(reader, length)) return read_malformed(context);
  return read_typed_array(context, reader, JS_TYPED_ARRAY_UINT8, length);
}

/* One record of a Map or Set. */
static bool read_record(JSContext *context, Reader *payload, JSValueConst collection, bool is_map,
                        uint32_t index) {
  JSValue record[2] = {JS_UNDEFINED, JS_UNDEFINED};
  record[0] = read_item(context, payload);
  if (JS_IsException(record[0]))
    return path_prepend(is_map ? ".keys()[%u]" : ".values()[%u]", (unsigned)index);
  if (is_map) {
    record[1] = read_item(context, payload);
    if (JS_IsException(record[1])) {
      path_prepend_entry(context, record[0], index);
      JS_FreeValue(context, record[0]);
      return false;
    }
  }
  const JSMapState *state = JS_VALUE_GET_OBJ(collection)->u.map_state;
  uint32_t records = state->record_count;
  JSValue result = js_map_set(context, collection, is_map ? 2 : 1, (JSValueConst *)record,
                              is_map ? 0 : MAGIC_SET);
  if (state->record_count == records) forget_shapes(); /* the key came twice: a value was freed */
  JS_FreeValue(context, record[0]);
  JS_FreeValue(context, record[1]);
  if (JS_IsException(result)) {
    read_failed();
    return false;
  }
  JS_FreeValue(context, result);
  return true;
}

static JSValue read_collection(JSContext *context, Reader *payload, bool is_map) {
  uint32_t count;
  if (!take_array_header(payload, &count) || (is_map && count % 2)) return read_malformed(context);
  JSValue collection = js_map_constructor(context, JS_UNDEFINED, 0, NULL, is_map ? 0 : MAGIC_SET);
  if (JS_IsException(collection)) return read_failed();
  uint32_t records = is_map ? count / 2 : count;
  bool done = read_enter(context, payload);
  for (uint32_t i = 0; done && i < records; i++)
    done = read_record(context, payload, collection, is_map, i);
  if (done) return collection;
  JS_FreeValue(context, collection);
  return JS_EXCEPTION;
}

/* A plain object whose fields lie in an array: WIRE_OBJECT. */
static JSValue read_object_array(JSContext *context, Reader *payload) {
  uint32_t count;
  if (!take_array_header(payload, &count) || count % 2) return read_malformed(context);
  return read_object(context, payload, count / 2);
}

/* A function or promise of this runtime; not another runtime's: the host has checked that. */
static JSValue read_handle(JSContext *context, Reader *payload) {
  uint32_t number;
  if (!has_bytes(payload, 5)) return read_malformed(context);
  memcpy(&number, payload->at + 1, sizeof number);
  payload->at += 5;
  return read_big(handle_lookup(context, number));
}

/* Memory that the host shares out, under a number that it has announced. */
static JSValue read_shared(JSContext *context, Reader *payload) {
  uint32_t number;
  if (!has_bytes(payload, sizeof number)) return read_malformed(context);
  memcpy(&number, payload->at, sizeof number);
  payload->at += sizeof number;
  JSValue object = share_object(context, number);
  return JS_IsUndefined(object) ? read_malformed(context) : read_big(object);
}

/* Which of the engine's error types has that name; JS_PLAIN_ERROR if none. */
static JSErrorEnum error_type(JSContext *context, JSValueConst name) {
  static const char names[][16] = {"EvalError",     "RangeError", "ReferenceError",
                                   "SyntaxError",   "TypeError",  "URIError",
                                   "InternalError", "AggregateError"};
  const char *text = JS_IsString(name) ? JS_ToCString(context, name) : NULL;
  JSErrorEnum type = JS_PLAIN_ERROR;
  for (size_t i = 0; text && i < countof(names); i++)
    if (strcmp(text, names[i]) == 0) type = (JSErrorEnum)i;
  JS_FreeCString(context, text);
  return type;
}

/* An own property that is not enumerable, as the Error constructor makes them. Consumes `value`. */
static bool define_error_field(JSContext *context, JSValueConst error, JSAtom key, JSValue value) {
  return JS_DefinePropertyValue(context, error, key, value,
                                JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) >= 0;
}

/* An Error from its five fields, which are consumed. */
static JSValue make_error(JSContext *context, JSValue *fields) {
  JSErrorEnum type = error_type(context, fields[0]);
  JSValue error = type == JS_PLAIN_ERROR
                      ? JS_NewObjectClass(context, JS_CLASS_ERROR)
                      : JS_NewObjectProtoClass(context, context->native_error_proto[type],
                                               JS_CLASS_ERROR);
  bool done = !JS_IsException(error);
  const JSAtom keys[WIRE_ERROR_FIELDS] = {JS_ATOM_name, JS_ATOM_message, JS_ATOM_NULL,
                                          JS_ATOM_cause, JS_ATOM_errors};
  for (int i = 0; i < WIRE_ERROR_FIELDS; i++) {
    JSValue field = fields[i];
    fields[i] = JS_UNDEFINED;
    bool wanted = i == 3 ? !JS_IsUndefined(field) : i == 4 ? JS_IsArray(field) : JS_IsString(field);
    if (i == 0) wanted = wanted && type == JS_PLAIN_ERROR; /* else it has the name already */
    if (!done || !wanted) {
      JS_FreeValue(context, field);
    } else if (keys[i] == JS_ATOM_NULL) { /* the stack is no property */
      JSObject *object = JS_VALUE_GET_OBJ(error);
      set_value(context, &object->u.object_data, field);
    } else {
      done = define_error_field(context, error, keys[i], field);
    }
  }
  if (done) return error;
  JS_FreeValue(context, error);
  return read_failed();
}

static JSValue read_error(JSContext *context, Reader *payload) {
  uint32_t count;
  if (!take_array_header(payload, &count) || count != WIRE_ERROR_FIELDS)
    return read_malformed(context);
  static const char *const names[] = {".name", ".message", ".stack", ".cause", ".errors"};
  JSValue fields[WIRE_ERROR_FIELDS] = {JS_UNDEFINED, JS_UNDEFINED, JS_UNDEFINED, JS_UNDEFINED,
                                       JS_UNDEFINED};
  bool done = read_enter(context, payload);
  for (int i = 0; done && i < WIRE_ERROR_FIELDS; i++) {
    fields[i] = read_item(context, payload);
    done = !JS_IsException(fields[i]);
    if (!done) path_prepend("%s", names[i]);
  }
  if (done) return make_error(context, fields);
  for (int i = 0; i < WIRE_ERROR_FIELDS; i++) JS_FreeValue(context, fields[i]);
  return JS_EXCEPTION;
}

/* `payload` is all that the extension has; what is left of it afterwards is an error. */
static JSValue read_extension(JSContext *context, Reader *payload, uint32_t type) {
  uint32_t length = (uint32_t)(payload->end - payload->at);
  switch (type) {
  case WIRE_UNDEFINED: return JS_UNDEFINED;
  case WIRE_BIGINT: return read_bigint(context, payload);
  case WIRE_DATE: return read_date(context, payload);
  case WIRE_MAP: return read_collection(context, payload, true);
  case WIRE_SET: return read_collection(context, payload, false);
  case WIRE_ERROR: return read_error(context, payload);
  case WIRE_HANDLE: return read_handle(context, payload);
  case WIRE_WTF8: return read_string(context, payload, length);
  case WIRE_OBJECT: return read_object_array(context, payload);
  case WIRE_SHARED: return read_shared(context, payload);
  case WIRE_ARRAY_BUFFER: return read_array_buffer(context, payload, length);
  default:
    if (type >= WIRE_TYPED_ARRAY && type < WIRE_TYPED_ARRAY + WIRE_TYPED_ARRAY_KINDS)
      return read_typed_array(context, payload, type - WIRE_TYPED_ARRAY, length);
    return read_malformed(context);
  }
}
