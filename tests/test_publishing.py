"""The workflows test and publish what they should, and nothing else.

act runs them. Stubs replace the actions, and a local registry replaces both registries.
"""

import json
import os
import re
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

import adopt
from tests import ROOT, TAGS, commit, copy_template, edit
from tests.conftest import Fake
from tests.workflows import PROGRAMS, act
from tools.images import Registry, base_of, run

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("jq"),
    reason="the workflows need GNU's programs and jq, as on GitHub's runners; CI has them",
)
# An engine that publishes nothing, and prints its options. Containers fail if $CRASH is set.
# The registry has the images of all releases, or of those in $PUBLISHED.
DOCKER = """
case "$*" in
"buildx bake "*) echo '{"release": {"containerimage.digest": "sha256:0"}}' > metadata.json ;;
"buildx imagetools inspect --raw "*)
  echo '{"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}]}' ;;
"buildx imagetools inspect "*@*) ;;
"buildx imagetools inspect "*)
  case " ${PUBLISHED-$RELEASES} " in
  *" v${4##*:} "*) ;;
  *) echo "ERROR: $4: ${OUTAGE:-not found}" && exit 1 ;;
  esac ;;
"run "*) [ -z "$CRASH" ] ;;
*) echo "$@" ;;
esac"""


def create_repository(folder: Path, name: str) -> None:
    """Run `git init`. GitHub's name for the repository has capitals, unlike images."""
    run("git", "init", "--initial-branch=main", cwd=folder)
    address = f"https://github.com/Jane-Doe/{name}"
    run("git", "remote", "add", "origin", address, cwd=folder)


def release(project: Path, version: str, notes: str) -> str:
    """Commit a version with its notes, tag it, and return the commit."""
    edit(project / "pyproject.toml", "(?m)^version = .*", f'version = "{version}"')
    with (project / "CHANGELOG.md").open("a") as changelog:
        changelog.write(f"\n## {version}\n\n{notes}\n")
    committed = commit(project)
    run("git", "tag", f"v{version}", cwd=project)
    return committed


