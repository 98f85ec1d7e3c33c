/* The wire: MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) with the extension
 * types below. runtimes/quickjs/_wire.py mirrors the numbers; a test compares the two.
 *
 * Plain MessagePack means: nil = null; bool; integer = a number that is a safe integer, or, coming
 * from the host and beyond +-(2^53-1), a BigInt; float64 = any other number; str = a string, always
 * valid UTF-8; bin = Uint8Array; array = Array; map, whose keys are str = plain object. All else is
 * an extension. Numbers inside extensions are little endian; an item is one whole wire value.
 */
#ifndef GUEST_WIRE_H
#define GUEST_WIRE_H

typedef enum WireExt {
  WIRE_UNDEFINED = 1,     /* empty */
  WIRE_BIGINT = 2,        /* two's complement, at least one byte */
  WIRE_DATE = 3,          /* float64: milliseconds since 1970, UTC */
  WIRE_MAP = 4,           /* one item: an array of key, value, key, value, ... */
  WIRE_SET = 5,           /* one item: an array of the members */
  WIRE_ERROR = 6,         /* one item: an array of WIRE_ERROR_FIELDS: name, message, stack, cause,
                           * errors; each may be nil but for cause, which is undefined if absent */
  WIRE_HANDLE = 7,        /* u8: a WireHandle, u32: the handle's number */
  WIRE_WTF8 = 8,          /* a string with lone surrogates, in WTF-8 */
  WIRE_OBJECT = 9,        /* a plain object with such a string among its keys; like WIRE_MAP */
  WIRE_SHARED = 10,       /* u32: the number of a buffer whose memory the host shares out */
  WIRE_ARRAY_BUFFER = 15, /* its bytes */
  WIRE_TYPED_ARRAY = 16,  /* + the engine's JSTypedArrayEnum: its bytes. Never Uint8Array */
} WireExt;

typedef enum WireHandle {
  WIRE_HANDLE_FUNCTION = 1,
  WIRE_HANDLE_PROMISE = 2,
} WireHandle;

enum {
  WIRE_TYPED_ARRAY_KINDS = 12,
  WIRE_ERROR_FIELDS = 5,
  WIRE_MAX_DEPTH = 200,           /* containers inside each other */
  WIRE_MAX_BIGINT_BYTES = 131072, /* the engine's own limit */
};

#endif
