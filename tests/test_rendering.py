"""For all answers, the files are well-formed and look as if written by hand."""

import ast
import json
import re
import tomllib
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
import yaml
from allpairspy import AllPairs
from hypothesis import example, given
from identify.vendor.licenses import LICENSES
from jinja2 import Environment, FileSystemLoader

from tests import PROJECT, ROOT
from tests.answers import (
    ACCEPTED,
    CHOICES,
    DEFAULTS,
    FILE_CHOICES,
    FREE_TEXTS,
    assert_reads_back,
    paragraphs,
    render,
    texts,
)
from tests.conftest import Bake
from tests.test_answers import SPECIAL, TEXTS
from tools.images import inspect, run

# All options of the choices, and several names and texts. Tests try all pairs of them.
OPTIONS = FILE_CHOICES | {
    "project_name": ["Hypermodern Python", 'Éric\'s "spline" & #1 {tool}', "Größe [1]"],
    "project_slug": ["hypermodern-python", "acme.splines_2", "s", "s" * 50],
    "package_name": ["hypermodern_python", "acme_splines", "_s", "p" * 50],
    "description": [
        "The hypermodern Python project",
        'It\'s "100 %" <b>right</b>: \\ $(x) `y` #z {x} 👩‍🔬',
        "שלום \\ עולם",
    ],
    "author": ["Your Name", "Mary-Jane O'Neil, Ph.D.", '"Bobby" \\ 李'],
}
PAIRWISE = [
    dict(zip(OPTIONS, row, strict=True)) for row in AllPairs(list(OPTIONS.values()))
]


pairwise = pytest.mark.parametrize("answers", PAIRWISE)


@pairwise
def test_the_answers_read_back(tmp_path: Path, answers: dict[str, str]) -> None:
    """Every file parses, and contains the answers unchanged."""
    assert_reads_back(render(answers, tmp_path), DEFAULTS | answers)


@pytest.mark.parametrize("question", FREE_TEXTS)
def test_a_text_is_quoted_wherever_it_is_used(question: str, tmp_path: Path) -> None:
    """In a parsed file, special characters are the same as other ones."""
    plain, special = "é", r"""é \ " ' *é* `é` $(é) {é} %é #1 & [é](é) é: é #é"""
    before, after = (
        render(DEFAULTS | {question: answer}, tmp_path / str(number))
        for number, answer in enumerate((plain, special))
    )
    for path in filter(Path.is_file, before.rglob("*")):
        name = path.relative_to(before)
        expected = [text.replace(plain, special) for text in texts(path)]
        found = list(texts(after / name))
        assert found == expected, f"{name}: quote {question} (templates/quoting.jinja)"


@pairwise
def test_the_project_contains_no_template_syntax(
    tmp_path: Path, answers: dict[str, str]
) -> None:
    """No file has a delimiter, or a blank line in the place of a Jinja statement."""
    for path in render(answers, tmp_path).rglob("*"):
        if not path.is_file():
            continue
        text = path.read_text("utf-8")
        # Workflows use the same delimiters.
        workflow = ".github" in path.parts
        assert workflow or not re.search(
            r"\{\{|\}\}|\{%|%\}|\{#|#\}|cookiecutter\.", text
        ), path
        most = 2 if path.suffix == ".py" else 1
        if text and path.name != "poetry.lock":
            assert text == text.strip("\n") + "\n", path
            assert "\n" * (most + 2) not in text, path
            assert not re.search(r"[ \t]$", text, re.MULTILINE), path


@pytest.mark.parametrize(
    "name", ["poetry.lock", "docker/poetry.txt", "docker/poetry.in"]
)
def test_lock_files_do_not_depend_on_the_answers(project: Path, name: str) -> None:
    """These files contain no delimiters of Jinja, so rendering does not change them."""
    assert (project / name).read_bytes() == (PROJECT / name).read_bytes()


@pytest.mark.parametrize("chosen", CHOICES["license"])
def test_the_license_text_matches_the_choice(bake: Bake, chosen: str) -> None:
    """The text matches identify's copy, and both or neither name the author."""
    text = (bake(license=chosen) / "LICENSE").read_text("utf-8")
    known = dict(LICENSES)[chosen.removesuffix("-or-later").removesuffix("-only")]
    likeness = SequenceMatcher(None, text.split(), known.split(), autojunk=False)
    # Titles and copyright lines differ, but less than the two most similar licenses do.
    assert likeness.ratio() > 0.95, f"templates/licenses/{chosen}.txt is another text"
    named = "Copyright (c) Your Name\n" in text
    assert named == ("[fullname]" in known), "MIT.txt shows how to name the author"


