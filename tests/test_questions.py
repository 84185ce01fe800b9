"""The questions, their prompts and their default answers."""

import sys
from pathlib import Path

import pytest

from tests import ROOT, commit, contents
from tests.answers import ASKED, CHOICES, QUESTIONS
from tests.conftest import Bake
from tools.images import run

PROMISED = [
    *("project_name", "project_slug", "package_name", "description"),
    *("author", "email", "github_user", "dockerhub_user"),
    *("license", "python_version", "base_image", "docker_build", "git_init"),
]


@pytest.mark.parametrize("question", ASKED)
def test_every_question_has_a_prompt(question: str) -> None:
    """The prompt of a choice also describes each option."""
    prompt = QUESTIONS["__prompts__"].get(question)
    assert prompt, f"cookiecutter.json: add a prompt for {question} to __prompts__"
    if question in CHOICES:
        described = [name for name in prompt if name != "__prompt__"]
        assert described == CHOICES[question], (
            f"cookiecutter.json: describe each option of {question} in __prompts__"
        )
        assert prompt["__prompt__"]
        assert all(prompt[option].startswith(f"{option}: ") for option in described)


def test_questions_keep_their_names_and_order() -> None:
    """Configuration files and scripts depend on both. New questions may be added."""
    assert [question for question in ASKED if question in PROMISED] == PROMISED


@pytest.mark.parametrize(
    ("answers", "slug", "package"),
    [
        ({}, "hypermodern-python", "hypermodern_python"),
        ({"project_name": "Größe & Maß"}, "grosse-mass", "grosse_mass"),
        ({"project_slug": "acme.splines"}, "acme.splines", "acme_splines"),
    ],
)
def test_default_names_follow_from_the_project_name(
    bake: Bake, answers: dict[str, str], slug: str, package: str
) -> None:
    """The default slug follows from the name, and the default package from the slug."""
    project = bake(**answers)
    assert project.name == slug
    assert [path.name for path in (project / "src").iterdir()] == [package]


@pytest.mark.parametrize(
    ("github_user", "dockerhub_user"),
    [
        ("Jane-Doe", "janedoe"),
        ("jane_doe", "janedoe"),
        ("tim", "yourname"),
        ("t" * 31, "yourname"),
    ],
)
def test_the_docker_hub_user_follows_from_the_github_user(
    bake: Bake, github_user: str, dockerhub_user: str
) -> None:
    """The name is in lowercase without separators, if Docker Hub allows its length."""
    readme = (bake(github_user=github_user) / "README.md").read_text("utf-8")
    assert f"github.com/{github_user}/" in readme
    assert f"hub.docker.com/r/{dockerhub_user}/" in readme


@pytest.mark.usefixtures("home")
def test_the_oldest_cookiecutter_generates_the_same_project(
    project: Path, output: Path
) -> None:
    """Pressing Enter at every prompt generates the default project.

    After a refusal, there is no traceback; newer versions print one, which no hook can
    prevent.
    """
    environment = ("uvx", "--quiet", f"--python={sys.executable}")
    command = (*environment, "--from=cookiecutter==2.6.0", "cookiecutter", ROOT)
    refused = run(*command, "--no-input", "package_name=class", check=False, cwd=output)
    assert refused.returncode == 1
    assert refused.stderr.startswith("package_name: 'class' is reserved by Python. ")
    assert "Traceback" not in refused.stdout + refused.stderr
    assert not list(output.iterdir())
    result = run(*command, stdin="\n" * len(ASKED), cwd=output)
    for prompt in QUESTIONS["__prompts__"].values():
        assert isinstance(prompt, dict) or prompt in result.stdout
    assert contents(output / "hypermodern-python") == contents(project)


def test_git_on_windows_does_not_change_line_endings(
    repository: Path, person: Path, project: Path, output: Path
) -> None:
    """Other line endings in the template or the project would change the image."""
    clone = ("git", "-c", "core.autocrlf=true", "clone")
    run(*clone, str(repository), str(person / "clone"))
    run("cookiecutter", person / "clone", "--no-input", cwd=output)
    folder = output / project.name
    assert contents(folder) == contents(project)
    commit(folder)
    run(*clone, str(folder), str(person / "project clone"))
    assert contents(person / "project clone") == contents(project)
