"""Answers that cannot work are refused with a clear message; all others read back."""

import ast
import json
import re
import sys
import tempfile
from pathlib import Path

import pytest
from cookiecutter.utils import create_env_with_context
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import is_normalized_name

from tests import ROOT
from tests.answers import (
    ACCEPTED,
    ASKED,
    CASES,
    CHOICES,
    DEFAULTS,
    PRE_GEN,
    Case,
    assert_reads_back,
    refusals,
    render,
)
from tools.images import run

# Characters and words that are special in one of the languages of the generated files.
SPECIAL = r"""
    ' " \ ` $ # % & * _ ~ < > [ ] { } ( ) | ! ? = + - . , ; : @ / ^
    ''' \" \n \\ $( ${ $$ {{ }} {% %} {# #} <!-- --> </script> &amp; &# ]] [[ ![ ](
    ``` ~~~ --- === *** ___ ** __ 1. 1) ## :: :x: =? ?= <<EOF // /* */ é שלום 𝔘 👩‍🔬
""".split()
BLANK = [" ", "  ", "\u00a0", "\u3000", "\u200b", '"""']
REFUSED = ["\t", "\n", "\x00", "\x85", "\u2028", "\ud800", "\u202e", "\ufeff", "\ufffe"]
PRINTABLE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
TEXTS = st.lists(
    st.sampled_from(SPECIAL + BLANK) | st.text(PRINTABLE, max_size=8), min_size=1
).map(lambda parts: "".join(parts).strip())
WILD = st.one_of(
    st.lists(st.sampled_from(SPECIAL + BLANK + REFUSED) | st.characters()).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=3000),
    st.sampled_from(SPECIAL).map(lambda part: part * 1000),
    st.text("abcAB019-_./\\ é!+", max_size=12),
)


def table(question: str) -> st.SearchStrategy[str]:
    """Return a strategy for a question's answers in hostile.jsonl."""
    answers = [case.answer for case in CASES if case.question == question]
    texts = [answer for answer in answers if isinstance(answer, str)]
    return st.sampled_from(texts) if texts else st.nothing()


# Strategies for each question, whose answers are mostly accepted.
TAME: dict[str, st.SearchStrategy[str]] = {
    **{question: TEXTS for question in ASKED if question not in CHOICES},
    "project_slug": st.from_regex(
        r"[a-z][a-z0-9]{0,8}([-_.][a-z0-9]{1,8}){0,3}", fullmatch=True
    ),
    "package_name": st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True),
    "author": TEXTS.map(lambda text: re.sub("[<>]", "", text)),
    "email": st.emails(domains=st.just("example.com")),
    "github_user": st.from_regex(r"[a-zA-Z0-9](-?[a-z0-9]){1,9}", fullmatch=True),
    "dockerhub_user": st.from_regex(r"[a-z0-9]{4,9}", fullmatch=True),
}
OPTIONS = {question: st.sampled_from(CHOICES[question]) for question in CHOICES}
# A missing question has its default answer.
SETS_OF_ANSWERS = st.fixed_dictionaries(OPTIONS, optional=TAME) | st.fixed_dictionaries(
    OPTIONS, optional={question: WILD | table(question) for question in TAME}
)


@pytest.mark.parametrize("case", [case for case in CASES if case.says], ids=str)
def test_an_invalid_answer_is_refused(case: Case) -> None:
    """The message has the question, the shortened answer, the problem and a remedy."""
    (line,) = refusals(DEFAULTS | {case.question: case.answer})
    question, _, rest = line.partition(": ")
    assert question == case.question
    answer = ascii(case.answer)
    quoted = answer if len(answer) <= 60 else f"{answer[:60]}...{answer[-1]}"
    assert rest.startswith(f"{quoted} ")
    assert case.says in rest
    assert re.search(r"\. (?:Use|Write|Remove|Put) .+\.$", line)
    for example in re.findall(r"for example '(.+)'", line):
        assert not refusals(DEFAULTS | {question: example})
    assert line.isprintable()
    assert len(line) < 400


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_accepted_answers_read_back(case: Case, tmp_path: Path) -> None:
    """Every file parses, and contains the answers unchanged."""
    answers = DEFAULTS | {case.question: case.answer}
    assert not refusals(answers)
    assert_reads_back(render(answers, tmp_path), answers)


