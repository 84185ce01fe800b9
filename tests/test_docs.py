"""The guide can be followed as it is written, and none of its links leads nowhere."""

import os
import re
import sys
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import kubernetes_validate
import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from benchmarks.generation import PEERS
from docs import readme, tour
from tests import ROOT, VERSION, run
from tests.engine import TAGS, Registry
from tests.questions import ASKED, QUESTIONS

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
# Addresses outside, which nothing here can follow, one a line.
OUTSIDE = ROOT / "docs" / "links.txt"
NOT_RUN = re.compile(r"<!-- not run: .+ -->")


def tokens(page: Path) -> Iterator[Token]:
    """Yield the tokens of a page, those inside a paragraph too."""
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(
        page.read_text("utf-8")
    ):
        yield token
        yield from token.children or ()


class Block(NamedTuple):
    """A block of code: its language and text, and the comment before it."""

    language: str
    code: str
    comment: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of a page."""
    comment = ""
    for token in tokens(page):
        if token.type == "fence":
            yield Block(token.info, token.content, comment)
        comment = token.content.strip() if token.type == "html_block" else ""


def links(page: Path) -> Iterator[str]:
    """Yield what a page links to, and the images that it shows."""
    for token in tokens(page):
        if target := token.attrGet("href") or token.attrGet("src"):
            yield str(target)


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    found = list(tokens(page))
    headings = (
        after.content
        for token, after in pairwise(found)
        if token.type == "heading_open"
    )
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


def name(path: Path) -> str:
    """Return a page's path in the repository, to be the name of its tests."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_link_inside_leads_somewhere(page: Path) -> None:
    """To a file, and to a heading in it if one is named."""
    for link in links(page):
        target = urlsplit(link)
        if not target.scheme:
            path = page.parent / unquote(target.path) if target.path else page
            assert path.exists(), link
            assert not target.fragment or target.fragment in anchors(path), link


def test_a_link_outside_is_well_formed_and_listed() -> None:
    """So that whoever has the network to can follow all of them."""
    found = {link for page in PAGES for link in links(page) if urlsplit(link).scheme}
    for link in found:
        target = urlsplit(link)
        assert target.scheme in {"https", "mailto"}, link
        assert target.scheme == "mailto" or re.fullmatch(
            r"(?:[a-z0-9-]+\.)+[a-z]+", target.netloc
        ), link
        assert not re.search(r"\s", link), link
    assert OUTSIDE.read_text("utf-8").splitlines() == sorted(found)


def test_the_tour_shows_what_is_generated() -> None:
    """Every file has its line; `nox -s docs` writes the page anew."""
    assert tour.PAGE.read_text("utf-8") == tour.page(), "write it anew: nox -s docs"


def test_the_readme_shows_what_is_asked_and_generated() -> None:
    """Its table and its tree follow from other files; `nox -s docs` writes them anew."""
    assert readme.PAGE.read_text("utf-8") == readme.page(), "write it anew: nox -s docs"


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_is_timed_as_it_was_read(peer: str) -> None:
    """At one commit in both comparisons; `nox -s benchmark` writes the time anew."""
    address, commit = f"(https://github.com/{peer})", PEERS[peer].commit[:7]
    for page, before in (("features", ""), ("benchmark", f"| [{peer}]")):
        text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
        assert f"{before}{address} at `{commit}`" in text


@pytest.fixture(scope="module")
def picture() -> str:
    """Return the source of README's picture of a session."""
    return (ROOT / "docs" / "session.svg").read_text("utf-8")


def test_the_picture_stands_alone(picture: str) -> None:
    """It runs nothing, loads nothing, and tells nothing of where it was recorded."""
    elements = ElementTree.fromstring(picture).iter()  # noqa: S314
    assert {element.tag.rpartition("}")[2] for element in elements} == {
        *("svg", "title", "desc", "style", "rect", "circle", "g", "text")
    }
    content = picture.replace('xmlns="http://www.w3.org/2000/svg"', "")
    telling = r"://|href|url\(|@import|/home|/root|/tmp|/Users|localhost|[0-9]+(?:\.[0-9]+){3}"
    assert not re.findall(telling, content)


