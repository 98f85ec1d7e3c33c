"""Values that JavaScript tells apart and Python does not: small types for both directions.

Most values need none of these: see ``docs/values.md`` for the whole table. All of them are
immutable, can be copied and pickled, and are safe to share between threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from struct import calcsize, unpack
from typing import Any, Final, final


@final
class Undefined:
    """The type of `undefined`, of which there is one instance."""

    __slots__ = ()
    _instance: Undefined | None = None

    def __new__(cls) -> Undefined:
        """Return the one instance."""
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __bool__(self) -> bool:
        """False, as in JavaScript."""
        return False

    def __repr__(self) -> str:
        """Show as JavaScript does."""
        return "undefined"

    def __reduce__(self) -> str:
        """Copies and pickles are the one instance again."""
        return "undefined"


undefined: Final = Undefined()
"""JavaScript's ``undefined``; JavaScript's ``null`` is None."""


class BigInt(int):
    """An integer that is a BigInt in JavaScript although it would fit a Number.

    Larger integers (beyond ±(2**53 - 1)) cross as BigInt by themselves, and arrive as plain int.
    Arithmetic gives plain ints.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Show the type too: it matters on the way back."""
        return f"BigInt({int(self)})"

    __str__ = int.__repr__


class ArrayBuffer(bytes):
    """The bytes of an ArrayBuffer; plain bytes are a Uint8Array."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show the type too: it matters on the way back."""
        return f"ArrayBuffer({bytes(self)!r})"


_ELEMENTS: Final = {
    "Uint8ClampedArray": "B",
    "Int8Array": "b",
    "Uint8Array": "B",
    "Int16Array": "h",
    "Uint16Array": "H",
    "Int32Array": "i",
    "Uint32Array": "I",
    "BigInt64Array": "q",
    "BigUint64Array": "Q",
    "Float16Array": "e",
    "Float32Array": "f",
    "Float64Array": "d",
}


@dataclass(frozen=True, slots=True)
class TypedArray:
    """A typed array of a kind that no memoryview has: Float16Array and Uint8ClampedArray.

    The other kinds arrive as a memoryview (Uint8Array: as bytes). Any kind may be sent this way.

    Attributes:
        kind: The constructor's name, such as ``"Float16Array"``.
        data: The bytes of the elements, in little endian.

    Raises:
        ValueError: There is no such kind, or the bytes are no whole number of elements.
    """

    kind: str
    data: bytes

    def __post_init__(self) -> None:
        """Check kind and size."""
        if self.kind not in _ELEMENTS:
            raise ValueError(f"there is no typed array called {self.kind!r}")
        if len(self.data) % self.itemsize:
            raise ValueError(f"{len(self.data)} bytes are no whole number of elements")

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return calcsize("<" + _ELEMENTS[self.kind])

    def __len__(self) -> int:
        """Count the elements."""
        return len(self.data) // self.itemsize

    def tolist(self) -> list[int] | list[float]:
        """Return the elements as Python numbers."""
        return list(unpack(f"<{len(self)}{_ELEMENTS[self.kind]}", self.data))


@dataclass(frozen=True, slots=True, order=True)
class JSDate:
    """A Date outside the years 1 to 9999, which is all that ``datetime`` knows.

    Other Dates arrive as an aware ``datetime`` in UTC.

    Attributes:
        ms: Milliseconds since 1970 in UTC; at most ±8.64e15.
    """

    ms: float


class JSMap:
    """A Map whose keys a dict cannot have, or would take for something else.

    That is: unhashable keys, keys that Python holds equal (1 and True), no keys at all, or only
    strings (a dict with string keys is a plain object). Any other Map arrives as a dict. Sent, a
    JSMap is always a Map: ``JSMap({"a": 1})``.

    Iterating gives ``(key, value)`` pairs, as in JavaScript. Looking up a key tells apart what
    JavaScript tells apart, and takes time in proportion to the size.
    """

    __slots__ = ("pairs",)

    pairs: tuple[tuple[Any, Any], ...]
    """Key and value of each entry, in the order of insertion."""

    def __init__(self, entries: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = ()) -> None:
        """Take the entries of a mapping, or pairs.

        Raises:
            ValueError: An entry is no pair.
        """
        source = entries.items() if isinstance(entries, Mapping) else entries
        pairs = tuple((key, value) for key, value in source)
        object.__setattr__(self, "pairs", pairs)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: it is immutable."""
        raise AttributeError("a JSMap cannot be changed")

    def __getitem__(self, key: Any) -> Any:
        """Return the value of a key.

        Raises:
            KeyError: There is no such key.
        """
        for candidate, value in self.pairs:
            if _same(candidate, key):
                return value
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or `default` if there is none."""
        try:
            return self[key]
        except KeyError:
            return default

    def keys(self) -> list[Any]:
        """Return the keys in order."""
        return [key for key, _ in self.pairs]

    def values(self) -> list[Any]:
        """Return the values in order."""
        return [value for _, value in self.pairs]

    def items(self) -> list[tuple[Any, Any]]:
        """Return the entries in order."""
        return list(self.pairs)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Iterate over the entries."""
        return iter(self.pairs)

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.pairs)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a key."""
        return any(_same(candidate, key) for candidate, _ in self.pairs)

    def __eq__(self, other: object) -> bool:
        """Equal if the entries are, in the same order."""
        return self.pairs == other.pairs if isinstance(other, JSMap) else NotImplemented

    def __hash__(self) -> int:
        """Hash the entries.

        Raises:
            TypeError: A key or value is unhashable.
        """
        return hash((JSMap, self.pairs))

    def __repr__(self) -> str:
        """Show the entries."""
        return f"JSMap({list(self.pairs)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from the entries."""
        return (JSMap, (self.pairs,))


class JSSet:
    """A Set whose members a set cannot have: unhashable ones, or some that Python holds equal.

    Any other Set arrives as a set. Looking for a member tells apart what JavaScript tells apart,
    and takes time in proportion to the size.
    """

    __slots__ = ("members",)

    members: tuple[Any, ...]
    """In the order of insertion."""

    def __init__(self, members: Iterable[Any] = ()) -> None:
        """Take the members in order."""
        object.__setattr__(self, "members", tuple(members))

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: it is immutable."""
        raise AttributeError("a JSSet cannot be changed")

    def __iter__(self) -> Iterator[Any]:
        """Iterate in order."""
        return iter(self.members)

    def __len__(self) -> int:
        """Count the members."""
        return len(self.members)

    def __contains__(self, member: object) -> bool:
        """Whether there is such a member."""
        return any(_same(candidate, member) for candidate in self.members)

    def __eq__(self, other: object) -> bool:
        """Equal if the members are, in the same order."""
        return self.members == other.members if isinstance(other, JSSet) else NotImplemented

    def __hash__(self) -> int:
        """Hash the members.

        Raises:
            TypeError: A member is unhashable.
        """
        return hash((JSSet, self.members))

    def __repr__(self) -> str:
        """Show the members."""
        return f"JSSet({list(self.members)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from the members."""
        return (JSSet, (self.members,))


_NUMBERS: Final = frozenset({int, float})


def _same(left: Any, right: Any) -> bool:
    """Whether JavaScript holds two keys the same, as far as Python values can tell."""
    if left is right:
        return True
    kinds = {type(left), type(right)}
    if len(kinds) == 2 and kinds != _NUMBERS:
        return False
    return bool(left == right) or (left != left and right != right and kinds <= _NUMBERS)
