"""A file of orders to check: the same one every time, with faults whose places are known."""

import json
import random
from pathlib import Path
from typing import Any

_COUNTRIES = ("AT", "BE", "CH", "DE", "ES", "FR", "IT", "LU", "NL", "PL")
_FAULTS = ("iban", "date", "total", "mail", "country", "items", "syntax")
_EVERY = 97
"""One order of so many has a fault; a prime, so that faults fall anywhere in a batch."""


def write_orders(path: Path, count: int) -> dict[int, str]:
    """Write `count` orders, one JSON text a line.

    Returns:
        The number of each faulty line, from 1, and the rule that it breaks.
    """
    dice = random.Random(20_25)
    planted = {}
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, count + 1):
            line = json.dumps(_order(dice, number), separators=(",", ":"))
            if number % _EVERY == 0:
                fault = planted[number] = _FAULTS[number // _EVERY % len(_FAULTS)]
                line = _spoil(line, fault)
            file.write(line + "\n")
    return planted


def _order(dice: random.Random, number: int) -> dict[str, Any]:
    country = dice.choice(_COUNTRIES)
    items: list[dict[str, Any]] = [
        {
            "article": _article(dice),
            "count": dice.randint(1, 9),
            "cents": dice.randint(99, 9_999),
        }
        for _ in range(dice.randint(1, 6))
    ]
    return {
        "id": number,
        "mail": f"customer.{number}@shop{dice.randint(1, 40)}.example",
        "country": country,
        "iban": _iban(dice, country),
        "date": f"20{dice.randint(20, 25)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
        "items": items,
        "cents": sum(item["count"] * item["cents"] for item in items),
    }


def _iban(dice: random.Random, country: str) -> str:
    account = "".join(dice.choices("0123456789", k=18))
    digits = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02}{account}"


def _article(dice: random.Random) -> str:
    digits = dice.choices(range(10), k=12)
    weighted = sum(digit * (3 if i % 2 else 1) for i, digit in enumerate(digits))
    return "".join(map(str, [*digits, -weighted % 10]))


def _spoil(line: str, fault: str) -> str:
    """Break one rule, and no other."""
    if fault == "syntax":
        return line[:-1]
    order = json.loads(line)
    match fault:
        case "iban":
            check = (int(order["iban"][2:4]) + 1) % 97
            order["iban"] = f"{order['iban'][:2]}{check:02}{order['iban'][4:]}"
        case "date":
            order["date"] = "2023-02-30"
        case "total":
            order["cents"] += 1
        case "mail":
            order["mail"] = "nobody at nowhere"
        case "country":
            order["country"] = "XX"
        case "items":
            order["items"] = []
            order["cents"] = 0
    return json.dumps(order, separators=(",", ":"))
