"""Tests of the template, grouped by what a contributor edits, and shared functions."""

import os
import re
import secrets
import shutil
from pathlib import Path

from pip._internal.models.index import PyPI

from tools.images import run

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
# Some machines can reach only the simple pages of a package index. Poetry needs a plugin
# for them, which also works with the real index.
MIRROR = {
    "POETRY_PYPI_MIRROR_URL": os.environ.get("PIP_INDEX_URL", PyPI.simple_url),
}
# Tags start with a name for all processes of a run, then one for this process. Images are
# removed after all tests, because a build can fail if it shares layers with an image that
# the engine is removing.
RUN = os.environ.setdefault("TEST_IMAGES", f"test-{secrets.token_hex(4)}")
TAGS = f"{RUN}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


def edit(path: Path, pattern: str, replacement: str) -> None:
    """Replace all matches in a file. There must be at least one.

    Raises:
        AssertionError: There is no match.
    """
    text, count = re.subn(pattern, replacement, path.read_text("utf-8"))
    assert count, f"{path}: no match for {pattern!r}"
    path.write_text(text, "utf-8", newline="\n")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of each file in a folder, except Git's, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def commit(folder: Path, message: str = "Commit everything") -> str:
    """Run `git init` in a folder, commit all its files, and return the commit."""
    # Contributors may have no identity in Git, or sign their commits, or have hooks.
    git = [
        *("git", "-c", "user.name=Jane Doe", "-c", "user.email=jane@example.com"),
        *("-c", "commit.gpgSign=false", "-c", f"core.hooksPath={os.devnull}"),
    ]
    run(*git, "init", cwd=folder)
    run(*git, "add", "--all", cwd=folder)
    run(*git, "commit", "--allow-empty", f"--message={message}", cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()


def copy_template(folder: Path) -> Path:
    """Copy the template's files into a new folder, without caches and environments."""
    ignore = shutil.ignore_patterns(
        ".git", ".nox", ".venv", ".*_cache", ".hypothesis", "__pycache__", "_build"
    )
    return shutil.copytree(ROOT, folder, ignore=ignore, dirs_exist_ok=True)
