"""What it means that answers survive: every file parses, and they read back equal."""

import ast
import functools
import importlib.metadata
import itertools
import json
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from cookiecutter.generate import generate_files
from markdown_it import MarkdownIt
from poetry.core.factory import Factory
from poetry.core.masonry.builders.wheel import WheelBuilder

from tests import ROOT, load
from tests.questions import ASKED, QUESTIONS

PARSERS: dict[str, Callable[[str], object]] = {
    ".json": json.loads,
    ".lock": tomllib.loads,
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}


@functools.lru_cache(maxsize=1000)
def parses(suffix: str, text: str) -> bool:
    """Parse a file's text, and tell whether there is a parser for its suffix.

    Most files of most projects are the same: each text is parsed once.
    """
    parse = PARSERS.get(suffix)
    if parse:
        parse(text)
    return bool(parse)


def load_hook(name: str) -> ModuleType:
    """Return a hook as a module."""
    return load(ROOT / "hooks" / f"{name}.py")


def context(answers: Mapping[str, object], output: Path) -> dict[str, Any]:
    """Return what Cookiecutter hands to a template when these are the answers."""
    private = {
        question: value
        for question, value in QUESTIONS.items()
        if question.startswith("_") and not question.startswith("__")
    }
    return {
        "cookiecutter": {
            **answers,
            "__refused_slug": "",
            **private,
            "_template": str(ROOT),
            "_output_dir": str(output),
            "_repo_dir": str(ROOT),
            "_checkout": None,
        }
    }


def render(answers: Mapping[str, object], output: Path) -> Path:
    """Generate a project without the hooks, nor what Cookiecutter does to answers."""
    return Path(
        generate_files(
            repo_dir=str(ROOT),
            context=context(answers, output),
            output_dir=str(output),
            accept_hooks=False,
        )
    )


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the project's wheel with Poetry's backend, and return its path."""
    builder = WheelBuilder(Factory().create_poetry(project, with_groups=False))
    return builder.build(folder)


def wheel_metadata(project: Path) -> importlib.metadata.PackageMetadata:
    """Return the metadata in the project's wheel."""
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(build_wheel(project, Path(folder))) as wheel,
    ):
        (metadata,) = (
            zipfile.Path(wheel, member.removesuffix("METADATA"))
            for member in wheel.namelist()
            if member.endswith(".dist-info/METADATA")
        )
        return importlib.metadata.PathDistribution(metadata).metadata


def paragraphs(markdown: str) -> list[tuple[str, str]]:
    """Return each heading and paragraph of a document: its tag, and its bare text."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    texts = []
    for opening, inline in itertools.pairwise(tokens):
        if inline.type == "inline" and not opening.level:
            assert inline.children is not None
            plain = all(child.type == "text" for child in inline.children)
            text = "".join(child.content for child in inline.children)
            texts.append((opening.tag if plain else f"{opening.tag}, formatted", text))
    return texts


def assert_answers_survive(project: Path, answers: Mapping[str, str]) -> None:
    """Parse every file of a project, and read the answers back.

    Raises:
        AssertionError: A file does not parse, or says something else.
    """
    for path in project.rglob("*"):
        if path.is_file():
            parses(path.suffix, path.read_text("utf-8"))

    assert project.name == answers["project_slug"]
    table = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert table["name"] == answers["project_slug"]
    assert table["version"] == answers["version"]
    assert table["description"] == answers["description"]
    assert table["authors"] == [{"name": answers["author"], "email": answers["email"]}]
    assert table["scripts"] == {
        answers["project_slug"]: f"{answers['package_name']}.console:main"
    }

    metadata = wheel_metadata(project)
    assert metadata["Name"] == answers["project_slug"]
    assert metadata["Version"] == answers["version"]
    assert metadata["Summary"] == answers["description"]
    assert metadata["Author"] == answers["author"]
    assert metadata["Author-email"] == answers["email"]

    title, _, description, *_ = paragraphs((project / "README.md").read_text("utf-8"))
    assert title == ("h1", answers["project_name"])
    assert description == ("p", answers["description"])

    package = project / "src" / answers["package_name"] / "__init__.py"
    docstring = ast.get_docstring(ast.parse(package.read_text("utf-8")), clean=False)
    assert docstring is not None
    assert docstring.removesuffix(".") == answers["description"].removesuffix(".")

    terms = (ROOT / f"templates/licenses/{answers['license']}.txt").read_text("utf-8")
    named = terms.replace("{{ cookiecutter.author }}", answers["author"])
    assert (project / "LICENSE").read_text("utf-8") == named

    kept = json.loads((project / ".cookiecutter.json").read_text("utf-8"))
    assert kept == {question: answers[question] for question in ASKED}
