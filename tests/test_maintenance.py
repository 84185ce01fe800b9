"""What a maintainer runs does what it says: upkeep, a release, and the instance.

GitHub is played by repositories on disk, which git takes for those there.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from cookiecutter.main import cookiecutter
from packaging.version import Version

from maintenance import release, upkeep
from tests import ROOT, VERSION, commit, contents, copy_of_template, load, run

pytestmark = pytest.mark.usefixtures("person")

PIN = "0123456789012345678901234567890123456789"


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints in a folder."""
    return run("git", "-C", str(folder), *arguments).stdout.strip()


def pages(folder: Path) -> list[Path]:
    """Return the pages of the template in a folder that name a release to check out."""
    return [
        page
        for page in [folder / "README.md", *folder.glob("docs/*.md")]
        if re.search(r" --checkout \d", page.read_text("utf-8"))
    ]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Return a repository with the template, whose only release was long ago."""
    folder = copy_of_template(tmp_path / "template")
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 2000.1.1\n\nThe first.\n")
    for path in [folder / "pyproject.toml", *pages(folder)]:
        text = path.read_text("utf-8")
        path.write_text(text.replace(VERSION, "2000.1.1"), "utf-8")
    commit(folder, "The template")
    return folder


@pytest.fixture
def github(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function that makes a repository at GitHub, and tells its tags' commits."""
    upkeep.releases.cache_clear()
    folder = tmp_path / "github"
    folder.mkdir()
    rule = ["git", "config", "--global", f"url.{folder}/.insteadOf"]
    run(*rule, "https://github.com/")

    def make(name: str, *tags: str, annotated: bool = False) -> dict[str, str]:
        repository = folder / name
        repository.mkdir(parents=True, exist_ok=True)
        git(repository, "init", "--quiet")
        commits = {}
        for tag in tags:
            git(repository, "commit", "--quiet", "--allow-empty", f"--message={tag}")
            git(repository, "tag", *(["--message=tag"] if annotated else []), tag)
            commits[tag] = git(repository, "rev-parse", "HEAD")
        return commits

    return make


def uses(name: str, tag: str, commit: str = PIN) -> str:
    """Return a step that uses an action."""
    return f"      - uses: {name}@{commit} # {tag}\n"


def hook(name: str, tag: str, commit: str = PIN) -> str:
    """Return a repository of pre-commit hooks, pinned."""
    return f"  - repo: https://github.com/{name}\n    rev: {commit} # frozen: {tag}\n"


@pytest.mark.parametrize("annotated", [False, True], ids=["light", "annotated"])
def test_an_action_is_raised_to_the_commit_of_its_newest_release(
    github: Callable[..., dict[str, str]], *, annotated: bool
) -> None:
    """By number, not by date; and to no candidate, nor to a tag that moves."""
    commits = github(
        *("acme/spline", "v9.0.0", "v10.1.0", "v10.0.9", "v11.0.0-rc1", "v11"),
        annotated=annotated,
    )
    raised = upkeep.raise_tagged(uses("acme/spline/sub", "v9.0.0"), {}, [])
    assert raised == uses("acme/spline/sub", "v10.1.0", commits["v10.1.0"]).replace(
        "spline@", "spline/sub@"
    )


def test_a_pin_is_never_lowered(github: Callable[..., dict[str, str]]) -> None:
    """A release that was withdrawn stays until there is a newer one."""
    github("acme/spline", "v9.0.0")
    text = uses("acme/spline", "v9.0.1")
    assert upkeep.raise_tagged(text, {}, []) == text


def test_a_tag_that_was_moved_is_told_and_not_followed(
    github: Callable[..., dict[str, str]],
) -> None:
    """It may have been moved by somebody who should not have."""
    commits = github("acme/spline", "v9.0.0")
    notes: list[str] = []
    text = uses("acme/spline", "v9.0.0")
    assert upkeep.raise_tagged(text, {}, notes) == text
    (note,) = notes
    assert "v9.0.0" in note
    assert commits["v9.0.0"] in note


