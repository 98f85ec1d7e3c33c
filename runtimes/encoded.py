"""Arguments that are encoded before it is known which runtime will get them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtimes.errors import StaleHandle

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.shared import SharedBuffer


_NOBODY: Final[frozenset[Any]] = frozenset()


class EncodedArgs:
    """The arguments of one call, as they were at `encode_args`; any thread may use them.

    Every runtime takes them where it takes a sequence of arguments. Treat them as immutable.

    Attributes:
        payload: They, encoded as an array.
        handles: The functions and promises among them, which are not released as long as these
            arguments live.
        owners: The runtimes whose handles they are; no other runtime takes these arguments.
        buffers: The shared buffers among them, which live as long as these arguments do.
    """

    __slots__ = ("_decode", "buffers", "handles", "owners", "payload")

    def __init__(
        self,
        payload: bytes,
        decode: Callable[[bytes], list[Any]],
        handles: tuple[Any, ...] = (),
        buffers: tuple[SharedBuffer, ...] = (),
    ) -> None:
        self.payload = payload
        self.handles = handles
        self.owners = frozenset(handle._owner for handle in handles) if handles else _NOBODY
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
