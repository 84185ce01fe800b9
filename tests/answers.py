"""The questions, hostile answers, and functions that read answers from a project."""

import ast
import functools
import importlib.util
import itertools
import json
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import yaml
from cookiecutter.generate import generate_context, generate_files
from cookiecutter.prompt import prompt_for_config
from jinja2 import FileSystemBytecodeCache
from markdown_it import MarkdownIt
from poetry.core.factory import Factory
from poetry.core.masonry.builders.wheel import WheelBuilder

from tests import PROJECT, ROOT

FILE = ROOT / "cookiecutter.json"
QUESTIONS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
ASKED = [question for question in QUESTIONS if not question.startswith("_")]
CHOICES = {name: QUESTIONS[name] for name in ASKED if isinstance(QUESTIONS[name], list)}
# Only the hook after the last file uses these; no file but .cookiecutter.json has them.
ACTIONS = {"docker_build", "git_init"}
FILE_CHOICES = {name: CHOICES[name] for name in CHOICES if name not in ACTIONS}
# The default answers, first with the variables that Cookiecutter adds to them.
CONTEXT = prompt_for_config(generate_context(str(FILE)), no_input=True)
DEFAULTS: dict[str, str] = {question: CONTEXT[question] for question in ASKED}


def load_hook(name: str) -> ModuleType:
    """Load a hook as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "hooks" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PRE_GEN, POST_GEN = load_hook("pre_gen_project"), load_hook("post_gen_project")
# The questions whose answers can be any line of text.
FREE_TEXTS = [name for name in ASKED if name not in {*CHOICES, *PRE_GEN.PATTERNS}]

LOCK = (PROJECT / "poetry.lock").read_text("utf-8")


def refusals(answers: Mapping[str, object]) -> list[str]:
    """Return the error messages of the first hook that refuses any of these answers."""
    written = json.loads(json.dumps(answers))
    return list(PRE_GEN.refusals(written)) or list(POST_GEN.taken_names(written, LOCK))


class Case(NamedTuple):
    """An answer in hostile.jsonl.

    Attributes:
        line: The number of its line.
        question: The question. All others have their default answers.
        answer: The answer.
        says: Part of the error message, or an empty string if the answer is accepted.
    """

    line: int
    question: str
    answer: Any
    says: str

    def __str__(self) -> str:
        """Return the ID of the tests of this case."""
        return f"{self.line} {self.question}={ascii(self.answer)[:50]}"


def read_cases(number: int, line: str) -> Iterator[Case]:
    """Yield the cases on a line of hostile.jsonl.

    Each answer is repeated as often as "times" says. "why" is for readers.
    """
    row = json.loads(line)
    times, says, _ = row.pop("times", 1), row.pop("says", ""), row.pop("why")
    ((question, answers),) = row.items()
    for answer in answers:
        yield Case(number, question, answer * times if times > 1 else answer, says)


LINES = (ROOT / "tests" / "hostile.jsonl").read_text("utf-8").splitlines()
CASES = [
    case for number, line in enumerate(LINES, 1) for case in read_cases(number, line)
]
ACCEPTED = [case for case in CASES if not case.says]


# Each file is compiled once, instead of once for each rendering.
COMPILED = tempfile.TemporaryDirectory()
JINJA = {"bytecode_cache": FileSystemBytecodeCache(COMPILED.name)}


def render(answers: Mapping[str, object], output: Path) -> Path:
    """Generate a project without running the hooks."""
    private = {"_output_dir": str(output), "_jinja2_env_vars": JINJA}
    context = {**CONTEXT, **answers, **private}
    return Path(
        generate_files(
            str(ROOT), {"cookiecutter": context}, str(output), accept_hooks=False
        )
    )


PARSERS: dict[str, Callable[[str], object]] = {
    ".json": json.loads,
    ".lock": tomllib.loads,
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}


# The cache saves time because most files are the same in most projects.
@functools.lru_cache(maxsize=1000)
def parse(suffix: str, text: str) -> object:
    """Parse a file and return its content, or None without a parser for its suffix."""
    return PARSERS[suffix](text) if suffix in PARSERS else None


def wheel_builder(project: Path) -> WheelBuilder:
    """Return what builds the project's wheel in Poetry's backend."""
    return WheelBuilder(Factory().create_poetry(project, with_groups=False))


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the project's wheel with Poetry's backend, and return its path."""
    return wheel_builder(project).build(folder)


