"""Builders other than Docker's make the same image of the one Dockerfile."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import run
from tests.conftest import Bake
from tests.engine import base_of

pytestmark = pytest.mark.engine

DESCRIPTION = r'A "quoted" $HOME ${PATH} of the project'


@pytest.fixture
def store() -> Iterator[list[str]]:
    """Return the options that keep images in a folder of their own.

    Podman takes no path as long as pytest's.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = [f"--root={folder}/root", f"--runroot={folder}/run"]
        yield [*options, "--storage-driver=overlay"]
        run("buildah", *options, "rm", "--all")
        run("umount", f"{folder}/root/overlay", check=False)


@pytest.mark.parametrize(
    ("builder", "flavor"),
    [("buildah", "slim"), ("buildah", "alpine"), ("podman", "slim")],
)
def test_it_builds_without_docker(
    builder: str, flavor: str, bake: Bake, store: list[str], tmp_path: Path
) -> None:
    """The image has the same settings, and its program runs."""
    if os.geteuid() != 0:
        pytest.skip(f"{builder} in a folder of its own needs root")
    if not shutil.which(builder) and not os.environ.get("REQUIRE_ENGINE"):
        pytest.skip(f"{builder} is missing; on Debian, 'tools/engine start' brings it")
    project = bake(base_image=flavor, description=DESCRIPTION)
    archive = tmp_path / "base.tar"
    run("docker", "save", f"--output={archive}", base_of(project))
    run(builder, *store, "pull", "--quiet", f"docker-archive:{archive}")
    run(
        *(builder, *store, "build", "--isolation=chroot", "--network=host"),
        *("--pull=never", "--tag=built", "."),
        cwd=project,
    )
    image = json.loads(
        run("buildah", *store, "inspect", "--type=image", "built").stdout
    )
    config = image["OCIv1"]["config"]
    assert config["User"] == "65532:65532"
    assert config["StopSignal"] == "SIGINT"
    labels = config["Labels"]
    assert labels["org.opencontainers.image.description"] == DESCRIPTION
    container = run("buildah", *store, "from", "--pull-never", "built").stdout.strip()
    (program,) = config["Entrypoint"]
    result = run(
        *("buildah", *store, "run", "--isolation=chroot", container, "--"),
        *(program, "--count=1"),
    )
    assert result.stdout == "Reticulating spline 1...\n"