def test_the_picture_shows_the_session_of_today(picture: str) -> None:
    """All the questions as they are asked now, in this order, and the splines."""
    elements = ElementTree.fromstring(picture).iterfind(".//{*}text")  # noqa: S314
    shown = " ".join("".join(element.itertext()) for element in elements)
    expected = []
    for number, question in enumerate(ASKED, 1):
        words = QUESTIONS["__prompts__"][question]
        prompt, *options = [words] if isinstance(words, str) else words.values()
        expected += [f"[{number}/{len(ASKED)}] {prompt}", *options]
    expected += [f"Reticulating spline {number}..." for number in range(1, 5)]
    missing = [line for line in expected if line not in shown]
    assert not missing, "record it anew: nox -s picture"


@pytest.fixture
def manifest() -> dict[str, object]:
    """Return the Kubernetes manifest of the guide."""
    (block,) = (
        block
        for block in blocks(ROOT / "docs" / "outgrowing.md")
        if block.language == "yaml"
    )
    manifest: dict[str, object] = yaml.safe_load(block.code)
    return manifest


def test_kubernetes_takes_the_manifest(manifest: dict[str, object]) -> None:
    """By the schema of its servers, which know each of the fields."""
    kubernetes_validate.validate(
        manifest, kubernetes_validate.latest_version(), strict=True
    )


def test_the_manifest_is_restricted(manifest: dict[str, object]) -> None:
    """As the strictest of the Pod Security Standards asks, with no disk to write to."""
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
    """Leave the engine as it was found: in no swarm."""
    state = ("docker", "info", "--format", "{{.Swarm.LocalNodeState}}")
    assert run(*state).stdout.strip() == "inactive", "the test would end this swarm"
    yield
    if run(*state).stdout.strip() != "inactive":
        run("docker", "swarm", "leave", "--force")


@pytest.mark.engine
@pytest.mark.usefixtures("swarm")
def test_the_guide_works_as_it_is_written(registry: Registry, tmp_path: Path) -> None:
    """One command after the other, from generation to a job on a swarm.

    Only names are others than the reader's: the template is this one, the registry has
    another port, and the project a slug that no other image on the engine has.
    """
    slug = f"{TAGS}-{uuid.uuid4().hex[:8]}"
    names = {
        "gh:OWNER/REPOSITORY": f"{ROOT} project_slug={slug}",
        f" --checkout {VERSION}": "",
        "hypermodern-python": slug,
        "localhost:5000": registry.address,
        "splines": f"{slug}-splines",
    }
    script = "".join(
        block.code
        for page in ("deployment.md", "outgrowing.md")
        for block in blocks(ROOT / "docs" / page)
        if block.language == "sh" and not NOT_RUN.fullmatch(block.comment)
    )
    for reader_s, ours in names.items():
        script = script.replace(reader_s, ours)
    assert script.count("\n") > 30
    try:
        result = run(
            *("bash", "-v", "-e", "-u", "-o", "pipefail", "-c", script),
            cwd=tmp_path,
            env=os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "DOCKER_CONFIG": os.environ.get(
                    "DOCKER_CONFIG", str(Path.home() / ".docker")
                ),
                "GIT_AUTHOR_NAME": "Jane Doe",
                "GIT_AUTHOR_EMAIL": "jane@example.com",
                "GIT_COMMITTER_NAME": "Jane Doe",
                "GIT_COMMITTER_EMAIL": "jane@example.com",
            },
        )
    finally:
        run("docker", "rm", "--force", f"{slug}-splines", check=False)
    assert result.stdout.count("Reticulating spline 4...") == 1
    assert f"{registry.address}/{slug}:latest" in result.stdout
    assert result.stdout.count("| Reticulating spline 2...\n") == 3


def test_the_readme_compares_as_the_features_do() -> None:
    """Its rows are some of those."""
    readme = (ROOT / "README.md").read_text("utf-8")
    features = (ROOT / "docs" / "features.md").read_text("utf-8").splitlines()
    _, _, after = readme.partition("## Beside other templates\n")
    rows = [line for line in after.splitlines() if line.count("|") == 7][2:]
    assert rows
    assert set(rows) <= set(features)
