/* Writing objects, a function for each kind; part of codec_write.h, whose rules hold here. */

/* The length of an Array: its first property, always plain data. */
static uint32_t array_length(const JSObject *array) {
  JSValue length = array->prop[0].u.value;
  if (JS_VALUE_GET_TAG(length) == JS_TAG_INT) return (uint32_t)JS_VALUE_GET_INT(length);
  return (uint32_t)JS_VALUE_GET_FLOAT64(length);
}

/* An element of an Array that has getters, or more holes than the engine keeps as a block. */
static bool put_sparse_element(JSContext *context, JSObject *array, uint32_t index) {
  JSAtom key = JS_NewAtomUInt32(context, index);
  if (key == JS_ATOM_NULL) return fail_exception();
  bool found, written = put_own_property(context, array, key, &found);
  JS_FreeAtom(context, key);
  return found ? written : put_value(context, JS_UNDEFINED);
}

/* Holes become undefined, whatever Array.prototype says. */
static bool put_array(JSContext *context, JSObject *array) {
  uint32_t count = array_length(array);
  if (!expect_members(count) || !put_array_header(count)) return false;
  for (uint32_t i = 0; i < count; i++) {
    bool written;
    if (unlikely(!array->fast_array)) written = put_sparse_element(context, array, i);
    else if (likely(i < array->u.array.count))
      written = put_value(context, array->u.array.u.values[i]);
    else written = put_value(context, JS_UNDEFINED);
    if (unlikely(!written)) return path_prepend("[%u]", (unsigned)i);
  }
  return true;
}

/* A proxy for an Array: every step is the script's. */
static bool put_array_proxy(JSContext *context, JSValueConst proxy) {
  int64_t count;
  Interlude interlude = leave_codec();
  int failed = js_get_length64(context, &count, proxy);
  return_to_codec(&interlude);
  if (failed) return fail_exception();
  if (!expect_members((uint64_t)count) || !put_array_header((uint32_t)count)) return false;
  for (uint32_t i = 0; i < (uint32_t)count; i++) {
    JSAtom key = JS_NewAtomUInt32(context, i);
    JSValue value = key == JS_ATOM_NULL ? JS_EXCEPTION : read_property(context, proxy, key);
    JS_FreeAtom(context, key);
    if (JS_IsException(value)) return fail_exception();
    bool written = put_value(context, value);
    JS_FreeValue(context, value);
    if (!written) return path_prepend("[%u]", (unsigned)i);
  }
  return true;
}

/* A plain object whose header said `expected` entries has `count`: say so, moving what follows if
 * the header has another size now. Happens only if a getter changed the object. */
__attribute__((cold)) static bool correct_map_header(uint32_t header, uint32_t expected,
                                                     uint32_t count) {
  uint32_t old_size = map_header_size(expected), new_size = map_header_size(count);
  if (new_size > old_size && !out_claim(new_size - old_size)) return false;
  uint32_t moved = out.length - header - (new_size > old_size ? new_size : old_size);
  memmove(out.data + header + new_size, out.data + header + old_size, moved);
  if (new_size < old_size) out.length -= old_size - new_size;
  store_map_header(out.data + header, count);
  return true;
}

typedef enum ShapeKind {
  SHAPE_FIELDS,    /* nothing but data under plain names, in the order of their definition */
  SHAPE_DIFFICULT, /* needs the engine's own enumeration */
} ShapeKind;

static inline bool is_field(JSContext *context, const JSShapeProperty *property) {
  return property->atom != JS_ATOM_NULL && (property->flags & JS_PROP_ENUMERABLE) &&
         (__JS_AtomIsTaggedInt(property->atom) ||
          context->rt->atom_array[property->atom]->atom_type == JS_ATOM_TYPE_STRING);
}

/* Classify, and count the entries of SHAPE_FIELDS. */
static ShapeKind inspect_shape(JSContext *context, const JSObject *object, uint32_t *count) {
  JSShape *shape = object->shape;
  const JSShapeProperty *property = get_shape_prop(shape);
  *count = 0;
  for (int i = 0; i < shape->prop_count; i++, property++) {
    if (!is_field(context, property)) continue;
    if (__JS_AtomIsTaggedInt(property->atom) || (property->flags & JS_PROP_TMASK) ||
        atom_has_lone_surrogate(context, property->atom))
      return SHAPE_DIFFICULT;
    (*count)++;
  }
  return SHAPE_FIELDS;
}

