"""What a check of a worker type is, and what it works with. No test framework is needed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import cycle, islice
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from actors.supervision import Supervision
from actors.testing._gate import Gate, hold_worker
from runtimes.testing import expect_equal, fail

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from actors._replies.reply import Reply
    from actors.handle import WorkerHandle
    from actors.query import Query
    from actors.testing._specimen import Specimen

E = TypeVar("E", bound=BaseException)

PATIENT = Supervision(intensity=100, backoff=0.0)


class Bench:
    """What a check is given: a maker of workers. Leaving it stops all that were made.

    Used by one thread. Whatever is waited for here is waited for `Specimen.patience` at most.
    """

    def __init__(self, specimen: Specimen) -> None:
        self.specimen = specimen
        self.patience = specimen.patience
        self._made: list[WorkerHandle[Any]] = []
        self._gates: list[Gate] = []

    def spawn(self, **options: Any) -> WorkerHandle[Any]:
        """Spawn a worker that may be restarted often."""
        handle = self.specimen.spawn(**{"supervision": PATIENT, **options})
        self._made.append(handle)
        return handle

    def hold(self, handle: WorkerHandle[Any]) -> Gate:
        """Hold a worker up between two queries."""
        gate = hold_worker(handle, self.patience)
        self._gates.append(gate)
        return gate

    def answers(self, count: int) -> list[tuple[Query[Any], Any]]:
        """Return so many queries with their responses."""
        return list(islice(cycle(self.specimen.answers), count))

    def expect_answers(self, handle: WorkerHandle[Any]) -> None:
        """Ask each of the specimen's queries, and require its response."""
        for query, response in self.specimen.answers:
            expect_equal(self.get(handle.send(query)), response, f"the answer to {query!r}")

    def get(self, reply: Reply[Any]) -> Any:
        """Wait for a response."""
        self.settled(reply)
        return reply.get(0)

    def error(self, reply: Reply[Any], kind: type[E]) -> E:
        """Wait for an error of that class."""
        error = self.settled(reply)
        if not isinstance(error, kind):
            got = "a response" if error is None else repr(error)
            raise AssertionError(f"{got} came, not {kind.__name__}") from error
        return error

    def settled(self, reply: Reply[Any]) -> BaseException | None:
        """Wait until a reply is settled."""
        try:
            return reply.exception(self.patience)
        except TimeoutError:
            if reply.done():
                raise
        fail(f"{reply!r} got no answer within {self.patience:g} s")

    def stop(self, handle: WorkerHandle[Any], drain: float | None = 0) -> None:
        """Shut a worker down and require that it ends."""
        handle.shutdown(drain)
        if not handle.join(self.patience):
            fail(f"the worker did not stop within {self.patience:g} s of shutdown({drain})")

    def until(self, holds: Callable[[], object], rule: str) -> None:
        """Wait until something holds of which there is no event."""
        until = monotonic() + self.patience
        pause = threading.Event()
        while not holds():
            if monotonic() > until:
                fail(f"after {self.patience:g} s it still does not hold that {rule}")
            pause.wait(0.001)

    def on_threads(self, *actions: Callable[[], object]) -> None:
        """Run actions at once, each on a thread of its own; raise the first error."""
        raised: list[BaseException] = []
        threads = [
            threading.Thread(target=_note, args=(action, raised), daemon=True) for action in actions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * self.patience)
            if thread.is_alive():
                fail(f"a thread did not return within {2 * self.patience:g} s")
        if raised:
            raise raised[0]

    def __enter__(self) -> Bench:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop every worker, the newest first.

        Raises:
            AssertionError: One does not stop, and nothing else was wrong.
        """
        for gate in self._gates:
            gate.open()
        for handle in reversed(self._made):
            handle.shutdown(0)
        stuck = [handle.name for handle in self._made if not handle.join(self.patience)]
        if stuck and error is None:
            fail(f"workers do not stop: {', '.join(stuck)}")


def _note(action: Callable[[], object], raised: list[BaseException]) -> None:
    try:
        action()
    except BaseException as error:
        raised.append(error)


@dataclass(frozen=True)
class WorkerCheck:
    """One rule that every type of worker keeps.

    Attributes:
        name: The rule, as a sentence with underscores.
        rule: The rule, in full.
        body: Tries it.
        needs: What the specimen must have for the rule to apply.
    """

    name: str
    rule: str
    body: Callable[[Any], None]
    needs: tuple[str, ...] = ()

    def applies_to(self, specimen: Specimen) -> bool:
        """Whether the worker type has what the rule is about."""
        return all(getattr(specimen, need) is not None for need in self.needs)

    def run(self, specimen: Specimen) -> None:
        """Try the rule on fresh workers.

        Raises:
            AssertionError: The rule does not hold.
        """
        with Bench(specimen) as bench:
            self.body(bench)

    def __str__(self) -> str:
        """Return the rule's name."""
        return self.name


class Checks(list[WorkerCheck]):
    """A list of checks that are collected by decoration, in the order of their definition."""

    def needing(self, *needs: str) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
        """Take in the decorated function as a check with these needs."""

        def collect(body: Callable[[Bench], None]) -> Callable[[Bench], None]:
            rule = " ".join((body.__doc__ or "").split())
            self.append(WorkerCheck(body.__name__, rule, body, needs))
            return body

        return collect
