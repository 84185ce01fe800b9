"""Read pages of Markdown."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token


class Block(NamedTuple):
    """A block of code.

    Attributes:
        heading: The second-level heading above it.
        language: The language of the fence.
        code: The text.
        comment: The HTML comment right before it.
    """

    heading: str
    language: str
    code: str
    comment: str


def tokens(page: Path) -> Iterator[Token]:
    """Yield the tokens of a page, including those inside its paragraphs."""
    parser = MarkdownIt("gfm-like", {"linkify": False})
    for token in parser.parse(page.read_text("utf-8")):
        yield token
        yield from token.children or ()


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of a page."""
    heading = comment = ""
    for before, token in pairwise(tokens(page)):
        if (before.type, before.tag) == ("heading_open", "h2"):
            heading = token.content
        if token.type == "fence":
            yield Block(heading, token.info, token.content, comment)
        comment = token.content.strip() if token.type == "html_block" else ""
