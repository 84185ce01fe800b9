"""Raise what the template pins, refresh its lock files, and say what changed.

Run by ``nox -s upkeep`` and ``nox -s lock``, which bring the Poetry that locks.
All is looked up before the first file is written, and no pin is ever lowered.
"""

import argparse
import functools
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cookiecutter.main import cookiecutter
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
LOCK = ROOT / "poetry.lock"
PROJECT_LOCK = PROJECT / "poetry.lock"
HOOKS = PROJECT / ".pre-commit-config.yaml"
WORKFLOWS = [
    *sorted(ROOT.glob(".github/workflows/*.yml")),
    *sorted(PROJECT.glob(".github/workflows/*.yml")),
]
# What is installed by an exact version outside the lock files.
INSTALLING = [
    ROOT / "pyproject.toml",
    PROJECT / "Dockerfile",
    *sorted(ROOT.glob("benchmarks/recipes/*.Dockerfile")),
]
EXACT = re.compile(r"(?P<name>[\w-]+)==(?P<version>[\w.]+)")
# An action, or a repository of pre-commit hooks.
TAGGED = re.compile(
    r"(?P<name>[\w.-]+/[\w.-]+)(?:(?:/\S+)?@|\n +rev: )"
    r"(?P<commit>[0-9a-f]{40}) # (?:frozen: )?(?P<version>\S+)"
)
TAG = re.compile(r"(\w+)\trefs/tags/(v?\d+\.\d+\.\d+)(?:\^\{\})?")

Texts = dict[Path, str]


class Release(NamedTuple):
    """A version of a repository, the tag that names it, and its commit."""

    version: Version
    tag: str
    commit: str


@functools.cache
def releases(repository: str) -> list[Release]:
    """Return the final releases of a repository at GitHub, by its tags, oldest first.

    Raises:
        SystemExit: It cannot be asked, or has none.
    """
    result = subprocess.run(
        ["git", "ls-remote", "--tags", f"https://github.com/{repository}"],
        capture_output=True,
        env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},
        text=True,
    )
    # The commit of an annotated tag comes after the tag itself, and replaces it.
    found = {
        match[2]: Release(Version(match[2]), match[2], match[1])
        for line in result.stdout.splitlines()
        if (match := TAG.fullmatch(line))
    }
    if not found:
        why = result.stderr.strip().splitlines() or ["it has none"]
        sys.exit(f"Nothing was changed: no releases of {repository}: {why[0]}")
    return sorted(found.values())


def raise_tagged(text: str, limits: Mapping[str, str], notes: list[str]) -> str:
    """Return a text with its actions or hooks at their newest releases.

    A hook that runs a locked tool is not raised above the version locked.

    Args:
        text: A workflow or a configuration of pre-commit.
        limits: The locked versions, by name.
        notes: Gets a line for each tag that was moved to another commit.
    """

    def newest(match: re.Match[str]) -> str:
        tool = match["name"].partition("/")[2].removesuffix("-pre-commit")
        pinned = Version(match["version"])
        for release in reversed(releases(match["name"])):
            if release.version == pinned and release.commit != match["commit"]:
                notes.append(
                    f"{match['name']}: the tag {release.tag} was moved to {release.commit}."
                )
            if release.version <= pinned:
                break
            if tool not in limits or release.version <= Version(limits[tool]):
                pin = match[0].replace(match["commit"], release.commit)
                return pin.removesuffix(match["version"]) + release.tag
        return match[0]

    return TAGGED.sub(newest, text)


def raise_exact(text: str, versions: Mapping[str, str]) -> str:
    """Return a text with these versions, by name, where it pins one with ``==``."""
    return EXACT.sub(
        lambda match: (
            f"{match['name']}=={versions.get(match['name'], match['version'])}"
        ),
        text,
    )


def locked(lock: str) -> dict[str, str]:
    """Return the versions in a lock file, by name; where markers choose, all of them."""
    versions: dict[str, str] = {}
    for package in tomllib.loads(lock)["package"]:
        before = versions.get(package["name"])
        versions[package["name"]] = (
            f"{before} or {package['version']}" if before else package["version"]
        )
    return versions


def nameless(text: str) -> str:
    """Return a lock file without the hosts that its descriptions name in parentheses.

    It serves with any package index, and names none; trove-classifiers would.
    """
    return re.sub(r'(?m)^(description = ".*?) \([\w.-]+\.[a-z]+\)', r"\1", text)


