"""What the tests do with engines: build, inspect and read images, and serve them."""

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests import run

# The first part of every tag: for all the processes of one run, and for this one.  An
# image is removed only after all the tests, and none takes another's tag: the engine
# may fail a build whose layers are those of an image that is removed meanwhile.
RUN = os.environ.setdefault("TEST_IMAGES", f"test-{secrets.token_hex(4)}")
TAGS = f"{RUN}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


def build(project: Path, tag: str, *options: str, check: bool = True) -> str:
    """Build an image, and return what the engine printed on the way."""
    name = f"{TAGS}-{tag}"
    result = run(
        *("docker", "build", "--progress=plain", f"--tag={name}", *options, "."),
        check=check,
        cwd=project,
    )
    return result.stderr


def remove_images() -> None:
    """Remove every image that the tests built."""
    names = (f"{RUN}-*", f"*/{RUN}-*")
    filters = (f"--filter=reference={name}" for name in names)
    listed = run("docker", "images", "--quiet", *filters, check=False)
    if identifiers := listed.stdout.split():
        run("docker", "image", "rm", "--force", *set(identifiers), check=False)


def inspect(image: str) -> dict[str, Any]:
    """Return what the engine knows of an image."""
    (inspected,) = json.loads(run("docker", "image", "inspect", image).stdout)
    assert isinstance(inspected, dict)
    return inspected


def base_of(project: Path) -> str:
    """Return the image that a project's Dockerfile begins with."""
    match = re.search(
        "^FROM (python:.*) AS base$", dockerfile_of(project), re.MULTILINE
    )
    assert match
    return match[1]


def dockerfile_of(project: Path) -> str:
    """Return the text of a project's Dockerfile."""
    return (project / "Dockerfile").read_text("utf-8")


class Archive:
    """An image in a file, in the layout of the Open Container Initiative."""

    def __init__(self, path: Path) -> None:
        """Open the archive; its only image is the one meant."""
        self.path = path
        index = json.loads(self.read("index.json"))
        self.digest: str = index["manifests"][0]["digest"]
        manifest = self.blob(self.digest)
        while "manifests" in manifest:
            manifest = self.blob(manifest["manifests"][0]["digest"])
        self.config = self.blob(manifest["config"]["digest"])
        self.layers: list[str] = [layer["digest"] for layer in manifest["layers"]]

    def read(self, name: str) -> bytes:
        """Return the content of a file in the archive."""
        with tarfile.open(self.path) as tar:
            file = tar.extractfile(name)
            assert file
            return file.read()

    def blob(self, digest: str) -> dict[str, Any]:
        """Return what the JSON of this digest holds."""
        held = json.loads(self.read(f"blobs/{digest.replace(':', '/')}"))
        assert isinstance(held, dict)
        return held

    @contextlib.contextmanager
    def layer(self, digest: str) -> Iterator[tarfile.TarFile]:
        """Open a layer, compressed or not."""
        name = f"blobs/{digest.replace(':', '/')}"
        with (
            tarfile.open(self.path) as tar,
            tarfile.open(fileobj=tar.extractfile(name)) as layer,
        ):
            yield layer


def save(image: str, path: Path) -> Archive:
    """Return an image of the engine as an archive, written to this path."""
    run("docker", "save", f"--output={path}", image)
    return Archive(path)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert isinstance(port, int)
        return port


class Registry:
    """A registry on loopback, where an engine demands no certificate."""

    def __init__(self, folder: Path) -> None:
        """Start it, with an empty storage in this folder."""
        self.storage = folder / "storage"
        self.address = f"127.0.0.1:{free_port()}"
        settings = folder / "registry.json"
        settings.write_text(
            json.dumps(
                {
                    "version": "0.1",
                    "log": {"level": "error"},
                    "storage": {"filesystem": {"rootdirectory": str(self.storage)}},
                    "http": {"addr": self.address},
                }
            )
        )
        self.process = subprocess.Popen(
            ["docker-registry", "serve", str(settings)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            with contextlib.suppress(URLError), urlopen(f"http://{self.address}/v2/"):
                return
            time.sleep(0.1)
        self.stop()
        raise TimeoutError("the registry does not answer")

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()

    def stored(self) -> int:
        """Return how many bytes the blobs of all the images are."""
        blobs = self.storage / "docker" / "registry" / "v2" / "blobs"
        return sum(blob.stat().st_size for blob in blobs.rglob("data"))

    def push(self, image: str, name: str) -> int:
        """Push an image of the engine, and return how many bytes are new here."""
        before = self.stored()
        target = f"{self.address}/{name}"
        run("docker", "tag", image, target)
        run("docker", "push", "--quiet", target)
        run("docker", "image", "rm", target)
        return self.stored() - before
