"""A tree of supervised workers: what is lost is restarted, with those that depend on it."""

from dataclasses import dataclass

from actors import (
    DefaultWorker,
    Eval,
    PoolSpec,
    Query,
    Supervisor,
    SupervisorSpec,
    Worker,
    WorkerDied,
    WorkerSpec,
)


@dataclass(frozen=True)
class Price(Query[int]):
    """Ask for a price."""

    item: str


class Prices(Worker[None, Price]):
    """Knows the prices; loses its head over unicorns."""

    def init_runtime(self, options: None) -> dict[str, int]:
        return {"tea": 420}

    def handle_query(self, runtime: dict[str, int], query: Price) -> int:
        if query.item == "unicorn":
            raise SystemExit("no such thing")
        return runtime[query.item]


shop = SupervisorSpec(
    [WorkerSpec(Prices, name="prices"), PoolSpec(DefaultWorker, 2, name="rules")],
    name="shop",
    strategy="rest_for_one",
)

with Supervisor([shop], name="tree") as tree:
    prices = tree.supervisor("shop").worker("prices", Prices)
    rules = tree.supervisor("shop").pool("rules", DefaultWorker)
    print(rules.ask(Eval(f"{prices.ask(Price('tea'))} * 1.2")))
    try:
        prices.ask(Price("unicorn"))
    except WorkerDied as error:
        print(error)
    print(prices.ask(Price("tea")), "in generation", prices.generation)
    print(rules.ask(Eval("6 * 7")))
    for child in tree.supervisor("shop").children():
        print(child.name, child.kind, child.restarts)
