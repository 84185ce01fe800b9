"""A project that was worked on follows the template, and keeps the work."""

import json
import os
import re
from pathlib import Path

import pytest

from tests import ROOT, commit, contents, run

pytestmark = pytest.mark.usefixtures("person")

# Releases that never were: what is here now with changes of every kind undone; and what
# is here now, as it is right after a release.
MADE_UP, LAST = "2000.1.1", "2000.1.2"


def releases() -> list[str]:
    """Return the tags of the oldest release and of the newest; none in a shallow clone."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_")
    }

    def git(*arguments: str) -> str:
        return run(
            "git", *arguments, check=False, cwd=ROOT, env=environment
        ).stdout.strip()

    if git("rev-parse", "--is-shallow-repository") != "false":
        return []
    tags = git("tag", "--list", "20*", "--sort=version:refname").split()
    return tags if len(tags) < 4 else [tags[0], *tags[-3:]]


RELEASES = releases()
NO_RELEASES = pytest.mark.skipif(
    not RELEASES, reason="the clone has no releases; git fetch --tags --unshallow has"
)
OLDER = [
    pytest.param(MADE_UP),
    pytest.param(LAST),
    *(pytest.param(tag, marks=NO_RELEASES) for tag in RELEASES or ["20*"]),
]
PROJECT = "{{cookiecutter.project_slug}}"


def edit(path: Path, pattern: str, replacement: str) -> None:
    """Replace all that matches in a file, which must be something."""
    text, found = re.subn(pattern, replacement, path.read_text("utf-8"))
    assert found, (path, pattern)
    path.write_text(text, "utf-8")


@pytest.fixture
def template(repository: Path) -> Path:
    """Return a repository of the template, with its releases, and a tag for the newest."""
    run("git", "tag", LAST, cwd=repository)
    (repository / "news").write_text("No project holds this.\n")
    commit(repository, "The newest")
    run("git", "tag", "newest", cwd=repository)
    project = repository / PROJECT
    edit(project / "Dockerfile", "poetry==[0-9.]+", "poetry==2.0.0")
    edit(project / "noxfile.py", "def lint", "def style")
    edit(project / "pyproject.toml", "license-files = .*\n", "")
    edit(project / "poetry.lock", '(?m)^version = "8.*"', 'version = "8.0.0"')
    for workflow in project.glob(".github/workflows/*.yml"):
        edit(workflow, "(?m)@[0-9a-f]{40} # v.*", f"@{'0' * 40} # v1.0.0")
    (project / "docker-bake.hcl").unlink()
    (project / "tox.ini").write_text("[tox]\n")
    commit(repository, "A release that never was")
    run("git", "tag", MADE_UP, cwd=repository)
    for release in RELEASES:
        tag = f"refs/tags/{release}"
        run("git", "fetch", "--quiet", str(ROOT), f"{tag}:{tag}", cwd=repository)
    return repository


@pytest.mark.parametrize("older", OLDER)
def test_a_project_that_was_worked_on_updates_without_conflict(
    older: str, template: Path, output: Path, project: Path
) -> None:
    """What its owner did not touch is as if it were made today; the rest is kept."""
    create = ("cruft", "create", str(template), f"--checkout={older}", "--no-input")
    run(*create, cwd=output)
    folder = output / project.name
    commit(folder, "Begin")

    package = folder / "src" / "hypermodern_python"
    (package / "helpers.py").write_text('"""What helps the splines."""\n')
    edit(package / "console.py", "Reticulating spline", "Reticulated spline")
    edit(folder / "README.md", r"\Z", "\n## Thanks\n\nTo all splines.\n")
    edit(folder / "pyproject.toml", '"click>=[0-9.]+"', r'\g<0>, "rich>=14"')
    (folder / "CODE_OF_CONDUCT.md").unlink()
    commit(folder, "Work on it")
    touched = set(
        run("git", "diff", "--name-only", "HEAD~", cwd=folder).stdout.splitlines()
    )

    update = ("cruft", "update", "--skip-apply-ask", "--checkout=newest")
    said = run(*update, cwd=folder).stdout
    assert "*.rej" not in said
    updated = contents(folder)
    assert not [name for name in updated if name.endswith(".rej")]
    newest = run("git", "rev-parse", "newest", cwd=template).stdout.strip()
    assert json.loads(updated.pop(".cruft.json"))["commit"] == newest

    files = {n: text for n, text in updated.items() if not n.startswith(".git/")}
    today = contents(project)
    del today["CODE_OF_CONDUCT.md"]
    assert files.keys() == today.keys() | touched - {"CODE_OF_CONDUCT.md"}
    for name in today.keys() - touched:
        assert files[name] == today[name], name
    assert not [name for name in files if b"<<<<<<<" in files[name]]
    assert b"Reticulated spline" in files["src/hypermodern_python/console.py"]
    assert files["README.md"].endswith(b"To all splines.\n")
    assert b', "rich>=14"]' in files["pyproject.toml"]
    assert b"license-files" in files["pyproject.toml"]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in engine is a shell script")
def test_an_update_neither_builds_nor_commits(
    template: Path, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These answers are for the project, not for what cruft compares it with."""
    temporary, log = tmp_path / "temporary", tmp_path / "log"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    engine = tmp_path / "bin" / "docker"
    engine.parent.mkdir()
    engine.write_text(f"#!/bin/sh\necho called >> '{log}'\nexit 1\n")
    engine.chmod(0o700)
    monkeypatch.setenv("PATH", f"{engine.parent}{os.pathsep}{os.environ['PATH']}")
    answers = json.dumps({"docker_build": "try", "git_init": "try"})
    create = ("cruft", "create", str(template), f"--checkout={MADE_UP}", "--no-input")
    said = run(*create, f"--extra-context={answers}", cwd=output).stdout
    assert "Created hypermodern-python, with a first commit. Next:\n" in said
    assert log.read_text() == "called\n"

    folder = output / "hypermodern-python"
    commit(folder, "Let cruft update it")
    update = ("cruft", "update", "--skip-apply-ask", "--checkout=newest")
    said = run(*update, cwd=folder).stdout
    line = "Generated for cruft in a temporary folder: not built, not committed.\n"
    assert said.count(line) == 2
    assert log.read_text() == "called\n"
    assert (folder / "docker-bake.hcl").exists()
    assert run("git", "rev-list", "--count", "HEAD", cwd=folder).stdout == "2\n"


def test_a_project_of_cookiecutter_s_can_be_updated_too(
    template: Path, output: Path, person: Path, project: Path
) -> None:
    """Its answers are in it, for cruft to take."""
    clone = person / "older"
    run("git", "clone", f"--branch={MADE_UP}", str(template), str(clone))
    run("cookiecutter", str(clone), "--no-input", cwd=output)
    folder = output / project.name
    commit(folder, "Begin")
    answers = (folder / ".cookiecutter.json").read_text("utf-8")
    link = ("cruft", "link", str(template), f"--checkout={MADE_UP}", "--no-input")
    run(*link, f"--extra-context={answers}", cwd=folder)
    commit(folder, "Let cruft update it")
    update = ("cruft", "update", "--skip-apply-ask", "--checkout=newest")
    run(*update, cwd=folder)
    files = contents(folder)
    del files[".cruft.json"]
    assert {n: files[n] for n in files if not n.startswith(".git/")} == contents(
        project
    )
