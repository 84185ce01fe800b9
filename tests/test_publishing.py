"""A push publishes the image. These tests run the workflow's scripts and bake commands.

Environment variables replace GitHub, and a local registry replaces both registries.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml
from jinja2 import Template

from benchmarks.images import Registry
from tests import PROJECT, commit, run
from tests.answers import DEFAULTS
from tests.conftest import Fake
from tests.images import TAGS


def read_workflow(name: str) -> dict[str, Any]:
    """Return a workflow of the generated project."""
    text = (PROJECT / ".github" / "workflows" / name).read_text("utf-8")
    rendered = Template(text).render(cookiecutter=DEFAULTS)
    workflow: dict[str, Any] = yaml.safe_load(rendered)
    return workflow


WORKFLOW = read_workflow("docker.yml")
JOBS = WORKFLOW["jobs"]
RELEASE = read_workflow("release.yml")["jobs"]
NOTES = "Take the notes from CHANGELOG.md"
# GitHub's name for the repository has a capital, which an image name may not have.
REPOSITORY = "Jane-Doe/hypermodern-python"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# Two platforms that any amd64 machine runs without emulation.
PLATFORMS = ["linux/amd64", "linux/amd64/v3"]


def step(job: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a step of a job by its name."""
    (found,) = (step for step in job["steps"] if step.get("name") == name)
    return dict(found)


def run_script(
    job: Mapping[str, Any],
    name: str,
    project: Path,
    env: Mapping[str, str],
    check: bool = True,
) -> CompletedProcess[str]:
    """Run a step's script in a project, in the shell that GitHub uses."""
    return run(
        *("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"),
        step(job, name)["run"],
        check=check,
        cwd=project,
        env={**os.environ, **env},
    )


