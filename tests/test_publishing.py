"""A push publishes the image: what the workflow's steps do, done here.

The steps' scripts are run as they stand, and for the step of docker/bake-action, the
command that it would run.  GitHub is played by environment variables, and both
registries by one on loopback.  What this leaves out is said where it is left out.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests import ROOT, run
from tests.engine import TAGS, Registry

WORKFLOW = yaml.safe_load(
    (
        ROOT / "{{cookiecutter.project_slug}}" / ".github" / "workflows" / "docker.yml"
    ).read_text("utf-8")
)
# GitHub's name for the repository, with a capital that no image's name may have.
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
    """Return a step of the workflow, by its name."""
    (found,) = (
        step for step in WORKFLOW["jobs"][job]["steps"] if step.get("name") == name
    )
    return dict(found)


def assignments(path: Path) -> dict[str, str]:
    """Return what a step wrote into one of GitHub's files."""
    return dict(line.split("=", maxsplit=1) for line in path.read_text().splitlines())


def run_script(
    job: str, name: str, project: Path, env: Mapping[str, str], folder: Path
) -> Result:
    """Run a step's script in a project, with the shell that GitHub takes."""
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
    return Result(
        result.returncode,
        result.stdout,
        *(assignments(path) for path in files.values()),
    )


def bake_command(job: str, name: str) -> list[str]:
    """Return the command that a step of docker/bake-action runs.

    It lacks --pull: there is no registry to pull the base image from.
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
    ref: str = "main",
    docker_hub: str = "true",
    public: str = "true",
) -> Result:
    """Run the step that chooses names, for a push of a branch or a tag.

    In place of GitHub's command line, a script says whether the repository is public.
    """
    gh = folder / "gh"
    gh.write_text(f"#!/bin/sh\necho {public}\n")
    gh.chmod(0o755)
    return run_script(
        *("publish", "Name the image", repository),
        {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "DOCKER_HUB": docker_hub,
            "DOCKERHUB_USERNAME": "janedoe" if docker_hub == "true" else "",
            "GITHUB_REF_NAME": ref,
            "GITHUB_REF_TYPE": "branch" if ref == "main" else "tag",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        },
        folder,
    )


def test_without_a_token_github_s_registry_serves_and_a_notice_says_so(
    repository: Path, tmp_path: Path
) -> None:
    """The first push of a new project is green."""
    result = name_the_image(repository, tmp_path, docker_hub="false")
    assert result.status == 0
    assert result.variables["IMAGES"] == "ghcr.io/jane-doe/hypermodern-python"
    assert result.stdout.startswith("::notice title=Not pushed to Docker Hub::")
    assert "DOCKERHUB_USERNAME" in result.stdout
    assert "DOCKERHUB_TOKEN" in result.stdout


def test_with_a_token_docker_hub_comes_first(repository: Path, tmp_path: Path) -> None:
    """The commit and its time go into the image, too."""
    result = name_the_image(repository, tmp_path)
    assert result.variables == {
        "IMAGES": "docker.io/janedoe/hypermodern-python "
        "ghcr.io/jane-doe/hypermodern-python",
        "VERSION": "",
        "REVISION": "0123456789abcdef0123456789abcdef01234567",
        "SOURCE_DATE_EPOCH": run(
            *("git", "log", "-1", "--format=%ct"), cwd=repository
        ).stdout.strip(),
    }
    assert result.outputs == {
        "ghcr": "ghcr.io/jane-doe/hypermodern-python",
        "hub": "janedoe/hypermodern-python",
        "sign": "true",
    }


@pytest.mark.parametrize("secret", ["DOCKERHUB_TOKEN", "github.token"])
def test_a_pull_request_sees_no_secret(secret: str) -> None:
    """Its job can read the repository, and nothing else."""
    jobs = WORKFLOW["jobs"]
    assert secret in json.dumps(jobs["publish"])
    assert secret not in json.dumps(jobs["test"])
    assert jobs["test"]["permissions"] == {"contents": "read"}
    assert WORKFLOW["permissions"] == {}


def test_nothing_is_published_that_was_not_tested() -> None:
    """Nor from any other branch, whoever starts the workflow."""
    publish = WORKFLOW["jobs"]["publish"]
    assert publish["needs"] == "test"
    assert publish["if"] == (
        "github.ref == 'refs/heads/main' || startsWith(github.ref, 'refs/tags/v')"
    )


def test_a_step_for_docker_hub_waits_for_its_token() -> None:
    """Each that names the secret, or the name made with it, has the condition."""
    steps = [
        step
        for step in WORKFLOW["jobs"]["publish"]["steps"]
        if re.search(r"secrets\.DOCKERHUB|outputs\.hub", json.dumps(step))
    ]
    assert len(steps) == 3
    assert all("env.DOCKER_HUB == 'true'" in step["if"] for step in steps)


def test_a_private_repository_s_image_is_not_signed(
    repository: Path, tmp_path: Path
) -> None:
    """GitHub signs for it on an enterprise plan only, and its workflow stays green."""
    result = name_the_image(repository, tmp_path, public="false")
    assert (result.status, result.outputs["sign"]) == (0, "false")
    steps = [
        step
        for step in WORKFLOW["jobs"]["publish"]["steps"]
        if step.get("uses", "").startswith("actions/attest@")
    ]
    assert len(steps) == 2
    assert all("steps.image.outputs.sign == 'true'" in step["if"] for step in steps)


def test_nothing_is_taken_from_an_event_that_a_schedule_lacks() -> None:
    """On a schedule, GitHub tells nothing of the repository but its name."""
    for job in WORKFLOW["jobs"].values():
        for step in job["steps"]:
            assert "github.event.repository" not in json.dumps(step) or (
                "github.event_name != 'schedule'" in step["if"]
            )


def test_a_tag_that_is_not_the_version_is_refused(
    repository: Path, tmp_path: Path
) -> None:
    """An image called 9.9.9 never holds the program 0.1.0."""
    result = name_the_image(repository, tmp_path, ref="v9.9.9")
    assert result.status == 1
    assert result.stdout.startswith("::error::The tag is v9.9.9, but ")


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
def test_a_version_makes_its_tags(project: Path, version: str, tags: list[str]) -> None:
    """A pre-release is nobody's latest."""
    names = ["docker.io/janedoe/splines", "ghcr.io/jane-doe/splines"]
    definition = json.loads(
        run(
            *("docker", "buildx", "bake", "--print", "release"),
            cwd=project,
            env=os.environ | {"IMAGES": " ".join(names), "VERSION": version},
        ).stdout
    )
    assert definition["target"]["release"]["tags"] == [
        f"{name}:{tag}" for name in names for tag in tags
    ]


