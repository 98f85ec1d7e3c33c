/* Which of the engine's functions the compiler must not put in line. What is said of a function here
 * holds for its definition in quickjs.c too. (To force JS_FreeValue in line everywhere costs 2 %: with
 * a profile the compiler knows better where.)
 */
#ifndef GUEST_INLINING_H
#define GUEST_INLINING_H

#include "quickjs.h"

/* Take room on the stack that the engine's limit counts. For a function that recurses: that limit must
 * be reached before wasmtime's, which counts the processor's frames, and these may be 16 times as large. */
#define GUEST_LARGE_FRAME(bytes) \
  char large_frame[bytes];       \
  __asm__ volatile("" : : "r"(large_frame))

/* The interpreter, which stop_checks.py must find, and the functions that begin with a look at the
 * host (LOOKERS in flags.py): in line they would begin with none. */
static __attribute__((noinline)) JSValue JS_CallInternal(JSContext *caller_ctx,
                                                         JSValueConst func_obj,
                                                         JSValueConst this_obj,
                                                         JSValueConst new_target, int argc,
                                                         JSValueConst *argv, int flags);
static __attribute__((noinline)) JSValue JS_GetPropertyInternal(JSContext *ctx, JSValueConst obj,
                                                                JSAtom prop, JSValueConst this_obj,
                                                                bool throw_ref_error);
static __attribute__((noinline)) int JS_TryGetPropertyInt64(JSContext *ctx, JSValueConst obj,
                                                            int64_t idx, JSValue *pval);
__attribute__((noinline)) int JS_SetPropertyInt64(JSContext *ctx, JSValueConst this_obj, int64_t idx,
                                                  JSValue val);

#endif
