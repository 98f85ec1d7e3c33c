"""A Pykka actor that keeps to itself."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pykka
from pykka import ActorRef

from actors._threads import start_thread

if TYPE_CHECKING:
    import threading


class ContainedActor(pykka.ThreadingActor):
    """A Pykka ``ThreadingActor`` without Pykka's ways of reaching beyond itself.

    - It is not in ``ActorRegistry``: ``ActorRegistry.stop_all``, which Pykka itself calls when any
      actor raises SystemExit or KeyboardInterrupt, does not stop it.
    - It never calls ``stop_all``: its loop is its own, and nothing that it raises stops others.
    - Its thread is a daemon, so it cannot keep the interpreter from leaving.

    The seams of Pykka used here and in `Worker` are tested in ``tests/actors/test_pykka_seams.py``.
    """

    use_daemon_thread: ClassVar[bool] = True
    big_stack: ClassVar[bool] = True
    _thread: threading.Thread | None = None

    @staticmethod
    def _create_actor_inbox() -> Any:
        return queue.SimpleQueue()

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> ActorRef[Self]:
        """Start the actor, as Pykka does, but without registering it."""
        actor = cls(*args, **kwargs)
        actor._start_actor_loop()
        return actor.actor_ref

    def _thread_name(self) -> str:
        return type(self).__name__

    def _start_actor_loop(self) -> None:
        self._thread = start_thread(self._actor_loop, self._thread_name(), big_stack=self.big_stack)
