"""One guest: what belongs to it, and entering it under a deadline."""

from __future__ import annotations

import itertools
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any

from runtimes.encoded import EncodedArgs
from runtimes.errors import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    ConversionError,
    JSRuntimeError,
    StackLimitError,
    StaleHandle,
    TimeoutExceeded,
    WrongThread,
)
from runtimes.options import DEFAULT, Default, RuntimeOptions
from runtimes.quickjs import _abi, _snapshot
from runtimes.quickjs._abi import StopReason
from runtimes.quickjs._adoption import adopt, make_instance
from runtimes.quickjs._arguments import plain_args
from runtimes.quickjs._callbacks import Callbacks
from runtimes.quickjs._codec import Codec
from runtimes.quickjs._conversions import NOT_TAKEN
from runtimes.quickjs._handles import Handle, JSFunction, JSPromise, release_dropped
from runtimes.quickjs._instance import InstanceUnusableError, stay_behind_at_exit
from runtimes.quickjs._lease import Lease
from runtimes.quickjs._memory import LONGEST, SHORT, GuestMemory, bounded, budget_of
from runtimes.quickjs._outcomes import Outcomes
from runtimes.quickjs._shared import Shares
from runtimes.quickjs._threads import require_room, require_stack
from runtimes.quickjs._wary import WaryCodec
from runtimes.quickjs._wire import HANDLE_FUNCTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._engine import HardStop as HardStopKind
    from runtimes.quickjs._lean import LeanCall

_OWNERS = itertools.count(1)
_CHORE_SECONDS = 30.0
"""For what a wary guest does outside of a run, if its runs are not limited."""