/* Members may run code that changes the object, so its shape is looked up anew for each: a field
 * that comes or goes meanwhile may be missing or be there, but memory stays in order. */
static bool put_fields(JSContext *context, JSObject *object, uint32_t expected) {
  uint32_t header = out.length, count = 0;
  if (!expect_members(expected) || !put_map_header(expected)) return false;
  for (int i = 0; i < object->shape->prop_count; i++) {
    const JSShapeProperty *property = &get_shape_prop(object->shape)[i];
    if (!is_field(context, property)) continue;
    JSAtom key = property->atom;
    if (unlikely(atom_has_lone_surrogate(context, key))) continue; /* came meanwhile */
    if (unlikely(!put_atom(context, key))) return false;
    bool written, found;
    if (likely(!(property->flags & JS_PROP_TMASK)))
      written = put_value(context, object->prop[i].u.value);
    else written = put_own_property(context, object, key, &found); /* became a getter meanwhile */
    if (unlikely(!written)) {
      bool there = i < object->shape->prop_count && get_shape_prop(object->shape)[i].atom == key;
      return there ? path_prepend_key(context, key) : path_prepend(".?");
    }
    count++;
  }
  return likely(count == expected) || correct_map_header(header, expected, count);
}

/* One entry of put_entries; `*found` is false if the object has lost the key meanwhile. */
static bool put_entry(JSContext *context, JSObject *object, JSAtom key, bool *found) {
  JSValueConst self = JS_MKPTR(JS_TAG_OBJECT, object);
  uint32_t mark = out.length;
  if (!put_atom(context, key)) return false;
  if (object->class_id == JS_CLASS_PROXY) {
    JSValue value = read_property(context, self, key);
    if (JS_IsException(value)) return fail_exception();
    *found = true;
    bool written = put_value(context, value);
    JS_FreeValue(context, value);
    return written;
  }
  bool written = put_own_property(context, object, key, found);
  if (*found || !object->fast_array) {
    if (!*found) out.length = mark;
    return written;
  }
  JSPropertyDescriptor element; /* of an arguments object: runs no code */
  int there = JS_GetOwnPropertyInternal(context, &element, object, key);
  if (there < 0) return fail_exception();
  *found = there;
  if (!there) {
    out.length = mark;
    return true;
  }
  written = put_value(context, element.value);
  js_free_desc(context, &element);
  return written;
}

/* Any other object: its own enumerable string keys, as the engine or a proxy's traps list them. */
static bool put_entries(JSContext *context, JSObject *object) {
  JSPropertyEnum *keys;
  uint32_t listed, count = 0;
  Interlude interlude = leave_codec();
  int failed = JS_GetOwnPropertyNamesInternal(context, &keys, &listed, object,
                                              JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY);
  return_to_codec(&interlude);
  if (failed) return fail_exception();
  bool wide = false, written = expect_members(listed);
  for (uint32_t i = 0; i < listed && !wide; i++)
    wide = atom_has_lone_surrogate(context, keys[i].atom);
  uint32_t payload = written && wide ? open_extension(WIRE_OBJECT) : 0;
  uint32_t header = out.length;
  if (wide) written = written && payload && put_code32(0xdd, 2 * listed);
  else written = written && put_map_header(listed);
  for (uint32_t i = 0; written && i < listed; i++) {
    bool found = true;
    written = put_entry(context, object, keys[i].atom, &found);
    if (!written) path_prepend_key(context, keys[i].atom);
    count += found;
  }
  JS_FreePropertyEnum(context, keys, listed);
  if (!written) return false;
  if (wide) {
    store32(out.data + header + 1, 2 * count);
    close_extension(payload);
    return true;
  }
  return count == listed || correct_map_header(header, listed, count);
}

/* A Map or Set. The list of records may change while its members are written: the record at hand is
 * held, and those that are added are seen, up to the size at the beginning. */
