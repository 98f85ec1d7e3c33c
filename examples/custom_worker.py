"""A worker of your own: its options, its queries, their responses, and how it answers them."""

from dataclasses import dataclass

from actors import Query, Worker
from runtimes import Module, QuickJSRuntime, RuntimeOptions

RULES = Module(
    "rules.js",
    """
    export function quote(item, count, prices) {
        if (!(item in prices)) throw new RangeError(`we do not sell ${item}`);
        return { item, count, cents: Math.round(prices[item] * count * (count < 10 ? 1 : 0.9)) };
    }
    """,
)


@dataclass(frozen=True)
class PricingOptions:
    prices: dict[str, int]


@dataclass(frozen=True)
class Price:
    item: str
    count: int
    cents: int


@dataclass(frozen=True)
class Quote(Query[Price]):
    item: str
    count: int = 1


@dataclass(frozen=True)
class Reload(Query[None]):
    prices: dict[str, int]


class Pricing(Worker[PricingOptions, Quote | Reload]):
    def init_runtime(self, options: PricingOptions) -> QuickJSRuntime:
        runtime = QuickJSRuntime(RuntimeOptions(timeout=2.0))
        self.prices, self.rules = options.prices, runtime.load_module(RULES)
        return runtime

    def handle_query(self, runtime: QuickJSRuntime, query: Quote | Reload) -> Price | None:
        if isinstance(query, Quote):
            args = [query.item, query.count, self.prices]
            return runtime.call_function("quote", args, module=self.rules, returns=Price)
        self.prices = query.prices
        return None


with Pricing.spawn(PricingOptions({"tea": 420, "cup": 690})) as worker:
    print(worker.ask(Quote("tea", 10)))
    worker.ask(Reload({"tea": 450}))
    print(worker.ask(Quote("tea")).cents)
