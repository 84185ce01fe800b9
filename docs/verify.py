"""Build a published image again from its commit and base image, and compare both."""

import hashlib
import json
import tarfile
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"


def files(layout: Path) -> dict[str, object]:
    """Return the properties and a hash of each file in the layers of an image."""

    def blob(descriptor: dict[str, str]) -> Path:
        return layout / "blobs" / descriptor["digest"].replace(":", "/")

    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]).read_text())
    found: dict[str, object] = {}
    for number, layer in enumerate(manifest["layers"], 1):
        with tarfile.open(blob(layer)) as tar:
            for file in tar:
                data = tar.extractfile(file) if file.isreg() else None
                digest = hashlib.sha256(data.read() if data else b"").hexdigest()
                properties = (file.mode, file.uid, file.gid, file.mtime, file.linkname)
                found[f"layer {number}: /{file.name}"] = digest, properties
    return found


@nox.session
def verify(session: nox.Session) -> None:
    """Compare each platform of an image; more arguments are options of the build."""
    if not session.posargs:
        session.error("Name the image, as in `nox --noxfile verify.py -- NAME:TAG`")
    image, *options = session.posargs
    docker = ("docker", "buildx")
    parts = "[{{ json .Manifest }}, {{ json .Image }}, {{ json .Provenance }}]"
    inspect = (*docker, "imagetools", "inspect", f"--format={parts}", image)
    index, configs, provenances = json.loads(str(session.run(*inspect, silent=True)))
    if "SLSA" in provenances:  # Docker does not name the only platform of an image
        keys = ("os", "architecture", "variant")
        only = "/".join(configs[key] for key in keys if key in configs)
        configs, provenances = {only: configs}, {only: provenances}
    digests = {manifest["digest"] for manifest in index["manifests"]}
    for platform, provenance in provenances.items():
        slsa = provenance["SLSA"]
        details = slsa["runDetails"]["metadata"]["buildkit_metadata"]
        commit = details["vcs"]["revision"]
        bake = ["bake", "release", "--provenance=false", "--sbom=false", *options]
        # The base image, and any other image in the Dockerfile, by digest.
        for used in slsa["buildDefinition"]["resolvedDependencies"]:
            full = used["uri"].removeprefix("pkg:docker/").partition("?")[0]
            name, _, tag = full.rpartition("@")
            pinned = f"docker-image://{name}@sha256:{used['digest']['sha256']}"
            bake.append(f"--set=release.contexts.{name}:{tag}={pinned}")
        bake.append(f"--set=release.platform={platform}")
        layout = "type=oci,tar=false"
        bake.append(f"--set=release.output={layout},dest=built,rewrite-timestamp=true")
        with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
            clone = ("git", "clone", "--quiet", "--no-checkout")
            session.run(*clone, session.invoked_from, ".")
            session.run("git", "checkout", "--quiet", "--detach", commit)
            time = session.run("git", "log", "-1", "--format=%ct", silent=True)
            labels = configs[platform]["config"]["Labels"]
            env = {
                "REVISION": commit,
                "SOURCE_DATE_EPOCH": str(time).strip(),
                "TAGS": labels["org.opencontainers.image.version"],
            }
            session.run(*docker, *bake, env=env)
            built = json.loads(Path("built", "index.json").read_text())
            if built["manifests"][0]["digest"] in digests:
                session.log(f"{platform}: identical to a build of {commit}")
                continue
            published = f"{image.partition('@')[0]}@{index['digest']}"
            Path("Dockerfile").write_text(f"FROM {published}\n")
            build = ("build", "--provenance=false", f"--platform={platform}")
            session.run(*docker, *build, f"--output={layout},dest=published", ".")
            ours, theirs = files(Path("built")), files(Path("published"))
            different = sorted({name for name, _ in ours.items() ^ theirs.items()})
            names = "\n  ".join(different or ["the configuration"])
            session.error(
                f"{platform}: different from a build of {commit}:\n  {names}\n"
            )
