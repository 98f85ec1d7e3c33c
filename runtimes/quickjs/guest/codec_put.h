/* Writing what is no object: headers, numbers, strings. All return false on failure, as said in
 * buffer.h. Functions named write_* are for the shim's own messages, put_* for values. */

#include "wire.h"

static inline bool put_byte(uint8_t byte) {
  uint8_t *at = out_claim(1);
  if (unlikely(!at)) return false;
  *at = byte;
  return true;
}

/* MessagePack's own numbers are big endian. */
static inline void store16(uint8_t *at, uint16_t value) {
  value = __builtin_bswap16(value);
  memcpy(at, &value, sizeof value);
}

static inline void store32(uint8_t *at, uint32_t value) {
  value = __builtin_bswap32(value);
  memcpy(at, &value, sizeof value);
}

static inline void store64(uint8_t *at, uint64_t value) {
  value = __builtin_bswap64(value);
  memcpy(at, &value, sizeof value);
}

static inline bool put_code16(uint8_t code, uint16_t value) {
  uint8_t *at = out_claim(3);
  if (unlikely(!at)) return false;
  at[0] = code;
  store16(at + 1, value);
  return true;
}

static inline bool put_code32(uint8_t code, uint32_t value) {
  uint8_t *at = out_claim(5);
  if (unlikely(!at)) return false;
  at[0] = code;
  store32(at + 1, value);
  return true;
}

static inline bool put_code64(uint8_t code, uint64_t value) {
  uint8_t *at = out_claim(9);
  if (unlikely(!at)) return false;
  at[0] = code;
  store64(at + 1, value);
  return true;
}

static inline bool put_code8(uint8_t code, uint8_t value) {
  uint8_t *at = out_claim(2);
  if (unlikely(!at)) return false;
  at[0] = code;
  at[1] = value;
  return true;
}

static inline bool put_int(int64_t value) {
  if (value >= 0) {
    if (value < 0x80) return put_byte((uint8_t)value);
    if (value <= 0xff) return put_code8(0xcc, (uint8_t)value);
    if (value <= 0xffff) return put_code16(0xcd, (uint16_t)value);
    if (value <= 0xffffffffll) return put_code32(0xce, (uint32_t)value);
    return put_code64(0xcf, (uint64_t)value);
  }
  if (value >= -0x20) return put_byte((uint8_t)value);
  if (value >= -0x80) return put_code8(0xd0, (uint8_t)value);
  if (value >= -0x8000) return put_code16(0xd1, (uint16_t)value);
  if (value >= -0x80000000ll) return put_code32(0xd2, (uint32_t)value);
  return put_code64(0xd3, (uint64_t)value);
}

/* Safe integers as integers: it is shorter, and Python tells 1 from 1.0. -0 is no integer. */
static inline bool put_double(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (value >= -(double)MAX_SAFE_INTEGER && value <= (double)MAX_SAFE_INTEGER &&
      value == (double)(int64_t)value && bits != (uint64_t)1 << 63)
    return put_int((int64_t)value);
  return put_code64(0xcb, bits);
}

static inline bool put_array_header(uint32_t count) {
  if (count < 16) return put_byte((uint8_t)(0x90 | count));
  if (count <= 0xffff) return put_code16(0xdc, (uint16_t)count);
  return put_code32(0xdd, count);
}

static inline uint32_t map_header_size(uint32_t count) {
  return count < 16 ? 1 : count <= 0xffff ? 3 : 5;
}

static inline void store_map_header(uint8_t *at, uint32_t count) {
  if (count < 16) {
    at[0] = (uint8_t)(0x80 | count);
  } else if (count <= 0xffff) {
    at[0] = 0xde;
    store16(at + 1, (uint16_t)count);
  } else {
    at[0] = 0xdf;
    store32(at + 1, count);
  }
}

static inline bool put_map_header(uint32_t count) {
  uint8_t *at = out_claim(map_header_size(count));
  if (unlikely(!at)) return false;
  store_map_header(at, count);
  return true;
}