def test_file_names_are_valid_on_every_system() -> None:
    """Windows does not allow links, long paths, and some characters and names."""
    names = set()
    for path in [*ROOT.glob("[!.]*"), *PROJECT.rglob("*")]:
        name = path.name.replace("{{cookiecutter.package_name}}", "package")
        assert re.fullmatch(r"[\w.-]*\w|\{\{.*\}\}", name), path
        assert not re.fullmatch(r"aux|con|nul|prn|(com|lpt)\d", path.stem.lower()), path
        assert len(str(path.relative_to(ROOT))) < 150, path
        assert not path.is_symlink(), path
        names.add(str(path).lower())
    assert len(names) == len([*ROOT.glob("[!.]*"), *PROJECT.rglob("*")])


LOADER = FileSystemLoader(ROOT / "templates")
MACROS: Any = Environment(loader=LOADER).get_template("quoting.jinja").module  # noqa: S701


def read_value(value: str) -> str:
    """Return the text of a double-quoted value without variables in a Dockerfile."""
    quoted = re.fullmatch(r'"((?:[^"$\\]|\\["$\\])*)"', value)
    assert quoted
    return re.sub(r"\\(.)", r"\1", quoted[1])


READERS: dict[str, Callable[[str], object]] = {
    "TOML": lambda text: tomllib.loads(f"x = {MACROS.string(text)}")["x"],
    "YAML": lambda text: yaml.safe_load(f"x: {MACROS.string(text)}")["x"],
    "JSON": lambda text: json.loads(MACROS.string(text)),
    "Python": lambda text: ast.literal_eval(MACROS.string(text)),
    "docstring": lambda text: ast.literal_eval(f'"""{MACROS.docstring(text)}"""'),
    "key": lambda text: next(iter(tomllib.loads(f"{MACROS.key(text + '.')} = 1")))[:-1],
    "Dockerfile": lambda text: read_value(MACROS.dockerfile(text)),
    "heading": lambda text: dict(paragraphs(f"# {MACROS.markdown(text)}\n"))["h1"],
    "paragraph": lambda text: dict(paragraphs(f"{MACROS.markdown(text)}\n"))["p"],
}


@pytest.mark.parametrize("language", READERS)
@given(text=TEXTS.filter(bool))
@example(text=" ".join(SPECIAL))
def test_macros_quote_any_text(language: str, text: str) -> None:
    """The parser of the language returns the text unchanged."""
    assert READERS[language](text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(f"{digit}{sign} x" for digit in range(10) for sign in ".)"),
        *("`a`", "[a](b)", "*a*", "(_a_)", "<a>", "&amp;"),
        *("- x", "+ x", "> x", "# x", "x #", "x ##", "#"),
    ],
)
def test_markdown_syntax_is_escaped(text: str) -> None:
    """The text has no list, quotation, heading, link or emphasis."""
    assert READERS["paragraph"](text) == text
    assert READERS["heading"](text) == text


# What the macros write. Without backslashes, the README looks as if written by hand.
WRITTEN = [
    # CommonMark, and so the parser above, has no strikethrough or mathematics.
    ("markdown", "~~a~~ $b$", r"\~\~a\~\~ \$b\$"),
    *(
        ("markdown", text, text)
        for text in (
            "The hypermodern Python project",
            "Splines - reticulated, since 2019: fast & small (3 MB).",
            "An x_y axis_ of C#.",
            "It's C++ and C#, snake_case and 50 % off; Q&A at me@example.com!",
            "“Größe” = 3 > 2, {braces}, a|b, what/for?",
        )
    ),
    ("key", "acme-splines", "acme-splines"),
    ("key", "acme.splines", '"acme.splines"'),
]


@pytest.mark.parametrize(("macro", "text", "written"), WRITTEN)
def test_macros_quote_only_what_they_must(macro: str, text: str, written: str) -> None:
    """What they must quote is in the test of any text, or is no syntax for its parsers."""
    assert getattr(MACROS, macro)(text) == written


@pytest.mark.engine
def test_labels_read_back_from_an_image(tmp_path: Path, tag: str) -> None:
    """All accepted texts in hostile.jsonl are labels of one image."""
    texts = [case.answer for case in ACCEPTED]
    labels = {f"text{number}": text for number, text in enumerate(texts)}
    lines = (
        f"LABEL {name}={MACROS.dockerfile(text)}\n" for name, text in labels.items()
    )
    (tmp_path / "Dockerfile").write_text("FROM scratch\n" + "".join(lines), "utf-8")
    run("docker", "build", "--tag", tag, ".", cwd=tmp_path)
    assert inspect(tag)["Config"]["Labels"] == labels
