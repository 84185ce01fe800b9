"""Change the hooks and the escaping in one place at a time; a test must fail each time.

``nox -s mutants`` runs this as ``python -m tests.mutants``. What survives all the same
is explained in tests/mutants.toml; the results go into docs/mutants.md.
"""

import ast
import difflib
import importlib.metadata
import os
import queue
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from jinja2 import Environment, TemplateSyntaxError

from tests import ROOT, copy_of_template

EXPLANATIONS = ROOT / "tests" / "mutants.toml"
RESULTS = ROOT / "docs" / "mutants.md"
# The tests of each file, those that kill the most in the least time first. Left out is
# what takes long, and would kill nothing that these do not.
TESTS = {
    "hooks/pre_gen_project.py": [
        "tests/test_hooks.py::test_a_path_is_quoted_as_the_system_s_shell_takes_it",
        "tests/test_hooks.py::test_a_replay_goes_from_and_to_the_same_places",
        "tests/test_refusals.py",
        "tests/test_faults.py::test_a_project_that_cannot_be_written_to_is_told_so",
        "tests/test_faults.py::test_a_project_that_was_broken_off_is_marked",
        "tests/test_habits.py::test_cruft_is_told_what_is_refused",
        "-k=not survives and not anywhere and not import_or_run and not oldest",
    ],
    "hooks/post_gen_project.py": [
        "tests/test_git.py::test_the_first_commit_is_the_person_s_and_holds_every_file",
        "tests/test_hooks.py::test_podman_serves_where_docker_is_absent",
        "tests/test_questions.py::test_the_end_is_short_and_says_what_to_run",
        "tests/test_questions.py::test_elsewhere_the_end_names_the_whole_path",
        "tests/test_faults.py::test_a_path_that_the_terminal_cannot_show_is_no_error",
        *("tests/test_git.py", "tests/test_hooks.py"),
        "tests/test_faults.py::test_a_marker_that_is_gone_fails_the_generation",
        "tests/test_updates.py::test_an_update_neither_builds_nor_commits",
    ],
    "templates/quoting.jinja": ["tests/test_quoting.py"],
}
# A text in which each character counts.
PATTERN = re.compile(r'\brf?"(?P<inner>(?:[^"\\\n]|\\.)+)"')
UNIT = re.compile(r"\\.|\S")
# What is put in the place of a word or a sign of Jinja; see also `jinja_mutants`.
SWAPS = {"and": "or", "or": "and", "not": "", "in": "not in", "==": "!=", "-": "+"}
CALL = re.compile(r'[|.]\s*\w+(?:\((?:"(?:\\.|[^"])*"|[^()"])*\))?')
HEADER = """\
# Mutants

Written by `nox -s mutants`, which changes one thing after another in the hooks and in the escaping, and runs their tests.
Each time a test must fail: it kills the mutant. One that survives makes the session fail, unless [a file](../tests/mutants.toml)
explains why no test can tell it from the original; such a mutant is not tried.

cosmic-ray {version} changes the hooks by each of its operators that takes no argument:
arithmetic, comparisons, conditions, numbers, `True` and `False`, exceptions, loops.
[A script](../tests/mutants.py) leaves out each character of a regular expression; and in the escaping each filter,
each call and each character of a text. There it also changes numbers, conditions, comparisons and signs.
Neither touches annotations, messages, and lists of names; some of those are compared with what is installed by another test.

| file | mutants | killed | explained |
|---|---|---|---|
"""
EXPLAINED = """
What is explained:

| file | what it says | what it may say as well | why |
|---|---|---|---|
"""


class Mutant(NamedTuple):
    """A file's text with one change, and the line before and after it."""

    path: str
    was: str
    becomes: str
    text: str

    def __str__(self) -> str:
        """Return the change as a diff shows it."""
        return f"{self.path}\n- {self.was}\n+ {self.becomes}"


def without_annotations(source: str) -> str:
    """Return what a module does, as text: two that differ in annotations are equal."""
    module = ast.parse(source)
    for node in ast.walk(module):
        for field in ("annotation", "returns"):
            if hasattr(node, field):
                setattr(node, field, None)
    return ast.dump(module)