def test_a_hook_follows_the_tool_in_the_lock_file(
    github: Callable[..., dict[str, str]],
) -> None:
    """Not further than that; one of which nothing is locked follows its releases."""
    tool = github("acme/spline-pre-commit", "v1.0.0", "v1.1.0", "v1.2.0")
    other = github("acme/hooks", "2.0.0")
    text = hook("acme/spline-pre-commit", "v1.0.0") + hook("acme/hooks", "v1.0.0")
    raised = upkeep.raise_tagged(text, {"spline": "1.1.5"}, [])
    assert raised == hook("acme/spline-pre-commit", "v1.1.0", tool["v1.1.0"]) + hook(
        "acme/hooks", "2.0.0", other["2.0.0"]
    )


def test_only_the_tools_named_are_raised() -> None:
    """Whatever stands around them."""
    text = "RUN pip install poetry==2.0 poetry-core==2.0 spline==1.0 \\\n"
    raised = upkeep.raise_exact(text, {"poetry": "2.1", "poetry-core": "2.2.1"})
    assert raised == "RUN pip install poetry==2.1 poetry-core==2.2.1 spline==1.0 \\\n"


def test_a_newer_python_is_left_to_a_person(
    github: Callable[..., dict[str, str]],
) -> None:
    """Its line is there once it is released, and not for one that can be chosen."""
    github("python/cpython", "v3.13.9", "v3.99.0a1")
    assert not upkeep.newer_python()
    upkeep.releases.cache_clear()
    github("python/cpython", "v3.99.0")
    (line,) = upkeep.newer_python()
    assert line.startswith("Python 3.99 is out")