def bake_command(job: Mapping[str, Any], name: str) -> list[str]:
    """Return the command that a step of docker/bake-action runs.

    The command lacks --pull, because no registry has the base image here.
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
    commit(repository)
    return repository


def github(ref: str = "main", docker_hub: str = "janedoe") -> dict[str, str]:
    """Return the variables that GitHub and the workflow set for a push."""
    return {
        "DOCKERHUB_USERNAME": docker_hub,
        "GITHUB_REF_NAME": ref,
        "GITHUB_REF_TYPE": "branch" if ref == "main" else "tag",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
    }


def print_release(project: Path, **env: str) -> dict[str, Any]:
    """Return the target that bake would publish with these environment variables."""
    command = ("docker", "buildx", "bake", "--print", "release")
    ours = {n: v for n, v in os.environ.items() if not n.startswith("GITHUB_")}
    output = run(*command, cwd=project, env=ours | env).stdout
    target: dict[str, Any] = json.loads(output)["target"]["release"]
    return target


GHCR, HUB = (
    "ghcr.io/jane-doe/hypermodern-python",
    "docker.io/janedoe/hypermodern-python",
)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({}, ["docker.io/yourname/hypermodern-python"]),
        (github(docker_hub=""), [GHCR]),
        (github(), [HUB, GHCR]),
        ({**github(), "IMAGES": "example.com/splines"}, ["example.com/splines"]),
    ],
    ids=["no GitHub", "no Docker Hub", "both", "other names"],
)
def test_bake_names_the_image(
    project: Path, env: dict[str, str], names: list[str]
) -> None:
    """The first push of a new project works without a user name for Docker Hub."""
    target = print_release(project, **env)
    assert target["tags"] == [f"{name}:edge" for name in names]
    revision = target["labels"]["org.opencontainers.image.revision"]
    assert revision == env.get("GITHUB_SHA", "")


def test_a_tag_must_match_the_version(project: Path) -> None:
    """Otherwise, an image with the tag 9.9.9 could contain version 0.1.0."""
    name = "Compare the tag with the version in pyproject.toml"
    assert step(JOBS["publish"], name)["if"] == "github.ref_type == 'tag'"
    run_script(JOBS["publish"], name, project, github("v0.1.0"))
    result = run_script(JOBS["publish"], name, project, github("v9.9.9"), check=False)
    assert result.returncode == 1
    assert result.stdout == (
        "::error::The tag is v9.9.9, but pyproject.toml has another version.\n"
    )


@pytest.mark.parametrize(
    ("version", "notes", "options"),
    [
        ("0.10", "\nTen.\n\n", ""),
        ("0.2rc1", "\nNearly two.\n\n", "--prerelease "),
        ("0.1", "\nOne.\n", ""),
    ],
)
def test_a_release_has_the_notes_of_its_version(
    version: str, notes: str, options: str, tmp_path: Path, fake: Fake
) -> None:
    """The notes are a section of the changelog."""
    changelog = "## 0.10\n\nTen.\n\n## 0.2rc1\n\nNearly two.\n\n## 0.1\n\nOne.\n"
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{changelog}")
    fake("gh", 'echo "$*" && cat notes.md')
    env = github(f"v{version}")
    run_script(RELEASE["build"], NOTES, tmp_path, env)
    created = run_script(
        RELEASE["release"], "Create it with the notes", tmp_path, env
    ).stdout
    command = f"release create v{version} {options}--verify-tag --notes-file=notes.md"
    assert created == f"{command}\n{notes}"


@pytest.mark.parametrize("changelog", ["", "## 0.3.0\n\n## 0.2.0\n\nNew.\n"])
def test_a_release_without_notes_fails(changelog: str, tmp_path: Path) -> None:
    """The build fails before anything is published."""
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    result = run_script(
        RELEASE["build"], NOTES, tmp_path, github("v0.3.0"), check=False
    )
    assert result.returncode == 1
    assert result.stdout == (
        "::error::CHANGELOG.md has no text under the heading ## 0.3.0.\n"
    )
    assert RELEASE["release"]["needs"] == "build"
    assert RELEASE["publish"]["needs"] == ["build", "release"]


def test_only_the_last_job_can_publish_the_package() -> None:
    """The job that builds the package can only read the repository."""
    permissions = {name: job["permissions"] for name, job in RELEASE.items()}
    assert permissions == {
        "build": {"contents": "read"},
        "release": {"contents": "write"},
        "publish": {"id-token": "write"},
    }
    assert RELEASE["publish"]["if"] == "vars.TRUSTED_PUBLISHING == 'true'"


def test_only_images_of_public_repositories_are_signed() -> None:
    """GitHub signs for private repositories only with an enterprise plan."""
    (sign,) = (
        step
        for step in JOBS["publish"]["steps"]
        if "actions/attest@" in step.get("uses", "")
    )
    assert sign["if"] == "${{ !github.event.repository.private }}"


def test_a_pull_request_has_no_access_to_secrets() -> None:
    """The job `test` can only read the repository, and `publish` requires it."""
    jobs = JOBS
    for secret in ("DOCKERHUB_TOKEN", "github.token"):
        assert secret in json.dumps(jobs["publish"])
        assert secret not in json.dumps(jobs["test"])
    assert jobs["test"]["permissions"] == {"contents": "read"}
    assert WORKFLOW["permissions"] == {}
    assert jobs["publish"]["needs"] == "test"
    assert jobs["publish"]["if"] == (
        "github.ref == 'refs/heads/main' || startsWith(github.ref, 'refs/tags/v')"
    )


def test_steps_for_docker_hub_require_its_user_name() -> None:
    """Without the variable, the workflow sends nothing to Docker Hub."""
    steps = JOBS["publish"]["steps"]
    found = [step for step in steps if "secrets.DOCKERHUB" in json.dumps(step)]
    assert len(found) == 2
    assert all("env.DOCKERHUB_USERNAME != ''" in step["if"] for step in found)
    assert (
        "secrets.DOCKERHUB_TOKEN != ''" in JOBS["publish"]["env"]["DOCKERHUB_USERNAME"]
    )


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
def test_tags_of_a_version(project: Path, version: str, tags: list[str]) -> None:
    """A pre-release has only the tag with its full version."""
    env = github(f"v{version}") if version else github()
    expected = [f"{name}:{tag}" for name in (HUB, GHCR) for tag in tags]
    assert print_release(project, **env)["tags"] == expected


@pytest.mark.engine
def test_a_pull_request_builds_and_runs_the_image(repository: Path) -> None:
    """The script works for any program: it only prints the version."""
    run(*bake_command(JOBS["test"], "Build the image"), cwd=repository)
    run("docker", "tag", "image", f"{TAGS}-image")
    result = run_script(JOBS["test"], "Run it without privileges", repository, {})
    assert result.stdout == "hypermodern-python, version 0.1.0\n"


@pytest.fixture(scope="session")
def scanner() -> str:
    """Return an image that writes a bill of materials: a list of an image's files.

    By default, BuildKit would pull its scanner from a registry.
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
def test_a_push_publishes_the_image(
    ref: str,
    tags: set[str],
    repository: Path,
    registry: Registry,
    scanner: str,
    tmp_path: Path,
) -> None:
    """The image has its tags, platforms, attestations and time, and its program runs.

    Only arm64 is not tested, because it needs an emulator and a base image.
    """
    status = run("docker", "info", "--format={{.DriverStatus}}").stdout
    assert "io.containerd.snapshotter" in status, "switch on containerd-snapshotter"
    images = [f"{registry.address}/{TAGS}-{name}-{ref}" for name in ("hub", "ghcr")]
    variables = tmp_path / "variables"
    env = {"GITHUB_ENV": str(variables)}
    run_script(JOBS["publish"], "Set the image's time to the commit's", repository, env)
    name, _, time = variables.read_text().strip().partition("=")
    metadata = tmp_path / "metadata.json"
    run(
        *bake_command(JOBS["publish"], "Build and push the image"),
        f"--set=release.attest=type=sbom,generator={scanner}",
        *(f"--set=release.platform={platform}" for platform in PLATFORMS),
        f"--metadata-file={metadata}",
        cwd=repository,
        env={**os.environ, **github(ref), name: time, "IMAGES": " ".join(images)},
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
        # In mode=max, the provenance contains the Dockerfile.
        assert '"filename": "Dockerfile"' in str(provenance)

    manifest = registry.fetch(f"{name}/manifests/{of_images[0]['digest']}", MANIFEST)
    config = registry.fetch(f"{name}/blobs/{manifest['config']['digest']}")
    command = ("git", "log", "-1", "--date=format-local:%FT%TZ", "--format=%cd")
    committed = run(*command, cwd=repository, env=os.environ | {"TZ": "UTC"})
    assert config["created"] == committed.stdout.strip()

    script = step(JOBS["publish"], "Pull it and run it")["run"]
    assert "linux/arm64" in script
    ours = script.replace(" linux/arm64", "").replace(
        "ghcr.io/${GITHUB_REPOSITORY,,}", image
    )
    assert image in ours
    result = run("bash", "-e", "-c", ours, env=os.environ | {"DIGEST": digest})
    assert result.stdout == "hypermodern-python, version 0.1.0\n"
    pulled = ("docker", "run", "--rm", "--pull=always", f"{image}:{min(tags)}")
    assert run(*pulled, "--count=1").stdout == "Reticulating spline 1...\n"