@pytest.fixture(scope="session")
def history(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with two branches, good releases, and tags to refuse."""
    folder = tmp_path_factory.mktemp("history") / project.name
    shutil.copytree(project, folder)
    (folder / "CHANGELOG.md").write_text("# Changelog\n")
    create_repository(folder, "hypermodern-python")
    for version in ("0.1", "0.2.0", "0.10.0rc1", "0.10.0", "0.10.1.post1", "0.1.1"):
        release(folder, version, f"What is new in v{version}.")
    release(folder, "0.3.0", " \n\t\n\n## 0.0.1\n\nNot this.")
    run("git", "tag", "v9.9.9", cwd=folder)
    commit(folder)
    run("git", "branch", "other", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def application(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the repository with the workflow of an adopted application without tests."""
    folder = tmp_path_factory.mktemp("application") / history.name
    shutil.copytree(history, folder)
    name = ".github/workflows/release.yml"
    (folder / name).unlink()
    answers = {"project_slug": folder.name, "_image": {"application": ["."]}}
    adopt.write(folder, answers, {name: name})
    edit(folder / name, r"\n  tests:\n(    .*\n)+", "")
    edit(folder / name, r"\[check, tests\]", "check")
    return folder


@pytest.fixture
def runner(fake: Fake) -> None:
    """Put the programs of GitHub's runners on PATH."""
    for name, script in PROGRAMS.items():
        fake(name, script)


IMAGE = "check image scan"
RELEASE = f"tests {IMAGE} release"
ALL = {"RELEASES": "v0.1 v0.2.0 v0.10.0"}
ORGANIZATION = {"VAR_DOCKERHUB_USERNAME": "x", "VAR_DOCKERHUB_OIDC_CONNECTIONID": "y"}
INDEX = {"VAR_TRUSTED_PUBLISHING": "true"}
# The event, the branch or tag, the environment, the jobs that run, and the tags of the image.
EVENTS = {
    "pull request": ("pull_request", "main", {"SECRET_DOCKERHUB_TOKEN": "hunter2"}, "tests", ""),
    "push": ("push", "main", {}, f"tests {IMAGE}", "edge"),
    "push to another branch": ("push", "other", {}, "", ""),
    "failed check": ("push", "main", {"RED": "lint"}, "check !tests", ""),
    "private repository": ("push", "main", {"PRIVATE": "true"}, f"tests {IMAGE}", "edge"),
    "next release": ("push", "v0.10.0", {"RELEASES": "v0.2.0 v0.1 v0.9"}, RELEASE, "0.10.0 0.10 latest"),
    "post-release": ("push", "v0.10.1.post1", ALL, RELEASE, "0.10.1.post1 0.10 latest"),
    "maintenance release": ("push", "v0.1.1", ALL, RELEASE, "0.1.1 0.1"),
    "pre-release": ("push", "v0.10.0rc1", {"RELEASES": "v0.2.0"}, RELEASE, "0.10.0rc1"),
    "red release, created by hand": ("push", "v0.2.0", {"RED": "tests-3.13", "RELEASES": "v0.2.0"}, "check !tests", ""),
    "candidate that crashes": ("push", "v0.1", {"CRASH": "1"}, "tests check !image", ""),
    "vulnerability, and refused by Docker Hub": ("push", "v0.1", {"FINDING": "1", "VAR_DOCKERHUB_USERNAME": "x"}, "tests check image !scan release !docker-hub", "0.1 latest"),
    "organization on Docker Hub, and package index": ("push", "v0.1", {**ORGANIZATION, **INDEX}, f"{RELEASE} docker-hub package", "0.1 latest"),
    "application": ("push", "v0.1", {**INDEX, "APPLICATION": "1"}, f"{IMAGE} release", "0.1 latest"),
    "wrong version": ("push", "v9.9.9", {}, "!check", ""),
    "no notes": ("push", "v0.3.0", {}, "!check", ""),
    "Monday": ("schedule", "main", {**ALL, "RED": "lint"}, IMAGE, "0.10.0 0.10 latest"),
    "Monday before the first release": ("schedule", "main", {}, f"tests {IMAGE}", "edge"),
    "Monday after a release created by hand": ("schedule", "main", {**ALL, "PUBLISHED": "v0.1 v0.2.0"}, IMAGE, "0.2.0 0.2 latest"),
    "Monday after releases without an image": ("schedule", "main", {**ALL, "PUBLISHED": ""}, f"tests {IMAGE}", "edge"),
    "Monday with an outage of the registry": ("schedule", "main", {**ALL, "PUBLISHED": "", "OUTAGE": "503"}, "!check", ""),
    "manual start after the newest release was deleted": ("workflow_dispatch", "main", {"RELEASES": "v0.1 v0.2.0", "PUBLISHED": ALL["RELEASES"]}, IMAGE, "0.2.0 0.2 latest"),
    "manual start with an old release": ("workflow_dispatch", "v0.2.0", ALL, IMAGE, "0.2.0 0.2"),
    "manual start with a tag that was not released": ("workflow_dispatch", "v0.2.0", {}, f"tests {IMAGE}", "0.2.0 0.2 latest"),
    "manual start with a red release, created by hand": ("workflow_dispatch", "v0.2.0", {**ALL, "PUBLISHED": "", "RED": "lint"}, "check !tests", ""),
    "manual start with another branch": ("workflow_dispatch", "other", ALL, "", ""),
}  # fmt: skip
ERRORS = {
    "wrong version": "The tag is v9.9.9, but pyproject.toml has another version.",
    "no notes": "CHANGELOG.md has no text under the heading ## 0.3.0.",
}


@pytest.mark.usefixtures("runner")
@pytest.mark.parametrize("case", EVENTS)
def test_what_an_event_runs_and_publishes(
    case: str, history: Path, application: Path, fake: Fake
) -> None:
    """The tests, the version and the notes must be right before anything is published."""
    event, ref, env, jobs, tags = EVENTS[case]
    fake("docker", DOCKER)
    result = act(application if "APPLICATION" in env else history, event, ref, **env)
    assert result.jobs == set(jobs.split()), result
    image = "ghcr.io/jane-doe/hypermodern-python"
    assert set(re.findall(rf"--tag={image}:(\S+)", result.log)) == set(tags.split())
    if tags not in ("", "edge"):
        # A branch can have the name of a tag.
        assert f"actions/checkout REF=refs/tags/v{tags.split()[0]}\n" in result.log
    assert ERRORS.get(case, "") in result.log
    # GitHub signs images of private repositories only with an enterprise plan.
    signed = "image" in jobs.split() and "PRIVATE" not in env
    assert ("actions/attest SUBJECT_DIGEST=sha256:0\n" in result.log) == signed
    # act replaces secrets, and each GITHUB_TOKEN, by three asterisks.
    assert "***" not in result.log or event != "pull_request"
    if "release" in jobs:
        option = " --prerelease" if "rc" in ref else ""
        options = f"{ref}{option} --verify-tag --notes-file=notes.md\n"
        assert f"release create {options}" in result.log
        assert re.findall(r"What is new in v(.*)\.\n", result.log) == [ref[1:]]


def test_only_these_jobs_can_write(project: Path) -> None:
    """A pull request runs none of them. act does not enforce the permissions."""
    written = set()
    for path in project.glob(".github/workflows/*.yml"):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        for name, job in workflow["jobs"].items():
            permissions = job.get("permissions", workflow["permissions"]).items()
            written |= {
                f"{path.stem}: {name}: {p}"
                for p, level in permissions
                if level == "write"
            }
    assert written == {
        *(
            f"release: image: {what}"
            for what in ("attestations", "id-token", "packages")
        ),
        "release: docker-hub: id-token",
        "release: release: contents",
        "release: package: id-token",
    }


@pytest.mark.usefixtures("runner")
def test_workflows_of_the_template(tmp_path: Path) -> None:
    """A release needs its notes, and pushes the default project to another repository."""
    template = copy_template(tmp_path / "template")
    notes = "# Changelog\n\n## 2026.2.1\n\n \n\n## 2026.1.1\n\nWhat is new.\n"
    (template / "CHANGELOG.md").write_text(notes)
    create_repository(template, "template")
    commit(template)
    instance = tmp_path / "instance"
    run("git", "clone", "--bare", template, instance)
    for tag in ("2026.1.1", "2026.2.1"):
        run("git", "tag", tag, cwd=template)
    remote = "https://github.com/Jane-Doe/instance"
    env = {"VAR_INSTANCE_REPOSITORY": "Jane-Doe/instance", "GIT_CONFIG_COUNT": "1",
           "GIT_CONFIG_KEY_0": f"url.{instance}.insteadOf", "GIT_CONFIG_VALUE_0": remote}  # fmt: skip
    result = act(template, "push", "2026.2.1", **env)
    assert result.jobs == {"!release"}
    assert "CHANGELOG.md has no text under the heading ## 2026.2.1." in result.log
    result = act(template, "push", "2026.1.1", **env)
    assert result.jobs == {"release", "instance"}
    assert "release create 2026.1.1 --verify-tag" in result.log
    assert "\nWhat is new.\n" in result.log
    pushed = run("git", "show", "--name-only", "--format=%s", cwd=instance).stdout
    assert pushed.startswith("2026.1.1\n")
    assert "\nsrc/hypermodern_python/console.py\n" in pushed
    result = act(template, "pull_request", "main")
    assert result.jobs == {"tests"}
    # The test of publishing needs this image store.
    assert '{ "features": { "containerd-snapshotter": true } }' in result.log


# A bill of materials with the packages in the file /etc/packages.
SCANNER = """\
import json, os, pathlib
packages = pathlib.Path(os.environ["BUILDKIT_SCAN_SOURCE"], "etc/packages").read_text().split()
versions = [dict(zip(("name", "versionInfo"), package.split("="))) for package in packages]
statement = {"predicateType": "https://spdx.dev/Document", "predicate": {"packages": versions}}
folder = pathlib.Path(os.environ["BUILDKIT_SCAN_DESTINATION"])
(folder / "sbom.spdx.json").write_text(json.dumps(statement))
"""


def describe(image: str) -> list[Any]:
    """Return the index of an image, and the configuration and provenance for each platform."""
    parts = "[{{ json .Manifest }}, {{ json .Image }}, {{ json .Provenance }}]"
    inspect = ("docker", "buildx", "imagetools", "inspect", f"--format={parts}")
    described: list[Any] = json.loads(run(*inspect, image).stdout)
    return described


@pytest.mark.engine
@pytest.mark.longest
@pytest.mark.usefixtures("runner")
def test_a_release_is_published_renewed_and_verified(
    project: Path, tmp_path: Path, registry: Registry
) -> None:
    """The image has its platforms, attestations and time, and its program runs.

    Another platform replaces arm64, which needs an emulator and a base image.
    """
    status = run("docker", "info", "--format={{.DriverStatus}}").stdout
    if "io.containerd.snapshotter" not in status:
        pytest.skip("needs Docker's containerd image store; see Docker's documentation")
    base, scanner = f"{registry.address}/{TAGS}-base:1", f"{TAGS}-scanner"

    def build_base(packages: str) -> None:
        """Push a base image with these packages."""
        dockerfile = f"FROM {base_of(project)}\nRUN echo '{packages}' > /etc/packages\n"
        run("docker", "build", f"--tag={base}", "-", stdin=dockerfile)
        run("docker", "push", base)

    build_base("libc=1 libssl=1")
    entrypoint = json.dumps(["python", "-c", SCANNER])
    dockerfile = f"FROM {base_of(project)}\nENTRYPOINT {entrypoint}\n"
    run("docker", "build", f"--tag={scanner}", "-", stdin=dockerfile)

    folder = shutil.copytree(project, tmp_path / project.name)
    workflows = folder / ".github" / "workflows"
    for path, old, new in (
        (folder / "Dockerfile", f"FROM {base_of(project)} ", f"FROM {base} "),
        (folder / "docker-bake.hcl", "type=sbom", f"type=sbom,generator={scanner}"),
        (folder / "docker-bake.hcl", "linux/arm64", "linux/amd64/v3"),
        (workflows / "release.yml", "ghcr.io", registry.address),
        (workflows / "release.yml", "docker.io", f"{registry.address}/hub"),
        (workflows / "tests.yml", "(tags=| )image( --|\n)", rf"\1{TAGS}-image\2"),
    ):
        edit(path, old, new)
    create_repository(folder, f"{TAGS}-release")
    head = release(folder, "0.2.0", "Two.")
    commit(folder)

    hub = {"VAR_DOCKERHUB_USERNAME": "JaneDoe", "SECRET_DOCKERHUB_TOKEN": "password"}
    result = act(folder, "push", "v0.2.0", **hub)
    assert result.jobs == {*RELEASE.split(), "docker-hub"}, result
    # One image for this platform only, then both platforms of the candidate.
    assert result.log.count("\nhypermodern-python, version 0.2.0\n") == 3
    name = f"jane-doe/{TAGS}-release"
    tags = registry.tags(name)
    assert sorted(tags) == ["0.2", "0.2.0", "candidate", "latest"]
    image = f"{registry.address}/{name}:latest"
    index, configs, provenances = describe(image)
    copied = describe(f"{registry.address}/hub/janedoe/hypermodern-python:0.2")
    assert copied == [index, configs, provenances]
    assert f"actions/attest SUBJECT_DIGEST={index['digest']}\n" in result.log
    assert list(configs) == list(provenances) == ["linux/amd64", "linux/amd64/v3"]
    # Docker's classic image store fails if it gets two platforms of one digest.
    run_digests = re.findall(rf"Unable to find image '\S+{name}@(\S+)'", result.log)
    assert run_digests == [manifest["digest"] for manifest in index["manifests"][:2]]
    time = run("git", "log", "-1", "--format=%ct", head, cwd=folder).stdout.strip()
    for platform, config in configs.items():
        assert f"{datetime.fromisoformat(config['created']).timestamp():.0f}" == time
        labels = config["config"]["Labels"]
        assert labels["org.opencontainers.image.version"] == "0.2.0"
        assert labels["org.opencontainers.image.revision"] == head
        details = provenances[platform]["SLSA"]["runDetails"]
        assert details["builder"]["id"] == "https://run.example"
        # In mode=max, the provenance contains the Dockerfile.
        assert details["metadata"]["buildkit_metadata"]["source"]["infos"]

    build_base("libc=2 libssl=1")
    result = act(folder, "schedule", "main", RELEASES="v0.2.0")
    assert result.jobs == set(IMAGE.split()), result
    changes = "```diff\n< libc 1\n> libc 2\n```\n"
    assert result.summary == f"Only the base image changed.\n\n{changes}"
    assert describe(image)[0]["digest"] != index["digest"]

    program = ROOT / "docs" / "verify.py"
    verify = (sys.executable, "-m", "nox", "--noxfile", program, "--")
    output = run(*verify, image, cwd=folder).stderr
    for platform in configs:
        assert f"{platform}: identical to a build of {head}\n" in output
    # Git, and therefore the provenance, ignores this change.
    changed = "src/hypermodern_python/splines.py"
    run("git", "update-index", "--assume-unchanged", changed, cwd=folder)
    edit(folder / changed, r"\Z", "# changed\n")
    image = f"{registry.address}/{TAGS}-changed"
    env = {"IMAGE": image, "TAGS": "0.2.0", "SOURCE_DATE_EPOCH": time}
    bake = ("docker", "buildx", "bake", "--push", "--set=release.platform=linux/amd64")
    run(*bake, "release", cwd=folder, env=os.environ | env)
    failed = run(*verify, f"{image}:0.2.0", cwd=folder, check=False)
    assert failed.returncode == 1
    names = re.findall(r"  layer \d+: /venv/\S*/(\S+)\n", failed.stderr)
    assert names == ["RECORD", "splines.cpython-314.pyc", "splines.py"]
    assert "Name the image" in run(*verify, check=False).stderr
