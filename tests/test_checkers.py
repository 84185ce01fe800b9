"""No outside checker has anything to say about what is generated, or the template."""

import re

import pytest

from tests import ROOT
from tests.checkers import CHECKERS, RESULTS, Checker, variations
from tests.conftest import Bake

# The others take a network or programs that not everybody has: see the nox session.
# validate-pyproject takes seconds, and sp-repo-review runs it anyway.
AT_HAND = [
    checker
    for checker in CHECKERS
    if not checker.needs and checker.distribution != "validate-pyproject"
]


@pytest.mark.parametrize("answers", variations(), ids=str)
@pytest.mark.parametrize("checker", AT_HAND, ids=str)
def test_the_checker_has_nothing_to_say_about_the_project(
    bake: Bake, checker: Checker, answers: dict[str, str]
) -> None:
    """With every option."""
    assert not checker.findings(bake(**answers))


def test_names_and_other_languages_are_no_mistakes_of_spelling(bake: Bake) -> None:
    """Words that codespell would correct; the usual ones need no list."""
    answers = {
        "project_name": "Serie Tool",
        "description": "Ist 'alle' der-less, hass: doe's für_ende Adresse",
        "author": "Ned Hart",
    }
    (checker,) = [checker for checker in CHECKERS if checker.command == ("codespell",)]
    assert not checker.findings(bake(**answers))
    usual = (bake() / "pyproject.toml").read_text("utf-8")
    assert "ignore-words-list" not in usual


@pytest.mark.parametrize(
    "checker", [checker for checker in AT_HAND if checker.template], ids=str
)
def test_the_checker_has_nothing_to_say_about_the_template(checker: Checker) -> None:
    """Its own files are held to the same rules."""
    assert not checker.findings(ROOT)


def test_the_page_of_results_has_every_checker() -> None:
    """With as many projects as there are now."""
    text = RESULTS.read_text("utf-8")
    rows = re.findall(r"^\| `(.+)` \| .+ \| (\d+) projects", text, re.MULTILINE)
    now = [(str(checker), str(len(variations()))) for checker in CHECKERS]
    assert rows == now, "nox -s checkers writes docs/checkers.md"


@pytest.mark.engine
@pytest.mark.parametrize("answers", variations(), ids=str)
def test_the_engine_has_nothing_to_say_about_the_dockerfile(
    bake: Bake, answers: dict[str, str]
) -> None:
    """Its own checks find no warning."""
    (checker,) = [checker for checker in CHECKERS if "docker" in checker.needs]
    assert not checker.findings(bake(**answers))
