"""Build images in the tests, and remove them afterwards."""

import os
import re
import secrets
from pathlib import Path

from tests import run

# Tags start with a name for all processes of a run, then one for this process. Images are
# removed after all tests, because a build can fail if it shares layers with an image that
# the engine is removing.
RUN = os.environ.setdefault("TEST_IMAGES", f"test-{secrets.token_hex(4)}")
TAGS = f"{RUN}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


def build(project: Path, tag: str, *options: str, check: bool = True) -> str:
    """Build an image, and return the engine's log."""
    command = ("docker", "build", "--progress=plain", f"--tag={tag}", *options, ".")
    return run(*command, check=check, cwd=project).stderr


def steps_run(log: str) -> set[str]:
    """Return the stages in a build's log that ran at least one step."""
    stages = dict(re.findall(r"^#(\d+) \[([\w-]+) +\d+/\d+\] (?:RUN|COPY)", log, re.M))
    cached = set(re.findall(r"^#(\d+) CACHED$", log, re.M))
    return {stage for step, stage in stages.items() if step not in cached}


def remove_images() -> None:
    """Remove every image that the tests built."""
    names = (f"{RUN}-*", f"*/{RUN}-*", f"*/*/{RUN}-*", f"vsc-{RUN}-*")
    filters = (f"--filter=reference={name}" for name in names)
    listed = run("docker", "images", "--quiet", *filters, check=False)
    if identifiers := listed.stdout.split():
        run("docker", "image", "rm", "--force", *set(identifiers), check=False)


def base_of(project: Path) -> str:
    """Return the base image in a project's Dockerfile."""
    match = re.search("(?m)^FROM (python:.*) AS base$", dockerfile_of(project))
    assert match
    return match[1]


def dockerfile_of(project: Path) -> str:
    """Return the text of a project's Dockerfile."""
    return (project / "Dockerfile").read_text("utf-8")
