"""One guest: entering it under a deadline, and what its outcomes mean."""

from __future__ import annotations

import itertools
from collections import deque
from os import urandom
from struct import pack
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any

from runtimes.encoded import EncodedArgs
from runtimes.errors import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    ConversionError,
    JSError,
    JSRuntimeError,
    MemoryLimitError,
    SnapshotMismatch,
    StackLimitError,
    StaleHandle,
    TimeoutExceeded,
    WrongThread,
)
from runtimes.options import DEFAULT, Default, RuntimeOptions
from runtimes.quickjs import _abi, _snapshot
from runtimes.quickjs._abi import ERROR_BIT, LENGTH, POINTER, Status, StopReason
from runtimes.quickjs._callbacks import Aborted, Callbacks, HardStop
from runtimes.quickjs._codec import Codec
from runtimes.quickjs._conversions import NOT_TAKEN
from runtimes.quickjs._encoded import require_sequence
from runtimes.quickjs._handles import Handle, JSFunction, JSPromise
from runtimes.quickjs._instance import (
    GuestTrap,
    InstanceUnusableError,
    create_instance,
    stay_behind_at_exit,
)
from runtimes.quickjs._lease import Lease
from runtimes.quickjs._memory import GuestMemory
from runtimes.quickjs._reports import is_report, stopped, to_exception
from runtimes.quickjs._shared import Shares
from runtimes.quickjs._threads import require_stack
from runtimes.quickjs._wary import WaryCodec
from runtimes.quickjs._wire import HANDLE_FUNCTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._engine import HardStop as HardStopKind

_OWNERS = itertools.count(1)
_SLACK_BYTES = 4 * 1024 * 1024
"""By this, and an eighth of the limit, may the linear memory outgrow the limit: for the stack
and the engine's constants, for gaps between blocks, for reports of running full."""
_MOST_BYTES = (1 << 32) - 16 * 1024 * 1024
"""Of a memory without a limit. The stack lies first in it: what runs over its end is at an address
that has wrapped around, and must find nothing there."""
_SHORT = 4096
"""Bytes of input that `enter` copies by itself; a call of `GuestMemory.put` costs 0.1 us."""
_LONGEST = 1e9
"""Seconds; what is longer is as good as unlimited, and fits the header's 64 bits as nanoseconds."""
_RELEASED_AT_ONCE = 512
_CHORE_SECONDS = 30.0
"""For what a wary guest does outside of a run, if its runs are not limited."""