static bool put_collection(JSContext *context, JSObject *object, bool is_map) {
  JSMapState *state = object->u.map_state;
  uint32_t left = state->record_count, per_record = is_map ? 2 : 1, count = 0;
  if (!expect_members((uint64_t)left * per_record)) return false;
  uint32_t payload = open_extension(is_map ? WIRE_MAP : WIRE_SET);
  if (!payload || !put_code32(0xdd, 0)) return false;
  bool written = true;
  struct list_head *link = state->records.next;
  while (written && left && link != &state->records) {
    JSMapRecord *record = list_entry(link, JSMapRecord, link);
    if (!record->empty) {
      record->ref_count++;
      JSValue key = js_dup(record->key), value = js_dup(record->value);
      if (!put_value(context, key))
        written = path_prepend(is_map ? ".keys()[%u]" : ".values()[%u]", (unsigned)count);
      else if (is_map && !put_value(context, value))
        written = path_prepend_entry(context, key, count);
      JS_FreeValue(context, key);
      JS_FreeValue(context, value);
      link = link->next;
      map_decref_record(context->rt, record);
      count++;
      left--;
    } else {
      link = link->next;
    }
  }
  if (!written) return false;
  store32(out.data + payload + 1, count * per_record);
  close_extension(payload);
  return true;
}

/* In a lenient message: the function's name as it was given, if that is a string. */
__attribute__((cold)) static bool put_function_name(JSContext *context, JSValueConst function) {
  char text[96] = "[function]";
  JSProperty *property;
  JSShapeProperty *shape =
      find_own_property(&property, JS_VALUE_GET_OBJ(function), JS_ATOM_name);
  if (shape && !(shape->flags & JS_PROP_TMASK) && JS_IsString(property->u.value)) {
    const char *name = JS_ToCString(context, property->u.value);
    if (!name) JS_FreeValue(context, JS_GetException(context));
    else if (*name) snprintf(text, sizeof text, "[function %.80s]", name);
    JS_FreeCString(context, name);
  }
  return write_utf8(context, text, strlen(text));
}

/* A function or promise crosses as a number under which the guest keeps it. */
static bool put_handle(JSContext *context, JSValueConst value, WireHandle kind) {
  if (writer.lenient && kind == WIRE_HANDLE_PROMISE) return put_text("[promise]");
  if (writer.lenient) return put_function_name(context, value);
  if (created.count == created.capacity) {
    uint32_t capacity = created.capacity ? created.capacity * 2 : 16;
    uint32_t *grown = heap_realloc(created.numbers, capacity * sizeof *grown);
    if (!grown) return codec_fail(CODEC_MEMORY, "no memory for a handle");
    created.numbers = grown;
    created.capacity = capacity;
  }
  int64_t number = handle_create(context, value);
  if (number < 0) return fail_exception();
  created.numbers[created.count++] = (uint32_t)number;
  uint8_t payload[5] = {(uint8_t)kind};
  memcpy(payload + 1, &created.numbers[created.count - 1], 4);
  return put_extension(WIRE_HANDLE, payload, sizeof payload);
}

static bool put_date(const JSObject *date) {
  JSValue time = date->u.object_data;
  double ms = JS_VALUE_GET_TAG(time) == JS_TAG_INT ? JS_VALUE_GET_INT(time)
                                                   : JS_VALUE_GET_FLOAT64(time);
  if (ms != ms) return put_refused("an invalid Date");
  return put_extension(WIRE_DATE, &ms, sizeof ms);
}

static bool put_typed_array(JSObject *array) {
  if (typed_array_is_oob(array)) return put_refused("a detached or shrunk typed array");
  uint32_t size = array->u.array.count << typed_array_size_log2(array->class_id);
  if (array->class_id == JS_CLASS_UINT8_ARRAY) return put_binary(array->u.array.u.ptr, size);
  return put_extension((uint8_t)(WIRE_TYPED_ARRAY + array->class_id - JS_CLASS_UINT8C_ARRAY),
                       array->u.array.u.ptr, size);
}

static bool put_array_buffer(const JSArrayBuffer *buffer) {
  if (buffer->detached) return put_refused("a detached ArrayBuffer");
  return put_extension(WIRE_ARRAY_BUFFER, buffer->data, (uint32_t)buffer->byte_length);
}