@pytest.mark.engine
def test_a_pull_request_builds_and_runs_the_image(
    repository: Path, tmp_path: Path
) -> None:
    """The script tells a wrong output from the right one by its status."""
    run(*bake_command("test", "Build the image"), cwd=repository)
    run("docker", "tag", "image", f"{TAGS}-image")
    result = run_script("test", "Run it, allowed nothing", repository, {}, tmp_path)
    assert result.status == 0


@pytest.fixture(scope="session")
def scanner() -> str:
    """Return an image that plays the one BuildKit takes to list what an image holds.

    That one is in a registry.  This one lists the files in the root folder.
    """
    tag = f"{TAGS}-scanner"
    script = """\
import json, os, pathlib
files = os.listdir(os.environ["BUILDKIT_SCAN_SOURCE"])
statement = {"predicateType": "https://spdx.dev/Document", "predicate": {"files": files}}
folder = pathlib.Path(os.environ["BUILDKIT_SCAN_DESTINATION"])
(folder / "sbom.spdx.json").write_text(json.dumps(statement))
"""
    dockerfile = (
        f"FROM python:3.14-slim\nENTRYPOINT {json.dumps(['python', '-c', script])}\n"
    )
    run("docker", "build", f"--tag={tag}", "-", stdin=dockerfile)
    return tag


class Published(NamedTuple):
    """Images that one push brought into a registry."""

    image: str
    tags: set[str]
    digest: str
    manifests: list[dict[str, Any]]


