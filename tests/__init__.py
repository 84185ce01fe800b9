"""The template's tests: a module for each promise."""

import importlib.util
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent
# The newest release of the template.
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "version"
]


def run(
    *command: str,
    check: bool = True,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it printed.

    Raises:
        AssertionError: It failed, and `check` is true; the message is its output.
    """
    result = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        env=env,
        input=stdin,
    )
    if check:
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result


def copy_of_template(folder: Path) -> Path:
    """Return a new folder with the template's files, and nothing else of a checkout."""
    beside = (".git", ".nox", ".venv", ".*_cache", ".hypothesis", "__pycache__")
    return shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*beside))


def commit(folder: Path, message: str = "All") -> None:
    """Commit all that is in a folder; it becomes a Git repository if it is none."""
    for arguments in (["init"], ["add", "--all"], ["commit", f"--message={message}"]):
        run("git", *arguments, cwd=folder)


def load(path: Path) -> ModuleType:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