@pytest.mark.engine
@pytest.mark.usefixtures("home")
def test_no_code_in_an_answer_is_executed(
    output: Path, tmp_path: Path, tag: str
) -> None:
    """No code runs in generation, build backend, nox, program, engine or image."""
    marker = tmp_path / "MARKER"
    commands = [case.answer for case in ACCEPTED if "MARKER" in str(case.answer)]
    code = " ".join(commands).replace("MARKER", str(marker))
    answers = DEFAULTS | {
        "project_name": code,
        "project_slug": tag,
        "package_name": "s",
        "description": code,
        "author": code,
        # These characters are valid in an email address.
        "email": "`touch`$MARKER'{x}|y&z@example.com",
    }
    typed = (
        "\n" if question in CHOICES else f"{answers[question]}\n" for question in ASKED
    )
    command = (sys.executable, "-m", "cookiecutter", ROOT)
    run(*command, stdin="".join(typed), cwd=output)
    project = output / tag
    assert_reads_back(project, answers)
    run("nox", "--list", cwd=project)
    run("docker", "build", "--tag", tag, ".", cwd=project)
    run("docker", "run", "--rm", tag, "--help")
    search = f"! find / -xdev -name MARKER 2>/dev/null | grep . && ! test -e {marker}"
    run("docker", "run", "--rm", "--entrypoint=sh", tag, "-c", search)
    assert not marker.exists()
    assert not list(project.rglob("MARKER"))


def must_be_refused(question: str, answer: str) -> bool:
    """Return whether an answer is invalid, by other rules than the hook's."""
    if question in {"project_name", "description", "author"}:
        return (
            answer != answer.strip()
            or len((answer + "x").splitlines()) > 1
            or not answer
            or bool(re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", answer))
            or (question == "author" and bool(re.search("[<>]", answer)))
        )
    if question == "project_slug":
        return not is_normalized_name(re.sub("[-_.]+", "-", answer))
    return question == "package_name" and not answer.isidentifier()


@given(SETS_OF_ANSWERS)
def test_random_answers_are_refused_or_read_back(changes: dict[str, str]) -> None:
    """A message does not depend on the other answers."""
    answers = {**DEFAULTS, **changes}
    lines = list(PRE_GEN.refusals(json.loads(json.dumps(answers))))
    refused = [line.partition(": ")[0] for line in lines]
    for question, answer in answers.items():
        alone = list(PRE_GEN.refusals(DEFAULTS | {question: answer}))
        assert alone == [line for line in lines if line.startswith(f"{question}: ")]
        assert question in refused or not must_be_refused(question, answer)
    assert all(line.isascii() and len(line) < 400 for line in lines)
    if not refusals(answers):
        with tempfile.TemporaryDirectory() as folder:
            assert_reads_back(render(answers, Path(folder)), answers)


@pytest.mark.parametrize("name", ["pre_gen_project", "post_gen_project"])
@given(st.dictionaries(TEXTS, TEXTS | st.none() | st.floats(allow_nan=False)))
def test_no_answer_ends_the_string_literal_in_a_hook(
    name: str, answers: dict[str, object]
) -> None:
    """Each hook reads the answers unchanged, as Cookiecutter renders it."""
    source = (ROOT / "hooks" / f"{name}.py").read_text("utf-8")
    context = {"cookiecutter": answers}
    rendered = create_env_with_context(context).from_string(source).render(context)
    (literal,) = (
        node.args[0].value
        for node in ast.walk(ast.parse(rendered))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "json.loads"
        and isinstance(node.args[0], ast.Constant)
    )
    assert json.loads(str(literal)) == answers


def test_a_question_without_a_rule_accepts_a_line_of_text() -> None:
    """The hook needs no change for a new text question."""
    assert not list(PRE_GEN.refusals({"motto": "Any text"}))
    (line,) = PRE_GEN.refusals({"motto": "two\nlines"})
    assert line.startswith("motto: 'two\\nlines' contains U+000A")


def test_folders_of_the_project_are_refused_as_packages(project: Path) -> None:
    """Coverage would measure the folder instead of the package."""
    folders = [path.name for path in project.iterdir() if path.is_dir()]
    for name in filter(str.isidentifier, folders):
        assert refusals(DEFAULTS | {"package_name": name}), name
