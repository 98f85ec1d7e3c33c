"""JavaScript calls Python: host functions, console, modules, and the question whether to stop.

What a callback raises on purpose becomes an Error in JavaScript. What it raises beyond that
(KeyboardInterrupt, SystemExit, a console callable that fails) stops the run and is raised by
whoever entered the guest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtimes.console import ConsoleEvent, ConsoleLevel
from runtimes.errors import BrokenRuntimeError
from runtimes.quickjs._abi import ERROR_BIT, CheckPlace
from runtimes.quickjs._host_functions import HostFunctionTable, shown_to_script
from runtimes.quickjs._modules import ModuleTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.options import RuntimeOptions
    from runtimes.quickjs._codec import Codec
    from runtimes.quickjs._lease import Lease
    from runtimes.quickjs._memory import GuestMemory

_LEVELS: tuple[ConsoleLevel, ...] = ("debug", "log", "info", "warn", "error")
_SOMEWHERE = (str, int, int)
_NOWHERE = (type(None),) * 3
_KEPT_ERRORS = 32
"""As many as the guest remembers by identity (``guest/marks.h``)."""
_LONGEST_MESSAGE = 65536


class Aborted(Exception):
    """The engine gave up (it called ``abort``)."""


class HardStop(Exception):
    """The watchdog's flag was seen, and its lease says that this run must end."""


class Callbacks:
    """What a guest's imports reach; called on the guest's thread, during a run.

    Attributes:
        visits: How many runs have called the user's code, each from inside the one before, and wait
            for it. It may use the runtime.
    """

    __slots__ = (
        "__weakref__",
        "_codec",
        "_console",
        "_error_count",
        "errors",
        "functions",
        "lease",
        "memory",
        "modules",
        "visits",
    )

    memory: GuestMemory
    lease: Lease

    def __init__(self, options: RuntimeOptions, codec: Codec) -> None:
        self._console = options.console
        self._codec = codec
        self.functions = HostFunctionTable()
        self.modules = ModuleTable()
        self.errors: dict[int, Exception] = {}
        self._error_count = 0
        self.visits = 0

    def on_call(self, function_id: int, ptr: int, length: int, /) -> int:
        """Run a host function."""
        args = self._decode(ptr, length)
        try:
            self.visits += 1
            try:  # as in `_visit`, whose call would cost 0.1 us
                payload = self._codec.encode(self.functions.call(function_id, args))
            finally:
                self.visits -= 1
            return self._reply(payload)
        except Exception as error:
            args, payload = [], b""  # or they would outlast the call: this frame is not cleared
            return self._reply_error(error)

    def on_console(self, level: int, ptr: int, length: int, /) -> int:
        """Tell the console."""
        if self._console is not None:
            filename, line, column, arguments = self._decode(ptr, length, 4)
            place = (type(filename), type(line), type(column))
            if (
                type(arguments) is not list
                or not 0 <= level < len(_LEVELS)
                or (place != _SOMEWHERE and place != _NOWHERE)
            ):
                raise BrokenRuntimeError("the guest sent a console event that is none")
            event = ConsoleEvent(_LEVELS[level], tuple(arguments), filename, line, column)
            self.visits += 1
            try:
                self._console(event)
            finally:
                self.visits -= 1
        return 0

    def on_resolve(self, ptr: int, length: int, /) -> int:
        """Say what a specifier means."""
        base, specifier = self._decode(ptr, length, 2)
        try:
            return self._reply(self._visit(self.modules.resolve, base, specifier))
        except Exception as error:
            return self._reply_error(error)

    def on_source(self, ptr: int, length: int, /) -> int:
        """Give a module's source."""
        (name,) = self._decode(ptr, length, 1)
        try:
            return self._reply(self._visit(self.modules.source, name))
        except Exception as error:
            return self._reply_error(error)

    def on_check(self, where: int, /) -> int:
        """End the instance if the engine gave up or its time is over; else go on.

        Coming here lets Python run pending signal handlers, Ctrl-C's among them.
        """
        if where == CheckPlace.ABORT:
            raise Aborted
        # In the handler the soft word, which stands beside the hard one, says the same and more.
        told = self.lease.should_stop()
        if where == CheckPlace.STOP or (told and where != CheckPlace.HANDLER):
            raise HardStop
        return 0

    def _visit(self, serve: Callable[..., Any], *args: Any) -> bytes:
        """Call what is the user's, and encode what it returns."""
        self.visits += 1
        try:
            return self._codec.encode(serve(*args))
        finally:
            self.visits -= 1

    def _decode(self, ptr: int, length: int, members: int | None = None) -> list[Any]:
        message = self._codec.decode(self.memory.slice(ptr, length))
        if type(message) is not list or members not in (None, len(message)):
            raise BrokenRuntimeError("the guest sent a message that is none")
        return message

    def _reply(self, payload: bytes) -> int:
        return self.memory.put(payload) | len(payload) << 32

    def _reply_error(self, error: Exception) -> int:
        from traceback import clear_frames  # here, for most programs never need it

        clear_frames(error.__traceback__)  # or their locals would outlast the call
        self._error_count += 1
        number = self._error_count & 0x7FFFFFFF
        self.errors[number] = error
        self.errors.pop(number - _KEPT_ERRORS, None)
        name, message = shown_to_script(error)
        reply = [number, name, message[:_LONGEST_MESSAGE]]
        return self._reply(self._codec.encode(reply)) | ERROR_BIT