def lock(folder: Path, *options: str) -> str:
    """Return the lock file that Poetry writes in a folder.

    Raises:
        SystemExit: Poetry failed, and has said why.
    """
    if subprocess.run(["poetry", "lock", *options], cwd=folder).returncode:
        sys.exit("Nothing was changed: Poetry could not lock.")
    return nameless((folder / "poetry.lock").read_text("utf-8"))


def lock_both(pyproject: str, *options: str) -> Texts:
    """Return both lock files, made from this pyproject.toml and a generated project."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(pyproject, "utf-8")
        (folder / "poetry.lock").write_bytes(LOCK.read_bytes())
        project = cookiecutter(
            str(ROOT),
            no_input=True,
            output_dir=name,
            default_config=True,
            accept_hooks=False,
        )
        return {
            LOCK: lock(folder, *options),
            PROJECT_LOCK: lock(Path(project), *options),
        }


def newer_python() -> list[str]:
    """Return a line if there is a Python newer than those that can be chosen."""
    questions = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
    chosen = max(map(Version, questions["python_version"]))
    newest = releases("python/cpython")[-1].version
    if newest.release[:2] <= chosen.release[:2]:
        return []
    return [
        f"Python {newest.major}.{newest.minor} is out, and `python_version` ends at {chosen}."
    ]


def raise_all(texts: Texts, notes: list[str]) -> Texts:
    """Return all texts with their newest pins, and both lock files made anew.

    Args:
        texts: The files of this module's constants.
        notes: Gets a line for each thing that a person must decide.
    """
    notes += newer_python()
    raised = {path: raise_tagged(texts[path], {}, notes) for path in WORKFLOWS}
    # The session has brought the newest that go together.
    tools = {
        name: importlib.metadata.version(name)
        for name in ("poetry", "poetry-plugin-export")
    }
    pyproject = raise_exact(texts[ROOT / "pyproject.toml"], tools)
    raised |= lock_both(pyproject, "--regenerate")
    project = locked(raised[PROJECT_LOCK])
    tools["installer"] = locked(raised[LOCK])["installer"]
    tools["poetry-core"] = project["poetry-core"]
    raised |= {path: raise_exact(texts[path], tools) for path in INSTALLING}
    return raised | {HOOKS: raise_tagged(texts[HOOKS], project, notes)}


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Return a line for each name whose version changed."""
    return {
        f"{name}: {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }


def pins(text: str) -> dict[str, str]:
    """Return the versions that a text pins, by name."""
    found = [*TAGGED.finditer(text), *EXACT.finditer(text)]
    return {match["name"]: match["version"] for match in found}


def summary(before: Texts, after: Texts, notes: list[str]) -> str:
    """Return in Markdown what changed, and what is left to a person."""
    sections = {
        "Pins": {
            line
            for path in before.keys() - {LOCK, PROJECT_LOCK}
            for line in changes(pins(before[path]), pins(after[path]))
        },
        "Locked for generated projects": changes(
            locked(before[PROJECT_LOCK]), locked(after[PROJECT_LOCK])
        ),
        "Locked for the template": changes(locked(before[LOCK]), locked(after[LOCK])),
        "For a person to decide": set(notes),
    }
    return "\n".join(
        f"## {title}\n\n" + "".join(f"- {line}\n" for line in sorted(lines))
        for title, lines in sections.items()
        if lines
    )


def main() -> None:
    """Do what the command line says.

    Raises:
        SystemExit: The work tree is not clean, or a lookup failed.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locks-only", action="store_true", help="raise no version")
    parser.add_argument("--summary", type=Path, help="a file to write the summary into")
    options = parser.parse_args()

    paths = [*WORKFLOWS, *INSTALLING, LOCK, PROJECT_LOCK, HOOKS]
    before = {path: path.read_text("utf-8") for path in paths}
    notes: list[str] = []
    if options.locks_only:
        after = before | lock_both(before[ROOT / "pyproject.toml"])
    else:
        git = ["git", "-C", str(ROOT)]
        if subprocess.check_output([*git, "status", "--porcelain"]):
            sys.exit(
                "Nothing was changed: commit or stash first, the work tree is not clean."
            )
        after = raise_all(before, notes)

    for path, text in after.items():
        if text != before[path]:
            path.write_text(text, "utf-8", newline="\n")
    if not options.locks_only:
        subprocess.run([*git, "--no-pager", "diff", "--stat"], check=True)
    said = summary(before, after, notes) or "No version has changed.\n"
    print(said, end="")
    if options.summary:
        options.summary.write_text(said, "utf-8")


if __name__ == "__main__":
    main()
