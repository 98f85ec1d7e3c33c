"""What the guest is compiled and linked with, and which functions are not treated as all are."""

from __future__ import annotations

STACK_BYTES = 256 * 1024
"""The shadow stack. It lies first in memory, so that running over its end traps instead of writing
over data (`_traps.py` knows that trap); the engine's own limit (at most 128 KiB) stops most scripts
long before. No larger than that takes: a pooled instance's stack is cleared when it goes."""

INTERPRETER = "JS_CallInternal"
"""The one function whose dispatch gets no stop checks: it polls the interrupt handler by itself."""

LOOKERS = ("JS_GetPropertyInternal", "JS_TryGetPropertyInt64", "JS_SetPropertyInt64")
"""Functions that begin with a look at the host, so that Python sees Ctrl-C while a built-in runs
over a huge array-like."""

# zig cc knows only two levels: -O0 and, for -O1 to -O3, its own "release fast", which is -O2 with
# -DNDEBUG. What is meant is therefore said to the compiler behind it, and NDEBUG explicitly.
COMMON_FLAGS = (
    *("-target", "wasm32-wasi", "-std=gnu11", "-O3", "-g0"),
    *("-D_GNU_SOURCE", "-DQUICKJS_NG_BUILD", "-include", "guest/fast_libc.h"),
    "-fno-sanitize=all",  # zig turns some on by itself
)
RELEASE_FLAGS = ("-DNDEBUG",)
DEBUG_FLAGS = ("-Xclang", "-O1", "-UNDEBUG", "-DGUEST_DEBUG")
OWN_FLAGS = ("-Wall", "-Wextra", "-Werror", "-isystem", "engine")
ENGINE_FLAGS = ("-w", "-I", "engine")
INLINING_FLAGS = (
    *("-mllvm", "-inline-max-stacksize=16", "-mllvm", "-inline-threshold=60"),
    *("-mllvm", "-hot-callsite-threshold=400"),
)
"""What a profile makes hot goes in line, and its variables into the caller's frame: that of the
interpreter would grow sixfold, and the depth to which a script may recurse shrink with it. What is
not hot only takes registers from what is."""
PROFILE = "guest.profile"
COUNTING_FLAGS = (
    *("-Xclang", "-fprofile-instrument=llvm", "-mllvm", "-disable-vp"),  # counters, no values
    *("-mllvm", "-enable-name-compression=false"),
)
PROFILE_FLAGS = (
    *("-fprofile-instr-use=guest.profdata", "-mllvm", "-disable-vp"),
    *("-mllvm", "-pgo-warn-missing-function", "-Wno-error=backend-plugin"),
)
UNITS = {
    # Includes engine/quickjs.c, which -isystem keeps quiet. Its Atomics work on memory that other
    # threads see. Without -matomics, or with anything thread-local in the unit, such as errno, the
    # compiler would make plain loads and stores of them in silence.
    "guest/guest.c": (*OWN_FLAGS, "-matomics", "-D_Thread_local="),
    "guest/fast_libc.c": OWN_FLAGS,
    "guest/no_wasi.c": OWN_FLAGS,
    "engine/libregexp.c": ENGINE_FLAGS,
    "engine/libunicode.c": ENGINE_FLAGS,
    "engine/dtoa.c": ENGINE_FLAGS,
}
LINK_FLAGS = (
    *("-target", "wasm32-wasi", "-O3", "-mexec-model=reactor"),  # a library: no main
    *("-Wl,--export=guest_header", "-Wl,--export=guest_hard_stop"),
    f"-Wl,-z,stack-size={STACK_BYTES}",
)