def wheel_metadata(project: Path) -> Message:
    """Return the metadata that Poetry's backend writes into the project's wheel."""
    return HeaderParser().parsestr(wheel_builder(project).get_metadata_content())


def paragraphs(markdown: str) -> list[tuple[str, str]]:
    """Return the tag and the plain text of each heading and paragraph."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    texts = []
    for opening, inline in itertools.pairwise(tokens):
        if inline.type == "inline" and not opening.level:
            children = inline.children or []
            plain = all(child.type == "text" for child in children)
            text = "".join(child.content for child in children)
            texts.append((opening.tag if plain else f"{opening.tag}, formatted", text))
    return texts


def strings(value: object) -> Iterator[str]:
    """Yield the strings in nested containers, including the keys of mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from strings(value.items())
    elif isinstance(value, Iterable):
        for item in value:
            yield from strings(item)


def texts(path: Path) -> Iterator[str]:
    """Return the texts in a file of Markdown, Python, or a format in `PARSERS`."""
    text = path.read_text("utf-8")
    parsed = paragraphs(text) if path.suffix == ".md" else parse(path.suffix, text)
    if isinstance(parsed, ast.Module):
        nodes = ast.walk(parsed)
        parsed = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return strings(parsed)


def assert_reads_back(project: Path, answers: Mapping[str, str]) -> None:
    """Parse every file of a project, and check the answers in the files.

    Raises:
        AssertionError: A file has another answer.
    """
    for path in project.rglob("*"):
        if path.is_file():
            parse(path.suffix, path.read_text("utf-8"))

    slug, package = answers["project_slug"], answers["package_name"]
    assert project.name == slug
    table = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert table["name"] == slug
    assert table["description"] == answers["description"]
    assert table["authors"] == [{"name": answers["author"], "email": answers["email"]}]
    assert table["license"] == answers["license"]
    assert table["scripts"] == {slug: f"{package}.console:main"}

    metadata = wheel_metadata(project)
    assert metadata["Name"] == slug
    assert metadata["Summary"] == answers["description"]
    assert metadata["Author"] == answers["author"]
    assert metadata["Author-email"] == answers["email"]

    title, _, description, *_ = paragraphs((project / "README.md").read_text("utf-8"))
    assert title == ("h1", answers["project_name"])
    assert description == ("p", answers["description"])

    for name in ("CODE_OF_CONDUCT.md", "SECURITY.md"):
        page = paragraphs((project / name).read_text("utf-8"))
        assert any(f"to {answers['email']}" in text for _, text in page), name

    module = ast.parse((project / "src" / package / "__init__.py").read_text("utf-8"))
    docstring = ast.get_docstring(module, clean=False) or ""
    assert docstring.removesuffix(".") == answers["description"].removesuffix(".")

    text = (ROOT / f"templates/licenses/{answers['license']}.txt").read_text("utf-8")
    named = text.replace("{{ cookiecutter.author }}", answers["author"])
    assert (project / "LICENSE").read_text("utf-8") == named

    tag = f"{answers['python_version']}-{answers['base_image']}"
    dockerfile = (project / "Dockerfile").read_text("utf-8")
    assert dockerfile.startswith(f"FROM python:{tag} AS base\n")

    kept = json.loads((project / ".cookiecutter.json").read_text("utf-8"))
    assert kept == {question: answers[question] for question in ASKED}
