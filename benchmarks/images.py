"""Inspect and save an engine's images, and push them to a local registry."""

import contextlib
import gzip
import json
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command and return its output. If it fails, print the output first.

    Raises:
        CalledProcessError: The command failed.
    """
    result = subprocess.run(
        command, capture_output=True, check=False, cwd=cwd, encoding="utf-8"
    )
    if result.returncode:
        print(result.stdout, result.stderr, file=sys.stderr)
        result.check_returncode()
    return result.stdout


def inspect(image: str) -> dict[str, Any]:
    """Return the output of `docker image inspect`."""
    inspected: list[dict[str, Any]] = json.loads(
        run("docker", "image", "inspect", image)
    )
    return inspected[0]


class Archive:
    """An image in a file, in the layout of the Open Container Initiative."""

    def __init__(self, path: Path) -> None:
        """Read an archive with one image."""
        self.path = path
        manifest = json.loads(self.read("index.json"))
        while "manifests" in manifest:
            manifest = self.blob(manifest["manifests"][0]["digest"])
        self.layers: list[str] = [layer["digest"] for layer in manifest["layers"]]

    def read(self, name: str) -> bytes:
        """Return the content of a file in the archive.

        Raises:
            IsADirectoryError: The file is not a regular file.
        """
        with tarfile.open(self.path) as tar:
            file = tar.extractfile(name)
            if not file:
                raise IsADirectoryError(name)
            return file.read()

    def blob(self, digest: str) -> dict[str, Any]:
        """Return the JSON document with this digest."""
        blob: dict[str, Any] = json.loads(
            self.read(f"blobs/{digest.replace(':', '/')}")
        )
        return blob

    def sizes(self) -> list[tuple[int, int]]:
        """Return the size of every layer in bytes: compressed, and unpacked."""
        sizes = []
        for digest in self.layers:
            data = self.read(f"blobs/{digest.replace(':', '/')}")
            # Engines with the older image store save layers uncompressed.
            packed = data if data.startswith(b"\x1f\x8b") else gzip.compress(data)
            sizes.append((len(packed), len(gzip.decompress(packed))))
        return sizes

    @contextlib.contextmanager
    def layer(self, digest: str) -> Iterator[tarfile.TarFile]:
        """Open a layer, whether it is compressed or not."""
        name = f"blobs/{digest.replace(':', '/')}"
        with (
            tarfile.open(self.path) as tar,
            tarfile.open(fileobj=tar.extractfile(name)) as layer,
        ):
            yield layer


def save(image: str, path: Path) -> Archive:
    """Write an image of the engine to a file, and return it as an archive."""
    run("docker", "save", f"--output={path}", image)
    return Archive(path)


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Registry:
    """A registry on the loopback interface, where an engine needs no certificate."""

    def __init__(self, folder: Path) -> None:
        """Start the registry with empty storage in a folder."""
        self.storage = folder / "storage"
        self.address = f"127.0.0.1:{free_port()}"
        settings = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(self.storage)}},
            "http": {"addr": self.address},
        }
        (folder / "registry.json").write_text(json.dumps(settings))
        self.process = subprocess.Popen(
            ["docker-registry", "serve", folder / "registry.json"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            with contextlib.suppress(URLError), urlopen(f"http://{self.address}/v2/"):
                return
            time.sleep(0.1)
        self.stop()
        raise TimeoutError("the registry does not respond")

    def stop(self) -> None:
        """Stop the registry."""
        self.process.terminate()
        self.process.wait()

    def stored(self) -> int:
        """Return the size of all blobs, in bytes."""
        return sum(blob.stat().st_size for blob in self.storage.rglob("blobs/**/data"))

    def push(self, image: str, name: str) -> int:
        """Push an image of the engine, and return by how many bytes the storage grew."""
        before = self.stored()
        target = f"{self.address}/{name}"
        run("docker", "tag", image, target)
        run("docker", "push", "--quiet", target)
        run("docker", "image", "rm", target)
        return self.stored() - before

    def fetch(self, path: str, media_type: str = "*/*") -> Any:  # noqa: ANN401
        """Return a JSON document, such as the manifest at NAME/manifests/DIGEST."""
        url = f"http://{self.address}/v2/{path}"
        request = Request(url, headers={"Accept": media_type})
        with urlopen(request) as response:  # noqa: S310
            return json.load(response)