class Guest:
    """One instance with its memory, its lease and its callbacks.

    Every method but `cancel` belongs to the thread that made it.

    Attributes:
        owner: Its number, never used twice in a process; what handles are checked against.
        dropped: Handles to release; any thread may append.
        deadline: An instant that no run outlasts, or None.
        wary: Whether its heap came as bytes that nobody vouched for: see `_wary`.
        hard_stop: By which it is stopped hard; of a wary guest always by epochs.
    """

    def __init__(self, options: RuntimeOptions) -> None:
        """Take over a booted engine.

        Raises:
            MemoryLimitError: The limit is too small for it.
            SnapshotMismatch: The options' snapshot does not fit.
        """
        self.options = options
        snapshot = options.snapshot
        self.wary = snapshot is not None and not snapshot.trusted
        self.hard_stop: HardStopKind = "epoch" if self.wary else options.hard_stop
        notes = None if snapshot is None else _snapshot.read(snapshot, self.hard_stop)
        self.owner = next(_OWNERS)
        self.dropped: deque[int] = deque()
        self.deadline: float | None = None
        self._shares: Shares | None = None
        if self.wary:  # nobody who vouches for it: it shares memory with nobody
            self.codec: Codec = WaryCodec(options, self._make_handle, self.owner)
        elif options.allocation == "on_demand":
            self._shares = Shares(self)
            self.codec = self._shares.codec(self._make_handle)
        else:
            self.codec = Codec(self._make_handle, self.owner)
        self._callbacks = Callbacks(options, self.codec)
        self.functions = self._callbacks.functions
        self.modules = self._callbacks.modules
        self._ended: type[JSRuntimeError] | None = None
        self._loss: JSRuntimeError | None = None
        self._limit: float | None = None
        self._thread = get_ident()
        self._depth = 0
        self._usual_seconds = options.timeout
        self._usual_budget = _budget(options.timeout)
        self._exports: dict[str, Callable[..., int]] = {}
        limit = options.memory_limit_bytes
        self._instance = create_instance(
            self._callbacks,
            memory_limit_bytes=_MOST_BYTES if limit is None else limit + limit // 8 + _SLACK_BYTES,
            hard_stop=self.hard_stop,
            allocation=options.allocation,
        )
        if snapshot is not None and notes is not None:
            _snapshot.fill(self._instance, notes, snapshot.content, options)
        self._memory = self._callbacks.memory = GuestMemory(
            self._instance, options, self._call, self._break
        )
        self._lease = self._callbacks.lease = Lease(self._instance, grace=options.hard_stop_grace)
        try:
            self._adopt()
            if notes is not None:
                _snapshot.restore(self, notes, options)
            self._memory.note_input()
        except BaseException as error:
            lost = self._instance.dead or isinstance(error, BrokenRuntimeError)
            self._break()
            self.close()
            if notes is not None and lost and isinstance(error, JSRuntimeError):
                problem = f"the snapshot is damaged: {error}"
                raise SnapshotMismatch(problem) from error
            raise

    def _adopt(self) -> None:
        """Give a booted heap its limits, which are in the header, and a randomness of its own."""
        if self._call("guest_adopt", int.from_bytes(urandom(8), "little")) != 0:
            what = "boot" if self.options.snapshot is None else "hold the snapshot"
            limit = self.options.memory_limit_bytes
            raise MemoryLimitError(f"the memory limit is too small to {what}", limit_bytes=limit)

    # -- entering

    @property
    def usable(self) -> bool:
        """Whether it is neither closed nor broken."""
        return self._ended is None

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._depth > 0

    def check(self) -> None:
        """Refuse to go on on a wrong thread, or after the end.

        Raises:
            WrongThread, ClosedRuntimeError, BrokenRuntimeError: As it says.
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

    def move_here(self) -> None:
        """Belong to the calling thread from now on; nobody else uses the guest meanwhile.

        Raises:
            WrongThread: A run is under way, or the thread's stack is too small.
        """
        here = get_ident()
        if here == self._thread:
            return
        if self._depth:
            raise WrongThread("a runtime does not change its thread during a run")
        require_stack()
        self._thread = here
        self._lease.move_here()

    def enter(
        self,
        export: str,
        numbers: tuple[int, ...],
        payload: bytes,
        timeout: float | Default | None = DEFAULT,
        prefix: bytes = b"",
    ) -> Any:
        """Run one export under a deadline and return its decoded result.

        Args:
            export: Its name.
            numbers: Its parameters.
            payload: What it expects in the input buffer; empty if nothing, or there already.
            timeout: Seconds; DEFAULT takes the options', or within a run what is left of it.
            prefix: What stands before the payload.

        Raises:
            Everything that a run can raise.
        """
        if self._ended is not None or get_ident() != self._thread:
            self.check()
        memory, lease = self._memory, self._lease
        if payload:
            if self.dropped:
                self._release_dropped()
            size = len(prefix) + len(payload)
            if size <= _SHORT and size <= memory.capacity:
                memory.view[memory.input : memory.input + size] = prefix + payload
            else:
                memory.put(payload, prefix)
        depth = self._depth
        outermost = not depth
        if timeout is DEFAULT and outermost and self.deadline is None:
            seconds = self._usual_seconds
            if memory.budget != self._usual_budget:
                memory.set_budget(self._usual_budget)
        else:
            seconds = self._seconds(timeout)
            memory.set_budget(_budget(seconds))
        call = self._exports.get(export) or self._export(export, len(numbers))
        exiting = False
        try:  # Ctrl-C may come at any line
            self._depth = depth + 1
            if outermost:
                self._limit = seconds
                lease.begin(None if seconds is None else monotonic() + seconds)
            packed = call(*numbers)
        except BaseException as error:
            exiting = isinstance(error, InstanceUnusableError)
            self.left_by(error)
            raise
        finally:
            self._depth = depth
            if outermost:
                lease.end()
                if exiting:
                    stay_behind_at_exit()
                if memory.holds_much:
                    self.shrink()
        return self.outcome(packed, seconds)

    def enter_source(
        self, export: str, name: str, source: str, timeout: float | Default | None
    ) -> Any:
        """As `enter`, for exports that take a name and a source, which may be long.

        Raises:
            Everything that a run can raise.
        """
        self.check()
        if self.dropped:
            self._release_dropped()
        encoded = name.encode("utf-8", "replace")
        size = self._memory.put_source(encoded, source)
        return self.enter(export, (len(encoded), size), b"", timeout)

    def call_handle(self, function: Any, args: Any, timeout: float | Default | None) -> Any:
        """Call a function that this guest handed out.

        Raises:
            StaleHandle: It is another guest's.
        """
        number, payload = self.handle_id(function), self.encode_args(args)
        numbers = (number, 0, len(payload))
        return self.enter("guest_call_handle", numbers, payload, timeout)

    def handle_id(self, function: Any) -> int:
        """Return the number of a function that this guest handed out.

        Raises:
            StaleHandle: It is another guest's.
        """
        if not isinstance(function, JSFunction) or function._owner != self.owner:
            raise StaleHandle("the function belongs to another runtime, or to one that is gone")
        return function._handle_id

    def encode_args(self, args: Any) -> bytes:
        """Encode the arguments of a call, unless that was done before.

        Raises:
            ConversionError, StaleHandle, TypeError: They cannot be this guest's arguments.
        """
        if type(args) is EncodedArgs:
            return self.payload_of(args)
        if type(args) is not list and type(args) is not tuple:
            require_sequence(args)
        return self.codec.encode_args(args)

    def payload_of(self, args: EncodedArgs) -> bytes:
        """Return what was encoded before, and be given the shared buffers that it names.

        Raises:
            StaleHandle: It holds handles of another runtime.
            ConversionError, MemoryLimitError: This guest cannot have the buffers.
        """
        for buffer in args.buffers:
            if self._shares is None:
                raise ConversionError(NOT_TAKEN)
            self._shares.take(buffer)
        return args.for_owner(self.owner)

    def cancel(self) -> None:
        """Ask the run that is under way to stop; any thread, any time."""
        self._lease.request_soft(StopReason.CANCELLED)

    def close(self) -> None:
        """Free the instance. Calling it again does nothing.

        Raises:
            WrongThread: Called on another thread, or while a run is under way.
        """
        if self._ended is ClosedRuntimeError:
            return
        if get_ident() != self._thread or self._depth:
            raise WrongThread("a runtime is closed by its own thread, and not during a run")
        if self._shares is not None:
            self._shares.take_back()
        leaked = self._shutdown() if self._ended is None and not self.wary else 0
        self._ended = ClosedRuntimeError
        self._lease.close()
        self._exports.clear()
        self._instance.close()
        # What refers to this object and is referred to by it: without a cycle it goes at once.
        self._instance.interrupt = None
        self._memory.let_go()
        self.codec.let_go()
        if leaked:
            raise BrokenRuntimeError(f"the guest leaked {leaked} bytes")

    def _shutdown(self) -> int:
        """Let a debug build of the engine check that nothing leaked; others cannot."""
        return self._call("guest_shutdown") if self._instance.has("guest_shutdown") else 0

    def has_module(self, name: str) -> bool:
        """Whether a module of that name ran to its end; False if nothing works any more."""
        if self._ended is not None:
            return False
        encoded = name.encode()
        self._memory.put(encoded)
        return bool(self._call("guest_has_module", len(encoded)))

    @property
    def shares_memory(self) -> bool:
        """Whether a `SharedBuffer` is mapped into its memory, which then is not its alone."""
        return self._shares is not None and bool(self._shares.held)

    def memory_used(self) -> int:
        """Bytes that the engine holds, as of the end of the last run."""
        self.check()
        return self._memory.read(_abi.MEMORY_USED)

    def note(self, offset: int, number: int) -> None:
        """Write a field of the header that tells of the run to come."""
        self._memory.write(offset, number)

    def noted(self, offset: int) -> int:
        """Read a field of the header, even of a guest that is lost; not of one that is closed."""
        return self._memory.read(offset)

    def collect(self) -> int:
        """Collect garbage and return the bytes in use."""
        self.check()
        used = self._call("guest_collect")
        if self._shares is not None and not self._depth:
            self._shares.drain()
            used = self._call("guest_collect")
        return used

    # -- outcomes

    def shrink(self) -> None:
        """Give back what a long input took."""
        if not self._instance.dead:
            self._memory.shrink()

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
            decoded = self.codec.decode(data)
            if packed & ERROR_BIT:
                return self._result_of(decoded, seconds)
        except BrokenRuntimeError:  # the guest talks nonsense
            self._break()
            raise
        finally:
            if self._shares is not None and not self._depth:
                self._shares.drain()
        if not self._depth and self._callbacks.errors:
            self._callbacks.errors.clear()
        return decoded

    def left_by(self, error: BaseException) -> None:
        """See what it means that an export was left by an exception.

        Raises:
            Exception: What to raise in its stead, if the instance is lost.
        """
        if self._instance.dead:
            raise self._lost(error) from None
        if isinstance(error, BrokenRuntimeError):  # a callback's own, and the guest has unwound
            self._break()

    def _result_of(self, report: Any, seconds: float | None) -> Any:
        """What a report says: in general an exception, which is raised."""
        if not is_report(report):
            raise BrokenRuntimeError("the guest sent a report that is none")
        cause = self._callbacks.errors.get(report[3])
        if not self._depth:
            self._callbacks.errors.clear()
        if not report[4]:
            self._break()
        if report[0] == Status.WORN:
            return report[1]
        raise self._failure(report, cause, seconds)

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

    # -- details

    def _call(self, export: str, *numbers: int) -> int:
        """Call an export that runs no script. A stop by force may hit it all the same.

        In a forged heap even this may not end by itself, so there it has a time limit.
        """
        call = self._exports.get(export) or self._export(export, len(numbers))
        guarded = self.wary and not self._depth
        try:
            if guarded:
                self._limit = self.options.timeout or _CHORE_SECONDS
                self._lease.begin(monotonic() + self._limit)
            return call(*numbers)
        except BaseException as error:
            if not self._instance.dead:
                raise
            raise self._lost(error) from None
        finally:
            if guarded:
                self._lease.end()

    def _export(self, export: str, n_args: int) -> Callable[..., int]:
        call = self._exports[export] = self._instance.caller(export, n_args)
        return call

    def _seconds(self, timeout: float | Default | None) -> float | None:
        """The run's own limit.

        Raises:
            TimeoutExceeded: There is no time left: the limit is 0 or negative.
        """
        if isinstance(timeout, Default):
            seconds = None if self._depth else self.options.timeout
        else:
            seconds = timeout
        left = seconds
        if self.deadline is not None:
            until = self.deadline - monotonic()
            left = until if seconds is None else min(until, seconds)
        if left is not None and not left > 0:
            raise TimeoutExceeded("there was no time left for the run", timeout=seconds)
        return left

    def _release_dropped(self) -> None:
        dropped = self.dropped  # finalisers on other threads may append meanwhile
        while dropped:
            count = min(len(dropped), _RELEASED_AT_ONCE)
            numbers = [dropped.popleft() for _ in range(count)]
            self._memory.put(pack(f"<{count}I", *numbers))
            self._call("guest_release", count)

    def _make_handle(self, kind: int, handle_id: int) -> Handle:
        return (JSFunction if kind == HANDLE_FUNCTION else JSPromise)(self, handle_id)


def _budget(seconds: float | None) -> int:
    """Nanoseconds for the guest, where 0 is no limit."""
    return 0 if seconds is None else max(1, int(min(seconds, _LONGEST) * 1e9))