class Guest(Outcomes):
    """One instance with its memory, its lease and its callbacks.

    Every method but `cancel` and `move_here` belongs to the thread that made it.

    Attributes:
        owner: Its number, never used twice in a process; what handles are checked against.
        dropped: Handles to release; any thread may append.
        deadline: An instant that no run outlasts, or None.
        wary: Whether its heap came as bytes that nobody vouched for: see `_wary`.
        hard_stop: By which it is stopped hard; of a wary guest always by epochs.
    """

    __slots__ = (
        "__weakref__", "_callbacks", "_depth", "_exports", "_instance", "_lease", "_limit",
        "_memory", "_shares", "_thread", "_turns", "_usual_budget", "_usual_seconds", "codec",
        "deadline", "dropped", "functions", "hard_stop", "leanly", "modules", "options", "owner",
        "wary",
    )  # fmt: skip

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
        self.dropped: list[int] = []
        self.deadline: float | None = None
        self._shares: Shares | None = None
        self.codec = self._make_codec()
        callbacks = self._callbacks = Callbacks(options, self.codec)
        self.functions = callbacks.functions
        self.modules = callbacks.modules
        self._ended: type[JSRuntimeError] | None = None
        self._loss: JSRuntimeError | None = None
        self._limit: float | None = None
        self._thread = get_ident()
        self._depth = self._turns = 0
        self._usual_seconds = bounded(options.timeout)
        self._usual_budget = budget_of(options.timeout)
        self._exports: dict[str, Callable[..., int]] = {}
        self.leanly: dict[str, LeanCall] = {}  # the shortest ways in, once made: see `_lean`
        instance = self._instance = make_instance(callbacks, options, self.hard_stop, notes)
        self._memory = callbacks.memory = GuestMemory(instance, options, self._call, self._break)
        grace = min(options.hard_stop_grace, LONGEST)
        self._lease = callbacks.lease = Lease(instance, grace=grace)
        try:
            adopt(self, notes)
        except BaseException:
            self._break()
            self.close()
            raise

    # -- life

    def move_here(self) -> None:
        """Belong to the calling thread from now on; nobody else uses the guest meanwhile.

        Raises:
            WrongThread: A run is under way, or the thread's stack is too small.
        """
        here = get_ident()
        if here == self._thread:
            return
        if self._turns:
            raise WrongThread("a runtime does not change its thread during a run")
        require_stack()
        try:
            require_room()
        except StackLimitError as error:
            raise WrongThread(str(error)) from None
        self._thread = here
        self._lease.move_here()

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
        if get_ident() != self._thread or self._turns:
            raise WrongThread("a runtime is closed by its own thread, and not during a run")
        if self._shares is not None:
            self._shares.take_back()
        leaked = self._shutdown() if self._ended is None and not self.wary else 0
        self._ended = ClosedRuntimeError
        self._lease.close()
        self._exports.clear()
        self.leanly.clear()
        self._instance.close()
        # What refers back: without cycles all goes at once, and with it the user's functions.
        self._instance.interrupt = None
        del self._callbacks.memory
        self._memory.let_go()
        self.codec.let_go()
        if leaked:
            raise BrokenRuntimeError(f"the guest leaked {leaked} bytes")

    def _shutdown(self) -> int:
        """Let a debug build of the engine check that nothing leaked; others cannot."""
        return self._call("guest_shutdown") if self._instance.has("guest_shutdown") else 0

    # -- entering

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
        if self._ended is not None or get_ident() != self._thread or self._turns:
            self.check()
        self._turns += 1
        try:
            return self._run(export, numbers, payload, timeout, prefix)
        finally:
            self._turns -= 1

    def _run(
        self,
        export: str,
        numbers: tuple[int, ...],
        payload: bytes,
        timeout: float | Default | None,
        prefix: bytes = b"",
    ) -> Any:
        memory, lease = self._memory, self._lease
        if payload:
            if self.dropped and not self.codec.recipient.named:
                release_dropped(self)  # but not what the payload names: it may have been dropped
            size = len(prefix) + len(payload)
            if size <= SHORT and size <= memory.capacity:
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
            memory.set_budget(budget_of(seconds))
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
            if not self.codec.recipient.busy:
                self.codec.recipient.named = False
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
        self._turns += 1
        try:
            if self.dropped and not self.codec.recipient.named:
                release_dropped(self)
            encoded = name.encode("utf-8", "replace")
            size = self._memory.put_source(encoded, source)
            return self._run(export, (len(encoded), size), b"", timeout)
        finally:
            self._turns -= 1

    def call_handle(self, function: Any, args: Any, timeout: float | Default | None) -> Any:
        """Call a function that this guest handed out.

        Raises:
            StaleHandle: It is another guest's.
        """
        number, payload = self.handle_id(function), self.encode_args(args)
        numbers = (number, 0, len(payload))
        return self.enter("guest_call_handle", numbers, payload, timeout)

    # -- what goes in

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
            ConversionError, StaleHandle, TypeError, ValueError: They cannot be this guest's.
        """
        if type(args) is EncodedArgs:
            return self.payload_of(args) if args.owners or args.buffers else args.payload
        if type(args) is not list and type(args) is not tuple:
            args = plain_args(args)
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

    # -- looking inside

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

    def collect(self) -> int:
        """Collect garbage and return the bytes in use."""
        self.check()
        used = self._call("guest_collect")
        if self._shares is not None and not self._depth:
            self._shares.drain()
            used = self._call("guest_collect")
        return used

    def shrink(self) -> None:
        """Give back what a long input took."""
        if not self._instance.dead:
            self._memory.shrink()

    def _call(self, export: str, *numbers: int) -> int:
        """Call an export that runs no script. A stop by force may hit it all the same.

        In a forged heap even this may not end by itself, so there it has a time limit.
        """
        call = self._exports.get(export) or self._export(export, len(numbers))
        guarded = self.wary and not self._depth
        try:
            if guarded:
                self._limit = self._usual_seconds or _CHORE_SECONDS
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
        return self._exports.setdefault(export, self._instance.caller(export, n_args))

    def _seconds(self, timeout: float | Default | None) -> float | None:
        """The run's own limit.

        Raises:
            TimeoutExceeded: There is no time left: the limit is 0 or negative.
        """
        if isinstance(timeout, Default):
            seconds = None if self._depth else self._usual_seconds
        else:
            seconds = bounded(timeout)
        left = seconds
        if self.deadline is not None:
            until = self.deadline - monotonic()
            left = until if seconds is None else min(until, seconds)
        if left is not None and not left > 0:
            raise TimeoutExceeded("there was no time left for the run", timeout=seconds)
        return left

    def _make_codec(self) -> Codec:
        if self.wary:  # nobody who vouches for it: it shares memory with nobody
            return WaryCodec(self.options, self._make_handle, self.owner)
        if self.options.allocation == "on_demand":
            self._shares = Shares(self)
            return self._shares.codec(self._make_handle)
        return Codec(self._make_handle, self.owner)

    def _make_handle(self, kind: int, handle_id: int) -> Handle:
        return (JSFunction if kind == HANDLE_FUNCTION else JSPromise)(self, handle_id)
