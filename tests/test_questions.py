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


# Answers, the pattern of one path, and texts in this path or its file.
DERIVED = [
    ({}, "hypermodern-python/src/*/__init__.py", ["/src/hypermodern_python/"]),
    ({"project_name": "Größe & Maß"}, "grosse-mass/src/*/__init__.py", ["/grosse_mass/"]),
    ({"project_slug": "acme.splines"}, "acme.splines/src/*/__init__.py", ["/acme_splines/"]),
    # Docker Hub does not allow other characters, nor all lengths.
    ({"github_user": "Jane-Doe"}, "*/README.md", ["github.com/Jane-Doe/", "hub.docker.com/r/janedoe/"]),
    ({"github_user": "jane_doe"}, "*/README.md", ["github.com/jane_doe/", "hub.docker.com/r/janedoe/"]),
    ({"github_user": "tim"}, "*/README.md", ["github.com/tim/", "hub.docker.com/r/yourname/"]),
    ({"github_user": "t" * 31}, "*/README.md", [f"github.com/{'t' * 31}/", "hub.docker.com/r/yourname/"]),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "pattern", "texts"), DERIVED, ids=str)
def test_a_default_follows_from_other_answers(
    bake: Bake, answers: dict[str, str], pattern: str, texts: list[str]
) -> None:
    """The slug follows from the name, the package from the slug, and so on."""
    (path,) = bake(**answers).parent.glob(pattern)
    written = f"{path}\n{path.read_text('utf-8')}"
    assert [text for text in texts if text not in written] == []


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
