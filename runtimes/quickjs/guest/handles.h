/* Functions and promises that the host holds: a table of values with a free list.
 *
 * The host frees a handle with guest_release; until then the table owns one reference. Free slots
 * hold the next free index as an int; live ones hold an object, so a stale number is recognised
 * unless its slot was taken again, and the host never reuses a number it has released.
 */

static struct {
  JSValue *values; /* owned; `count` of them */
  uint32_t count, capacity;
  int32_t free; /* first free slot, or -1: set at boot, as it is here with all that is written to */
} handles;

/* Take a reference to `value`. Returns its number, or -1 with an exception pending. */
static int64_t handle_create(JSContext *context, JSValueConst value) {
  uint32_t slot;
  if (handles.free >= 0) {
    slot = (uint32_t)handles.free;
    handles.free = JS_VALUE_GET_INT(handles.values[slot]);
  } else {
    if (handles.count == handles.capacity) {
      uint32_t capacity = handles.capacity ? handles.capacity * 2 : 16;
      JSValue *grown = js_realloc(context, handles.values, capacity * sizeof(JSValue));
      if (!grown) return -1;
      handles.values = grown;
      handles.capacity = capacity;
    }
    slot = handles.count++;
  }
  handles.values[slot] = JS_DupValue(context, value);
  return slot;
}

/* A new reference to the value, or JS_EXCEPTION with a TypeError pending if there is none. */
static JSValue handle_lookup(JSContext *context, uint32_t number) {
  if (number >= handles.count || !JS_IsObject(handles.values[number]))
    return JS_ThrowTypeError(context, "stale handle");
  return JS_DupValue(context, handles.values[number]);
}

static void handle_release(JSContext *context, uint32_t number) {
  if (number >= handles.count || !JS_IsObject(handles.values[number])) return;
  JSValue value = handles.values[number];
  handles.values[number] = JS_NewInt32(context, handles.free);
  handles.free = (int32_t)number;
  JS_FreeValue(context, value); /* last: finalisers may come back here */
}

#ifdef GUEST_DEBUG
static void handles_free(JSContext *context) {
  for (uint32_t i = 0; i < handles.count; i++) handle_release(context, i);
  js_free(context, handles.values);
  handles.values = NULL;
  handles.count = handles.capacity = 0;
  handles.free = -1;
}
#endif
