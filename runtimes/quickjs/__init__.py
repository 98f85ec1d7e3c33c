"""QuickJS-NG, compiled to WebAssembly and run by wasmtime."""

from runtimes.quickjs._encoded import encode_args, encode_calls
from runtimes.quickjs._handles import JSFunction, JSPromise
from runtimes.quickjs._pooling import configure
from runtimes.quickjs._runtime import QuickJSRuntime

__all__ = [
    "JSFunction",
    "JSPromise",
    "QuickJSRuntime",
    "configure",
    "encode_args",
    "encode_calls",
]
