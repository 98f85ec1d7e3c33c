"""Death watch: who wants to know is told when a worker is lost, and when it is gone for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors._threads import report_unraisable

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._lives.home import Home


@dataclass(frozen=True, slots=True)
class WorkerDown:
    """A worker was lost, or is gone for good.

    Attributes:
        worker: Its name.
        generation: Which of its incarnations ended, counted from 1.
        reason: The word for it, as in the trace: ``"died"``, ``"broken"``, ``"replace"``,
            ``"abandoned"``, ``"normal"`` (it left by itself), ``"halted"`` (it is restarted with
            others), ``"renewed"`` (its heir took over); ``"stopped"`` if it is gone for good.
        error: What caused it, if it was an error.
        final: Whether it is gone for good; if not, it is being restarted, or its supervisor is
            about to say that it is gone.
    """

    worker: str
    generation: int
    reason: str
    error: BaseException | None
    final: bool


class Watchers:
    """Those who watch one worker. Thread-safe; it costs nothing until somebody does."""

    __slots__ = ("_callbacks", "_home", "_over")

    def __init__(self, home: Home) -> None:
        """Begin with nobody."""
        self._home = home
        self._callbacks: tuple[Callable[[WorkerDown], object], ...] = ()
        self._over: WorkerDown | None = None

    def add(self, callback: Callable[[WorkerDown], object]) -> Callable[[], None]:
        """Tell `callback` from now on, or at once if the worker is gone; return what ends that."""
        entry = lambda down: callback(down)  # noqa: E731  (an object of its own for each watch)
        with self._home.lock:
            over = self._over
            if over is None:
                self._callbacks = (*self._callbacks, entry)
        if over is not None:
            _tell(entry, over)

        def remove() -> None:
            with self._home.lock:
                self._callbacks = tuple(each for each in self._callbacks if each is not entry)

        return remove

    def lost(self, reason: str, error: BaseException | None) -> None:
        """An incarnation has ended, and the worker lives on, or its supervisor will say."""
        callbacks = self._callbacks
        if callbacks:
            home = self._home
            down = WorkerDown(home.name, home.generation, reason, error, final=False)
            for callback in callbacks:
                _tell(callback, down)

    def ended(self, error: BaseException | None) -> None:
        """The worker is gone for good."""
        home = self._home
        down = WorkerDown(home.name, home.generation, "stopped", error, final=True)
        with home.lock:
            self._over = down
            callbacks, self._callbacks = self._callbacks, ()
        for callback in callbacks:
            _tell(callback, down)


def _tell(callback: Callable[[WorkerDown], object], down: WorkerDown) -> None:
    try:
        callback(down)
    except Exception as error:
        report_unraisable(error)