/* Header and room for the text of a str or WIRE_WTF8. Returns where the text goes, or NULL. */
static inline uint8_t *claim_text(uint64_t length, bool wtf8) {
  if (unlikely(length > OUT_MOST)) {
    codec_fail(CODEC_RESULT_BYTES, "a string is longer than any result may be");
    return NULL;
  }
  uint32_t size = (uint32_t)length;
  uint8_t *at;
  if (unlikely(wtf8)) {
    if (!(at = out_claim(6 + size))) return NULL;
    at[0] = 0xc9;
    store32(at + 1, size);
    at[5] = WIRE_WTF8;
    return at + 6;
  }
  if (size < 32) {
    if (!(at = out_claim(1 + size))) return NULL;
    at[0] = (uint8_t)(0xa0 | size);
    return at + 1;
  }
  if (size <= 0xff) {
    if (!(at = out_claim(2 + size))) return NULL;
    at[0] = 0xd9;
    at[1] = (uint8_t)size;
    return at + 2;
  }
  if (size <= 0xffff) {
    if (!(at = out_claim(3 + size))) return NULL;
    at[0] = 0xda;
    store16(at + 1, (uint16_t)size);
    return at + 3;
  }
  if (!(at = out_claim(5 + size))) return NULL;
  at[0] = 0xdb;
  store32(at + 1, size);
  return at + 5;
}

/* How many of the Latin-1 characters need two bytes. */
static inline uint32_t count_above_ascii(const uint8_t *text, uint32_t length) {
  uint32_t count = 0, i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t word;
    memcpy(&word, text + i, sizeof word);
    count += (uint32_t)__builtin_popcountll(word & 0x8080808080808080ull);
  }
  for (; i < length; i++) count += text[i] >> 7;
  return count;
}

static bool put_latin1(const uint8_t *text, uint32_t length) {
  uint32_t wide = count_above_ascii(text, length);
  uint8_t *at = claim_text((uint64_t)length + wide, false);
  if (unlikely(!at)) return false;
  if (likely(wide == 0)) {
    memcpy(at, text, length);
    return true;
  }
  for (uint32_t i = 0; i < length; i++) {
    uint8_t c = text[i];
    if (c < 0x80) {
      *at++ = c;
    } else {
      *at++ = (uint8_t)(0xc0 | c >> 6);
      *at++ = (uint8_t)(0x80 | (c & 0x3f));
    }
  }
  return true;
}

/* The length as UTF-8 of UTF-16; sets `*lone` if a surrogate stands alone (and counts 3 for it). */
static uint64_t utf8_length(const uint16_t *text, uint32_t length, bool *lone) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < length; i++) {
    uint16_t c = text[i];
    if (c < 0x80) {
      total += 1;
    } else if (c < 0x800) {
      total += 2;
    } else if (is_hi_surrogate(c) && i + 1 < length && is_lo_surrogate(text[i + 1])) {
      total += 4;
      i++;
    } else {
      total += 3;
      if (is_surrogate(c)) *lone = true;
    }
  }
  return total;
}

static bool put_utf16(const uint16_t *text, uint32_t length) {
  bool lone = false;
  uint64_t size = utf8_length(text, length, &lone);
  uint8_t *at = claim_text(size, lone);
  if (unlikely(!at)) return false;
  for (uint32_t i = 0; i < length; i++) {
    uint32_t c = text[i];
    if (is_hi_surrogate(c) && i + 1 < length && is_lo_surrogate(text[i + 1]))
      c = from_surrogate(c, text[++i]);
    at += utf8_encode(at, c);
  }
  return true;
}

static inline bool put_string(JSString *string) {
  if (likely(!string->is_wide_char)) return put_latin1(str8(string), string->len);
  return put_utf16(str16(string), string->len);
}

/* A string value, which may be a rope: flattening one needs memory, hence the exception. */
static bool put_string_value(JSContext *context, JSValueConst value) {
  if (likely(JS_VALUE_GET_TAG(value) == JS_TAG_STRING))
    return put_string(JS_VALUE_GET_STRING(value));
  JSValue flat = JS_ToString(context, value);
  if (JS_IsException(flat)) return codec_fail(CODEC_EXCEPTION, "exception");
  bool written = put_string(JS_VALUE_GET_STRING(flat));
  JS_FreeValue(context, flat);
  return written;
}

