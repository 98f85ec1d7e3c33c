"""What comes of a run: its result, what it reports, or the loss of the guest."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from runtimes.errors import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    JSError,
    JSRuntimeError,
    MemoryLimitError,
    StackLimitError,
    WrongThread,
)
from runtimes.quickjs import _abi
from runtimes.quickjs._abi import ERROR_BIT, LENGTH, POINTER, Status
from runtimes.quickjs._callbacks import Aborted, HardStop
from runtimes.quickjs._instance import GuestTrap
from runtimes.quickjs._reports import is_report, stopped, to_exception

if TYPE_CHECKING:
    from runtimes.options import RuntimeOptions
    from runtimes.quickjs._callbacks import Callbacks
    from runtimes.quickjs._codec import Codec
    from runtimes.quickjs._instance import Instance
    from runtimes.quickjs._lease import Lease
    from runtimes.quickjs._memory import GuestMemory
    from runtimes.quickjs._modules import ModuleTable
    from runtimes.quickjs._shared import Shares


class Outcomes:
    """A guest as one whose runs end, some of them for ever.

    A report of the guest is an exception of the caller's, after which the guest goes on unless the
    report says otherwise. What it did not live to report is a loss: the instance is dead, and every
    run around the one that lost it raises the same.

    A run's *turn* is the run itself, with what puts its input in place before it, and what reads
    its result after it. A finaliser or a signal handler may come in between, and what these ran in
    the guest would overwrite the one or the other.
    """

    __slots__ = ("_ended", "_loss")

    options: RuntimeOptions
    codec: Codec
    modules: ModuleTable
    _callbacks: Callbacks
    _instance: Instance
    _lease: Lease
    _memory: GuestMemory
    _shares: Shares | None
    _depth: int
    _thread: int
    _turns: int
    _limit: float | None
    _ended: type[JSRuntimeError] | None
    _loss: JSRuntimeError | None

    @property
    def usable(self) -> bool:
        """Whether it is neither closed nor broken."""
        return self._ended is None

    @property
    def is_running(self) -> bool:
        """Whether a run is under way, or about to begin or to end."""
        return self._turns > 0

    def check(self) -> None:
        """Refuse to go on on a wrong thread, after the end, or in the middle of another's turn.

        Raises:
            WrongThread, ClosedRuntimeError, BrokenRuntimeError: As it says.
            JSRuntimeError: A run is under way, and this was not called by it.
        """
        if get_ident() != self._thread:
            raise WrongThread(
                "the runtime belongs to the thread that made it; "
                "use a worker, and call a function that it gave out by worker.call_function"
            )
        if self._ended is ClosedRuntimeError:
            raise ClosedRuntimeError("the runtime is closed")
        if self._ended is not None:
            text = "the runtime broke, or ran full, in an earlier run; make a new one"
            raise BrokenRuntimeError(text)
        if self._turns != self._callbacks.visits:
            raise JSRuntimeError(
                "the runtime is in the middle of a run, and is used only by what that calls: "
                "not by a finaliser or a signal handler that interrupts it"
            )

    def outcome(self, packed: int, seconds: float | None) -> Any:
        """Return the result that an export packed.

        Args:
            packed: Error bit, length, pointer.
            seconds: What the run might have taken.

        Raises:
            Everything that a run can raise.
        """
        memory = self._memory
        try:
            start = packed & POINTER
            end = start + (packed >> 32 & LENGTH)
            view = memory.view
            data = view[start:end] if end <= len(view) else memory.slice(start, end - start)
            result = self.codec.decode(data)
            failure = None
            if packed & ERROR_BIT:
                failure, result = self._read_report(result, seconds)
        except BrokenRuntimeError:  # the guest talks nonsense
            self._break()
            raise
        finally:
            if self._shares is not None and not self._depth:
                self._shares.drain()
        if not self._depth and self._callbacks.errors:
            self._callbacks.errors.clear()
        if failure is not None:
            raise failure  # perhaps a host function's, which says nothing of this guest
        return result

    def left_by(self, error: BaseException) -> None:
        """See what it means that an export was left by an exception.

        Raises:
            Exception: What to raise in its stead, if the instance is lost.
        """
        if self._instance.dead:
            raise self._lost(error) from None
        if isinstance(error, BrokenRuntimeError):  # a callback's own, and the guest has unwound
            self._break()

    def _read_report(self, report: Any, seconds: float | None) -> tuple[Exception | None, Any]:
        """What a report says: in general an exception to raise; else a result."""
        if not is_report(report):
            raise BrokenRuntimeError("the guest sent a report that is none")
        cause = self._callbacks.errors.get(report[3])
        if not report[4]:
            self._break()
        if report[0] == Status.WORN:
            return None, report[1]
        return self._failure(report, cause, seconds), None

    def _failure(
        self, report: list[Any], cause: Exception | None, seconds: float | None
    ) -> Exception:
        if report[0] == Status.STOPPED:
            error = stopped(report[1], seconds)
            error.runtime_usable = self.usable
            return error
        error = to_exception(report, self.options)
        if isinstance(cause, JSRuntimeError) and not isinstance(cause, JSError):
            return cause
        if cause is not None:
            error.__cause__ = cause
        if isinstance(error, JSError) and error.filename and error.line:
            error.source_line = self.modules.line_of(error.filename, error.line)
        return error

    def _lost(self, error: BaseException) -> BaseException:
        """The instance is gone: say why; runs around a nested one that lost it say the same."""
        self._break()
        if self._loss is not None:
            return self._loss
        lost: JSRuntimeError
        if isinstance(error, HardStop):
            lost = stopped(self._lease.reason, self._limit, " and was ended by force")
        elif isinstance(error, GuestTrap) and error.kind == "stack_overflow":
            lost = StackLimitError("the script recursed too deep")
        elif isinstance(error, (GuestTrap, Aborted)) and self._memory.read(_abi.RAN_FULL):
            limit = self.options.memory_limit_bytes
            lost = MemoryLimitError("the script ran out of memory", limit_bytes=limit)
        elif isinstance(error, (GuestTrap, Aborted)):
            lost = BrokenRuntimeError(f"the engine was lost: {error or 'it gave up'}")
        else:
            return error
        lost.runtime_usable = False
        self._loss = lost
        return lost

    def lied(self, what: str) -> BrokenRuntimeError:
        """Give the guest up for what it said; return the error to raise."""
        self._break()
        return BrokenRuntimeError(what)

    def _break(self) -> None:
        if self._ended is None:
            self._ended = BrokenRuntimeError