def fetch(address: str, name: str, reference: str, media_type: str) -> Any:  # noqa: ANN401
    """Return a JSON document from the registry."""
    kind = "manifests" if media_type in {INDEX, MANIFEST} else "blobs"
    request = urllib.request.Request(
        f"http://{address}/v2/{name}/{kind}/{reference}",
        headers={"Accept": media_type},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return json.load(response)


@pytest.fixture(scope="session", params=["main", "v0.1.0"])
def published(
    request: pytest.FixtureRequest,
    repository: Path,
    registry: Registry,
    scanner: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Published:
    """Publish from a branch or a tag, as the workflow does.

    Left out is arm64: it takes an emulator, and a base image for it.
    """
    status = run("docker", "info", "--format={{.DriverStatus}}").stdout
    assert "io.containerd.snapshotter" in status, (
        "the engine's store holds no image of several platforms; "
        "switch on its feature containerd-snapshotter"
    )
    folder = tmp_path_factory.mktemp("push")
    named = name_the_image(repository, folder, ref=request.param)
    images = [
        f"{registry.address}/{TAGS}-{name.split('.')[0]}-{request.param}"
        for name in named.variables["IMAGES"].split()
    ]
    metadata = folder / "metadata.json"
    run(
        *bake_command("publish", "Build and push the image"),
        f"--set=release.attest=type=sbom,generator={scanner}",
        *(f"--set=release.platform={platform}" for platform in PLATFORMS),
        f"--metadata-file={metadata}",
        cwd=repository,
        env={**os.environ, **named.variables, "IMAGES": " ".join(images)},
    )
    _, image = images
    name = image.removeprefix(f"{registry.address}/")
    digest = json.loads(metadata.read_text())["release"]["containerimage.digest"]
    with urllib.request.urlopen(
        f"http://{registry.address}/v2/{name}/tags/list"
    ) as response:
        tags = set(json.load(response)["tags"])
    index = fetch(registry.address, name, digest, INDEX)
    return Published(image, tags, digest, index["manifests"])


@pytest.mark.engine
def test_a_push_brings_its_tags(published: Published) -> None:
    """Of main it is edge; of a release, the version, its series, and latest."""
    expected = {"0.1.0", "0.1", "latest"} if "v0.1.0" in published.image else {"edge"}
    assert published.tags == expected


@pytest.mark.engine
def test_a_tag_is_an_index_of_platforms_and_what_attests_them(
    published: Published, registry: Registry
) -> None:
    """From what, and how, each of the images was built; and what it holds."""
    attestations = [
        manifest
        for manifest in published.manifests
        if "vnd.docker.reference.digest" in manifest.get("annotations", {})
    ]
    images = [
        manifest for manifest in published.manifests if manifest not in attestations
    ]
    assert [
        "/".join(
            filter(None, map(image["platform"].get, ("os", "architecture", "variant")))
        )
        for image in images
    ] == PLATFORMS
    assert [
        attestation["annotations"]["vnd.docker.reference.digest"]
        for attestation in attestations
    ] == [image["digest"] for image in images]
    name = published.image.removeprefix(f"{registry.address}/")
    for attestation in attestations:
        manifest = fetch(registry.address, name, attestation["digest"], MANIFEST)
        statements = {
            layer["annotations"]["in-toto.io/predicate-type"]: json.dumps(
                fetch(registry.address, name, layer["digest"], layer["mediaType"])
            )
            for layer in manifest["layers"]
        }
        provenance, materials = map(statements.get, sorted(statements))
        assert materials
        assert '"venv"' in materials
        assert provenance
        # At most detail, it holds the Dockerfile.
        assert '"filename": "Dockerfile"' in provenance


@pytest.mark.engine
def test_the_image_is_as_old_as_its_commit(
    published: Published, repository: Path, registry: Registry
) -> None:
    """Wherever and whenever it is built."""
    name = published.image.removeprefix(f"{registry.address}/")
    (first, *_) = published.manifests
    manifest = fetch(registry.address, name, first["digest"], MANIFEST)
    config = manifest["config"]
    created = fetch(registry.address, name, config["digest"], config["mediaType"])[
        "created"
    ]
    committed = run(
        *("git", "log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"),
        cwd=repository,
        env=os.environ | {"TZ": "UTC"},
    )
    assert created == committed.stdout.strip()


@pytest.mark.engine
def test_the_image_is_pulled_back_and_run(published: Published) -> None:
    """By the digest in the workflow, by a tag as its users do."""
    script = step("publish", "Pull it and run it")["run"]
    assert "linux/arm64" in script
    result = subprocess.run(
        ["bash", "-e", "-c", script.replace(" linux/arm64", "")],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env=os.environ | {"IMAGE": published.image, "DIGEST": published.digest},
    )
    assert result.stdout == "Reticulating spline 1...\n"
    for tag in published.tags:
        image = f"{published.image}:{tag}"
        result = run("docker", "run", "--rm", "--pull=always", image, "--count=1")
        assert result.stdout == "Reticulating spline 1...\n"
