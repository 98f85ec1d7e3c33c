/* Writing values: JavaScript to host.
 *
 * Nothing a script can define takes part (no toJSON, iterator, constructor, species, prototype):
 * classes are told apart by the engine's class numbers, and fields, elements and entries are read
 * from the engine's own structures. What does run is the value's own code: getters and proxy traps.
 * It runs in read_property and in the functions for proxies only, always between leave_codec and
 * return_to_codec, since it may call host functions and so come back here, and may change whatever
 * is being written. Hence the rules of this file: a container is held by a reference while it is
 * written; after each of its members its structure is looked up anew; a count that was written
 * before its members is corrected afterwards.
 */

#include "codec_path.h"
#include "codec_put.h"

/* A container that is being written; lives in the frame that writes it. */
typedef struct Ancestor {
  const JSObject *object;
  const struct Ancestor *up;
} Ancestor;

static struct Writer {
  const Ancestor *ancestors; /* innermost first */
  uint32_t depth;            /* how many those are */
  uint32_t limit;            /* offset in `out` that the message must not pass */
  uint32_t nodes_left;       /* values that may still be written, plus one */
  uint32_t pause_at;         /* look up when that few are left */
  bool bare_errors;          /* leave out causes and lists of errors */
  bool lenient;              /* show what cannot cross as a text, and run no code */
} writer;

enum { NODES_BETWEEN_PAUSES = 256 };

static void set_nodes_left(uint32_t nodes) {
  writer.nodes_left = nodes;
  writer.pause_at = nodes > NODES_BETWEEN_PAUSES ? nodes - NODES_BETWEEN_PAUSES : 0;
}

/* Begin a message: count its bytes and nodes from here. Several values may follow. */
static void writer_begin(void) {
  uint32_t most = guest_header.result_bytes;
  if (most == 0 || most > OUT_MOST - out.length) most = OUT_MOST - out.length;
  uint32_t nodes = guest_header.result_nodes;
  writer = (struct Writer){.limit = out.length + most};
  set_nodes_left(nodes && nodes < UINT32_MAX ? nodes + 1 : UINT32_MAX);
  created.count = created.floor;
}

/* As writer_begin, for messages that only show: what cannot cross becomes a text, no handles are
 * made, and no script runs (getters are named, proxies looked through). */
static inline void writer_begin_lenient(void) {
  writer_begin();
  writer.lenient = true;
}

/* What the codec must find again after the script's own code ran. */
typedef struct Interlude {
  struct Writer writer;
  uint32_t length, floor;
} Interlude;

static Interlude leave_codec(void) {
  Interlude interlude = {writer, out.length, created.floor};
  created.floor = created.count;
  out_set_limit(OUT_MOST);
  return interlude;
}

static void return_to_codec(const Interlude *interlude) {
  writer = interlude->writer;
  out.length = interlude->length;
  created.count = created.floor;
  created.floor = interlude->floor;
  out_set_limit(writer.limit);
}

static bool put_value(JSContext *context, JSValueConst value);

__attribute__((cold)) static bool fail_exception(void) {
  return codec_fail(CODEC_EXCEPTION, "exception");
}

/* `what` is in the way, such as "a symbol": show its name, or fail. */
__attribute__((cold)) static bool put_refused(const char *what) {
  if (!writer.lenient) return codec_fail(CODEC_CONVERSION, "%s cannot be converted", what);
  char text[96];
  snprintf(text, sizeof text, "[%s]", what);
  return put_text(text);
}


/* Fail at once if `count` members cannot fit: each is a node and takes at least a byte. */
static bool expect_members(uint64_t count) {
  if (likely(count < writer.nodes_left && count <= out.limit - out.length)) return true;
  if (count >= writer.nodes_left && writer.nodes_left < UINT32_MAX / 2)
    return codec_fail(CODEC_RESULT_NODES, "the value has more parts than allowed");
  return codec_fail(CODEC_RESULT_BYTES, "the encoded value is longer than allowed");
}

/* Step into a container. `self` must live until leave_container, which must follow if and only if
 * this returned true. On false the answer of the container is `*written`: depth and cycles are
 * failures, or in a lenient message a text. */
static bool enter_container(JSContext *context, JSObject *object, Ancestor *self, bool *written) {
  if (unlikely(writer.depth >= WIRE_MAX_DEPTH)) {
    const char *text = "more than %d containers inside each other";
    *written = writer.lenient ? put_text("[...]")
                              : codec_fail(CODEC_CONVERSION, text, WIRE_MAX_DEPTH);
    return false;
  }
  for (const Ancestor *a = writer.ancestors; a; a = a->up) {
    if (likely(a->object != object)) continue;
    *written = put_refused("a cycle");
    return false;
  }
  if (unlikely(js_check_stack_overflow(context->rt, 0))) {
    JS_ThrowStackOverflow(context);
    *written = fail_exception();
    return false;
  }
  js_dup(JS_MKPTR(JS_TAG_OBJECT, object));
  *self = (Ancestor){object, writer.ancestors};
  writer.ancestors = self;
  writer.depth++;
  return true;
}

static void leave_container(JSContext *context, JSObject *object, const Ancestor *self) {
  writer.ancestors = self->up;
  writer.depth--;
  JS_FreeValue(context, JS_MKPTR(JS_TAG_OBJECT, object));
}

/* Read a property that may be a getter, or be behind a proxy. Runs the script's code.
 * Returns a new reference, or JS_EXCEPTION. */
__attribute__((noinline)) static JSValue read_property(JSContext *context, JSValueConst object,
                                                       JSAtom key) {
  Interlude interlude = leave_codec();
  JSValue value = JS_GetProperty(context, object, key);
  return_to_codec(&interlude);
  return value;
}

