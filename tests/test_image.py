"""The image holds the program and what it needs, and behaves as a container should."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import run
from tests.conftest import Bake
from tests.test_questions import CHOICES

pytestmark = pytest.mark.engine

FOUR_LINES = "".join(f"Reticulating spline {number}...\n" for number in range(1, 5))


@pytest.fixture(
    scope="session",
    params=[
        f"{version}-{flavor}"
        for version in CHOICES["python_version"]
        for flavor in CHOICES["base_image"]
    ],
)
def image(request: pytest.FixtureRequest, bake: Bake, worker_id: str) -> Iterator[str]:
    """Return the tag of an image built for each Python and flavor."""
    version, flavor = request.param.split("-")
    project = bake(python_version=version, base_image=flavor)
    # The engine builds what two workers ask for only once.
    tag = f"image-{worker_id}:{request.param}"
    run("docker", "build", "--tag", tag, ".", cwd=project)
    yield tag
    run("docker", "image", "rm", "--force", tag)


def test_count_prints_that_many_lines_and_nothing_else(image: str) -> None:
    """As the article has it: docker run NAME --count=4."""
    result = run("docker", "run", "--rm", image, "--count=4")
    assert (result.stdout, result.stderr) == (FOUR_LINES, "")


def test_the_version_is_known(image: str) -> None:
    """The distribution's metadata is part of the environment."""
    result = run("docker", "run", "--rm", image, "--version")
    assert result.stdout == "hypermodern-python, version 0.1.0\n"


def test_it_stops_at_once_and_cleanly(image: str) -> None:
    """The status is an interrupt's, not a kill's; the output came unbuffered."""
    container = run("docker", "run", "--detach", image).stdout.strip()
    try:
        with subprocess.Popen(
            ["docker", "logs", "--follow", container],
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ) as logs:
            assert logs.stdout
            assert logs.stdout.readline() == "Reticulating spline 1...\n"
            run("docker", "stop", container)
        (state,) = json.loads(run("docker", "inspect", container).stdout)
        assert state["State"]["ExitCode"] == 130
        assert "Traceback" not in run("docker", "logs", container).stderr
    finally:
        run("docker", "rm", "--force", container)


def test_it_runs_as_nobody_in_particular(image: str) -> None:
    """By number, so that an orchestrator can tell that it is not root."""
    (inspected,) = json.loads(run("docker", "image", "inspect", image).stdout)
    user = inspected["Config"]["User"]
    assert all(part.isdigit() and int(part) > 0 for part in user.split(":"))


def test_a_code_change_leaves_the_dependencies_layer_alone(
    project: Path, tmp_path: Path
) -> None:
    """Only the last layer is another."""
    copy = tmp_path / "project"
    run("cp", "-R", str(project), str(copy))
    layers = []
    for text in ("reticulating", "vectorizing"):
        source = copy / "src" / "hypermodern_python" / "splines.py"
        source.write_text(source.read_text("utf-8").replace("reticulating", text))
        run("docker", "build", "--tag", "image-layers", ".", cwd=copy)
        (image,) = json.loads(run("docker", "image", "inspect", "image-layers").stdout)
        layers.append(image["RootFS"]["Layers"])
    run("docker", "image", "rm", "--force", "image-layers")
    before, after = layers
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


def test_the_build_context_is_small(project: Path, tmp_path: Path) -> None:
    """A worked-in project sends well under 100 kB to the engine."""
    copy = tmp_path / "project"
    run("cp", "-R", str(project), str(copy))
    run("git", "init", cwd=copy)
    for folder in (
        ".git",
        ".mypy_cache",
        ".nox/tests",
        ".venv/lib",
        "dist",
        "src/__pycache__",
    ):
        (copy / folder).mkdir(parents=True, exist_ok=True)
        (copy / folder / "big.pyc").write_bytes(bytes(1_000_000))
    dockerfile = "FROM scratch\nCOPY . /\n"
    tar = tmp_path / "context.tar"
    run(
        *("docker", "build", f"--output=type=tar,dest={tar}", "--file=-", "."),
        cwd=copy,
        stdin=dockerfile,
    )
    names = run("tar", "--list", f"--file={tar}").stdout
    assert "src/hypermodern_python/console.py" in names
    assert tar.stat().st_size < 100_000