/* What is shared is named, not copied; memory of the script's own nobody else could share. */
static bool put_shared(const JSArrayBuffer *buffer) {
  const Share *share = share_of(buffer);
  if (!share) return put_refused("a SharedArrayBuffer that is no SharedBuffer of the host's");
  return put_extension(WIRE_SHARED, &share->number, sizeof share->number);
}

/* Refuse an object of the engine that has no meaning outside, by its class's name. */
__attribute__((cold)) static bool put_refused_class(JSContext *context, const JSObject *object) {
  char name[64], what[80];
  JS_AtomGetStr(context, name, sizeof name, context->rt->class_array[object->class_id].class_name);
  snprintf(what, sizeof what, "%s %s", strchr("AEIOU", name[0]) ? "an" : "a", name);
  return put_refused(what);
}

#include "codec_errors.h"

static bool put_members(JSContext *context, JSObject *object, bool is_array) {
  uint32_t count;
  switch (object->class_id) {
  case JS_CLASS_ARRAY: return put_array(context, object);
  case JS_CLASS_MAP: return put_collection(context, object, true);
  case JS_CLASS_SET: return put_collection(context, object, false);
  case JS_CLASS_ERROR:
  case JS_CLASS_DOM_EXCEPTION: return put_error(context, object);
  case JS_CLASS_PROXY:
    if (is_array) return put_array_proxy(context, JS_MKPTR(JS_TAG_OBJECT, object));
    return put_entries(context, object);
  default:
    if (!object->is_exotic && inspect_shape(context, object, &count) == SHAPE_FIELDS)
      return put_fields(context, object, count);
    return put_entries(context, object);
  }
}

static bool put_container(JSContext *context, JSObject *object, bool is_array) {
  Ancestor self;
  bool written;
  if (!enter_container(context, object, &self, &written)) return written;
  written = put_members(context, object, is_array);
  leave_container(context, object, &self);
  return written;
}

static bool put_object(JSContext *context, JSValueConst value);

static bool put_proxy(JSContext *context, JSValueConst value) {
  JSObject *object = JS_VALUE_GET_OBJ(value);
  if (object->u.proxy_data->is_func) return put_handle(context, value, WIRE_HANDLE_FUNCTION);
  if (writer.lenient) {
    while (object->class_id == JS_CLASS_PROXY) { /* chains may be long: no recursion */
      if (object->u.proxy_data->is_revoked) return put_text("[revoked proxy]");
      object = JS_VALUE_GET_OBJ(object->u.proxy_data->target);
    }
    return put_object(context, JS_MKPTR(JS_TAG_OBJECT, object));
  }
  int is_array = js_is_array(context, value); /* runs no code, but fails for a revoked proxy */
  if (is_array < 0) return fail_exception();
  return put_container(context, object, is_array);
}

static bool put_object(JSContext *context, JSValueConst value) {
  JSObject *object = JS_VALUE_GET_OBJ(value);
  switch (object->class_id) {
  case JS_CLASS_OBJECT:
  case JS_CLASS_ARRAY:
  case JS_CLASS_MAP:
  case JS_CLASS_SET:
  case JS_CLASS_ERROR:
  case JS_CLASS_DOM_EXCEPTION:
  case JS_CLASS_ARGUMENTS:
  case JS_CLASS_MAPPED_ARGUMENTS:
  case JS_CLASS_MODULE_NS:
  case JS_CLASS_RAWJSON: return put_container(context, object, false);
  case JS_CLASS_NUMBER:
  case JS_CLASS_STRING:
  case JS_CLASS_BOOLEAN:
  case JS_CLASS_BIG_INT:
  case JS_CLASS_SYMBOL: return put_value(context, object->u.object_data);
  case JS_CLASS_DATE: return put_date(object);
  case JS_CLASS_ARRAY_BUFFER: return put_array_buffer(object->u.array_buffer);
  case JS_CLASS_SHARED_ARRAY_BUFFER: return put_shared(object->u.array_buffer);
  case JS_CLASS_PROMISE: return put_handle(context, value, WIRE_HANDLE_PROMISE);
  case JS_CLASS_PROXY: return put_proxy(context, value);
  default:
    if (is_typed_array(object->class_id)) return put_typed_array(object);
    if (JS_IsFunction(context, value)) return put_handle(context, value, WIRE_HANDLE_FUNCTION);
    return put_refused_class(context, object);
  }
}
