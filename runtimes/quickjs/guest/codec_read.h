/* Reading values: host to JavaScript.
 *
 * The bytes are the host's, who is trusted, but every access is checked all the same: what does not
 * fit is a TypeError, never a read beyond the end, and a header can ask for no more memory than a
 * small multiple of the bytes behind it. No code of the script runs: objects are made from the
 * engine's own prototypes and filled by its internal functions, and every property is an own one,
 * `__proto__` too.
 *
 * Failure: JS_EXCEPTION, with an exception pending, and `codec_failure.kind` is CODEC_CONVERSION
 * (with a path) if the value itself is at fault, else CODEC_EXCEPTION. What was made is freed.
 */

/* Bytes that are being read; borrowed, and must not move meanwhile. */
typedef struct Reader {
  const uint8_t *at, *end;
  uint32_t depth; /* containers entered */
} Reader;

static inline Reader reader_over(const uint8_t *bytes, uint32_t length) {
  return (Reader){bytes, bytes + length, 0};
}

static JSValue read_item(JSContext *context, Reader *reader);

__attribute__((cold)) static JSValue read_malformed(JSContext *context) {
  codec_fail(CODEC_EXCEPTION, "malformed");
  return JS_ThrowTypeError(context, "a malformed message from the host");
}

/* An exception is pending already. */
static inline JSValue read_failed(void) {
  codec_fail(CODEC_EXCEPTION, "exception");
  return JS_EXCEPTION;
}

__attribute__((cold)) static JSValue read_refused(JSContext *context, const char *why) {
  codec_fail(CODEC_CONVERSION, "%s", why);
  return JS_ThrowRangeError(context, "%s", why);
}

static inline bool has_bytes(const Reader *reader, uint32_t count) {
  return (uint32_t)(reader->end - reader->at) >= count;
}

/* The next `size` bytes as a big endian number; the caller has checked that they are there. */
static inline uint64_t take_number(Reader *reader, int size) {
  uint64_t value = 0;
  for (int i = 0; i < size; i++) value = value << 8 | *reader->at++;
  return value;
}

/* A count in the next `size` bytes; false if they are not there. */
static inline bool take_count(Reader *reader, int size, uint32_t *count) {
  if (unlikely(!has_bytes(reader, (uint32_t)size))) return false;
  *count = (uint32_t)take_number(reader, size);
  return true;
}

static inline bool is_ascii(const uint8_t *text, uint32_t length) {
  uint32_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t word;
    memcpy(&word, text + i, sizeof word);
    if (word & 0x8080808080808080ull) return false;
  }
  uint8_t bits = 0;
  for (; i < length; i++) bits |= text[i];
  return bits < 0x80;
}

/* A string of `length` bytes of WTF-8, which are there. */
static JSValue read_string(JSContext *context, Reader *reader, uint32_t length) {
  const uint8_t *text = reader->at;
  reader->at += length;
  if (unlikely(!is_ascii(text, length)) || length == 0) {
    JSValue value = JS_NewStringLen(context, (const char *)text, length);
    return unlikely(JS_IsException(value)) ? read_failed() : value;
  }
  if (unlikely(length > JS_STRING_LEN_MAX)) return read_refused(context, "the string is too long");
  JSString *string = js_alloc_string(context, (int)length, 0);
  if (unlikely(!string)) return read_failed();
  memcpy(str8(string), text, length);
  str8(string)[length] = 0;
  return JS_MKPTR(JS_TAG_STRING, string);
}

/* The header of a str or WIRE_WTF8 item: sets the text's length. False if it is none, or is cut
 * off. */
static bool take_text_header(Reader *reader, uint32_t *length) {
  uint32_t code;
  if (!take_count(reader, 1, &code)) return false;
  if ((code & 0xe0) == 0xa0) *length = code & 31;
  else if (code == 0xd9) {
    if (!take_count(reader, 1, length)) return false;
  } else if (code == 0xda) {
    if (!take_count(reader, 2, length)) return false;
  } else if (code == 0xdb) {
    if (!take_count(reader, 4, length)) return false;
  } else if (code >= 0xc7 && code <= 0xc9) {
    uint32_t type;
    if (!take_count(reader, 1 << (code - 0xc7), length)) return false;
    if (!take_count(reader, 1, &type) || type != WIRE_WTF8) return false;
  } else {
    return false;
  }
  return has_bytes(reader, *length);
}

/* The key of a property, `length` bytes. JS_ATOM_NULL with an exception pending on failure. */
static JSAtom read_key(JSContext *context, const uint8_t *text, uint32_t length) {
  JSAtom key;
  if (likely(is_ascii(text, length))) {
    key = JS_NewAtomLen(context, (const char *)text, length);
  } else { /* JS_NewAtomLen would take UTF-8 for Latin-1 if there is such an atom */
    JSValue string = JS_NewStringLen(context, (const char *)text, length);
    key = JS_IsException(string) ? JS_ATOM_NULL
                                 : JS_NewAtomStr(context, JS_VALUE_GET_STRING(string));
  }
  if (unlikely(key == JS_ATOM_NULL)) {
    if (!JS_HasException(context)) JS_ThrowOutOfMemory(context);
    read_failed();
  }
  return key;
}

