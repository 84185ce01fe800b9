"""A project that its owner has changed can be updated, and keeps the changes."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests import PROJECT, ROOT, commit, contents, edit
from tests.conftest import Fake
from tests.pages import blocks, follow
from tools.images import run

pytestmark = pytest.mark.usefixtures("person")

# An older release made from the current files, with one change of each kind.
MADE_UP = "a made-up release"


def releases() -> dict[str, str]:
    """Return the first commit with each release of the CHANGELOG.

    The result is empty if the clone is shallow, or is not a Git repository.
    """
    env = {name: os.environ[name] for name in os.environ if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        command = ("git", "-c", f"safe.directory={ROOT}", *arguments)
        return run(*command, check=False, cwd=ROOT, env=env).stdout.strip()

    if git("rev-parse", "--is-shallow-repository") != "false":
        return {}
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    commits: dict[str, str] = {}
    for release in re.findall(r"^## (\d\S+)$", changelog, re.MULTILINE):
        search = ("log", "--reverse", "--format=%H", "--extended-regexp")
        pattern = f"-G^## {re.escape(release)}$"
        found = git(*search, pattern, "--", "CHANGELOG.md").split()
        # A release in preparation has no commit yet.
        commits |= {release: found[0]} if found else {}
    return commits


RELEASES = releases()
UNSHALLOW = pytest.mark.skipif(
    not RELEASES, reason="the clone is shallow; run git fetch --unshallow"
)
OLDER = [
    MADE_UP,
    *(pytest.param(name, marks=UNSHALLOW) for name in RELEASES or ["releases"]),
]


@pytest.fixture
def template(repository: Path) -> tuple[Path, dict[str, str]]:
    """Return a repository of the template, and the commits of its releases by name."""
    newest = commit(repository)
    project = repository / PROJECT.name
    edit(project / "docker" / "poetry.in", "poetry==[0-9.]+", "poetry==2.0.0")
    edit(project / "noxfile.py", "def lint", "def style")
    edit(project / "pyproject.toml", "license-files = .*\n", "")
    edit(project / "poetry.lock", '(?m)^version = "8.*"', 'version = "8.0.0"')
    for workflow in project.glob(".github/workflows/*.yml"):
        edit(workflow, "(?m)@[0-9a-f]{40} # v.*", f"@{'0' * 40} # v1.0.0")
    (project / "docker-bake.hcl").unlink()
    (project / "tox.ini").write_text("[tox]\n")
    made_up = commit(repository)
    run("git", "reset", "--quiet", "--hard", newest, cwd=repository)
    run("git", "branch", "made-up", made_up, cwd=repository)
    for number, older in enumerate(RELEASES.values()):
        branch = f"{older}:refs/heads/release-{number}"
        run("git", "fetch", "--quiet", ROOT.as_uri(), branch, cwd=repository)
    return repository, {**RELEASES, MADE_UP: made_up, "newest": newest}


def cruft(command: str, *options: str, cwd: Path) -> str:
    """Run a command of cruft and return its output."""
    return run("cruft", command, *options, cwd=cwd).stdout


@pytest.mark.parametrize("older", OLDER)
def test_a_changed_project_updates_without_conflict(
    older: str, template: tuple[Path, dict[str, str]], output: Path, project: Path
) -> None:
    """The owner's changes stay, and all other files become those of the new version."""
    repository, commits = template
    checkout = f"--checkout={commits[older]}"
    cruft("create", str(repository), checkout, "--no-input", cwd=output)
    folder = output / project.name
    commit(folder)

    package = folder / "src" / "hypermodern_python"
    (package / "helpers.py").write_text('"""What helps the splines."""\n')
    edit(package / "console.py", "Reticulating spline", "Reticulated spline")
    edit(folder / "README.md", r"\Z", "\n## Thanks\n\nTo all splines.\n")
    # If the template's dependencies have changed, too, the owner's would be a conflict.
    newest = (project / "pyproject.toml").read_text("utf-8")
    (line,) = re.findall("(?m)^dependencies = .*$", newest)
    pyproject = (folder / "pyproject.toml").read_text("utf-8")
    own = pyproject.replace(line, line.replace("]", ', "rich>=14"]'))
    (folder / "pyproject.toml").write_text(own, "utf-8", newline="\n")
    (folder / "CODE_OF_CONDUCT.md").unlink()
    commit(folder)
    names = run("git", "diff", "--name-only", "HEAD~", cwd=folder).stdout
    touched = set(names.splitlines())

    update = ("--skip-apply-ask", f"--checkout={commits['newest']}")
    said = cruft("update", *update, cwd=folder)
    updated = contents(folder)
    assert "*.rej" not in said
    assert json.loads(updated.pop(".cruft.json"))["commit"] == commits["newest"]
    today = contents(project)
    today.pop("CODE_OF_CONDUCT.md")
    assert updated.keys() == today.keys() | touched - {"CODE_OF_CONDUCT.md"}
    for name in today.keys() - touched:
        assert updated[name] == today[name], name
    assert not [name for name in updated if b"<<<<<<<" in updated[name]]
    assert b"Reticulated spline" in updated["src/hypermodern_python/console.py"]
    assert updated["README.md"].endswith(b"To all splines.\n")
    assert updated["pyproject.toml"].count(b'"rich>=14"') == pyproject.count(line)
    assert b"license-files" in updated["pyproject.toml"]


def test_an_update_neither_builds_nor_commits(
    template: tuple[Path, dict[str, str]],
    output: Path,
    tmp_path: Path,
    fake: Fake,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For each update, cruft generates two projects in a temporary folder."""
    repository, commits = template
    log = tmp_path / "log"
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    fake("docker", f"echo called >> '{log}'; exit 1")
    fake("podman", "exit 1")
    answers = json.dumps({"docker_build": "try", "git_init": "try"})
    options = ("--no-input", f"--extra-context={answers}")
    checkout = f"--checkout={commits[MADE_UP]}"
    said = cruft("create", str(repository), checkout, *options, cwd=output)
    assert "Created hypermodern-python, with a first commit. Next:\n" in said
    assert log.read_text() == "called\n"

    folder = output / "hypermodern-python"
    commit(folder)
    update = ("--skip-apply-ask", f"--checkout={commits['newest']}")
    said = cruft("update", *update, cwd=folder)
    line = "This is a temporary copy for cruft. Nothing is built or committed.\n"
    assert said.count(line) == 2
    assert log.read_text() == "called\n"
    assert (folder / "docker-bake.hcl").exists()
    assert run("git", "rev-list", "--count", "HEAD", cwd=folder).stdout == "2\n"


def test_the_page_works_as_written(
    template: tuple[Path, dict[str, str]], person: Path, project: Path
) -> None:
    """A project from cruft is up to date, one from Cookiecutter can be linked and updated."""
    create, link, update = blocks(ROOT / "docs" / "updates.md")
    repository, _ = template
    clone, folder = person / "older", person / project.name
    run("git", "clone", "--branch=made-up", repository, clone)
    follow([create], clone)
    created = contents(folder)
    del created[".cruft.json"]
    assert created == contents(project)

    shutil.rmtree(folder)
    run("cookiecutter", clone, "--no-input", cwd=person)
    commit(folder)
    follow([link], clone)
    commit(folder)
    update_only = ("cruft update\nnox", "cruft update --skip-apply-ask")
    follow([update], folder, update_only)
    updated = contents(folder)
    del updated[".cruft.json"]
    assert updated == contents(project)
