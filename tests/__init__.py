"""Tests of the template, grouped by what a contributor edits, and what they share."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pip._internal.models.index import PyPI

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
# Some machines have only the simple pages of a package index, which Poetry needs a plugin
# for. The plugin works with the real index, too.
MIRROR = {
    "POETRY_PYPI_MIRROR_URL": os.environ.get("PIP_INDEX_URL", PyPI.simple_url),
}


def run(
    *command: str | Path,
    check: bool = True,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command and return its status and what it printed.

    Raises:
        AssertionError: It failed, and `check` is true. The message is its output.
    """
    result = subprocess.run(
        command, capture_output=True, cwd=cwd, encoding="utf-8", env=env, input=stdin
    )
    if check:
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result


def edit(path: Path, pattern: str, replacement: str) -> None:
    """Replace every match in a file, of which there must be one.

    Raises:
        AssertionError: Nothing matches.
    """
    text, count = re.subn(pattern, replacement, path.read_text("utf-8"))
    assert count, f"{path}: no match for {pattern!r}"
    path.write_text(text, "utf-8", newline="\n")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, except Git's, by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def commit(folder: Path, message: str = "Commit everything") -> str:
    """Commit every file below a folder, after `git init`, and return the commit."""
    run("git", "init", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--allow-empty", f"--message={message}", cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()


def copy_template(folder: Path) -> Path:
    """Copy the template's files into a new folder, without what tools leave behind."""
    ignore = shutil.ignore_patterns(
        ".git", ".nox", ".venv", ".*_cache", ".hypothesis", "__pycache__", "_build"
    )
    return shutil.copytree(ROOT, folder, ignore=ignore, dirs_exist_ok=True)
