"""A worker that holds other workers: what it owns ends with it, and is made anew with it."""

from dataclasses import dataclass

from actors import CallFunction, DefaultWorker, DefaultWorkerOptions, Query, Worker, WorkerPool
from runtimes import Module

TEMPLATE = Module(
    "letter.js",
    "export function letter(name, text) { return `Dear ${name},\\n${text}`; }",
)


@dataclass(frozen=True)
class Letters(Query[list[str]]):
    names: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class StartAnew(Query[int]):
    """Ends the worker after this query, so that its supervisor starts it anew."""


class Office(Worker[None, Letters | StartAnew]):
    def init_runtime(self, options: None) -> None:
        writers = DefaultWorkerOptions(modules=[TEMPLATE])
        self.writers = self.own(WorkerPool(DefaultWorker, size=2, options=writers))

    def handle_query(self, runtime: None, query: Letters | StartAnew) -> list[str] | int:
        match query:
            case Letters(names, text):
                letters = [
                    self.writers.send(CallFunction("letter", (name, text), module="letter.js"))
                    for name in names
                ]
                return [letter.get() for letter in letters]
            case StartAnew():
                self.leave()
                return self.generation


with Office.spawn() as office:
    print(office.ask(Letters(("Ann", "Ben"), "tea is ready.")))
    office.ask(StartAnew())  # the pool of writers is closed, and another one made
    print(office.ask(Letters(("Cid",), "the cups are back.")))
    print(office.generation)
