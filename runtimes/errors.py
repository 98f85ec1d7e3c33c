"""The errors of a runtime: one honest family.

::

    JSRuntimeError                  base; .runtime_usable says what still works
      JSError                       the script threw      .name .message .stack ...
        JSSyntaxError               the source does not parse
      ValueNotFound                 no such export or global
      ValueNotCallable              it exists, but is no function
      MissingEntrypoint             the module offers no entrypoint
      ModuleNotFound                nobody handed over such a module
      ConversionError               a value cannot cross    .path
      UnsettledPromise              awaited, and nothing is left that could settle it
      LimitError                    the script asked for more than it was given
        TimeoutExceeded             (also TimeoutError)     .timeout
        MemoryLimitError            .limit_bytes
        StackLimitError
        ResultLimitError            .limit .unit
      RunCancelled                  somebody called cancel()
      WrongThread                   the runtime belongs to another thread
      StaleHandle                   the handle's runtime is gone, or is another one
      ClosedRuntimeError            you closed it
      BrokenRuntimeError            the engine is lost; make a new runtime
      SnapshotMismatch              the snapshot does not fit here  .missing

    HostError                       raised by *your* host function, shown to the script as it is

Whose fault it was is in the class; what still works is in ``runtime_usable``.
"""

from __future__ import annotations

from typing import Any


class JSRuntimeError(Exception):
    """Base of everything that a runtime raises on purpose.

    Attributes:
        runtime_usable: Whether the runtime that raised this may be used again. After a hard stop or
            a trap it may not: make a new one (a worker does so by itself).
        call_index: Which call of a batch it was, from 0; None if it was none. See
            `Runtime.call_many`.
    """

    runtime_usable: bool = True
    call_index: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from ``args`` and attributes, so that errors survive pickling."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(
    kind: type[JSRuntimeError], args: tuple[Any, ...], state: dict[str, Any]
) -> JSRuntimeError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class JSError(JSRuntimeError):
    """The script threw, and nobody in the script caught it.

    It is also the Python form of a JavaScript ``Error`` *value*, so one may be sent back.

    Attributes:
        name: The error's ``name``, such as ``"TypeError"``; for a thrown value that is no Error the
            word ``"Uncaught"``.
        message: The error's ``message``; for a thrown value that is no Error its text.
        stack: JavaScript's stack trace, without any frame of the host.
        filename: Where it was thrown, if known.
        line: Line in `filename`, from 1, if known.
        column: Column in that line, from 1, if known.
        source_line: The text of that line, if the source is still known.
        value: The thrown value if it was no Error, else None.
        cause: The error's ``cause``, if it had one.
        errors: The members of an ``AggregateError``, else an empty tuple.
    """

    def __init__(
        self,
        message: str = "",
        *,
        name: str = "Error",
        stack: str = "",
        filename: str | None = None,
        line: int | None = None,
        column: int | None = None,
        source_line: str | None = None,
        value: Any = None,
        cause: Any = None,
        errors: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.stack = stack
        self.filename = filename
        self.line = line
        self.column = column
        self.source_line = source_line
        self.value = value
        self.cause = cause
        self.errors = errors

    def __str__(self) -> str:
        """Say name, message and place on one line."""
        text = f"{self.name}: {self.message}" if self.message else self.name
        if self.filename is not None and self.line is not None:
            text += f" ({self.filename}:{self.line}:{self.column or 1})"
        return text

    def __repr__(self) -> str:
        """Say what `str` says, for logs that show exceptions by their repr."""
        return f"{type(self).__name__}({str(self)!r})"

    def highlight(self) -> str:
        """Return the source line with a caret under the column, or ``""`` if it is not known."""
        if self.source_line is None:
            return ""
        line = self.source_line[:200]
        column = min((self.column or 1) - 1, len(line))
        indent = "".join("\t" if character == "\t" else " " for character in line[:column])
        return f"{line}\n{indent}^"


class JSSyntaxError(JSError):
    """The source does not parse; nothing of it ran."""


class ValueNotFound(JSRuntimeError):
    """There is no such export or global, or it is ``undefined``."""


class ValueNotCallable(JSRuntimeError):
    """The value exists but is no function."""


class MissingEntrypoint(JSRuntimeError):
    """The module registered no entrypoint, has no default function, and no default name fits."""


class ModuleNotFound(JSRuntimeError):
    """A module was named that nobody handed over."""


class ConversionError(JSRuntimeError):
    """A value cannot cross between Python and JavaScript.

    Attributes:
        path: Where in the value, such as ``$.items[3].price``; ``$`` is the value itself.
    """

    def __init__(self, message: str = "", *, path: str = "$") -> None:
        super().__init__(message)
        self.path = path

    def __str__(self) -> str:
        """Say what is wrong and where."""
        return f"{self.args[0]} (at {self.path})"


class UnsettledPromise(JSRuntimeError):
    """A promise was awaited that nothing can settle any more: no job is left to run."""


class LimitError(JSRuntimeError):
    """The script asked for more than it was given."""


class TimeoutExceeded(LimitError, TimeoutError):
    """The run did not end within its time.

    Attributes:
        timeout: The seconds that the run was given.
    """

    def __init__(self, message: str = "", *, timeout: float | None = None) -> None:
        super().__init__(message)
        self.timeout = timeout


class MemoryLimitError(LimitError):
    """The script needed more memory than the runtime's limit.

    Attributes:
        limit_bytes: The limit in bytes.
    """

    def __init__(self, message: str = "", *, limit_bytes: int | None = None) -> None:
        super().__init__(message)
        self.limit_bytes = limit_bytes


class StackLimitError(LimitError):
    """The script recursed deeper than the runtime's stack allows."""


class ResultLimitError(LimitError):
    """A result was larger than allowed.

    Attributes:
        limit: The limit that was passed.
        unit: ``"bytes"`` or ``"nodes"``.
    """

    def __init__(self, message: str = "", *, limit: int = 0, unit: str = "bytes") -> None:
        super().__init__(message)
        self.limit = limit
        self.unit = unit


class RunCancelled(JSRuntimeError):
    """The run was stopped by `cancel`."""


class WrongThread(JSRuntimeError):
    """The runtime belongs to another thread; use a worker to share one."""


class StaleHandle(JSRuntimeError):
    """The handle belongs to a runtime that is gone, or to another one."""


class ClosedRuntimeError(JSRuntimeError):
    """The runtime was closed."""

    runtime_usable = False


class BrokenRuntimeError(JSRuntimeError):
    """The engine was lost (a trap, a hard stop, nonsense from the guest); make a new runtime."""

    runtime_usable = False


class SnapshotMismatch(JSRuntimeError):
    """The snapshot does not fit: damaged, of another build, or it needs what was not given.

    Attributes:
        missing: The host functions that its scripts know and the options do not have.
    """

    def __init__(self, message: str = "", *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class HostError(Exception):
    """Raise this in a host function to show its text to the script.

    Any other exception arrives in JavaScript with the name of its type and a general text, so that
    paths, secrets and tracebacks of the host do not leak into scripts.
    """