/* Write an own property of an object that is no proxy; `*found` says whether there is one. */
static bool put_own_property(JSContext *context, JSObject *object, JSAtom key, bool *found) {
  JSProperty *property;
  JSShapeProperty *shape = find_own_property(&property, object, key);
  *found = shape != NULL;
  if (!shape) return true;
  uint32_t kind = shape->flags & JS_PROP_TMASK;
  if (!kind) return put_value(context, property->u.value);
  if (writer.lenient && kind == JS_PROP_GETSET) return put_text("[getter]");
  JSValue value = read_property(context, JS_MKPTR(JS_TAG_OBJECT, object), key);
  if (JS_IsException(value)) return fail_exception();
  bool written = put_value(context, value);
  JS_FreeValue(context, value);
  return written;
}

#include "codec_objects.h"

static bool put_bigint(JSValueConst value) {
  if (JS_VALUE_GET_TAG(value) == JS_TAG_SHORT_BIG_INT) {
    int32_t number = (int32_t)JS_VALUE_GET_SHORT_BIG_INT(value);
    return put_extension(WIRE_BIGINT, &number, sizeof number);
  }
  JSBigInt *number = JS_VALUE_GET_PTR(value);
  return put_extension(WIRE_BIGINT, number->tab, number->len * sizeof number->tab[0]);
}

/* Refuse it, or in a lenient message show its description. */
__attribute__((cold)) static bool put_symbol(JSContext *context, JSValueConst value) {
  if (!writer.lenient) return put_refused("a symbol");
  char name[64], text[80];
  JSAtom atom = js_symbol_to_atom(context, value); /* borrowed */
  JS_AtomGetStr(context, name, sizeof name, atom);
  snprintf(text, sizeof text, "Symbol(%s)", name);
  return write_utf8(context, text, strlen(text));
}

static inline bool put_kind(JSContext *context, JSValueConst value) {
  switch (JS_VALUE_GET_NORM_TAG(value)) {
  case JS_TAG_INT: return put_int(JS_VALUE_GET_INT(value));
  case JS_TAG_FLOAT64: return put_double(JS_VALUE_GET_FLOAT64(value));
  case JS_TAG_STRING:
  case JS_TAG_STRING_ROPE: return put_string_value(context, value);
  case JS_TAG_OBJECT: return put_object(context, value);
  case JS_TAG_BOOL: return put_byte(JS_VALUE_GET_BOOL(value) ? 0xc3 : 0xc2);
  case JS_TAG_NULL: return put_byte(0xc0);
  case JS_TAG_UNDEFINED: return put_undefined();
  case JS_TAG_BIG_INT:
  case JS_TAG_SHORT_BIG_INT: return put_bigint(value);
  case JS_TAG_SYMBOL: return put_symbol(context, value);
  default: return put_refused("an internal value");
  }
}

/* Now and then: has the message too many, and does somebody want to stop it? To ask lets the
 * host run signal handlers, and those may do anything; so this is an interlude like any other. */
__attribute__((cold, noinline)) static bool put_after_pause(JSContext *context,
                                                            JSValueConst value) {
  if (writer.nodes_left == 0)
    return codec_fail(CODEC_RESULT_NODES, "the value has more parts than allowed");
  set_nodes_left(writer.nodes_left);
  JSValue held = js_dup(value);
  Interlude interlude = leave_codec();
  int stopped = __js_poll_interrupts(context);
  return_to_codec(&interlude);
  bool written = stopped ? fail_exception() : put_kind(context, held);
  JS_FreeValue(context, held);
  return written;
}

static bool put_value(JSContext *context, JSValueConst value) {
  if (unlikely(--writer.nodes_left == writer.pause_at)) return put_after_pause(context, value);
  return put_kind(context, value);
}

/* Append one value to the message. On failure the buffer is as it was before, the handles that the
 * whole message had made are released, and `codec_failure` says why. */
static bool write_value(JSContext *context, JSValueConst value) {
  uint32_t mark = out.length;
  out_set_limit(writer.limit > mark ? writer.limit : mark);
  bool written = put_value(context, value);
  out_set_limit(OUT_MOST);
  if (written) {
    if (out.peak < out.length) out.peak = out.length;
    return true;
  }
  out.length = mark;
  path_finish();
  while (created.count > created.floor) handle_release(context, created.numbers[--created.count]);
  return false;
}

/* Append what was thrown, for a report: an error crosses in any case, if need be without its cause,
 * and whatever the limits of results are; anything else that cannot cross becomes nil.
 * Returns false only if there is no memory. */
static bool write_thrown(JSContext *context, JSValueConst value) {
  const uint32_t enough = 1024 * 1024; /* for three texts of ERROR_TEXT_MOST characters */
  for (int attempt = 0; attempt < 2; attempt++) {
    writer_begin();
    if (writer.limit < out.length + enough) writer.limit = out.length + enough;
    writer.bare_errors = attempt == 1;
    if (attempt == 1) set_nodes_left(UINT32_MAX);
    if (attempt == 1 && !JS_IsError(value)) break;
    if (write_value(context, value)) return true;
    if (codec_failure.kind == CODEC_MEMORY) return false;
    JS_FreeValue(context, JS_GetException(context));
  }
  return put_nil();
}

/* Append an array of values, such as the arguments of a call. As write_value. */
__attribute__((unused)) static bool write_values(JSContext *context, int count,
                                                 JSValueConst *values) {
  uint32_t mark = out.length;
  bool written = write_array_header(context, (uint32_t)count);
  for (int i = 0; written && i < count; i++) {
    written = write_value(context, values[i]);
    if (written || codec_failure.kind != CODEC_CONVERSION) continue;
    codec_failure.path++; /* its "$" */
    path_prepend("[%d]", i);
    path_finish();
  }
  if (!written) out.length = mark;
  return written;
}
