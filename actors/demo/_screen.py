"""What the tour looks like: plain text, with bold headings where the terminal can show them."""

import os
import sys
import textwrap

_WIDTH = 78


def _can_style() -> bool:
    """Whether to send escape sequences: never into a pipe, nor where somebody asked for none."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") == "dumb"
    return sys.stdout.isatty() and not plain


def heading(text: str) -> None:
    """Begin a stop of the tour."""
    line = f"\033[1m{text}\033[0m" if _can_style() else text
    print(f"\n{line}\n{'-' * len(text)}", flush=True)


def say(text: str, indent: int = 0) -> None:
    """Print a paragraph, words kept whole."""
    margin = " " * indent
    lines = textwrap.fill(
        text,
        _WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    print(lines, flush=True)


def row(label: str, text: str = "") -> None:
    """Print a line of a table."""
    print(f"  {label:<26} {text}".rstrip(), flush=True)
