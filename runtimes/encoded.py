"""Arguments that are encoded before it is known which runtime will get them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtimes.errors import StaleHandle

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.shared import SharedBuffer


class EncodedArgs:
    """The arguments of one call, as they were at `encode_args`; any thread may use them.

    Every runtime takes them where it takes a sequence of arguments. Treat them as immutable.

    Attributes:
        payload: They, encoded as an array.
        owners: The runtimes whose handles are among them; no other runtime takes these arguments.
        buffers: The shared buffers among them, which live as long as these arguments do.
    """

    __slots__ = ("_decode", "buffers", "owners", "payload")

    def __init__(
        self,
        payload: bytes,
        decode: Callable[[bytes], list[Any]],
        owners: frozenset[Any] = frozenset(),
        buffers: tuple[SharedBuffer, ...] = (),
    ) -> None:
        self.payload = payload
        self.owners = owners
        self.buffers = buffers
        self._decode = decode

    def __reduce__(self) -> tuple[Any, ...]:
        """Be pickled, unless handles or shared buffers are among them.

        Raises:
            TypeError: They hold a function or promise, which belongs to its runtime, or a
                `SharedBuffer`, which belongs to this process.
        """
        if self.buffers:
            raise TypeError("arguments that hold a SharedBuffer belong to this process")
        if self.owners:
            raise TypeError("arguments that hold a handle belong to its runtime; pickle the others")
        return EncodedArgs, (self.payload, self._decode)

    def decode(self) -> list[Any]:
        """Return them as Python values, for a runtime that is no JavaScript engine.

        Raises:
            StaleHandle: There are functions or promises among them.
        """
        return self._decode(self.payload)

    def for_owner(self, owner: int) -> bytes:
        """Return the payload for the runtime with that number.

        Raises:
            StaleHandle: They hold a function or promise of another runtime.
        """
        if self.owners and self.owners != {owner}:
            raise StaleHandle("the arguments hold a handle of another runtime, or of one now gone")
        return self.payload
