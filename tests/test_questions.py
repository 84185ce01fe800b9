"""The questions have human prompts, and defaults that follow from one another."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests import ROOT, contents, run
from tests.conftest import Bake, Generate

QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
ASKED = [question for question in QUESTIONS if not question.startswith("_")]
CHOICES = {name: QUESTIONS[name] for name in ASKED if isinstance(QUESTIONS[name], list)}


def test_the_questions_keep_their_names_and_order() -> None:
    """Tools depend on the names; the order is a conversation's."""
    assert [
        *("project_name", "project_slug", "package_name", "description"),
        *("author", "email", "github_user", "dockerhub_user", "version"),
        *("license", "python_version", "base_image", "docker_build", "git_init"),
    ] == ASKED


@pytest.mark.parametrize("question", ASKED)
def test_a_question_is_asked_in_words(question: str) -> None:
    """Nobody has to guess from the name of a variable."""
    prompt = QUESTIONS["__prompts__"][question]
    if question in CHOICES:
        prompt = prompt["__prompt__"]
    assert " " in prompt or prompt in {"License"}


@pytest.mark.parametrize("question", CHOICES)
def test_a_choice_says_what_each_option_means(question: str) -> None:
    """The words begin with the option itself."""
    prompts = dict(QUESTIONS["__prompts__"][question])
    del prompts["__prompt__"]
    assert list(prompts) == CHOICES[question]
    assert all(words.startswith(f"{option}: ") for option, words in prompts.items())


@pytest.mark.parametrize(
    ("answers", "slug", "package"),
    [
        ({}, "hypermodern-python", "hypermodern_python"),
        ({"project_name": "Größe & Maß"}, "grosse-mass", "grosse_mass"),
        ({"project_slug": "acme.splines"}, "acme.splines", "acme_splines"),
    ],
)
def test_names_follow_from_the_project_s_name(
    bake: Bake, answers: dict[str, str], slug: str, package: str
) -> None:
    """The slug comes from the name, and the package from the slug."""
    project = bake(**answers)
    assert project.name == slug
    assert [path.name for path in (project / "src").iterdir()] == [package]


@pytest.mark.parametrize("user", ["Jane-Doe", "jane_doe"])
def test_the_docker_hub_user_follows_from_the_github_user(
    bake: Bake, user: str
) -> None:
    """Docker Hub has neither capitals nor hyphens."""
    readme = (bake(github_user=user) / "README.md").read_text("utf-8")
    assert f"github.com/{user}/" in readme
    assert "hub.docker.com/r/janedoe/" in readme


@pytest.mark.parametrize("version", ["oldest", "newest"])
def test_pressing_enter_at_every_prompt_generates_the_default_project(
    version: str,
    project: Path,
    home: Path,
    output: Path,
    request: pytest.FixtureRequest,
) -> None:
    """The oldest Cookiecutter served and the newest write the same files."""
    python = sys.executable
    if version == "oldest":
        python = request.getfixturevalue("old_cookiecutter")
    result = run(
        *(str(python), "-m", "cookiecutter", str(ROOT)),
        stdin="\n" * len(ASKED),
        cwd=output,
        env=os.environ | {"HOME": str(home), "USERPROFILE": str(home)},
    )
    assert all(
        QUESTIONS["__prompts__"][name] in result.stdout
        for name in set(ASKED) - set(CHOICES)
    )
    assert contents(output / "hypermodern-python") == contents(project)


def test_the_end_is_short_and_says_what_to_run(generate: Generate) -> None:
    """Five lines at most, in copyable form."""
    result = generate()
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "Created hypermodern-python. Next:",
        "  cd hypermodern-python",
        "  nox",
        "  docker build --tag hypermodern-python .",
        "  docker run --rm hypermodern-python --count=4",
    ]
    assert result.stderr == ""


def test_elsewhere_the_end_names_the_whole_path(
    generate: Generate, tmp_path: Path
) -> None:
    """With --output-dir the new project is not in the shell's folder."""
    result = generate(f"--output-dir={tmp_path / 'else where'}")
    assert f"  cd '{tmp_path / 'else where' / 'hypermodern-python'}'" in result.stdout
