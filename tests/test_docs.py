"""The guide's commands work as written, and its links and tables are right."""

import re
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import kubernetes_validate
import pytest
import yaml

from tests import ROOT, TAGS, contents
from tests.pages import blocks, follow, tokens
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


@pytest.fixture
def manifest() -> dict[str, object]:
    """Return the Kubernetes manifest from the guide."""
    page = ROOT / "docs" / "outgrowing.md"
    (block,) = (block for block in blocks(page) if block.language == "yaml")
    manifest: dict[str, object] = yaml.safe_load(block.code)
    return manifest


def test_the_kubernetes_manifest_is_valid(manifest: dict[str, object]) -> None:
    """The manifest conforms to the schema and to the restricted security standard."""
    latest = kubernetes_validate.latest_version()
    kubernetes_validate.validate(manifest, latest, strict=True)
    pod = manifest["spec"]["template"]["spec"]  # type: ignore[index]
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


@pytest.fixture
def swarm() -> Iterator[None]:
    """Check that the engine is in no swarm, and leave a swarm that the test joined."""
    state = ("docker", "info", "--format", "{{.Swarm.LocalNodeState}}")
    assert run(*state).stdout.strip() == "inactive", "the test would end this swarm"
    yield
    if run(*state).stdout.strip() != "inactive":
        run("docker", "swarm", "leave", "--force")


@pytest.mark.engine
@pytest.mark.usefixtures("swarm", "person")
def test_the_guide_works_as_written(registry: Registry, tmp_path: Path) -> None:
    """All commands run in order, from generating a project to a job on a swarm.

    Only names and a folder are replaced: the template is this one, the registry has another port,
    and the project has a slug that no other image on the engine has.
    """
    slug = f"{TAGS}-{uuid.uuid4().hex[:8]}"
    names = {
        "gh:OWNER/REPOSITORY": f"{ROOT} project_slug={slug}",
        "hypermodern-python": slug,
        "localhost:5000": registry.address,
        "pyvenv.cfg /tmp": f"pyvenv.cfg {tmp_path}",
        "splines": f"{slug}-splines",
    }
    page = [
        block
        for name in ("start.md", "deployment.md", "outgrowing.md")
        for block in blocks(ROOT / "docs" / name)
    ]
    try:
        output = follow(page, tmp_path, *names.items())
    finally:
        run("docker", "rm", "--force", f"{slug}-splines", check=False)
    assert f"{registry.address}/{slug}:latest" in output
    assert output.count("| Reticulating spline 2...\n") == 3