def units(source: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where each character is in a part of a file; an escape is one."""
    for unit in UNIT.finditer(source, start, end):
        yield unit.span()


def python_mutants(source: str) -> Iterator[str]:
    """Yield a module with one change after another: cosmic-ray's, then of its patterns."""
    same = without_annotations(source)
    for operator in map(get_operator, operator_names()):
        occurrence = 0
        while not operator.arguments() and (
            text := mutate_code(source, operator(), occurrence)
        ):
            occurrence += 1
            if without_annotations(text) != same:
                yield text
    for pattern in PATTERN.finditer(source):
        for start, end in units(source, *pattern.span("inner")):
            yield source[:start] + source[end:]


def jinja_mutants(source: str) -> Iterator[str]:
    """Yield a template with one change after another."""
    end = 0
    for _, kind, value in Environment().lex(source):  # noqa: S701 (no HTML)
        # What the signs of whitespace control remove is not among the values.
        start = source.index(value, end)
        end = start + len(value)
        changes: list[tuple[int, int, str]] = []
        if kind in {"string", "data"}:
            edge = int(kind == "string")
            changes += [(*unit, "") for unit in units(source, start + edge, end - edge)]
        elif kind == "integer":
            changes.append((start, end, str(int(value) + 1)))
        elif value in SWAPS:
            changes.append((start, end, SWAPS[value]))
        elif value in {"|", "."} and (call := CALL.match(source, start)):
            changes.append((start, call.end(), ""))
        for first, last, replacement in changes:
            text = source[:first] + replacement + source[last:]
            try:
                Environment().parse(text)  # noqa: S701 (no HTML)
            except TemplateSyntaxError:
                continue
            yield text


def mutants(path: str) -> Iterator[Mutant]:
    """Yield every mutant of a file once."""
    source = (ROOT / path).read_text("utf-8")
    make = jinja_mutants if path.endswith(".jinja") else python_mutants
    for text in dict.fromkeys(make(source)):
        changed = [
            (source.splitlines()[first:last], text.splitlines()[begin:end])
            for tag, first, last, begin, end in difflib.SequenceMatcher(
                None, source.splitlines(), text.splitlines(), autojunk=False
            ).get_opcodes()
            if tag != "equal"
        ]
        was, becomes = (
            " ".join(line.strip() for lines in side for line in lines)
            for side in zip(*changed, strict=True)
        )
        yield Mutant(path, was, becomes, text)


def passes(copy: Path, path: str, seconds: float | None = None) -> bool:
    """Tell whether the tests of a file pass in a copy of the template, and in time.

    Raises:
        RuntimeError: They could not be run.
    """
    command = [
        *(sys.executable, "-m", "pytest", "--exitfirst", "--assert=plain", "--quiet"),
        *("-m", "not engine", "-p", "no:cacheprovider", *TESTS[path]),
    ]
    try:
        result = subprocess.run(
            command,
            cwd=copy,
            env=os.environ
            | {
                # A file changed twice in a second would be taken for its compiled self.
                "PYTHONDONTWRITEBYTECODE": "1",
                # No mutant shall build an image that nobody asked for.
                "DOCKER_HOST": "tcp://127.0.0.1:9",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return False
    # Of pytest's: a test failed; or no test could be collected, as a module has an error.
    if result.returncode in {1, 2}:
        return False
    if result.returncode:
        raise RuntimeError(result.stdout)
    return True


def survivors(path: str, tried: list[Mutant]) -> Iterator[Mutant]:
    """Yield the mutants of a file that no test kills.

    As many are tried at a time as there are processors, each in a copy of the template.

    Raises:
        AssertionError: The tests do not pass as it is.
    """
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()

    def survives(mutant: Mutant) -> bool:
        copy = copies.get()
        (copy / path).write_text(mutant.text, "utf-8")
        try:
            return passes(copy, path, seconds)
        finally:
            copies.put(copy)

    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            copy = Path(folder, f"template-{number}")
            copies.put(copy_of_template(copy))
        start = time.monotonic()
        assert passes(copy, path), f"the tests of {path} do not pass as it is"
        # Who takes much longer is in a loop, and killed.
        seconds = 10 + 3 * (time.monotonic() - start)
        for mutant, alive in zip(tried, pool.map(survives, tried), strict=True):
            if alive:
                yield mutant


def main() -> int:
    """Try the mutants of all files, or of those named; write the results of all."""
    explanations = tomllib.loads(EXPLANATIONS.read_text("utf-8"))
    rows, notes, failures = [], [], []
    for path in sys.argv[1:] or TESTS:
        why = {
            (entry["was"], becomes): entry["why"]
            for entry in explanations.get(path, [])
            for becomes in entry["becomes"]
        }
        every = list(mutants(path))
        tried = [mutant for mutant in every if (mutant.was, mutant.becomes) not in why]
        print(f"{path}: {len(tried)} mutants", flush=True)
        for mutant in survivors(path, tried):
            failures.append(f"survives, and is not explained: {mutant}")
            print(failures[-1], flush=True)
        gone = why.keys() - {(mutant.was, mutant.becomes) for mutant in every}
        failures += [
            f"is explained, but cannot be: {path}: {change}" for change in gone
        ]
        counts = f"{len(every)} | {len(tried)} | {len(every) - len(tried)}"
        rows.append(f"| `{path}` | {counts} |\n")
        notes += [
            f"| `{Path(path).name}` | `{was}` | `{becomes}` | {reason} |\n"
            for (was, becomes), reason in why.items()
        ]
    print(*rows, *failures, sep="\n")
    if not (failures or sys.argv[1:]):
        version = importlib.metadata.version("cosmic-ray")
        header = HEADER.format(version=version)
        RESULTS.write_text("".join([header, *rows, EXPLAINED, *notes]), "utf-8")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
