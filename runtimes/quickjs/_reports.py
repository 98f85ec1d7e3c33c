"""From the guest's error report to the exception that the caller gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtimes.errors import (
    BrokenRuntimeError,
    ConversionError,
    JSError,
    JSRuntimeError,
    JSSyntaxError,
    MemoryLimitError,
    MissingEntrypoint,
    ResultLimitError,
    RunCancelled,
    StackLimitError,
    StaleHandle,
    TimeoutExceeded,
    UnsettledPromise,
    ValueNotCallable,
    ValueNotFound,
)
from runtimes.quickjs._abi import Status, StopReason
from runtimes.quickjs._memory import result_nodes

if TYPE_CHECKING:
    from runtimes.options import RuntimeOptions

_SIMPLE: dict[int, type[JSRuntimeError]] = {
    Status.VALUE_NOT_FOUND: ValueNotFound,
    Status.VALUE_NOT_CALLABLE: ValueNotCallable,
    Status.MISSING_ENTRYPOINT: MissingEntrypoint,
    Status.UNSETTLED: UnsettledPromise,
    Status.STACK: StackLimitError,
    Status.STALE_HANDLE: StaleHandle,
}


def is_report(report: Any) -> bool:
    """Whether a guest of ours could have sent it; what is in it is for `to_exception` to see."""
    if type(report) is not list or len(report) != 5:
        return False
    status, detail, text, host_error, usable = report
    texts = (str, type(None))
    return (
        type(status) is int
        and type(host_error) is int
        and type(usable) is bool
        and isinstance(text, texts)
        and (status != Status.CONVERSION or type(detail) is str)
        and (status != Status.STOPPED or type(detail) is int)
    )


def to_exception(report: list[Any], options: RuntimeOptions) -> JSRuntimeError:
    """Build the exception for any status but STOPPED."""
    status, detail, text, _, usable = report
    error: JSRuntimeError
    if status in (Status.THROWN, Status.SYNTAX):
        error = _thrown(detail, text, syntax=status == Status.SYNTAX)
    elif status == Status.CONVERSION:
        error = ConversionError(text, path=detail)
    elif status == Status.MEMORY:
        limit = options.memory_limit_bytes
        error = MemoryLimitError(_memory_text(limit), limit_bytes=limit)
    elif status == Status.RESULT_BYTES:
        error = _too_large(options.result_limit_bytes, "bytes")
    elif status == Status.RESULT_NODES:
        error = _too_large(result_nodes(options), "nodes")
    elif status in _SIMPLE:
        error = _SIMPLE[status](text)
    else:
        raise BrokenRuntimeError(f"the guest reports status {status!r}, which does not exist")
    if not usable:
        error.runtime_usable = False
    return error


def stopped(reason: int, seconds: float | None, how: str = "") -> JSRuntimeError:
    """Build the exception for a run that was stopped; `how` says what it took."""
    if reason == StopReason.CANCELLED:
        return RunCancelled(f"the run was cancelled{how}")
    limit = "in time" if seconds is None else f"within {seconds:g} s"
    return TimeoutExceeded(f"the run did not end {limit}{how}", timeout=seconds)


def _memory_text(limit: int | None) -> str:
    return "the script ran out of memory" + (f" ({limit} bytes)" if limit is not None else "")


def _too_large(limit: int | None, unit: str) -> ResultLimitError:
    return ResultLimitError(
        f"the result is larger than {limit} {unit}", limit=limit or 0, unit=unit
    )


def _thrown(value: Any, text: str | None, *, syntax: bool) -> JSError:
    kind = JSSyntaxError if syntax else JSError
    if not isinstance(value, JSError):
        return kind(_shown(value, text)[:10_000], name="Uncaught", value=value)
    error = kind(
        value.message,
        name=value.name,
        stack=value.stack,
        cause=value.cause,
        errors=value.errors,
    )
    error.filename, error.line, error.column = _place(value.stack)
    return error


def _shown(value: Any, text: str | None) -> str:
    if text is not None:
        return text
    message = value.get("message") if isinstance(value, dict) else None
    if isinstance(message, str):
        return message
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else "a value that is no Error"


def _place(stack: str) -> tuple[str | None, int | None, int | None]:
    """File, line and column of the first frame that has them; the text is the script's own."""
    for frame in stack[:4096].split("\n")[:8]:
        parts = frame.removesuffix(")").rsplit(":", 2)
        if not frame.startswith("    at ") or len(parts) != 3:
            continue
        where, line, column = parts
        if not (line.isdecimal() and column.isdecimal() and len(line + column) < 20):
            continue
        return where.removeprefix("    at ").rpartition("(")[2], int(line), int(column)
    return None, None, None
