"""Any answers are refused in the right lines, or survive in a project that works.

A few tens of sets of answers are tried, always the same; `nox -s fuzz` tries thousands
of new ones and writes what came of them into docs/answers.md.
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from packaging.utils import is_normalized_name
from packaging.version import InvalidVersion, Version

from docs.parts import filled
from tests import ROOT
from tests.cases import CASES
from tests.questions import ANSWERS, ASKED, CHOICES
from tests.survival import assert_answers_survive, load_hook, render

REPORT = ROOT / "docs" / "answers.md"
LONG = settings.get_current_profile_name() == "fuzz"

# What hurts one of the languages that a text is written in.
PAYLOADS = r"""
    ' " \ ` $ # % & * _ ~ < > [ ] { } ( ) | ! ? = + - . , ; : @ / ^
    ''' \" \n \\ $( ${ $$ {{ }} {% %} {# #} <!-- --> </script> &amp; &# ]] [[ ![ ](
    ``` ~~~ --- === *** ___ ** __ 1. 1) ## :: :x: =? ?= <<EOF // /* */ é שלום 𝔘 👩‍🔬
""".split()
BLANKS = [" ", "  ", "\u00a0", "\u3000", "\u200b", '"""']
REFUSED = ["\t", "\n", "\x00", "\x85", "\u2028", "\ud800", "\u202e", "\ufeff", "\ufffe"]
PRINTABLE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
ANY = st.characters(exclude_categories=())
TEXTS = st.lists(
    st.sampled_from(PAYLOADS + BLANKS) | st.text(PRINTABLE, max_size=8), min_size=1
).map(lambda parts: "".join(parts).strip())
WILD_TEXTS = st.one_of(
    st.lists(st.sampled_from(PAYLOADS + BLANKS + REFUSED) | ANY).map("".join),
    st.text(ANY, max_size=3000),
    st.sampled_from(PAYLOADS).map(lambda payload: payload * 1000),
)
SLUGS = st.from_regex(r"[a-z][a-z0-9]{0,8}([-_.][a-z0-9]{1,8}){0,3}", fullmatch=True)
PACKAGES = st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True)
WILD_NAMES = st.text("abcAB019-_./\\ é", max_size=12) | WILD_TEXTS
VERSIONS = st.from_regex(
    r"[0-9]{1,4}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9])?(\.post[0-9])?(\.dev[0-9])?",
    fullmatch=True,
)
WILD_VERSIONS = st.text("0123456789.!+-abcdevpost", max_size=12) | WILD_TEXTS


def table(question: str) -> st.SearchStrategy[str]:
    """Return a strategy for the answers that the table of hostile answers has."""
    return st.sampled_from(
        [
            case.answers[question]
            for case in CASES
            if isinstance(case.answers.get(question), str)
        ]
    )


# For each question, what is likely to be taken, and what is not; for most, there is
# more to try than the table has.
STRATEGIES = {
    question: (table(question), WILD_TEXTS)
    for question in ASKED
    if question not in CHOICES
} | {
    "project_name": (TEXTS, WILD_TEXTS),
    "project_slug": (SLUGS, WILD_NAMES),
    "package_name": (PACKAGES, WILD_NAMES),
    "description": (TEXTS, WILD_TEXTS),
    "author": (TEXTS.map(lambda text: re.sub("[<>]", "", text)), WILD_TEXTS),
    "email": (st.emails(domains=st.just("example.com")), st.emails() | WILD_NAMES),
    "github_user": (
        st.from_regex(r"[a-zA-Z0-9](-?[a-z0-9]){1,9}", fullmatch=True),
        SLUGS,
    ),
    "dockerhub_user": (st.from_regex(r"[a-z0-9]{4,9}", fullmatch=True), SLUGS),
    "version": (VERSIONS, WILD_VERSIONS),
}


OPTIONS = {question: st.sampled_from(CHOICES[question]) for question in CHOICES}
# An answer that is left out is the usual one.
SETS_OF_ANSWERS = st.one_of(
    st.fixed_dictionaries(
        OPTIONS, optional={question: tame for question, (tame, _) in STRATEGIES.items()}
    ),
    st.fixed_dictionaries(
        OPTIONS,
        optional={
            question: wild | table(question)
            for question, (_, wild) in STRATEGIES.items()
        },
    ),
)


def must_be_refused(question: str, answer: str) -> bool:
    """Tell whether an answer cannot work, by another rule than the hook's."""
    if question == "version":
        try:
            version = Version(answer)
        except InvalidVersion:
            return True
        plain = not (version.epoch or version.local) and len(answer) <= 128
        return str(version) != answer or not plain
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


def outcome(hook: ModuleType, changes: Mapping[str, str]) -> Counter[str]:
    """Try a set of answers and return what came of it, counted.

    Raises:
        AssertionError: They are neither refused as they should be nor survive.
    """
    answers = {**ANSWERS, **changes}
    # As the hook gets them: in the text of a program.
    written = json.loads(json.dumps(answers))
    lines = list(hook.refusals(written))
    refused = [line.partition(": ")[0] for line in lines]
    for question, answer in answers.items():
        alone = list(hook.refusals(ANSWERS | {question: answer}))
        assert alone == [line for line in lines if line.startswith(f"{question}: ")]
        assert question in refused or not must_be_refused(question, answer)
    if lines:
        assert all(line.isascii() and line.isprintable() for line in lines)
        assert all(len(line) < 400 for line in lines)
        return Counter(["sets", "refused sets", *["refused answers"] * len(lines)])
    with tempfile.TemporaryDirectory() as folder:
        assert_answers_survive(render(answers, Path(folder)), answers)
    return Counter(["sets", "projects"])


def report(counts: Counter[str], failures: int) -> None:
    """Write what a long run came to into the documentation."""
    result = (
        f"{counts['sets']:,} sets of answers: {counts['projects']:,} projects, "
        f"{counts['refused sets']:,} sets refused ({counts['refused answers']:,} "
        f"answers), failures: {failures}."
    )
    text = filled(REPORT.read_text("utf-8"), "fuzz", f"{result}\n")
    REPORT.write_text(text, "utf-8")


def test_any_answers_are_refused_or_survive() -> None:
    """Whatever they are, and in whatever company."""
    hook = load_hook("pre_gen_project")
    counts: Counter[str] = Counter()

    @given(SETS_OF_ANSWERS)
    def each(changes: dict[str, str]) -> None:
        counts.update(outcome(hook, changes))

    failures = 1
    try:
        each()
        failures = 0
    finally:
        if LONG:
            report(counts, failures)
    assert counts["projects"]
    assert counts["refused sets"]


@given(st.dictionaries(TEXTS, TEXTS | st.none() | st.floats(allow_nan=False)))
def test_no_answer_ends_the_string_that_a_hook_reads(
    answers: dict[str, object],
) -> None:
    """Jinja's JSON is ASCII without three quotes in a row, and a raw string keeps it."""
    program = 'answers = json.loads(r"""{{ answers | tojson }}""")'
    rendered = Environment().from_string(program).render(answers=answers)  # noqa: S701
    namespace: dict[str, object] = {"json": json}
    exec(rendered, namespace)  # noqa: S102 (what Cookiecutter does with a hook)
    assert namespace["answers"] == answers
