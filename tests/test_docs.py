"""The guide's commands work as written, and its links and tables are right."""

import os
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import kubernetes_validate
import pytest
import yaml

from tests import MIRROR, ROOT, contents
from tests.conftest import Nox
from tests.pages import blocks, follow, tokens
from tests.test_project import DEFAULT_SESSIONS
from tools.images import Registry, run
from tools.pages import anchor

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("templates/*/*.md")]


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links and images."""
    for token in tokens(page):
        if target := token.attrGet("href") or token.attrGet("src"):
            yield str(target)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = (
        after.content
        for token, after in pairwise(tokens(page))
        if token.type == "heading_open"
    )
    return set(map(anchor, headings))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_is_valid(page: Path) -> None:
    """Relative links lead to a file and a heading; external links are well-formed."""
    for link in links(page):
        target = urlsplit(link)
        if not target.scheme:
            path = page.parent / unquote(target.path) if target.path else page
            assert path.exists(), link
            assert not target.fragment or target.fragment in anchors(path), link
        else:
            assert target.scheme == "https", link
            assert re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z]+", target.netloc), link


def test_generated_parts_of_pages_are_up_to_date() -> None:
    """If this fails, run `nox -s pages`."""
    run("cog", "--check", *PAGES, cwd=ROOT)


def tree(page: Path) -> set[str]:
    """Return the paths in a page's tree of the generated project."""
    (lines,) = (block.code for block in blocks(page) if "pyproject.toml " in block.code)
    above: list[str] = []
    paths = set()
    for line in lines.splitlines():
        indent, name = re.match(r"([ │├└─]*)(\S*)", line).groups()  # type: ignore[union-attr]
        above = [*above[: len(indent) // 4], name.rstrip("/")]
        paths.add("/".join(above))
    return paths


def test_the_tour_lists_every_file(project: Path) -> None:
    """The tour lists all files and folders of the project, and no others."""
    files = set(contents(project))
    folders = {str(folder) for file in files for folder in Path(file).parents}
    listed = tree(ROOT / "docs" / "tour.md")
    assert listed == files | folders - {"."}, "docs/tour.md: a line for each file"


def test_the_picture_is_self_contained() -> None:
    """The picture has no scripts or links, and no paths of the recording machine."""
    picture = (ROOT / "docs" / "session.svg").read_text("utf-8")
    elements = ElementTree.fromstring(picture).iter()
    assert {element.tag.rpartition("}")[2] for element in elements} <= {
        *("svg", "title", "desc", "defs", "style", "rect", "g", "text", "use"),
        # The settings of termtosvg, which no browser reads.
        *("template_settings", "screen_geometry", "animation"),
    }
    content = re.sub(r'xmlns(:\w+)?="[^"]+"', "", picture)
    telling = r'://|href="[^#]|url\(|@import|/home|/root|/tmp/|/Users|localhost'
    assert not re.findall(telling, content)


def test_the_picture_is_short_and_readable() -> None:
    """It ends in 20 seconds. A phone 390 pixels wide shows it with letters of 9 pixels."""
    picture = (ROOT / "docs" / "session.svg").read_text("utf-8")
    (milliseconds,) = re.findall(r"--animation-duration: (\d+)ms", picture)
    assert int(milliseconds) <= 20_000
    (letters,) = re.findall(r"font-size: (\d+)px", picture)
    width = ElementTree.fromstring(picture).attrib["width"]
    margins = 32  # of the page, on a phone
    assert int(letters) * (390 - margins) / int(width) >= 9


def test_the_kubernetes_manifest_is_valid() -> None:
    """The manifest conforms to the schema and to the restricted security standard."""
    page = blocks(ROOT / "docs" / "outgrowing.md")
    (manifest,) = (yaml.safe_load(b.code) for b in page if b.language == "yaml")
    latest = kubernetes_validate.latest_version()
    kubernetes_validate.validate(manifest, latest, strict=True)
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


GENERATE = f"cookiecutter {shlex.quote(str(ROOT))} --no-input"
# Messages on the page, as patterns, and commands that fail with them in an empty folder.
FAILURES = {
    "directory already exists": f"mkdir hypermodern-python && {GENERATE}",
    "FailedHookException: Hook script failed": f"{GENERATE} project_slug=A",
    "UNFINISHED exists": f"mkdir hypermodern-python && touch hypermodern-python/UNFINISHED && {GENERATE} --overwrite-if-exists",
    "pyproject.toml changed significantly since poetry.lock was last generated": f"{GENERATE} && cd hypermodern-python && perl -pi -e 's/click>=8/click>=7/' pyproject.toml && poetry export",
    "THESE PACKAGES DO NOT MATCH THE HASHES": "touch a-1-py3-none-any.whl && echo ./*.whl --hash=sha256:$(printf %064d 0) >list && pip install --requirement list",
    "detected dubious ownership in repository": "git init && HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_TEST_ASSUME_DIFFERENT_OWNER=1 git status",
    "Cannot connect to the Docker daemon|failed to connect to the docker API": "DOCKER_HOST=unix:///missing docker version",
    "BuildKit is enabled but the buildx component is missing or broken": "mkdir cli-plugins && echo exit 1 >cli-plugins/docker-buildx && chmod +x cli-plugins/* && DOCKER_CONFIG=$PWD DOCKER_BUILDKIT=1 docker build .",
    "No usable temporary directory found": "docker run --rm --read-only python:3.14-slim python -c 'import tempfile; tempfile.gettempdir()'",
    "No module named pip": "docker run --rm python:3.14-slim sh -c 'python -m venv --without-pip /v && /v/bin/python -m pip'",
    r"executable file not found in \$PATH": "docker run --rm python:3.14-slim --version",
    "corrupt patch at line": r"git init && printf -- '--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+a' | git apply",
    "Read-only file system": "docker run --rm --read-only python:3.14-slim touch /file",
}  # fmt: skip


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "message",
    [
        pytest.param(message, marks=[pytest.mark.engine] * ("docker" in command))
        for message, command in FAILURES.items()
    ],
)
def test_troubleshooting_has_the_message(message: str, tmp_path: Path) -> None:
    """The page has the words that a program prints."""
    failed = run("bash", "-c", FAILURES[message], check=False, cwd=tmp_path)
    found = re.search(message, failed.stdout + failed.stderr)
    assert found, failed
    assert found[0] in (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")


@pytest.mark.engine
@pytest.mark.longest
def test_the_guide_works_as_written(
    registry: Registry, repository: Path, nox: Nox, tag: str
) -> None:
    """All commands run in order, from a clone of the template to a job on a swarm.

    Only names are replaced: the registry has another port, and images, containers and
    volumes have names that no others on the engine have. Nox shares the tests' environments.
    """
    state = run("docker", "info", "--format", "{{.Swarm.LocalNodeState}}").stdout
    assert state == "inactive\n", "the test would end this swarm"
    options = f"2>&1 --envdir={shlex.quote(str(nox.envdir))} --session"
    replacements = {
        "poetry nox": "poetry nox poetry-plugin-pypi-mirror",
        "--no-input": f"--no-input project_slug={tag} package_name=hypermodern_python",
        "hypermodern-python": tag,
        "localhost:5001": registry.address,
        "demo": f"{tag}-demo",
        "reports": f"{tag}-reports",
        "nox\n": f"nox {options} {' '.join(DEFAULT_SESSIONS)}\n",
        # Docker prints the log of a build as errors.
        "--progress=plain": "--progress=plain 2>&1",
    }
    pages = ("start.md", "deployment.md", "outgrowing.md")
    page = [block for name in pages for block in blocks(ROOT / "docs" / name)]
    try:
        follow(page, repository, *replacements.items(), env=os.environ | MIRROR)
    finally:
        run("docker", "swarm", "leave", "--force", check=False)
        run("docker", "rm", "--force", f"{tag}-demo", check=False)
        run("docker", "volume", "rm", "--force", f"{tag}-reports")
