"""JavaScript engines as plain objects: values in, values out, limits.

The one shipped engine is `QuickJSRuntime`. This package stands by itself; workers and pools are in
``actors``.
"""

from runtimes.console import ConsoleEvent, ConsoleLevel
from runtimes.encoded import EncodedArgs
from runtimes.errors import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    ConversionError,
    HostError,
    JSError,
    JSRuntimeError,
    JSSyntaxError,
    LimitError,
    MemoryLimitError,
    MissingEntrypoint,
    ModuleNotFound,
    ResultLimitError,
    RunCancelled,
    SnapshotMismatch,
    StackLimitError,
    StaleHandle,
    TimeoutExceeded,
    UnsettledPromise,
    ValueNotCallable,
    ValueNotFound,
    WrongThread,
)
from runtimes.modules import Module, ModuleHandle
from runtimes.options import DEFAULT, Default, HostFunction, RuntimeOptions
from runtimes.protocol import BoundFunction, CanMove, CanSnapshot, FunctionHandle, Runtime
from runtimes.quickjs import (
    JSFunction,
    JSPromise,
    QuickJSRuntime,
    configure,
    encode_args,
    encode_calls,
)
from runtimes.shared import SharedBuffer
from runtimes.snapshots import Snapshot
from runtimes.values import (
    ArrayBuffer,
    BigInt,
    JSDate,
    JSMap,
    JSSet,
    TypedArray,
    Undefined,
    undefined,
)

__all__ = [
    "DEFAULT",
    "ArrayBuffer",
    "BigInt",
    "BoundFunction",
    "BrokenRuntimeError",
    "CanMove",
    "CanSnapshot",
    "ClosedRuntimeError",
    "ConsoleEvent",
    "ConsoleLevel",
    "ConversionError",
    "Default",
    "EncodedArgs",
    "FunctionHandle",
    "HostError",
    "HostFunction",
    "JSDate",
    "JSError",
    "JSFunction",
    "JSMap",
    "JSPromise",
    "JSRuntimeError",
    "JSSet",
    "JSSyntaxError",
    "LimitError",
    "MemoryLimitError",
    "MissingEntrypoint",
    "Module",
    "ModuleHandle",
    "ModuleNotFound",
    "QuickJSRuntime",
    "ResultLimitError",
    "RunCancelled",
    "Runtime",
    "RuntimeOptions",
    "SharedBuffer",
    "Snapshot",
    "SnapshotMismatch",
    "StackLimitError",
    "StaleHandle",
    "TimeoutExceeded",
    "TypedArray",
    "Undefined",
    "UnsettledPromise",
    "ValueNotCallable",
    "ValueNotFound",
    "WrongThread",
    "configure",
    "encode_args",
    "encode_calls",
    "undefined",
]
