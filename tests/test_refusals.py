"""An answer that cannot work is refused in one line, and nothing is left behind."""

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests import ROOT
from tests.conftest import Generate

ANSWERS = {
    "project_name": "Hypermodern Python",
    "project_slug": "hypermodern-python",
    "package_name": "hypermodern_python",
    "description": "The hypermodern Python project",
    "author": "Jane Doe",
    "email": "jane@example.com",
    "github_user": "jane-doe",
    "dockerhub_user": "janedoe",
    "version": "0.1.0",
}


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """Return the module that Cookiecutter runs before it generates a project."""
    path = ROOT / "hooks" / "pre_gen_project.py"
    spec = importlib.util.spec_from_file_location("pre_gen_project", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("project_name", 'Éric\'s "spline" {{ tool }}'),
        ("project_slug", "a"),
        ("project_slug", "acme.splines_v2--x"),
        ("project_slug", "s" * 100),
        ("package_name", "_splines"),
        ("description", "It's 100 % “right”: \\ <b> $(x) `y` 👩‍🔬 \u200fשלום"),
        ("author", "Mary-Jane O'Neil, Ph.D."),
        ("email", "o'neil+splines@mail.example.co.uk"),
        ("github_user", "a-b-c"),
        ("version", "2026.11rc1"),
        ("version", "1.0.post1.dev2"),
    ],
)
def test_an_answer_that_works_is_taken(
    hook: ModuleType, question: str, answer: str
) -> None:
    """Unusual is not wrong."""
    assert not list(hook.refusals(ANSWERS | {question: answer}))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("project_name", " "),
        ("project_name", "two\nlines"),
        ("project_slug", ""),
        ("project_slug", "../evil"),
        ("project_slug", "Capital"),
        ("project_slug", "-dash"),
        ("project_slug", "dash-"),
        ("project_slug", "a..b"),
        ("project_slug", "café"),
        ("project_slug", "s" * 101),
        ("project_slug", "tests"),
        ("project_slug", "click"),
        ("project_slug", "con"),
        ("project_slug", "nul.tools"),
        ("package_name", ""),
        ("package_name", "class"),
        ("package_name", "match"),
        ("package_name", "none"),
        ("package_name", "json"),
        ("package_name", "click"),
        ("package_name", "tests"),
        ("package_name", "aux"),
        ("package_name", "my-package"),
        ("package_name", "1st"),
        ("package_name", "paquete_ñ"),
        ("package_name", "p" * 101),
        ("description", "tab\there"),
        ("description", "line\u2028separator"),
        ("author", "Bobby <tables>"),
        ("author", ""),
        ("email", "nobody"),
        ("email", "a@b"),
        ("github_user", "-a"),
        ("github_user", "a--b"),
        ("github_user", "a" * 40),
        ("dockerhub_user", "abc"),
        ("dockerhub_user", "Jane"),
        ("version", "one"),
        ("version", "1.0+local"),
        ("version", "1.0\n"),
    ],
)
def test_an_answer_that_cannot_work_is_refused(
    hook: ModuleType, question: str, answer: str
) -> None:
    """One line names the question, the answer and the remedy."""
    (line,) = hook.refusals(ANSWERS | {question: answer})
    assert line.startswith(f"{question}: {answer!a} is refused: ")
    assert "\n" not in line


def test_all_bad_answers_are_refused_at_once_and_nothing_is_left(
    generate: Generate, output: Path, home: Path
) -> None:
    """The last line says how to keep the other answers."""
    result = generate(project_slug="Con", package_name="class", email="me")
    assert result.returncode == 1
    *lines, last = result.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        *("project_slug", "package_name", "email")
    ]
    replay = home / ".cookiecutter_replay" / f"{ROOT.name}.json"
    assert str(replay) in last
    assert f"cookiecutter {ROOT} --replay" in last
    assert not list(output.iterdir())


def test_the_way_to_keep_the_other_answers_works(
    generate: Generate, output: Path, home: Path
) -> None:
    """The bad answer is mended in the replay file; the good ones are still there."""
    assert generate(author="Jane Doe", email="jane").returncode == 1
    replay = home / ".cookiecutter_replay" / f"{ROOT.name}.json"
    replay.write_text(replay.read_text("utf-8").replace('"jane"', '"jane@example.com"'))
    assert generate("--replay").returncode == 0
    pyproject = output / "hypermodern-python" / "pyproject.toml"
    authors = tomllib.loads(pyproject.read_text("utf-8"))["project"]["authors"]
    assert authors == [{"name": "Jane Doe", "email": "jane@example.com"}]
