"""Each macro writes a text so that its language reads it back."""

import ast
import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import given
from jinja2 import Environment, FileSystemLoader

from tests import ROOT, run
from tests.cases import TAKEN
from tests.survival import paragraphs
from tests.test_fuzz import TEXTS

MACROS = SimpleNamespace(
    **vars(
        Environment(loader=FileSystemLoader(ROOT / "templates"))  # noqa: S701 (no HTML)
        .get_template("quoting.jinja")
        .module
    )
)


def read_value(value: str) -> str:
    """Return what a double-quoted value of a Dockerfile says, which has no variable."""
    quoted = re.fullmatch(r'"((?:[^"$\\]|\\["$\\])*)"', value)
    assert quoted
    return re.sub(r"\\(.)", r"\1", quoted[1])


READERS: dict[str, Callable[[str], object]] = {
    "TOML": lambda text: tomllib.loads(f"x = {MACROS.string(text)}")["x"],
    "YAML": lambda text: yaml.safe_load(f"x: {MACROS.string(text)}")["x"],
    "JSON": lambda text: json.loads(MACROS.string(text)),
    "Python": lambda text: ast.literal_eval(MACROS.string(text)),
    "a docstring": lambda text: ast.literal_eval(f'"""{MACROS.docstring(text)}"""'),
    "a key": lambda text: next(iter(tomllib.loads(f"{MACROS.key(text + '.')} = 1")))[
        :-1
    ],
    "a Dockerfile": lambda text: read_value(MACROS.dockerfile(text)),
    "a heading": lambda text: dict(paragraphs(f"# {MACROS.markdown(text)}\n"))["h1"],
    "a paragraph": lambda text: dict(paragraphs(f"{MACROS.markdown(text)}\n"))["p"],
}


@pytest.mark.parametrize("language", READERS)
@given(text=TEXTS.filter(bool))
def test_a_text_reads_back(language: str, text: str) -> None:
    """Whatever it holds."""
    assert READERS[language](text) == text


@pytest.mark.parametrize(
    "text", [f"{digit}{sign} x" for digit in range(10) for sign in ".)"]
)
def test_a_number_at_the_beginning_makes_no_list(text: str) -> None:
    """With any digit."""
    assert READERS["a paragraph"](text) == text


@pytest.mark.parametrize("text", ["`a`", "[a](b)", "*a*", "(_a_)", "<a>", "&amp;"])
def test_a_pair_of_marks_formats_nothing(text: str) -> None:
    """Nor does it make a link."""
    assert READERS["a paragraph"](text) == text


@pytest.mark.parametrize("text", ["- x", "+ x", "> x", "# x", "x #", "x ##", "#"])
def test_a_mark_at_an_end_is_read_back(text: str) -> None:
    """It would make a list, a quotation or a heading, or close one."""
    assert READERS["a paragraph"](text) == text
    assert READERS["a heading"](text) == text


def test_what_only_github_formats_is_escaped_too() -> None:
    """Strikethrough and mathematics, of which CommonMark has neither."""
    assert MACROS.markdown("~~a~~ $b$") == r"\~\~a\~\~ \$b\$"


def test_a_key_is_quoted_only_where_it_must_be() -> None:
    """A dot would make a table of it."""
    assert MACROS.key("acme-splines") == "acme-splines"
    assert MACROS.key("acme.splines") == '"acme.splines"'


@pytest.mark.parametrize(
    "text",
    [
        "The hypermodern Python project",
        "Splines - reticulated, since 2019: fast & small (3 MB).",
        "An x_y axis_ of C#.",
        "It's C++ and C#, snake_case and 50 % off; Q&A at me@example.com!",
        "“Größe” = 3 > 2, {braces}, a|b, what/for?",
    ],
)
def test_ordinary_text_gets_no_backslash_in_markdown(text: str) -> None:
    """The README looks as if somebody had typed it."""
    assert MACROS.markdown(text) == text


@pytest.mark.engine
def test_a_label_reads_back_from_an_image(tmp_path: Path) -> None:
    """All the texts of the table that are taken, as labels of an image of nothing."""
    texts = [text for case in TAKEN for text in case.answers.values()]
    labels = {f"text{number}": text for number, text in enumerate(texts)}
    (tmp_path / "Dockerfile").write_text(
        "FROM scratch\n"
        + "".join(
            f"LABEL {name}={MACROS.dockerfile(text)}\n" for name, text in labels.items()
        ),
        "utf-8",
    )
    tag = f"labels-{os.getpid()}"
    run("docker", "build", "--tag", tag, ".", cwd=tmp_path)
    try:
        (image,) = json.loads(run("docker", "image", "inspect", tag).stdout)
    finally:
        run("docker", "image", "rm", "--force", tag)
    assert image["Config"]["Labels"] == labels
