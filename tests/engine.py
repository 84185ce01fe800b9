"""Build images in the tests, and remove them afterwards."""

import os
import re
import secrets
from pathlib import Path

from tests import run

# Tags begin with a name for all processes of a run, then one for this process. Images are
# removed after all tests: an engine can fail a build that shares layers with an image
# that is being removed.
RUN = os.environ.setdefault("TEST_IMAGES", f"test-{secrets.token_hex(4)}")
TAGS = f"{RUN}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


def build(project: Path, tag: str, *options: str, check: bool = True) -> str:
    """Build an image, and return the engine's log."""
    command = ("docker", "build", "--progress=plain", f"--tag={tag}", *options, ".")
    return run(*command, check=check, cwd=project).stderr


def steps_run(log: str) -> set[str]:
    """Return the stages of which a step ran, of all that a build's log names."""
    stages = dict(re.findall(r"^#(\d+) \[([\w-]+) +\d+/\d+\] (?:RUN|COPY)", log, re.M))
    cached = set(re.findall(r"^#(\d+) CACHED$", log, re.M))
    return {stage for step, stage in stages.items() if step not in cached}


def remove_images() -> None:
    """Remove every image that the tests built."""
    filters = (f"--filter=reference={name}" for name in (f"{RUN}-*", f"*/{RUN}-*"))
    listed = run("docker", "images", "--quiet", *filters, check=False)
    if identifiers := listed.stdout.split():
        run("docker", "image", "rm", "--force", *set(identifiers), check=False)


def base_of(project: Path) -> str:
    """Return the image that a project's image is based on."""
    match = re.search("\nFROM (python:.*) AS base\n", dockerfile_of(project))
    assert match
    return match[1]


def dockerfile_of(project: Path) -> str:
    """Return the text of a project's Dockerfile."""
    return (project / "Dockerfile").read_text("utf-8")