/* Step into a container; false with an exception pending if it is too deep. */
static bool read_enter(JSContext *context, Reader *reader) {
  /* One more than a value may have: the array of a call's arguments. */
  if (unlikely(reader->depth > WIRE_MAX_DEPTH)) {
    read_refused(context, "more than 200 containers inside each other");
    return false;
  }
  if (unlikely(js_check_stack_overflow(context->rt, 0))) {
    JS_ThrowStackOverflow(context);
    read_failed();
    return false;
  }
  reader->depth++;
  return true;
}

static JSValue read_array(JSContext *context, Reader *reader, uint32_t count) {
  if (!has_bytes(reader, count)) return read_malformed(context); /* each item has a byte at least */
  JSValue array = JS_NewArray(context);
  if (JS_IsException(array)) return read_failed();
  JSObject *object = JS_VALUE_GET_OBJ(array);
  if (count && expand_fast_array(context, object, count) < 0) goto fail;
  object->prop[0].u.value = js_uint32(count);
  if (!read_enter(context, reader)) goto refused;
  for (uint32_t i = 0; i < count; i++) {
    JSValue item = read_item(context, reader);
    if (unlikely(JS_IsException(item))) {
      path_prepend("[%u]", (unsigned)i);
      goto refused;
    }
    object->u.array.u.values[i] = item;
    object->u.array.count = i + 1;
  }
  reader->depth--;
  return array;
fail:
  read_failed();
refused:
  JS_FreeValue(context, array);
  return JS_EXCEPTION;
}

#include "codec_read_object.h"
#include "codec_read_ext.h"

/* An extension of `length` bytes, its type first. */
static JSValue read_extension_item(JSContext *context, Reader *reader, uint32_t length) {
  uint32_t type;
  if (!take_count(reader, 1, &type) || !has_bytes(reader, length)) return read_malformed(context);
  Reader payload = {reader->at, reader->at + length, reader->depth};
  reader->at += length;
  JSValue value = read_extension(context, &payload, type);
  if (likely(payload.at == payload.end) || JS_IsException(value)) return value;
  JS_FreeValue(context, value);
  return read_malformed(context);
}

/* Any item; a switch over all codes of MessagePack. */
static JSValue read_item(JSContext *context, Reader *reader) {
  uint32_t code, count;
  if (unlikely(!take_count(reader, 1, &code))) return read_malformed(context);
  if (code < 0x80) return js_int32((int32_t)code);
  if (code >= 0xe0) return js_int32((int8_t)code);
  if (code >= 0xa0 && code < 0xc0) {
    count = code & 31;
    if (unlikely(!has_bytes(reader, count))) return read_malformed(context);
    return read_string(context, reader, count);
  }
  if (code < 0x90) return read_object(context, reader, code & 15);
  if (code < 0xa0) return read_array(context, reader, code & 15);
  /* The number of bytes of the number or count that follows each code from 0xc0. */
  static const uint8_t sizes[32] = {0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
                                    1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
  int size = sizes[code - 0xc0];
  if (unlikely(!has_bytes(reader, (uint32_t)size))) return read_malformed(context);
  uint64_t number = take_number(reader, size);
  count = (uint32_t)number;
  switch (code) {
  case 0xc0: return JS_NULL;
  case 0xc2: return JS_FALSE;
  case 0xc3: return JS_TRUE;
  case 0xc4:
  case 0xc5:
  case 0xc6: return read_binary(context, reader, count);
  case 0xc7:
  case 0xc8:
  case 0xc9: return read_extension_item(context, reader, count);
  case 0xca: {
    float single;
    memcpy(&single, &count, sizeof single);
    return js_float64(single);
  }
  case 0xcb: {
    double real;
    memcpy(&real, &number, sizeof real);
    return js_float64(real);
  }
  case 0xcc:
  case 0xcd:
  case 0xce: return js_uint32(count);
  case 0xcf:
    if (number > (uint64_t)MAX_SAFE_INTEGER) return read_big(JS_NewBigUint64(context, number));
    return js_int64((int64_t)number);
  case 0xd0: return js_int32((int8_t)number);
  case 0xd1: return js_int32((int16_t)number);
  case 0xd2: return js_int32((int32_t)number);
  case 0xd3:
    if ((int64_t)number < -MAX_SAFE_INTEGER || (int64_t)number > MAX_SAFE_INTEGER)
      return read_big(JS_NewBigInt64(context, (int64_t)number));
    return js_int64((int64_t)number);
  case 0xd4:
  case 0xd5:
  case 0xd6:
  case 0xd7:
  case 0xd8: return read_extension_item(context, reader, 1u << (code - 0xd4));
  case 0xd9:
  case 0xda:
  case 0xdb:
    if (unlikely(!has_bytes(reader, count))) return read_malformed(context);
    return read_string(context, reader, count);
  case 0xdc:
  case 0xdd: return read_array(context, reader, count);
  case 0xde:
  case 0xdf: return read_object(context, reader, count);
  default: return read_malformed(context);
  }
}

/* Read the next value. Returns it, or JS_EXCEPTION as said at the top. */
static JSValue read_value(JSContext *context, Reader *reader) {
  reader->depth = 0;
  forget_shapes();
  JSValue value = read_item(context, reader);
  if (JS_IsException(value)) path_finish();
  return value;
}
