"""Whatever the answers, the project is well formed, locked, clean and tested."""

import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import installer
import pytest
from allpairspy import AllPairs
from cleo.io.inputs.argv_input import ArgvInput
from cleo.io.outputs.buffered_output import BufferedOutput
from identify.vendor.licenses import LICENSES
from poetry.console.application import Application

from tests import ROOT, run
from tests.conftest import Bake
from tests.questions import ASKED, CHOICES, FILE_CHOICES
from tests.survival import PARSERS, build_wheel, parses

# An option of every choice question, and three kinds of names and texts.
TEXTS: dict[str, list[str]] = {
    "project_name": ["Hypermodern Python", 'Éric\'s "spline" & #1 {tool}', "Größe [1]"],
    "project_slug": ["hypermodern-python", "acme.splines_2", "s", "s" * 50],
    "package_name": ["hypermodern_python", "acme_splines", "_s", "p" * 50],
    "description": [
        "The hypermodern Python project",
        'It\'s "100 %" <b>right</b>: \\ $(x) `y` #z {x} 👩‍🔬',
        "שלום \\",
    ],
    "author": ["Your Name", "Mary-Jane O'Neil, Ph.D.", '"Bobby" \\ 李'],
    "version": ["0.1.0", "2026.11", "1.0rc1"],
}
OPTIONS = FILE_CHOICES | TEXTS
PAIRWISE = [
    dict(zip(OPTIONS, row, strict=True)) for row in AllPairs(list(OPTIONS.values()))
]


def files(project: Path) -> Iterator[Path]:
    """Yield the project's files."""
    return (path for path in project.rglob("*") if path.is_file())


@pytest.fixture(params=PAIRWISE)
def answers(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return answers; all pairs of options occur among them."""
    answers: dict[str, str] = request.param
    return answers


def test_every_file_parses(bake: Bake, answers: dict[str, str]) -> None:
    """By the parser of its own language."""
    parsed = {
        path.suffix
        for path in files(bake(**answers))
        if parses(path.suffix, path.read_text("utf-8"))
    }
    assert parsed == set(PARSERS)


def test_no_trace_of_the_template_is_left(bake: Bake, answers: dict[str, str]) -> None:
    """No delimiter, and no blank line where a statement of Jinja stood."""
    for path in files(bake(**answers)):
        text = path.read_text("utf-8")
        workflow = ".github" in path.parts
        assert workflow or not re.search(
            r"\{\{|\}\}|\{%|%\}|\{#|#\}|cookiecutter\.", text
        ), path
        if not text or path.name == "poetry.lock":
            continue
        most = 3 if path.suffix == ".py" else 2
        assert not text.startswith("\n"), path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert "\n" * (most + 1) not in text, path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path


def test_the_metadata_reads_back_as_it_was_answered(
    bake: Bake, answers: dict[str, str]
) -> None:
    """The texts survive whatever quotes and backslashes they hold."""
    text = (bake(**answers) / "pyproject.toml").read_text("utf-8")
    metadata = tomllib.loads(text)["project"]
    assert metadata["name"] == answers["project_slug"]
    assert metadata["version"] == answers["version"]
    assert metadata["description"] == answers["description"]
    assert metadata["authors"][0]["name"] == answers["author"]
    assert metadata["license"] == answers["license"]
    assert metadata["requires-python"] == ">=3.11"
    assert metadata["scripts"] == {
        answers["project_slug"]: f"{answers['package_name']}.console:main"
    }


def test_the_answers_are_kept(bake: Bake, answers: dict[str, str]) -> None:
    """All that were asked for, and nothing of the machine they were given on."""
    text = (bake(**answers) / ".cookiecutter.json").read_text("utf-8")
    kept = json.loads(text)
    assert list(kept) == sorted(ASKED)
    assert kept.items() >= answers.items()


@pytest.mark.parametrize("chosen", CHOICES["license"])
def test_the_license_is_the_one_chosen(bake: Bake, chosen: str) -> None:
    """An outside tool has the same text, and the author's name in the same ones."""
    text = (bake(license=chosen) / "LICENSE").read_text("utf-8")
    known = dict(LICENSES)[chosen.removesuffix("-or-later").removesuffix("-only")]
    likeness = SequenceMatcher(None, text.split(), known.split(), autojunk=False)
    # Titles and lines of copyright differ; the nearest two licenses differ by more.
    assert likeness.ratio() > 0.95, f"templates/licenses/{chosen}.txt is another text"
    author = "Copyright (c) Your Name\n" in text
    assert author == ("[fullname]" in known), "see how MIT.txt names the author"


def test_the_base_image_is_the_one_chosen(bake: Bake, answers: dict[str, str]) -> None:
    """The first line of the Dockerfile names it."""
    dockerfile = (bake(**answers) / "Dockerfile").read_text("utf-8")
    tag = f"{answers['python_version']}-{answers['base_image']}"
    assert dockerfile.startswith(f"FROM python:{tag} AS ")


def test_the_project_is_locked_clean_and_tested(
    bake: Bake, answers: dict[str, str], locked_environment: Path, tmp_path: Path
) -> None:
    """Poetry and ruff have nothing to say; its tests pass where it is installed."""
    project = tmp_path / "project"
    shutil.copytree(bake(**answers), project)
    complaints = BufferedOutput()
    check = ["poetry", f"--directory={project}", "check", "--lock", "--strict"]
    poetry = Application()
    poetry.auto_exits(False)
    status = poetry.run(ArgvInput(check), complaints, complaints)
    assert (status, complaints.fetch()) == (0, "All set!\n")
    run("ruff", "check", "--no-cache", cwd=project)
    run("ruff", "format", "--check", "--no-cache", cwd=project)

    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(venv))
    (site_packages,) = venv.glob("lib/*/site-packages")
    (site_packages / "locked.pth").write_text(f"{locked_environment}\n")
    python = str(venv / "bin" / "python")
    run(
        *(python, "-m", "installer", str(build_wheel(project, tmp_path))),
        env=os.environ | {"PYTHONPATH": str(Path(installer.__file__).parent.parent)},
    )
    run(python, "-m", "pytest", "-p", "no:cacheprovider", cwd=project)


