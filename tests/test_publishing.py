"""A push publishes the image. The workflow's scripts and bake commands are run here.

Environment variables play GitHub, and a registry on loopback plays both registries.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from benchmarks.images import Registry
from tests import PROJECT, run
from tests.conftest import Fake
from tests.engine import TAGS

TEXT = (PROJECT / ".github" / "workflows" / "docker.yml").read_text("utf-8")
WORKFLOW = yaml.safe_load(re.sub(r"\{%-? \w+ -?%\}", "", TEXT))
# GitHub's name for the repository has a capital, which an image name may not have.
REPOSITORY = "Jane-Doe/hypermodern-python"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# Two platforms that any amd64 machine runs without emulation.
PLATFORMS = ["linux/amd64", "linux/amd64/v3"]


class Result(NamedTuple):
    """What a step did: its status and output, the variables and outputs it set."""

    status: int
    stdout: str
    variables: dict[str, str]
    outputs: dict[str, str]


def step(job: str, name: str) -> dict[str, Any]:
    """Return a step of the workflow by its name."""
    steps = WORKFLOW["jobs"][job]["steps"]
    (found,) = (step for step in steps if step.get("name") == name)
    return dict(found)


def run_script(
    job: str, name: str, project: Path, env: Mapping[str, str], folder: Path
) -> Result:
    """Run a step's script in a project, in the shell that GitHub uses."""
    files = {name: folder / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
    for path in files.values():
        path.write_text("")
    result = run(
        *("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"),
        step(job, name)["run"],
        check=False,
        cwd=project,
        env={**os.environ, **env, **{name: str(path) for name, path in files.items()}},
    )
    variables, outputs = (
        dict(line.split("=", maxsplit=1) for line in path.read_text().splitlines())
        for path in files.values()
    )
    return Result(result.returncode, result.stdout, variables, outputs)


def bake_command(job: str, name: str) -> list[str]:
    """Return the command that a step of docker/bake-action runs.

    It lacks --pull, since no registry has the base image here.
    """
    inputs = step(job, name)["with"]
    assert inputs.keys() <= {"source", "targets", "set", "pull", "push"}
    assert inputs["source"] == "."
    return [
        *("docker", "buildx", "bake"),
        *(["--push"] if inputs.get("push") else []),
        *(f"--set={override}" for override in inputs.get("set", "").split()),
        *inputs.get("targets", "").split(),
    ]


@pytest.fixture(scope="session")
def repository(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with its first commit."""
    repository = tmp_path_factory.mktemp("repository") / project.name
    shutil.copytree(project, repository)
    git = ["git", "-c", "user.name=Jane", "-c", "user.email=jane@example.com"]
    run(*git, "init", "--quiet", "--initial-branch=main", cwd=repository)
    run(*git, "add", ".", cwd=repository)
    run(*git, "commit", "--quiet", "--message=Start", cwd=repository)
    return repository


def name_the_image(
    repository: Path,
    folder: Path,
    fake: Fake,
    ref: str = "main",
    docker_hub: str = "true",
    public: str = "true",
) -> Result:
    """Run the step that chooses names, for a push of a branch or a tag.

    A script plays GitHub's command, which is asked whether the repository is public.
    """
    fake("gh", f"echo {public}")
    env = {
        "DOCKER_HUB": docker_hub,
        "DOCKERHUB_USERNAME": "janedoe" if docker_hub == "true" else "",
        "GITHUB_REF_NAME": ref,
        "GITHUB_REF_TYPE": "branch" if ref == "main" else "tag",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
    }
    return run_script("publish", "Name the image", repository, env, folder)


def test_without_a_token_the_image_goes_to_github_only(
    repository: Path, tmp_path: Path, fake: Fake
) -> None:
    """The first push of a new project passes, and a notice says what to set."""
    result = name_the_image(repository, tmp_path, fake, docker_hub="false")
    assert result.status == 0
    assert result.variables["IMAGES"] == "ghcr.io/jane-doe/hypermodern-python"
    assert result.stdout.startswith("::notice title=Not pushed to Docker Hub::")
    assert "DOCKERHUB_USERNAME" in result.stdout
    assert "DOCKERHUB_TOKEN" in result.stdout


def test_with_a_token_docker_hub_comes_first(
    repository: Path, tmp_path: Path, fake: Fake
) -> None:
    """The commit and its time go into the image, too."""
    result = name_the_image(repository, tmp_path, fake)
    time = run("git", "log", "-1", "--format=%ct", cwd=repository).stdout.strip()
    hub, ghcr = "janedoe/hypermodern-python", "ghcr.io/jane-doe/hypermodern-python"
    assert result.variables == {
        "IMAGES": f"docker.io/{hub} {ghcr}",
        "VERSION": "",
        "REVISION": "0123456789abcdef0123456789abcdef01234567",
        "SOURCE_DATE_EPOCH": time,
    }
    assert result.outputs == {"ghcr": ghcr, "hub": hub, "sign": "true"}


def test_a_tag_must_be_the_version(
    repository: Path, tmp_path: Path, fake: Fake
) -> None:
    """No image called 9.9.9 holds the program 0.1.0."""
    result = name_the_image(repository, tmp_path, fake, ref="v9.9.9")
    assert result.status == 1
    assert result.stdout.startswith("::error::The tag is v9.9.9, but ")


def test_a_private_repository_is_not_signed(
    repository: Path, tmp_path: Path, fake: Fake
) -> None:
    """GitHub signs for it on an enterprise plan only, and its workflow passes."""
    result = name_the_image(repository, tmp_path, fake, public="false")
    assert (result.status, result.outputs["sign"]) == (0, "false")
    steps = WORKFLOW["jobs"]["publish"]["steps"]
    signing = [step for step in steps if "actions/attest@" in step.get("uses", "")]
    assert len(signing) == 2
    assert all("steps.image.outputs.sign == 'true'" in step["if"] for step in signing)


def test_a_pull_request_sees_no_secret() -> None:
    """Its job can only read the repository, and nothing untested is published."""
    jobs = WORKFLOW["jobs"]
    for secret in ("DOCKERHUB_TOKEN", "github.token"):
        assert secret in json.dumps(jobs["publish"])
        assert secret not in json.dumps(jobs["test"])
    assert jobs["test"]["permissions"] == {"contents": "read"}
    assert WORKFLOW["permissions"] == {}
    assert jobs["publish"]["needs"] == "test"
    assert jobs["publish"]["if"] == (
        "github.ref == 'refs/heads/main' || startsWith(github.ref, 'refs/tags/v')"
    )


def test_every_step_for_docker_hub_needs_its_token() -> None:
    """Also those that use a name made from the variable; a schedule lacks an event."""
    steps = WORKFLOW["jobs"]["publish"]["steps"]
    for_hub = re.compile(r"secrets\.DOCKERHUB|outputs\.hub")
    found = [step for step in steps if for_hub.search(json.dumps(step))]
    assert len(found) == 3
    assert all("env.DOCKER_HUB == 'true'" in step["if"] for step in found)
    for step in steps:
        if "github.event.repository" in json.dumps(step):
            assert "github.event_name != 'schedule'" in step["if"]


@pytest.mark.engine
@pytest.mark.parametrize(
    ("version", "tags"),
    [
        ("", ["edge"]),
        ("1.2.3", ["1.2.3", "1.2", "latest"]),
        ("2026.11", ["2026.11", "latest"]),
        ("3", ["3", "latest"]),
        ("1.2.post4", ["1.2.post4", "1.2", "latest"]),
        ("1.2.3rc1", ["1.2.3rc1"]),
        ("1.2.dev4", ["1.2.dev4"]),
    ],
)
def test_a_version_has_its_tags(project: Path, version: str, tags: list[str]) -> None:
    """A pre-release has only its own."""
    names = ["docker.io/janedoe/splines", "ghcr.io/jane-doe/splines"]
    env = os.environ | {"IMAGES": " ".join(names), "VERSION": version}
    command = ("docker", "buildx", "bake", "--print", "release")
    targets = json.loads(run(*command, cwd=project, env=env).stdout)["target"]
    expected = [f"{name}:{tag}" for name in names for tag in tags]
    assert targets["release"]["tags"] == expected


@pytest.mark.engine
def test_a_pull_request_builds_and_runs_the_image(
    repository: Path, tmp_path: Path
) -> None:
    """The script prints the version, whatever program the image holds."""
    run(*bake_command("test", "Build the image"), cwd=repository)
    run("docker", "tag", "image", f"{TAGS}-image")
    result = run_script("test", "Run it without rights", repository, {}, tmp_path)
    assert (result.status, result.stdout) == (0, "hypermodern-python, version 0.1.0\n")


@pytest.fixture(scope="session")
def scanner() -> str:
    """Return an image that lists the files in an image, for the bill of materials.

    BuildKit would pull its own from a registry.
    """
    tag = f"{TAGS}-scanner"
    script = """\
import json, os, pathlib
files = os.listdir(os.environ["BUILDKIT_SCAN_SOURCE"])
statement = {"predicateType": "https://spdx.dev/Document", "predicate": {"files": files}}
folder = pathlib.Path(os.environ["BUILDKIT_SCAN_DESTINATION"])
(folder / "sbom.spdx.json").write_text(json.dumps(statement))
"""
    entrypoint = json.dumps(["python", "-c", script])
    dockerfile = f"FROM python:3.14-slim\nENTRYPOINT {entrypoint}\n"
    run("docker", "build", f"--tag={tag}", "-", stdin=dockerfile)
    return tag


@pytest.mark.engine
@pytest.mark.parametrize(
    ("ref", "tags"), [("main", {"edge"}), ("v0.1.0", {"0.1.0", "0.1", "latest"})]
)
def test_a_push_publishes_what_it_should(
    ref: str,
    tags: set[str],
    repository: Path,
    registry: Registry,
    scanner: str,
    tmp_path: Path,
    fake: Fake,
) -> None:
    """Its tags, two platforms with what attests them, as old as the commit, and it runs.

    Only arm64 is left out: it needs an emulator, and a base image.
    """
    status = run("docker", "info", "--format={{.DriverStatus}}").stdout
    assert "io.containerd.snapshotter" in status, "switch on containerd-snapshotter"
    named = name_the_image(repository, tmp_path, fake, ref=ref)
    names = [name.replace("/", "-") for name in named.variables["IMAGES"].split()]
    images = [f"{registry.address}/{TAGS}-{name}-{ref}" for name in names]
    metadata = tmp_path / "metadata.json"
    run(
        *bake_command("publish", "Build and push the image"),
        f"--set=release.attest=type=sbom,generator={scanner}",
        *(f"--set=release.platform={platform}" for platform in PLATFORMS),
        f"--metadata-file={metadata}",
        cwd=repository,
        env={**os.environ, **named.variables, "IMAGES": " ".join(images)},
    )
    image = images[-1]
    name = image.partition("/")[2]
    assert set(registry.fetch(f"{name}/tags/list")["tags"]) == tags
    digest = json.loads(metadata.read_text())["release"]["containerimage.digest"]

    key = "vnd.docker.reference.digest"
    manifests = registry.fetch(f"{name}/manifests/{digest}", INDEX)["manifests"]
    of_images = [m for m in manifests if key not in m.get("annotations", {})]
    of_attestations = [m for m in manifests if m not in of_images]
    parts = ("os", "architecture", "variant")
    platforms = [m["platform"] for m in of_images]
    assert ["/".join(filter(None, map(p.get, parts))) for p in platforms] == PLATFORMS
    attested = [m["annotations"][key] for m in of_attestations]
    assert attested == [m["digest"] for m in of_images]
    for attestation in of_attestations:
        manifest = registry.fetch(f"{name}/manifests/{attestation['digest']}", MANIFEST)
        statements = {
            layer["annotations"]["in-toto.io/predicate-type"]: json.dumps(
                registry.fetch(f"{name}/blobs/{layer['digest']}")
            )
            for layer in manifest["layers"]
        }
        provenance, materials = map(statements.get, sorted(statements))
        assert '"venv"' in str(materials)
        # At most detail, it has the Dockerfile.
        assert '"filename": "Dockerfile"' in str(provenance)

    manifest = registry.fetch(f"{name}/manifests/{of_images[0]['digest']}", MANIFEST)
    config = registry.fetch(f"{name}/blobs/{manifest['config']['digest']}")
    command = ("git", "log", "-1", "--date=format-local:%FT%TZ", "--format=%cd")
    committed = run(*command, cwd=repository, env=os.environ | {"TZ": "UTC"})
    assert config["created"] == committed.stdout.strip()

    script = step("publish", "Pull it and run it")["run"]
    assert "linux/arm64" in script
    env = os.environ | {"IMAGE": image, "DIGEST": digest}
    result = run("bash", "-e", "-c", script.replace(" linux/arm64", ""), env=env)
    assert result.stdout == "hypermodern-python, version 0.1.0\n"
    pulled = ("docker", "run", "--rm", "--pull=always", f"{image}:{min(tags)}")
    assert run(*pulled, "--count=1").stdout == "Reticulating spline 1...\n"
