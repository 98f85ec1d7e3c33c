"""Names of what scripts know, on their way into the guest."""

from __future__ import annotations


def encode_name(name: str) -> bytes:
    """Encode the name of a function, a global or an export.

    Raises:
        TypeError: It is no text.
        ValueError: It has a lone surrogate, which UTF-8 has no bytes for.
    """
    if not isinstance(name, str):
        raise TypeError(f"a name is a text (str), not {name!r:.100}")
    try:
        return name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name!r:.100} is no name: it has a lone surrogate") from None
