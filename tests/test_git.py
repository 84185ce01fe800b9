"""A first commit is made if the answers say so, and its failure costs nothing."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import contents, run
from tests.conftest import Generate

Commit = Callable[[], subprocess.CompletedProcess[str]]
Git = Callable[..., str]

pytestmark = pytest.mark.usefixtures("person")


@pytest.fixture
def commit(generate: Generate) -> Commit:
    """Return a function that generates a project that shall be committed."""

    def commit() -> subprocess.CompletedProcess[str]:
        result = generate(git_init="try")
        assert result.returncode == 0
        assert result.stderr == ""
        return result

    return commit


@pytest.fixture
def git(output: Path) -> Git:
    """Return a function that runs git in the new project."""
    project = output / "hypermodern-python"
    return lambda *arguments: run("git", *arguments, cwd=project).stdout


def test_no_repository_is_made_unasked(generate: Generate, output: Path) -> None:
    """It is off by default."""
    assert generate().returncode == 0
    assert not (output / "hypermodern-python" / ".git").exists()


def test_the_first_commit_is_the_person_s_and_holds_every_file(
    commit: Commit, git: Git, project: Path
) -> None:
    """On the branch that the workflows know, with nothing left to commit."""
    result = commit()
    assert result.stdout.startswith(
        "Created hypermodern-python, with a first commit. Next:\n"
    )
    assert len(result.stdout.splitlines()) == 5
    assert git("log", "--format=%an <%ae>, %cn: %s", "main") == (
        "Jane Doe <jane@example.com>, Jane Doe: Initial commit\n"
    )
    assert git("status", "--porcelain") == ""
    names = git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert set(names) == set(contents(project))


def test_without_an_identity_git_is_not_let_guess(
    commit: Commit, home: Path, output: Path
) -> None:
    """It would take the names of the machine and of its user."""
    (home / ".gitconfig").unlink()
    line, *rest = commit().stdout.splitlines()
    assert line == (
        "There is no first commit: git does not know you; "
        "set user.name and user.email with git config."
    )
    assert rest[0] == "Created hypermodern-python. Next:"
    assert not (output / "hypermodern-python" / ".git").exists()


def test_without_git_the_project_is_made_all_the_same(
    commit: Commit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A line says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    line, *_ = commit().stdout.splitlines()
    assert line == "There is no first commit: git is not installed."


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("not a program", "git does not start: "),
        ("#!/bin/sh\necho no tools >&2; exit 1\n", "git does not work: no tools."),
    ],
)
def test_a_git_that_is_broken_costs_a_line_as_well(
    script: str,
    says: str,
    commit: Commit,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Some systems have a stand-in that says how to get the real one."""
    broken = tmp_path / "git"
    broken.write_text(script)
    broken.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    line, *_ = commit().stdout.splitlines()
    assert line.startswith(f"There is no first commit: {says}")


def test_an_identity_is_wanted_for_the_author_too(
    commit: Commit, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A committer alone is told by variables on some machines."""
    (home / ".gitconfig").unlink()
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Jane Doe")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "jane@example.com")
    line, *_ = commit().stdout.splitlines()
    assert line.startswith("There is no first commit: git does not know you; ")


def test_no_repository_is_made_within_another(commit: Commit, output: Path) -> None:
    """The files belong to the outer one."""
    run("git", "init", cwd=output)
    line, *_ = commit().stdout.splitlines()
    assert line == (
        "There is no first commit: the folder is in another Git repository."
    )
    assert not (output / "hypermodern-python" / ".git").exists()


def test_a_repository_that_ignores_the_folder_is_no_hindrance(
    commit: Commit, git: Git, output: Path
) -> None:
    """Some keep their whole home directory in one."""
    run("git", "init", cwd=output)
    (output / ".gitignore").write_text("*\n")
    commit()
    assert git("rev-list", "--count", "HEAD") == "1\n"


def test_the_repository_of_a_surrounding_hook_is_not_touched(
    commit: Commit, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A hook of git's has variables that name its repository."""
    other = tmp_path / "other"
    run("git", "init", str(other))
    before = contents(other)
    with monkeypatch.context() as variables:
        variables.setenv("GIT_DIR", str(other / ".git"))
        variables.setenv("GIT_WORK_TREE", str(other))
        variables.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
        commit()
    assert contents(other) == before
    assert git("rev-list", "--count", "HEAD") == "1\n"


@pytest.mark.skipif(os.name == "nt", reason="the hook is a shell script")
def test_a_commit_that_is_refused_leaves_the_files_staged(
    commit: Commit, git: Git, home: Path
) -> None:
    """The person's own hooks may want something else."""
    hook = home / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho no such day >&2\nexit 1\n")
    hook.chmod(0o700)
    run("git", "config", "--global", "core.hooksPath", str(hook.parent))
    line, *_ = commit().stdout.splitlines()
    assert line == (
        "There is no first commit: git commit ended with status 1: no such day."
    )
    assert "A  pyproject.toml\n" in git("status", "--porcelain")
