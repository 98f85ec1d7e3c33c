"""Host functions: Python that scripts may call, and nothing else of Python."""

from actors import DefaultWorker, DefaultWorkerOptions
from runtimes import HostError, JSError

STOCK = {"tea": 12, "cup": 3}


def stock(item: str) -> int:
    if item not in STOCK:
        raise HostError(f"no such item: {item}")  # only a HostError shows its text to the script
    return STOCK[item]


def take(item: str, *, count: int = 1) -> int:
    STOCK[item] -= count
    return STOCK[item]


def broken() -> None:
    raise KeyError("/etc/secret")


options = DefaultWorkerOptions(
    host_functions={"stock": stock, "warehouse": {"take": take, "broken": broken}}
)
with DefaultWorker.spawn(options) as worker:
    print(worker.evaluate("stock('tea')"))
    print(worker.evaluate("warehouse.take('tea', {count: 5})"))  # the object fills keywords
    print(worker.evaluate("try { stock('gold') } catch (error) { error.message }"))
    print(worker.evaluate("try { warehouse.broken() } catch (error) { String(error) }"))
    try:
        worker.evaluate("warehouse.broken()")
    except JSError as error:
        print("raised here:", error.name, "caused by", repr(error.__cause__))
