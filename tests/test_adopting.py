"""Existing projects get an image by following docs/adopting.md to the letter."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import tomlkit

from tests import MIRROR, ROOT, commit, contents, run
from tests.pages import blocks

PAGE = ROOT / "docs" / "adopting.md"
TEMPLATE = re.compile("gh:OWNER/REPOSITORY")
IMAGE_FILES = {
    *("Dockerfile", ".dockerignore", "docker/poetry.in", "docker/poetry.txt"),
    *("docker-bake.hcl", ".github/workflows/release.yml"),
}


class Project(NamedTuple):
    """A project from the package index, a command, and part of its output.

    `has` lists the project's rows of the page's table. `also` runs with --entrypoint.
    """

    name: str
    version: str
    command: str
    output: str
    has: str
    also: str = ""
    remove: tuple[str, ...] = ()


PROJECTS = [
    Project("docformatter", "1.7.8", "docformatter --version", "1.7.8", "a `src` folder; `[tool.poetry]` metadata"),
    # This release prints the previous version, which is a mistake in its own code.
    Project("rich-cli", "1.8.1", "rich --version", "1.8.0", "a `src` folder; another command name; another import name"),
    Project("poethepoet", "0.49.0", "poe --version", "0.49.0", "no `src` folder; another command name; data files in the package"),
    Project("commitizen", "3.31.0", "cz --help", "usage: cz ", "no `src` folder; another command name; several commands; `[tool.poetry]` metadata; data files in the package; a README elsewhere", also="git-cz --help"),
    # With --color, isort fails if its extra is not installed.
    Project("isort", "5.13.2", "isort --color --check-only --verbose -", "SUCCESS", "no `src` folder; several commands; `[tool.poetry]` metadata; no README or license; extras for the image", also="isort-identify-imports --help", remove=("README.md", "LICENSE")),
    Project("darglint", "1.8.1", "darglint --version", "1.8.1", "no `src` folder; `[tool.poetry]` metadata; no dependencies"),
]  # fmt: skip


def follow(title: str, folder: Path, names: Mapping[str, str]) -> str:
    """Run the commands in a section of the page, and return their output.

    Args:
        title: The section's heading.
        folder: The folder in which the commands run.
        names: The replacements for the names in the page.
    """
    found = (b.code for b in blocks(PAGE) if (b.heading, b.language) == (title, "sh"))
    script = TEMPLATE.sub(shlex.quote(str(ROOT)), "".join(found))
    for name, own in names.items():
        script = script.replace(name, own)
    env = {**MIRROR, **os.environ, "TMPDIR": str(folder.parent)}
    return run("sh", "-ec", script, cwd=folder, env=env).stdout


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table in a section of the page, without the header."""
    text = PAGE.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def adapt(folder: Path, row: list[str], names: Mapping[str, str]) -> None:
    """Change the lines that a row of the page's table lists."""
    for file, cell in zip(("Dockerfile", ".dockerignore"), row[1:], strict=True):
        path = folder / file
        lines = path.read_text("utf-8").splitlines()
        change = (
            re.findall("`([^`]+)`", cell) if not cell.startswith("no change") else []
        )
        for name, own in names.items():
            change = [line.replace(name, own) for line in change]
        if len(change) == 2:
            lines[lines.index(change[0])] = change[1]
        elif change and file == "Dockerfile":
            lines.insert(lines.index("FROM poetry AS program") + 1, change[0])
        else:
            lines += change
        path.write_text("\n".join([*lines, ""]), "utf-8")


@pytest.fixture
def existing(project: Project, person: Path) -> Path:
    """Return the folder of the project, with one commit."""
    run(
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=:all:"),
        *("--no-build-isolation", f"--dest={person}"),
        f"{project.name}=={project.version}",
    )
    (archive,) = person.glob("*.tar.gz")
    folder = person / project.name
    folder.mkdir()
    # The module tarfile has no filters before Python 3.11.4.
    run(
        *("tar", "--extract", "--strip-components=1", "--no-same-owner"),
        *(f"--file={archive}", f"--directory={folder}"),
    )
    for name in ("PKG-INFO", *project.remove):
        (folder / name).unlink()
    path = folder / "pyproject.toml"
    settings = tomlkit.parse(path.read_text("utf-8"))
    # The image has no development dependencies, which take Poetry long to resolve.
    settings.pop("dependency-groups", None)
    for key in ("group", "dev-dependencies", *(["readme"] if project.remove else [])):
        settings.get("tool", {}).get("poetry", {}).pop(key, None)
    path.write_text(tomlkit.dumps(settings), "utf-8")
    follow("What you need", folder, {})
    commit(folder)
    return folder


@pytest.mark.engine
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_an_existing_project_gets_an_image(
    existing: Path, project: Project, tag: str, tmp_path: Path
) -> None:
    """The page's commands leave the project's files alone and build a working image."""
    command, *options = project.command.split()
    names = {
        "my-project": project.name,
        "my_package": project.name.replace("-", "_"),
        "my-command": command,
        "my-extra": "colors",
    }
    before = contents(existing)
    in_place = shutil.copytree(existing, tmp_path / "in place" / project.name)
    follow("Take the files", existing, names)
    after = contents(existing)
    assert before == {path: after[path] for path in before}
    assert after.keys() - before.keys() == IMAGE_FILES
    follow("The rest of the template", in_place, names)
    assert contents(in_place) == after
    for row in rows("What the image expects"):
        if row[0] in project.has.split("; "):
            adapt(existing, row, names)
    usage = {"my-project --version": shlex.join([tag, *options]), "my-project": tag}
    assert project.output in follow("Build", existing, usage)
    if project.also:
        other, *options = project.also.split()
        locked = ("--rm", "--read-only", "--cap-drop=ALL", "--network=none")
        run("docker", "run", *locked, f"--entrypoint={other}", tag, *options)


def test_the_page_lists_the_tested_projects() -> None:
    """The page lists all tested projects, and each row of its table has a project."""
    assert rows("Tried on") == [
        [f"{project.name} {project.version}", f"`{project.command}`", project.has]
        for project in PROJECTS
    ]
    kinds = {kind for project in PROJECTS for kind in project.has.split("; ")}
    assert kinds == {row[0] for row in rows("What the image expects")}