# Kinds of answers that the sessions of a project might stumble over.
SETS_OF_ANSWERS = {
    "the default": {},
    "odd texts": {
        "project_name": TEXTS["project_name"][1],
        "project_slug": "s",
        "package_name": "_s",
        "description": TEXTS["description"][1],
        "author": TEXTS["author"][2],
        "license": "GPL-3.0-or-later",
        "python_version": "3.13",
        "base_image": "alpine",
    },
    "a dotted slug, and programs in the texts": {
        "project_name": "$(touch MARKER) `touch MARKER` \\",
        "project_slug": "acme.splines_2",
        "package_name": "reticulator",
        "description": "' + __import__('os').system('touch MARKER') + ' \"\"\" "
        "$(touch MARKER) `touch MARKER`; touch MARKER {eval-rst}`touch` ]] \\",
        "author": "'; touch MARKER; \" $(touch MARKER) \\",
        "email": "o'neil+splines@mail.example.co.uk",
        "version": "1.0rc1",
        "license": "BSD-3-Clause",
    },
}


# One test, because the projects share the environments, one after the other.
@pytest.mark.longest
def test_the_project_passes_its_own_nox(
    bake: Bake, home: Path, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """All default sessions, in an empty home, with just Python, Poetry and nox."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("nox", "poetry"):
        program = shutil.which(name)
        assert program
        (programs / name).symlink_to(program)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "SSL_", "REQUESTS_")) or name.endswith("_proxy")
    }
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    for kind, answers in SETS_OF_ANSWERS.items():
        with subtests.test(kind):
            project = shutil.copytree(bake(**answers), tmp_path / kind)
            result = run(
                *("nox", "--error-on-external-run", f"--envdir={tmp_path / 'nox'}"),
                cwd=project,
                env={
                    # Most of what is installed is never run.
                    "PIP_COMPILE": "0",
                    **environment,
                    "HOME": str(home),
                    "PATH": f"{programs}{os.pathsep}{os.defpath}",
                },
            )
            for session in (
                *("lint", "mypy", f"tests-{python}", "coverage", "typeguard"),
                *("xdoctest", "docs-build"),
            ):
                assert f"* {session}: success" in result.stderr
            # What the answers would have made, had a session run one.
            assert not list(tmp_path.rglob("MARKER"))


def test_the_generated_file_names_suit_every_system() -> None:
    """Windows refuses some characters, and links need a privilege there."""
    for path in (ROOT / "{{cookiecutter.project_slug}}").rglob("*"):
        name = path.name.replace("{{cookiecutter.package_name}}", "package")
        assert re.fullmatch(r"[\w.-]*\w", name), path
        assert not path.is_symlink(), path