/* A property's key. */
static inline bool put_atom(JSContext *context, JSAtom atom) {
  if (likely(!__JS_AtomIsTaggedInt(atom))) return put_string(context->rt->atom_array[atom]);
  char digits[16];
  size_t length = u32toa(digits, __JS_AtomToUInt32(atom));
  return put_latin1((const uint8_t *)digits, (uint32_t)length);
}

static inline bool atom_has_lone_surrogate(JSContext *context, JSAtom atom) {
  if (__JS_AtomIsTaggedInt(atom)) return false;
  JSString *string = context->rt->atom_array[atom];
  if (likely(!string->is_wide_char)) return false;
  bool lone = false;
  utf8_length(str16(string), string->len, &lone);
  return lone;
}

static bool put_binary(const void *bytes, uint32_t size) {
  if (size > OUT_MOST - 5) return codec_fail(CODEC_RESULT_BYTES, "a buffer is too long");
  uint32_t header = size <= 0xff ? 2 : size <= 0xffff ? 3 : 5;
  uint8_t *at = out_claim(header + size);
  if (unlikely(!at)) return false;
  if (header == 2) {
    at[0] = 0xc4;
    at[1] = (uint8_t)size;
  } else if (header == 3) {
    at[0] = 0xc5;
    store16(at + 1, (uint16_t)size);
  } else {
    at[0] = 0xc6;
    store32(at + 1, size);
  }
  if (size) memcpy(at + header, bytes, size);
  return true;
}

static bool put_extension(uint8_t type, const void *bytes, uint32_t size) {
  if (size > OUT_MOST - 6) return codec_fail(CODEC_RESULT_BYTES, "a buffer is too long");
  uint32_t header = size <= 0xff ? 3 : 6;
  uint8_t *at = out_claim(header + size);
  if (unlikely(!at)) return false;
  if (header == 3) {
    at[0] = 0xc7;
    at[1] = (uint8_t)size;
  } else {
    at[0] = 0xc9;
    store32(at + 1, size);
  }
  at[header - 1] = type;
  if (size) memcpy(at + header, bytes, size);
  return true;
}

/* An extension whose length is not known yet. Returns where its payload begins, 0 on failure. */
static uint32_t open_extension(uint8_t type) {
  uint8_t *at = out_claim(6);
  if (!at) return 0;
  at[0] = 0xc9;
  at[5] = type;
  return out.length;
}

static void close_extension(uint32_t payload) {
  store32(out.data + payload - 5, out.length - payload);
}

static inline bool put_undefined(void) { return put_extension(WIRE_UNDEFINED, NULL, 0); }

/* An ASCII text of ours. */
static bool put_text(const char *text) {
  return put_latin1((const uint8_t *)text, (uint32_t)strlen(text));
}

/* For the shim's own messages. */

static inline bool write_array_header(JSContext *context, uint32_t count) {
  (void)context;
  return put_array_header(count);
}

static inline bool write_nil(JSContext *context) {
  (void)context;
  return put_byte(0xc0);
}

static inline bool write_bool(JSContext *context, bool value) {
  (void)context;
  return put_byte(value ? 0xc3 : 0xc2);
}

static inline bool write_int(JSContext *context, int64_t value) {
  (void)context;
  return put_int(value);
}

/* A text that is meant to be UTF-8 already. What is not (a surrogate from JS_ToCString, a character
 * that was cut in two) is replaced: the host may trust that every str of ours is UTF-8. */
static bool write_utf8(JSContext *context, const char *text, size_t length) {
  (void)context;
  uint8_t *at = claim_text(length, false);
  if (!at) return false;
  if (length) memcpy(at, text, length);
  const uint8_t *end = at + length;
  while (at < end) {
    if (*at < 0x80) {
      at++;
      continue;
    }
    const uint8_t *next;
    uint32_t c = utf8_decode_len(at, (size_t)(end - at), &next);
    if (next == at + 1) *at = '?';
    else if (is_surrogate(c)) memcpy(at, "\xef\xbf\xbd", 3); /* U+FFFD */
    at = (uint8_t *)next;
  }
  return true;
}