@pytest.fixture
def upkept(template: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script of upkeep in a copy of the template, in which Poetry is newer.

    The lock files are not made here, which takes a network, but changed.
    """
    module = load(template / "maintenance" / "upkeep.py")
    monkeypatch.setattr(sys, "argv", ["upkeep.py"])
    monkeypatch.setattr("importlib.metadata.version", lambda _: "99.0")

    def lock_both(pyproject: str, *options: str) -> dict[Path, str]:
        assert options == ("--regenerate",)
        assert '"poetry==99.0"' in pyproject
        return {
            path: re.sub(
                r'(name = "poetry-core"\nversion = )".+"',
                r'\1"98.0"',
                path.read_text("utf-8"),
            )
            for path in (module.LOCK, module.PROJECT_LOCK)
        }

    monkeypatch.setattr(module, "lock_both", lock_both)
    monkeypatch.setattr(
        module,
        "releases",
        lambda _: [module.Release(Version("99.0.0"), "v99.0.0", PIN)],
    )
    return module


def test_upkeep_raises_all_and_says_so(
    upkept: ModuleType, template: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each pin has its line, and what a person must decide has one."""
    upkept.main()
    said, _, locked = capfd.readouterr().out.partition("## Locked for generated")
    decide = locked.partition("## For a person to decide")[2]
    for line in (
        r"actions/checkout: v[\d.]+ → v99\.0\.0",
        r"poetry: [\d.]+ → 99\.0",
        r"poetry-core: [\d.]+ → 98\.0",
        r"pre-commit/pre-commit-hooks: v[\d.]+ → v99\.0\.0",
        r"Python 99\.0 is out, and `python_version` ends at 3\.\d+\.",
    ):
        assert len(re.findall(rf"(?m)^- {line}$", said + decide)) == 1, line
    dockerfile = (template / upkeep.PROJECT.name / "Dockerfile").read_text("utf-8")
    assert "poetry==99.0 poetry-plugin-export==99.0" in dockerfile
    assert "poetry-core==98.0" in dockerfile
    for path in upkept.WORKFLOWS:
        for match in upkeep.TAGGED.finditer(path.read_text("utf-8")):
            assert (match["commit"], match["version"]) == (PIN, "v99.0.0")
    changed = {
        template / name for name in git(template, "diff", "--name-only").split("\n")
    }
    assert changed == {
        *(*upkept.WORKFLOWS, *upkept.INSTALLING),
        *(upkept.HOOKS, upkept.LOCK, upkept.PROJECT_LOCK),
    } - {template / "benchmarks" / "recipes" / "uv.Dockerfile"}


def test_upkeep_writes_nothing_if_a_lookup_fails(
    upkept: ModuleType, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the last one."""

    def fail(name: str) -> list[upkeep.Release]:
        if name == "zizmorcore/zizmor-pre-commit":
            sys.exit("no network")
        return [upkeep.Release(Version("99.0.0"), "v99.0.0", PIN)]

    monkeypatch.setattr(upkept, "releases", fail)
    with pytest.raises(SystemExit, match="no network"):
        upkept.main()
    assert not git(template, "status", "--porcelain")


def test_upkeep_wants_a_clean_work_tree(upkept: ModuleType, template: Path) -> None:
    """So that nobody's work is mixed into it."""
    (template / "news").touch()
    with pytest.raises(SystemExit, match=r"^Nothing was changed: .*not clean\.$"):
        upkept.main()
    assert git(template, "status", "--porcelain") == "?? news"


@pytest.mark.usefixtures("github")
def test_a_lookup_that_fails_is_one_line() -> None:
    """With git's reason."""
    with pytest.raises(
        SystemExit, match=r"^Nothing was changed: .* acme/none: .+"
    ) as e:
        upkeep.releases("acme/none")
    assert "\n" not in str(e.value)


def test_a_lock_file_loses_the_hosts_in_its_descriptions() -> None:
    """And nothing else."""
    lock = 'description = "Classifiers on {}Index{}."\nname = "x (y.z)"\n'
    assert upkeep.nameless(lock.format("", " (index.example)")) == lock.format("", "")


@pytest.mark.parametrize(
    ("tags", "version"),
    [
        ([], "2027.1.5"),
        (["2027.1.4", "2027.1.51"], "2027.1.5"),
        (["2027.1.5"], "2027.1.5.1"),
        (["2027.1.5", "2027.1.5.1"], "2027.1.5.2"),
    ],
)
def test_the_version_is_the_date_and_then_numbered(
    tags: list[str], version: str
) -> None:
    """Without zeros before a digit, as packages have it."""
    assert release.next_version(date(2027, 1, 5), tags) == version
    assert str(Version(version)) == version


def news(template: Path, text: str = "- Splines are rounder.\n") -> None:
    """Commit news to the changelog."""
    changelog = template / "CHANGELOG.md"
    before, heading, after = changelog.read_text("utf-8").partition("\n## ")
    changelog.write_text(f"{before}\n## Unreleased\n\n{text}{heading}{after}", "utf-8")
    git(template, "commit", "--quiet", "--all", "--message=News")


def test_a_release_is_a_commit_and_a_tag(template: Path) -> None:
    """The version stands wherever it is told; the notes are the news."""
    news(template)
    script = [sys.executable, "maintenance/release.py"]
    said = run(*script, cwd=template).stdout
    version = said.splitlines()[0]
    assert f"git push --atomic origin main {version}\n" in said
    assert git(template, "cat-file", "-t", version) == "tag"
    assert git(template, "rev-parse", f"{version}^{{commit}}") == git(
        template, "rev-parse", "main"
    )
    assert not git(template, "status", "--porcelain")
    changed = git(template, "show", "--format=%s", "--name-only").split("\n")
    tell = [path.relative_to(template).as_posix() for path in pages(template)]
    assert changed == [
        *(f"Release {version}", ""),
        *sorted(["CHANGELOG.md", "pyproject.toml", *tell]),
    ]
    told(template, version)
    notes = run(*script, f"--notes={version}", cwd=template).stdout
    assert notes == "- Splines are rounder.\n"


def test_a_second_release_of_a_day_is_numbered(template: Path) -> None:
    """Today's is there, and tomorrow's, lest midnight falls into the test."""
    days = [date.today() + timedelta(days=days) for days in (0, 1)]
    first = [f"{day.year}.{day.month}.{day.day}" for day in days]
    for version in first:
        git(template, "tag", version)
    news(template)
    said = run(sys.executable, "maintenance/release.py", cwd=template).stdout
    version = said.splitlines()[0]
    assert version in [f"{day}.1" for day in first]
    told(template, version)


def told(folder: Path, version: str) -> None:
    """Assert that all that tells the newest version tells this one.

    Raises:
        AssertionError: Something tells another.
    """
    changelog = (folder / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)", changelog, re.MULTILINE)
    readme = (folder / "README.md").read_text("utf-8")
    pyproject = (folder / "pyproject.toml").read_text("utf-8")
    headings = [heading for heading in headings if heading != "Unreleased"]
    assert headings[:1] == [version]
    assert re.search(rf"gh:\S+ --checkout {re.escape(version)}\b(?!\.\d)", readme)
    for page in pages(folder):
        named = re.findall(r" --checkout ([\d.]+\d)", page.read_text("utf-8"))
        assert set(named) <= {version}, page
    assert re.findall(r'^version = "(.+)"', pyproject, re.MULTILINE) == [version]


def test_the_readme_names_the_newest_release() -> None:
    """As the changelog and the metadata do."""
    told(ROOT, VERSION)


@pytest.mark.parametrize("text", [None, ""], ids=["no heading", "nothing under it"])
def test_nothing_new_is_not_released(template: Path, text: str | None) -> None:
    """One line says so."""
    if text is not None:
        news(template, text)
    refused(template, "Unreleased")


def test_a_release_is_made_on_main(template: Path) -> None:
    """Where the push command pushes."""
    news(template)
    git(template, "switch", "--quiet", "--create", "other")
    refused(template, "main")


def test_a_release_wants_a_clean_work_tree(template: Path) -> None:
    """All that is released is committed."""
    news(template)
    (template / "more").touch()
    refused(template, "clean")


def refused(template: Path, why: str) -> None:
    """Assert that there is no release, and one line why.

    Raises:
        AssertionError: There is one, or the line does not say this.
    """
    head = git(template, "rev-parse", "HEAD")
    result = run(sys.executable, "maintenance/release.py", cwd=template, check=False)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Nothing was released: ")
    assert why in line
    assert git(template, "rev-parse", "HEAD") == head
    assert not git(template, "tag", "--list")


def test_a_version_in_the_changelog_is_taken(template: Path) -> None:
    """Though nobody tagged it."""
    days = [date.today() + timedelta(days=days) for days in (0, 1)]
    first = [f"{day.year}.{day.month}.{day.day}" for day in days]
    with (template / "CHANGELOG.md").open("a", encoding="utf-8") as changelog:
        changelog.writelines(f"\n## {version}\n\nNews.\n" for version in first)
    news(template)
    said = run(sys.executable, "maintenance/release.py", cwd=template).stdout
    assert said.splitlines()[0] in [f"{version}.1" for version in first]


def test_a_dry_run_shows_the_release_and_makes_none(template: Path) -> None:
    """Its version and its notes."""
    news(template)
    head = git(template, "rev-parse", "HEAD")
    script = [sys.executable, "maintenance/release.py", "--dry-run"]
    assert "- Splines are rounder." in run(*script, cwd=template).stdout
    assert git(template, "rev-parse", "HEAD") == head
    assert not git(template, "status", "--porcelain")
    assert not git(template, "tag", "--list")


def test_a_tag_of_another_version_has_no_notes(template: Path) -> None:
    """So that the workflow ends before it publishes."""
    script = [sys.executable, "maintenance/release.py", "--notes=2000.1.2"]
    result = run(*script, cwd=template, check=False)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("The tag is 2000.1.2, but the version ")


def test_the_instance_shows_what_each_release_changed(
    project: Path, template: Path, tmp_path: Path
) -> None:
    """A commit for each, once; in its tree is the default project and nothing else."""
    remote = tmp_path / "instance.git"
    run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    instance = load(template / "maintenance" / "instance.py")

    def push(tag: str) -> dict[str, bytes]:
        result = cookiecutter(
            str(template), no_input=True, output_dir=str(tmp_path / tag)
        )
        instance.push(Path(result), str(remote), tag)
        shutil.rmtree(tmp_path / tag)
        shown = tmp_path / "shown"
        run("git", "clone", "--quiet", str(remote), str(shown))
        shutil.rmtree(shown / ".git")
        files = contents(shown)
        shutil.rmtree(shown)
        return files

    first = push("2027.1.5")
    assert first == contents(project)

    # The next release lacks a file, and has one more.
    folder = template / upkeep.PROJECT.name
    (folder / "CODE_OF_CONDUCT.md").rename(folder / "CONDUCT.md")
    second = push("2027.2.1")
    assert second.keys() - first.keys() == {"CONDUCT.md"}
    assert first.keys() - second.keys() == {"CODE_OF_CONDUCT.md"}
    assert push("2027.2.1") == second
    assert push("2027.2.2") == second
    assert git(remote, "log", "--reverse", "--format=%s", "main").splitlines() == [
        *("2027.1.5", "2027.2.1", "2027.2.2"),
    ]


def test_the_workflow_opens_one_pull_request_and_renews_it(
    template: Path, tmp_path: Path
) -> None:
    """The script of its step, as it stands; gh is played by a script that takes notes."""
    workflow = yaml.safe_load(
        (ROOT / ".github" / "workflows" / "upkeep.yml").read_text("utf-8")
    )
    step = workflow["jobs"]["propose"]["steps"][-1]
    remote = tmp_path / "remote.git"
    run("git", "clone", "--quiet", "--bare", str(template), str(remote))
    asked = tmp_path / "asked"
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(
        f'#!/bin/sh\necho "$*" >> {asked}\n[ "$2" != list ] || echo "$OPEN"\n'
    )
    gh.chmod(0o755)
    change = tmp_path / "change"
    change.mkdir()

    def propose(text: str, number: str) -> str:
        (template / "README.md").write_text(text, "utf-8")
        (change / "patch").write_text(git(template, "diff") + "\n", "utf-8")
        (change / "summary.md").write_text("- spline: 1 → 2\n", "utf-8")
        git(template, "restore", "README.md")
        clone = tmp_path / f"clone-{number}"
        run("git", "clone", "--quiet", str(remote), str(clone))
        asked.unlink(missing_ok=True)
        given = {
            "GITHUB_REPOSITORY": "jane-doe/template",
            "GITHUB_RUN_ID": "7",
            "GITHUB_SERVER_URL": "https://github.com",
            "OPEN": number,
            "PATH": f"{gh.parent}{os.pathsep}{os.environ['PATH']}",
            "RESULT": "failure",
            "RUNNER_TEMP": str(tmp_path),
        }
        run("bash", "-e", "-c", step["run"], cwd=clone, env=os.environ | given)
        assert git(remote, "show", "upkeep:README.md") == text.strip()
        assert git(remote, "rev-parse", "upkeep~1") == git(remote, "rev-parse", "main")
        return asked.read_text("utf-8")

    assert "pr create --head upkeep " in propose("First.\n", "")
    renewed = propose("Second.\n", "12")
    assert "pr edit 12 " in renewed
    assert "create" not in renewed
    assert (change / "summary.md").read_text("utf-8") == (
        "- spline: 1 → 2\n\nThe tests ended in "
        "[failure](https://github.com/jane-doe/template/actions/runs/7).\n"
    )
