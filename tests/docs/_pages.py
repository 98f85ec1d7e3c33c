"""The project's Markdown: its pages, their code blocks, their links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
"""Every page that the project shows."""

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *(?:\{ *#([\w-]+) *\})?$", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        info: What stands after the opening fence.
        text: What stands between the fences.
        line: Line of the text's first line in its page, from 1.
        shown: The text of an ``text`` block that follows at once, which is the block's output.
    """

    info: str
    text: str
    line: int
    shown: str | None


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    source = page.read_text(encoding="utf-8")
    matches = list(_FENCE.finditer(source))
    blocks = []
    for match, following in zip_longest(matches, matches[1:]):
        shown = None
        if (
            following is not None
            and following["info"].strip() == "text"
            and not source[match.end() : following.start()].strip()
        ):
            shown = following["text"]
        line = source.count("\n", 0, match.start("text")) + 1
        blocks.append(Block(match["info"].strip(), match["text"], line, shown))
    return blocks


def python_of(page: Path) -> list[Block]:
    """The Python blocks of a page that stand there as code, not as an include."""
    return [
        block
        for block in blocks_of(page)
        if block.info.split(" ")[0] == "python" and "--8<--" not in block.text
    ]


def links_of(page: Path) -> Iterator[str]:
    """The targets of a page's links, those in code left out."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    prose = re.sub(r"`[^`\n]*`(?!\])", "", prose)
    for match in _LINK.finditer(prose):
        yield match["target"]


def anchors_of(page: Path) -> set[str]:
    """The anchors that a page's headings give."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {given or _slug(title) for title, given in _HEADING.findall(prose)}


def _slug(title: str) -> str:
    words = re.sub(r"[^\w\s-]", "", title.replace("`", "")).strip().lower()
    return re.sub(r"[-\s]+", "-", words)
