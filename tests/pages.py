"""Read pages of Markdown, and follow them."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.images import run

NOT_RUN = re.compile(r"<!-- not run: .+ -->")
FILE = re.compile(r"<!-- file: (.+) -->")
# A line before the output of each block.
MARK = "-- a block of the page --"
# In the expected output, three dots that end no word stand for any text.
ANYTHING = re.compile(r"(?<!\w)\.\.\.")


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


def follow(
    page: Iterable[Block],
    folder: Path,
    *replacements: tuple[str, str],
    env: Mapping[str, str] = os.environ,
) -> str:
    """Do what readers do with the blocks of a page, and return the output.

    One shell runs the blocks of commands, applies the diffs and writes the files that
    comments name, so it keeps variables and the folder. A block of text right after
    commands is their expected output.

    Args:
        page: The blocks. Those with a comment that says why they are not run are left out.
        folder: The folder in which the shell starts.
        replacements: Names in the page, each with a replacement.
        env: The environment of the shell.

    Raises:
        CalledProcessError: A command fails, or a diff does not apply.
        AssertionError: A command prints something else.
    """
    script, before, expected = "", "", list[str]()
    for block in page:
        code = block.code
        for name, own in replacements:
            code = code.replace(name, own)
        if NOT_RUN.fullmatch(block.comment):
            before = ""
            continue
        if block.language == "sh":
            script += f"echo '{MARK}'\n{code}"
            expected.append("...")
        elif block.language == "diff":
            script += f"git apply --whitespace=error-all - <<'{MARK}'\n{code}{MARK}\n"
        elif file := FILE.fullmatch(block.comment):
            script += f"cat >{file[1]} <<'{MARK}'\n{code}{MARK}\n"
        elif (before, block.language) == ("sh", "text"):
            expected[-1] = code
        before = block.language
    # With -v, the error of a command that fails has the command before it.
    shell = ("bash", "-v", "-e", "-u", "-o", "pipefail", "-c", script)
    # Readers have the tests' programs on their PATH.
    path = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    printed = run(*shell, cwd=folder, env={**env, "PATH": path}).stdout
    outputs = printed.split(f"{MARK}\n")[1:]
    for output, text in zip(outputs, expected, strict=True):
        pattern = ".*".join(map(re.escape, ANYTHING.split(text)))
        assert re.fullmatch(pattern, output, re.DOTALL), f"{output!r} is not {text!r}"
    return "".join(outputs)
