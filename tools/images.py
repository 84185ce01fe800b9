"""Build, inspect, push and remove images; used by the tests and the benchmark."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen


def run(
    *command: str | Path,
    check: bool = True,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command and return its status and output.

    Raises:
        CalledProcessError: `check` is true, and the command failed. Its output is a note.
    """
    try:
        return subprocess.run(
            command,
            capture_output=True,
            check=check,
            cwd=cwd,
            encoding="utf-8",
            env=env,
            input=stdin,
        )
    except subprocess.CalledProcessError as error:
        error.add_note(f"{error.stdout}\n{error.stderr}")
        raise


def missing() -> str:
    """Return what this machine lacks to build images, and how to get it, or nothing."""
    server = ("docker", "version", "--format={{.Server.Os}}")
    if not shutil.which("docker") or run(*server, check=False).stdout != "linux\n":
        return (
            "no Docker Engine is running; on Debian, 'tools/engine start' installs one"
        )
    if run("docker", "buildx", "version", check=False).returncode:
        return "Docker has no Buildx; install its plugin, in Debian's package docker-buildx"
    return ""


def build(project: Path, tag: str, *options: str, check: bool = True) -> str:
    """Build an image, and return the engine's log."""
    command = ("docker", "build", "--progress=plain", f"--tag={tag}", *options, ".")
    return run(*command, check=check, cwd=project).stderr


def steps_run(log: str) -> set[str]:
    """Return the stages in a build's log that ran at least one step."""
    stages = dict(re.findall(r"^#(\d+) \[([\w-]+) +\d+/\d+\] (?:RUN|COPY)", log, re.M))
    cached = set(re.findall(r"^#(\d+) CACHED$", log, re.M))
    return {stage for step, stage in stages.items() if step not in cached}


def base_of(project: Path) -> str:
    """Return the base image in a project's Dockerfile."""
    dockerfile = (project / "Dockerfile").read_text("utf-8")
    (image,) = re.findall(r"(?m)^FROM (python:.*) AS base$", dockerfile)
    return str(image)


def inspect(image: str) -> dict[str, Any]:
    """Return the output of `docker image inspect`."""
    inspected = json.loads(run("docker", "image", "inspect", image).stdout)
    return dict(inspected[0])


def layers_above(base: str, image: str) -> list[bytes]:
    """Return the layers of an image above those of its base, compressed or not."""
    below = len(inspect(base)["RootFS"]["Layers"])
    with tempfile.TemporaryDirectory() as folder:
        run("docker", "save", f"--output={folder}/image.tar", image)
        with tarfile.open(f"{folder}/image.tar") as archive:
            archive.extractall(folder, filter="data")
        names = json.loads(Path(folder, "manifest.json").read_text())[0]["Layers"]
        return [Path(folder, name).read_bytes() for name in names[below:]]


def remove(*names: str) -> None:
    """Remove all images with these names, which can contain wildcards."""
    filters = (f"--filter=reference={name}" for name in names)
    listed = run("docker", "images", "--quiet", *filters, check=False)
    if identifiers := listed.stdout.split():
        run("docker", "image", "rm", "--force", *set(identifiers), check=False)


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
                # Another program can have taken the port, so that this one has ended.
                if self.process.poll() is None:
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

    def tags(self, name: str) -> list[str]:
        """Return the tags of an image in the registry."""
        with urlopen(f"http://{self.address}/v2/{name}/tags/list") as response:
            return list(json.load(response)["tags"])
