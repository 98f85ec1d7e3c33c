"""Workers that do what a test tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from actors.default import DefaultWorker
from actors.query import Query
from actors.worker import Worker
from runtimes.testing import EchoRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes import Runtime, RuntimeOptions

T = TypeVar("T")


class EchoWorker(DefaultWorker):
    """A `DefaultWorker` without JavaScript; its scripts are those of `EchoRuntime`."""

    def make_runtime(self, options: RuntimeOptions) -> Runtime:
        """Make an `EchoRuntime`."""
        return EchoRuntime(options)


@dataclass(frozen=True)
class Do(Query[T]):
    """Call a function with the worker; its result is the response.

    Attributes:
        function: Called on the worker's thread.
    """

    function: Callable[[Worker[Any, Any]], T]


@dataclass(frozen=True)
class DoAgain(Do[T]):
    """The same, but declared idempotent."""

    idempotent: ClassVar[bool] = True


class PythonWorker(Worker[None, Do[Any]]):
    """A worker that has no runtime, and does what it is told."""

    def init_runtime(self, options: None) -> None:
        """Make nothing."""

    def handle_query(self, runtime: None, query: Do[T]) -> T:
        """Call the query's function."""
        return query.function(self)
