"""The questions have human prompts, rules, and defaults that follow from one another."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests import ROOT, contents, run
from tests.cases import CASES
from tests.conftest import Bake, Generate
from tests.questions import ASKED, CHOICES, QUESTIONS
from tests.survival import load_hook

PROMISED = [
    *("project_name", "project_slug", "package_name", "description"),
    *("author", "email", "github_user", "dockerhub_user", "version"),
    *("license", "python_version", "base_image", "docker_build", "git_init"),
]
TEXTS = [question for question in ASKED if question not in CHOICES]
HOOK = load_hook("pre_gen_project")
RULES = (ROOT / "docs" / "answers.md").read_text("utf-8")


@pytest.mark.parametrize("question", ASKED)
def test_a_question_is_asked_in_words(question: str) -> None:
    """Nobody has to guess from the name of a variable."""
    prompt = QUESTIONS["__prompts__"].get(question)
    assert prompt, "cookiecutter.json: give it a prompt in __prompts__"
    if question in CHOICES:
        prompt = prompt["__prompt__"]
    assert " " in prompt or prompt in {"License"}


@pytest.mark.parametrize("question", CHOICES)
def test_a_choice_says_what_each_option_means(question: str) -> None:
    """The words begin with the option itself."""
    prompts = dict(QUESTIONS["__prompts__"][question])
    del prompts["__prompt__"]
    assert list(prompts) == CHOICES[question], (
        f"cookiecutter.json: give each option its words in __prompts__, {question}"
    )
    assert all(words.startswith(f"{option}: ") for option, words in prompts.items())


def test_the_questions_that_tools_depend_on_keep_their_names_and_order() -> None:
    """Whatever is asked besides."""
    assert [question for question in ASKED if question in PROMISED] == PROMISED


@pytest.mark.parametrize("question", CHOICES)
def test_a_choice_takes_nothing_but_its_options(question: str) -> None:
    """Cookiecutter checks them, save in a replay file; the hook checks them there."""
    assert set(HOOK.CHOICES) <= set(CHOICES)
    assert HOOK.CHOICES.get(question) == CHOICES[question], (
        "hooks/pre_gen_project.py: set in CHOICES: "
        f'"{question}": {json.dumps(CHOICES[question])}'
    )


@pytest.mark.parametrize("question", TEXTS)
def test_a_text_has_a_rule(question: str) -> None:
    """The hook applies it, cases try it on both sides, and its reader is told it."""
    assert question in HOOK.CHECKS, (
        "hooks/pre_gen_project.py: name in CHECKS the function that says what is wrong "
        "with an answer; check_text takes any line of text"
    )
    tried = [case for case in CASES if question in case.answers]
    assert any(question in case.refused for case in tried), (
        "tests/hostile.jsonl: add cases that are refused"
    )
    assert any(not case.refused for case in tried), (
        "tests/hostile.jsonl: add cases that are taken"
    )
    rows = re.findall(r"^\| (`.+?) \|", RULES, re.MULTILINE)
    assert f"`{question}`" in ", ".join(rows).split(", "), (
        "docs/answers.md: add a row to its first table that says what is allowed"
    )


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


@pytest.mark.parametrize("user", ["tim", "t" * 31])
def test_the_docker_hub_user_is_never_refused_unseen(bake: Bake, user: str) -> None:
    """Docker Hub takes 4 to 30 characters, GitHub 1 to 39."""
    readme = (bake(github_user=user) / "README.md").read_text("utf-8")
    assert "hub.docker.com/r/yourname/" in readme


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
        "  pip install nox poetry poetry-plugin-export && nox",
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
