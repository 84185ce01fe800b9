"""The image contains the program and its dependencies, and works without privileges."""

import ast
import gzip
import hashlib
import io
import itertools
import json
import os
import platform
import pty
import re
import secrets
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import time
import tomllib
import uuid
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import MIRROR, PROJECT, TAGS, commit, edit
from tests.answers import CHOICES, build_wheel
from tests.conftest import Bake, Copy
from tests.packages import Server, serving, write_certificate, write_package
from tests.pages import blocks
from tools.images import Registry, base_of, build, inspect, layers_above, run, steps_run

pytestmark = pytest.mark.engine

FOUR_LINES = "".join(f"Reticulating spline {number}...\n" for number in range(1, 5))
HARDENED = [
    *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
    *("--network=none", "--pids-limit=16", "--memory=64m"),
]
# The hashes of the tools that build the image.
DOCKER = "docker/poetry.txt"


@pytest.fixture(
    scope="session",
    params=[
        f"{version}-{flavor}"
        for version in CHOICES["python_version"]
        for flavor in CHOICES["base_image"]
    ],
)
def any_image(request: pytest.FixtureRequest, bake: Bake) -> str:
    """Return an image for each combination of Python version and flavor."""
    version, flavor = request.param.split("-")
    tag = f"{TAGS}-{request.param}"
    build(bake(python_version=version, base_image=flavor), tag)
    return tag


@pytest.fixture(scope="session", params=CHOICES["base_image"])
def flavored(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return a project for each flavor, with the default Python."""
    return bake(base_image=request.param)


@pytest.fixture(scope="session")
def image(project: Path) -> str:
    """Return the image of the default project."""
    build(project, f"{TAGS}-default")
    return f"{TAGS}-default"


def docker_run(*options: str) -> str:
    """Run a container and return its output."""
    return run("docker", "run", "--rm", *options).stdout


def wait_for_output(container: str) -> None:
    """Return when a container has printed its first line."""
    with subprocess.Popen(
        ["docker", "logs", "--follow", container],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as logs:
        assert logs.stdout
        assert logs.stdout.readline() == "Reticulating spline 1...\n"
        logs.terminate()


@pytest.fixture
def container(image: str) -> Iterator[str]:
    """Return a container whose program has printed its first line.

    It ends by itself, so that a test that does not stop it fails instead of hanging.
    """
    container = run("docker", "run", "--detach", image, "--count=30").stdout.strip()
    try:
        wait_for_output(container)
        yield container
    finally:
        run("docker", "rm", "--force", container)


# The base images: official ones, or stand-ins by the same recipe (tools/base-images).


@pytest.mark.parametrize("flavor", CHOICES["base_image"])
@pytest.mark.parametrize("version", CHOICES["python_version"])
def test_a_base_image_is_like_the_official_one(version: str, flavor: str) -> None:
    """A base image has no bytecode, and its pip is the one that Python bundles.

    One of the alpine images must really use musl.
    """
    code = """
import ensurepip, os, pip, sys, sysconfig
from pathlib import Path
assert not list(Path(sys.prefix).rglob("*.pyc"))
assert not list(Path(sys.prefix).rglob("EXTERNALLY-MANAGED"))
assert pip.__version__ == ensurepip.version()
assert Path(sysconfig.get_path("include"), "Python.h").exists()
assert sys.prefix == "/usr/local"
assert os.environ["PATH"].startswith("/usr/local/bin:/usr/local/sbin:")
print(sysconfig.get_config_var("SOABI"))
"""
    options = ("--env=PYTHONDONTWRITEBYTECODE=1", "--interactive")
    image = f"python:{version}-{flavor}"
    run_python = ("docker", "run", "--rm", *options, image, "python", "-")
    abi = run(*run_python, stdin=code).stdout
    if flavor == "slim":
        assert "musl" not in abi
    elif version == "3.13" and platform.machine() == "x86_64":
        assert "musl" in abi


# The program in the container.


def test_count_option_sets_the_number_of_lines(any_image: str) -> None:
    """The article's command, `docker run NAME --count=4`, works without privileges."""
    result = run("docker", "run", "--rm", *HARDENED, any_image, "--count=4")
    assert (result.stdout, result.stderr) == (FOUR_LINES, "")


@pytest.mark.stores
def test_any_user_can_run_the_program(image: str) -> None:
    """The image's user is a number, so Kubernetes can verify that it is not root."""
    user = inspect(image)["Config"]["User"]
    assert all(part.isdigit() and int(part) > 0 for part in user.split(":"))
    options = ("--user=1000730000:0", *HARDENED, image, "--version")
    assert docker_run(*options) == "hypermodern-python, version 0.1.0\n"


@pytest.mark.parametrize(
    "command",
    [["stop"], ["kill", "--signal=TERM"], ["kill", "--signal=INT"]],
    ids=["stop", "SIGTERM", "SIGINT"],
)
def test_the_program_stops_at_once(container: str, command: list[str]) -> None:
    """The exit status is that of an interrupt, not of a kill."""
    run("docker", *command, container)
    assert run("docker", "wait", container).stdout == "130\n"
    assert "Traceback" not in run("docker", "logs", container).stderr


def test_ctrl_c_in_a_terminal_stops_the_program(image: str) -> None:
    """Ctrl-C works with `docker run --interactive --tty`."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["docker", "run", "--rm", "--interactive", "--tty", image],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as client:
        os.close(theirs)
        output = b""
        while b"spline 1...\r\n" not in output:
            output += os.read(ours, 1024)
        os.write(ours, b"\x03")
        assert client.wait(timeout=30) == 130
    os.close(ours)
    assert b"Traceback" not in output


def test_a_closed_pipe_stops_the_program_quietly(image: str) -> None:
    """If the pipe is outside the container, only the client may print a message."""
    pipe = ("-c", "hypermodern-python | head -n 1")
    result = run("docker", "run", "--rm", "--entrypoint=sh", image, *pipe)
    assert (result.stdout, result.stderr) == ("Reticulating spline 1...\n", "")
    name = f"{TAGS}-pipe-{os.getpid()}"
    command = f"docker run --rm --name={name} {image} --count=2 | head -n 1"
    result = run("sh", "-c", command)
    assert result.stdout == "Reticulating spline 1...\n"
    assert "Traceback" not in result.stderr
    deadline = time.monotonic() + 30
    while run("docker", "ps", "--all", "--quiet", f"--filter=name={name}").stdout:
        assert time.monotonic() < deadline, "the container is still there"
        time.sleep(0.1)


def test_output_appears_at_once(image: str) -> None:
    """Even the output of print() in a program that crashes is not lost."""
    code = "import os; print(1); os._exit(0)"
    assert docker_run("--entrypoint=python", image, "-c", code) == "1\n"


def test_python_on_path_can_import_the_program(container: str) -> None:
    """This holds for `docker exec`, and for Python as the entry point."""
    code = "import hypermodern_python, sys; print(sys.prefix)"
    assert run("docker", "exec", container, "python", "-c", code).stdout == "/venv\n"


def test_nothing_is_compiled_at_start(any_image: str) -> None:
    """All imported modules have bytecode: a read-only container could not save it."""
    code = "import hypermodern_python.console, asyncio, decimal, http.client, sqlite3"
    result = run(
        *("docker", "run", "--rm", "--entrypoint=python", any_image, "-v"),
        *("-c", code.replace(", sqlite3", "") if "alpine" in any_image else code),
    )
    loaded = re.findall("^# code object from (.*)$", result.stderr, re.MULTILINE)
    assert len(loaded) > 100
    assert [name for name in loaded if ".pyc" not in name] == []


@pytest.mark.stores
@pytest.mark.parametrize("user", ["", "--user=1000:1000", "--user=1000730000:0"])
def test_a_volume_is_writable(image: str, user: str, tag: str) -> None:
    """The volume is at /data, which is both the working and the home directory."""
    code = (
        "import os, pathlib, tempfile; pathlib.Path('file').write_text('kept'); "
        "assert os.getcwd() == os.path.expanduser('~') == '/data'; "
        "tempfile.NamedTemporaryFile()"
    )
    options = (*HARDENED, *([user] if user else []), f"--volume={tag}:/data")
    try:
        docker_run(*options, "--entrypoint=python", image, "-c", code)
        assert docker_run(*options, "--entrypoint=cat", image, "file") == "kept"
    finally:
        run("docker", "volume", "rm", "--force", tag)


# The contents of the image.


def test_the_labels_match_the_metadata(bake: Bake, tag: str) -> None:
    """The description may contain quotes, variables, backslashes and backticks."""
    description = r'A "quoted" $HOME ${PATH} \n `id` of the project'
    build(bake(description=description, license="Apache-2.0"), tag)
    labels = inspect(tag)["Config"]["Labels"]
    prefix = "org.opencontainers.image."
    assert {name.removeprefix(prefix): value for name, value in labels.items()} == {
        "title": "hypermodern-python",
        "description": description,
        "source": "https://github.com/yourname/hypermodern-python",
        "licenses": "Apache-2.0",
    }


@pytest.mark.usefixtures("person")
def test_nox_adds_labels_for_version_and_commit(
    bake: Bake, copy: Copy, tag: str
) -> None:
    """The session passes its options to the build."""
    project = copy(bake(project_slug=tag))
    edit(project / "pyproject.toml", '"0.1.0"', '"1.2.3"')
    revision = commit(project)
    log = run("nox", "--session=docker", "--", "--label=mine=1", cwd=project)
    assert log.stdout.endswith(f"{tag}, version 1.2.3\n")
    labels = inspect(tag)["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert labels["org.opencontainers.image.revision"] == revision
    assert labels["mine"] == "1"


@pytest.fixture(scope="session")
def layers(flavored: Path) -> list[list[tarfile.TarInfo]]:
    """Return the files in each layer above the base image."""
    base = base_of(flavored)
    tag = f"{TAGS}-layers-{base.partition(':')[2]}"
    build(flavored, tag)
    return [
        tarfile.open(fileobj=io.BytesIO(layer)).getmembers()
        for layer in layers_above(base, tag)
    ]


def test_the_image_adds_three_layers_to_the_base(
    layers: list[list[tarfile.TarInfo]],
) -> None:
    """The layers are bytecode, dependencies and program. WORKDIR adds an empty one."""
    sizes = [sum(member.size for member in layer) for layer in layers]
    bytecode, _, program, *rest = sizes
    assert bytecode < 16_000_000
    assert program < 50_000
    assert not any(rest)
    names = {member.name for member in layers[0] if member.isfile()}
    others = {name for name in names if not name.endswith(".pyc")}
    assert {Path(name).name for name in others} == {
        "sitecustomize.py",
        "passwd",
        "group",
    }


@pytest.mark.stores
def test_the_program_cannot_change_itself(
    layers: list[list[tarfile.TarInfo]],
) -> None:
    """All files belong to root, and only the working directory is writable."""
    for member in itertools.chain(*layers):
        if member.name == "data":
            assert (member.uid, member.mode) == (65532, 0o1777)
            continue
        assert (member.uid, member.gid) == (0, 0), member.name
        if not member.issym():
            assert not member.mode & 0o6022, f"{member.name}: {member.mode:o}"


def test_the_image_contains_no_build_tools(
    layers: list[list[tarfile.TarInfo]],
) -> None:
    """Apart from the folder for data, the layers contain only the environment."""
    names = {member.name for member in itertools.chain(*layers[1:])}
    installed = {
        re.sub("[-_.]+", "-", name)
        for name in re.findall(
            r"/([^/]+)-[^-/]+\.dist-info$", "\n".join(names), re.MULTILINE
        )
    }
    lock = tomllib.loads((PROJECT / "poetry.lock").read_text("utf-8"))
    main = {each["name"] for each in lock["package"] if "main" in each["groups"]}
    # Some of them are for other systems.
    assert installed <= main | {"hypermodern-python"}
    assert {"click", "hypermodern-python"} <= installed
    assert not names & {f"venv/bin/{name}" for name in ("pip", "poetry")}
    assert {name for name in names if name.partition("/")[0] != "venv"} == {"data"}


def test_the_build_context_is_small(project: Path, copy: Copy, tmp_path: Path) -> None:
    """The context is little more than the lock files, without caches and artifacts."""
    folder = copy(project)
    for name in (
        ".git",
        ".mypy_cache",
        ".nox/tests",
        ".venv/lib",
        "dist",
        "src/__pycache__",
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "big.pyc").write_bytes(bytes(1_000_000))
    tar = tmp_path / "context.tar"
    run(
        *("docker", "build", f"--output=type=tar,dest={tar}", "--file=-", "."),
        cwd=folder,
        stdin="FROM scratch\nCOPY . /\n",
    )
    with tarfile.open(tar) as context:
        assert "src/hypermodern_python/console.py" in context.getnames()
    locks = sum((folder / name).stat().st_size for name in ("poetry.lock", DOCKER))
    assert tar.stat().st_size - locks < 50_000


def test_the_image_builds_without_readme_md_and_license(
    project: Path, copy: Copy, tag: str
) -> None:
    """A README may have another suffix, and the build does not require a license."""
    folder = copy(project)
    (folder / "README.md").rename(folder / "README.rst")
    (folder / "LICENSE").unlink()
    edit(folder / "pyproject.toml", "README.md", "README.rst")
    edit(folder / "pyproject.toml", "license-files = .*\n", "")
    build(folder, tag)


# Programs that differ from the sample.

# Files below src, each with a line of .gitignore, and whether Git tracks the file.
IGNORED = {
    ".env": (".env", False),
    "native.so": ("*.so", False),
    "lib/forced.txt": ("lib/", True),
    "nested/secret.txt": ("", False),
    "größe 1.log": ("*.log", False),
    "keep.log": ("!keep.log", False),
}
KEPT = {"lib/forced.txt", "keep.log"}


@pytest.fixture(scope="session")
def foreign(project: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the image of a project with what other projects have.

    These are files that Git ignores, licenses in a folder, a README behind a link, a
    build script that needs setuptools, and a dependency with invalid and test modules.
    """
    parent = tmp_path_factory.mktemp("foreign")
    folder = shutil.copytree(project, parent / "project")
    package = folder / "src" / "hypermodern_python"
    for name, (pattern, _) in IGNORED.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("hunter2")
        edit(folder / ".gitignore", r"\Z", f"{pattern}\n")
    (package / "nested" / ".gitignore").write_text("secret*\n")
    run("git", "init", cwd=folder)
    tracked = (str(package / name) for name, (_, forced) in IGNORED.items() if forced)
    run("git", "add", "--force", *tracked, cwd=folder)

    (folder / "LICENSES").mkdir()
    (folder / "LICENSE").rename(folder / "LICENSES" / "MIT.txt")
    (folder / "README.md").rename(folder / "docs" / "README.md")
    (folder / "README.md").symlink_to("docs/README.md")
    script = "import setuptools\nopen('src/hypermodern_python/built.py', 'w').close()\n"
    (folder / "build.py").write_text(script)
    edit(folder / ".dockerignore", "!src", "!src\n!build.py")

    kit = write_package(parent / "kit", "starter-kit")
    (kit / "starter_kit" / "tests").mkdir()
    (kit / "starter_kit" / "tests" / "__init__.py").touch()
    (kit / "starter_kit" / "template.py").write_text("name = {{ name }} !\n")
    pyproject = folder / "pyproject.toml"
    edit(pyproject, r'\["LICENSE"\]', '["LICENSES/*.txt"]')
    edit(pyproject, r"(?ms)^\[dependency-groups\].*?(?=^\[build-system\])", "")
    edit(pyproject, r'("poetry-core>=2.2,<3")', r'\1, "setuptools>=80"')
    edit(pyproject, r"\Z", '\n[tool.poetry.build]\nscript = "build.py"\n')
    wheel = build_wheel(kit, parent).name
    with serving(parent) as (address, _):
        url = f"http://{address}/{wheel}"
        edit(pyproject, '"click>=8.1"', rf'\g<0>, "starter-kit @ {url}"')
        env = MIRROR | os.environ | {"POETRY_VIRTUALENVS_CREATE": "false"}
        run("poetry", "lock", cwd=folder, env=env)
        build(folder, f"{TAGS}-foreign", "--network=host")
    return f"{TAGS}-foreign"


def test_what_git_ignores_is_not_in_the_image(foreign: str) -> None:
    """A tracked file is in the image, even if a pattern matches it."""
    package = "import hypermodern_python as p, os; os.chdir(p.__path__[0])"
    code = f"{package}; print([name for name in {[*IGNORED]} if os.path.exists(name)])"
    found = docker_run("--entrypoint=python", foreign, "-c", code)
    assert set(ast.literal_eval(found)) == KEPT


def test_licenses_in_a_folder_are_in_the_image(foreign: str) -> None:
    """The README is behind a link, and is a part of the metadata."""
    code = (
        "from importlib.metadata import distribution as d; p = d('hypermodern-python'); "
        "print(p.read_text('licenses/LICENSES/MIT.txt'), p.metadata.get_payload())"
    )
    found = docker_run("--entrypoint=python", foreign, "-c", code)
    assert "MIT License" in found
    assert "# Hypermodern Python" in found


def test_a_build_script_runs_with_what_it_requires(foreign: str) -> None:
    """The script imports setuptools, which docker/poetry.txt does not contain."""
    docker_run("--entrypoint=python", foreign, "-c", "import hypermodern_python.built")


def test_test_modules_of_a_dependency_are_not_compiled(foreign: str) -> None:
    """The dependency also contains a module that is not valid Python, that is never imported."""
    code = (
        "import starter_kit, os; print(starter_kit.__cached__, starter_kit.__path__[0])"
    )
    cached, folder = docker_run("--entrypoint=python", foreign, "-c", code).split()
    listed = docker_run("--entrypoint=find", foreign, folder, "-name", "*.pyc")
    assert listed.split() == [cached]


def test_the_user_has_a_name(image: str) -> None:
    """Some libraries ask for it, such as libpq."""
    code = "import getpass; print(getpass.getuser())"
    assert docker_run("--entrypoint=python", image, "-c", code) == "nonroot\n"


@pytest.mark.parametrize("zone", ["EST5", "<-12>12", "<+14>-14"])
def test_the_program_can_archive_its_files(image: str, zone: str) -> None:
    """In every time zone, all files are from 1980 or later, the first year of ZIP."""
    code = (
        "import hypermodern_python as p, shutil, sys; "
        "[shutil.make_archive(f'/tmp/{n}', 'zip', f) for n, f in enumerate([p.__path__[0], sys.prefix])]"
    )
    docker_run(f"--env=TZ={zone}", "--entrypoint=python", image, "-c", code)


def test_files_have_the_time_of_the_build_argument(project: Path, tag: str) -> None:
    """Only the layer with the program depends on it."""
    code = (
        "import hypermodern_python as p, os; print(int(os.stat(p.__file__).st_mtime))"
    )
    layers = []
    for time_, options in (
        (315619200, []),
        (1750000000, ["--build-arg=SOURCE_DATE_EPOCH=1750000000"]),
    ):
        build(project, tag, *options)
        assert docker_run("--entrypoint=python", tag, "-c", code) == f"{time_}\n"
        layers.append(inspect(tag)["RootFS"]["Layers"])
    assert sum(a != b for a, b in zip(*layers, strict=True)) == 1


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        ('">=3.11"', '">=3.11,<3.12"'),
        (
            "requires-python = .*\n((?s:.*))",
            r'\1\n[tool.poetry.dependencies]\npython = "~3.11"\n',
        ),
    ],
    ids=["project", "tool.poetry"],
)
def test_an_excluded_python_fails_the_build(
    pattern: str, replacement: str, project: Path, copy: Copy, tag: str
) -> None:
    """Otherwise, pip would skip all dependencies, and the build would succeed."""
    folder = copy(project)
    edit(folder / "pyproject.toml", pattern, replacement)
    log = build(folder, tag, "--target=program", check=False)
    assert re.search("error: pyproject.toml requires Python >=3.11,<3.12, but", log)


def test_sigterm_stops_a_program_that_does_not_handle_it(image: str) -> None:
    """Linux does not deliver it to the first process of a container without a handler."""
    code = "print(1)\nfor _ in range(600): import time; time.sleep(0.1)"
    command = ("run", "--detach", "--entrypoint=python", image, "-c", code)
    container = run("docker", *command).stdout.strip()
    try:
        while not run("docker", "logs", container).stdout:
            time.sleep(0.1)
        run("docker", "stop", "--timeout=60", container)
        assert run("docker", "wait", container).stdout == "130\n"
    finally:
        run("docker", "rm", "--force", container)


# Rebuilds.


def begin_with_own_layer(project: Path, stage: str) -> None:
    """Change a stage, so that none of its steps has been built before."""
    # Docker's classic image store adds /etc to the layer of each RUN that writes a file.
    step = f"RUN echo {uuid.uuid4()} >own && touch -d @0 own /etc"
    edit(project / "Dockerfile", f"{stage}\n", f"{stage}\n{step}\n")


@pytest.fixture(scope="session")
def built(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project that the engine has already built in exactly this state."""
    folder = shutil.copytree(project, tmp_path_factory.mktemp("built") / "project")
    # This module makes the program unique, so no other test has built it.
    (folder / "src/hypermodern_python/own.py").write_text(f"OWN = '{uuid.uuid4()}'\n")
    # Its stages are unique, too. BuildKit would join a cached step with the same step of a
    # build without a cache that another worker runs at this time.
    begin_with_own_layer(folder, " AS base")
    # Some base images set a variable that overrides pip's setting for the tests' index.
    edit(folder / "Dockerfile", " AS base\n", " AS base\nENV REQUESTS_CA_BUNDLE=\n")
    page = blocks(folder / "docs" / "recipes.md")
    (secrets,) = (
        block.code
        for block in page
        if block.heading == "Use a private package index"
        and "a/Dockerfile" in block.code
    )
    run("git", "apply", "-", cwd=folder, stdin=secrets)
    build(folder, f"{TAGS}-built")
    return folder


CHANGES = {
    "code": ("src/hypermodern_python/splines.py", "Reticulation", "Vectorization"),
    "version": ("pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"'),
    "tool": ("pyproject.toml", "fail_under = 100", "fail_under = 99"),
    "development": ("poetry.lock", r'(name = "ruff"\nversion = )"[0-9.]+"', r'\1"0.0.1"'),
    "main": ("poetry.lock", r'(name = "click"\nversion = )"[0-9.]+"', r'\1"8.3.1"'),
    "poetry": (DOCKER, r"\Z", "# A change.\n"),
}  # fmt: skip
RUN_AGAIN = {
    "code": {"program"},
    "version": {"lock", "program"},
    "tool": {"lock", "program"},
    "development": {"lock", "program"},
    "main": {"lock", "dependencies", "program"},
    "poetry": {"poetry", "lock", "dependencies", "program"},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_only_changed_stages_are_rebuilt(
    kind: str, built: Path, copy: Copy, tag: str
) -> None:
    """BuildKit's log shows which stages ran. The last stage only copies files."""
    folder = copy(built)
    name, old, new = CHANGES[kind]
    edit(folder / name, old, new)
    # Make the change unique, so that no earlier run has built it.
    if kind in {"development", "main", "poetry"}:
        edit(folder / name, r"\Z", f"# {uuid.uuid4()}\n")
    elif kind != "code":
        edit(folder / name, r"\Z", f"\n[tool.mine]\nx = '{uuid.uuid4()}'\n")
    # With the changed version of Click, the build fails, but after these stages.
    log = build(folder, tag, check=kind != "main")
    assert steps_run(log) - {"stage-5"} == RUN_AGAIN[kind]


@pytest.mark.stores
def test_a_code_change_pushes_a_few_kilobytes(
    built: Path, copy: Copy, registry: Registry, tag: str
) -> None:
    """All other layers stay the same."""
    folder = copy(built)
    module = folder / "src/hypermodern_python/splines.py"
    edit(module, "Reticulation", uuid.uuid4().hex)
    build(folder, tag)
    before, after = f"{TAGS}-built", tag
    layers = [inspect(name)["RootFS"]["Layers"] for name in (before, after)]
    assert sum(a != b for a, b in zip(*layers, strict=True)) == 1
    assert registry.push(before, "splines") > 1_000_000
    assert 0 < registry.push(after, "splines") < 50_000


@pytest.mark.stores
def test_the_same_commit_gives_the_same_digest(
    flavored: Path, copy: Copy, tmp_path: Path, tag: str
) -> None:
    """The digest depends on neither the folder, timestamps, umask nor build cache."""
    committed = 1_750_000_000
    digests = []
    metadata = tmp_path / "metadata.json"
    folder = copy(flavored)
    # BuildKit ignores timestamps when it looks for a copied layer in its cache. It could
    # find a layer of an earlier experiment, such as a Dockerfile without timestamps.
    begin_with_own_layer(folder, "FROM base")
    for umask, cache in ((0o022, ()), (0o077, ("--no-cache",))):
        checkout = copy(folder)
        for path in (checkout, *checkout.rglob("*")):
            path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
            os.utime(path, (umask, committed + umask))
        build(
            *(checkout, tag, *cache, "--provenance=false"),
            f"--build-arg=SOURCE_DATE_EPOCH={committed}",
            f"--metadata-file={metadata}",
        )
        digests.append(json.loads(metadata.read_text())["containerimage.digest"])
    assert digests[0] == digests[1]
    created = datetime.fromisoformat(inspect(tag)["Created"])
    assert created == datetime.fromtimestamp(committed, UTC)


def test_bytecode_does_not_depend_on_the_number_of_cores(
    image: str, project: Path
) -> None:
    """The Dockerfile's command compiles the same groups of files in any order."""
    command = re.search(r"xargs .*(?= <py)", (project / "Dockerfile").read_text())
    assert command
    script = """
set -e
cp -R "$(python -c 'import os; print(os.path.dirname(os.__file__))')" /data/library
cd /data && find library -name '*.py' ! -path '*/test/*' -print0 >py && sort -z -o py py
for cores in 1 8; do
    find library -name '*.pyc' -exec rm {} +
    COMMAND <py
    find library -name '*.pyc' -exec sha256sum {} + | sort | sha256sum
done
"""
    any_number = re.sub("-P [0-9]+", "-P $cores", command[0])
    script = script.replace("COMMAND", re.sub("-n [0-9]+", "-n 50", any_number))
    one, eight = docker_run("--entrypoint=sh", image, "-c", script).splitlines()
    assert one == eight


# Wrong hashes and outdated lock files.


def test_a_dependency_with_another_hash_fails_the_build(
    project: Path, copy: Copy, tag: str
) -> None:
    """The error is pip's message about hashes that do not match."""
    folder = copy(project)
    edit(folder / "poetry.lock", '(file = "click-.*sha256:)....', r"\g<1>0000")
    log = build(folder, tag, check=False)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in log


@pytest.mark.parametrize("name", [DOCKER, "poetry.lock"])
def test_a_list_without_hashes_fails_the_build(
    name: str, project: Path, copy: Copy, tag: str
) -> None:
    """Without its option, pip requires hashes only if the list contains some."""
    folder = copy(project)
    edit(folder / name, r" \\\n +--hash=\S+|(?m:^ +\{file = .*\n)", "")
    log = build(folder, tag, check=False)
    assert "Hashes are required in --require-hashes mode" in log


def test_an_outdated_lock_file_fails_the_build(
    project: Path, copy: Copy, tag: str
) -> None:
    """Poetry prints a one-line message."""
    folder = copy(project)
    edit(folder / "pyproject.toml", "click>=8.1", "click>=8.2")
    log = build(folder, tag, check=False)
    assert "pyproject.toml changed significantly since poetry.lock" in log
    assert "did not complete successfully: exit code: 1" in log


# Private indexes.

LOGIN = f"builder:{secrets.token_urlsafe()}"
PASSWORD = LOGIN.partition(":")[2]


@pytest.fixture(scope="session")
def wheels(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheels that a build of the default project installs.

    The base image's own pip downloads them, to get the wheels for its platform.
    """
    folder = tmp_path_factory.mktemp("index")
    run("poetry", "export", f"--output={folder}/main.txt", cwd=project)
    name = f"{TAGS}-index"
    requirements = (folder / "main.txt").read_text() + (project / DOCKER).read_text()
    script = "cat >/r && pip download --quiet --no-deps --dest=/wheels --requirement=/r"
    command = ("docker", "run", "--interactive", f"--name={name}", base_of(project))
    run(*command, "sh", "-c", script, stdin=requirements)
    run("docker", "cp", "--quiet", f"{name}:/wheels", str(folder))
    run("docker", "rm", name)
    return folder / "wheels"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a certificate for the server of an index, and its key."""
    write_certificate(tmp_path / "certificate.pem")
    return tmp_path / "certificate.pem"


def only_index(server: Server, certificate: Path) -> tuple[str, ...]:
    """Return the options of a build that installs only packages of this index."""
    configuration = certificate.with_name("pip.conf")
    configuration.write_text(
        f"[global]\nindex-url = https://{LOGIN}@{server.address}/simple\n"
        "cert = /run/secrets/ca.pem\n"
    )
    return (
        "--network=host",
        f"--secret=id=pip.conf,src={configuration}",
        f"--secret=id=ca.pem,src={certificate}",
    )


# Do not use cached results of these stages. Another index may have provided packages.
NOT_CACHED = ["poetry", "lock", "dependencies", "program"]
NO_CACHE = f"--no-cache-filter={','.join(NOT_CACHED)}"


def test_the_image_does_not_contain_the_login_of_a_private_index(
    built: Path, wheels: Path, certificate: Path, tmp_path: Path, tag: str
) -> None:
    """No layer of any stage contains the password or the certificate."""
    with serving(wheels, LOGIN, certificate) as server:
        options = only_index(server, certificate)
        log = build(built, tag, NO_CACHE, *options)
    assert steps_run(log).issuperset(NOT_CACHED)
    assert any("/click-" in path for path in server.served)
    assert any("/poetry-" in path for path in server.served)
    assert docker_run(tag, "--count=1") == "Reticulating spline 1...\n"

    line = certificate.read_bytes().splitlines()[1]
    hidden = [PASSWORD.encode(), b64encode(PASSWORD.encode()), line]
    dockerfile = (built / "Dockerfile").read_text()
    stages = re.findall(r"(?m)^FROM \S+ AS (\w+)$", dockerfile)
    assert set(stages) == {"base", *NOT_CACHED}
    for stage in NOT_CACHED:
        build(built, f"{tag}-{stage}", *options, f"--target={stage}")
    saved = tmp_path / "images.tar"
    run("docker", "save", f"--output={saved}", tag, *(f"{tag}-{s}" for s in NOT_CACHED))
    with tarfile.open(saved) as archive:
        for blob in filter(tarfile.TarInfo.isfile, archive):
            file = archive.extractfile(blob)
            assert file
            content = file.read()
            if content.startswith(b"\x1f\x8b"):
                content = gzip.decompress(content)
            assert not any(secret in content for secret in hidden), blob.name


def test_a_build_tool_with_another_hash_fails_the_build(
    built: Path, wheels: Path, certificate: Path, tmp_path: Path, tag: str
) -> None:
    """Nothing from a tampered wheel with the same name is installed."""
    tampered = Path(shutil.copytree(wheels, tmp_path / "wheels"))
    (wheel,) = tampered.glob("poetry_core-*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("poetry/core/tampered.py", "print('run')\n")
    with serving(tampered, LOGIN, certificate) as server:
        options = (*only_index(server, certificate), "--target=poetry")
        log = build(built, tag, NO_CACHE, *options, check=False)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in log
    assert "poetry-core" in log or "poetry_core" in log
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in log


def test_a_newer_release_in_the_index_does_not_change_the_image(
    built: Path, wheels: Path, certificate: Path, tmp_path: Path, tag: str
) -> None:
    """A later build installs the same tools, and gives the same layers."""
    newer = Path(shutil.copytree(wheels, tmp_path / "wheels"))
    # This version of a transitive dependency of Poetry would break it.
    with zipfile.ZipFile(newer / "tomlkit-99-py3-none-any.whl", "w") as archive:
        archive.writestr("tomlkit/__init__.py", "raise SystemExit(9)\n")
        archive.writestr(
            "tomlkit-99.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tomlkit\nVersion: 99\n",
        )
        archive.writestr("tomlkit-99.dist-info/RECORD", "")
        archive.writestr("tomlkit-99.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    with serving(newer, LOGIN, certificate) as server:
        build(built, tag, "--no-cache", *only_index(server, certificate))
    assert any("/tomlkit" in path for path in server.served)
    before, after = (
        inspect(name)["RootFS"]["Layers"] for name in (f"{TAGS}-built", tag)
    )
    assert before == after


# Other builders.


SUDO = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]


def test_docker_builds_the_image_without_buildx(
    project: Path, copy: Copy, tag: str
) -> None:
    """The older builder keeps an image of each stage, which a label finds."""
    folder = copy(project)
    edit(folder / "Dockerfile", "(?m)^(FROM .*)", rf"\1\nLABEL {tag}=1")
    older = os.environ | {"DOCKER_BUILDKIT": "0"}
    run("docker", "build", f"--tag={tag}", ".", cwd=folder, env=older)
    assert docker_run(tag, "--count=1") == "Reticulating spline 1...\n"
    run("docker", "image", "rm", tag)
    run("docker", "image", "prune", "--force", f"--filter=label={tag}")


@pytest.fixture
def store() -> Iterator[list[str]]:
    """Return options that make buildah and Podman keep images in a separate folder.

    The folder is not in pytest's, whose long paths Podman rejects.
    """
    sudo = shlex.join(SUDO)
    versions = f"{sudo} buildah version && {sudo} podman version"
    if run("sh", "-c", versions, check=False).returncode:
        pytest.skip("needs Buildah and Podman, and root or sudo without a password")
    folder = tempfile.mkdtemp()
    options = [f"--root={folder}/root", f"--runroot={folder}/run"]
    yield [*options, "--storage-driver=overlay"]
    run(*SUDO, "buildah", *options, "rm", "--all")
    run(*SUDO, "umount", f"{folder}/root/overlay", check=False)
    run(*SUDO, "rm", "--recursive", folder)


@pytest.mark.parametrize(
    ("builder", "flavor"), [("buildah", "alpine"), ("podman", "slim")]
)
def test_buildah_and_podman_build_the_image(
    builder: str, flavor: str, bake: Bake, store: list[str], tmp_path: Path
) -> None:
    """The image has the same settings, and its program runs."""
    description = r'A "quoted" $HOME ${PATH} of the project'
    project = bake(base_image=flavor, description=description)
    archive = tmp_path / "base.tar"
    run("docker", "save", f"--output={archive}", base_of(project))
    run(*SUDO, builder, *store, "pull", "--quiet", f"docker-archive:{archive}")
    run(
        *(*SUDO, builder, *store, "build", "--isolation=chroot", "--network=host"),
        *("--pull=never", "--tag=built", "."),
        cwd=project,
    )
    image = run(*SUDO, "buildah", *store, "inspect", "--type=image", "built").stdout
    config = json.loads(image)["OCIv1"]["config"]
    assert config["User"] == "65532:65532"
    assert config["WorkingDir"] == "/data"
    label = "org.opencontainers.image.description"
    assert config["Labels"][label] == description
    create = (*SUDO, "buildah", *store, "from", "--pull-never", "built")
    container = run(*create).stdout.strip()
    (program,) = config["Entrypoint"]
    command = (*SUDO, "buildah", *store, "run", "--isolation=chroot", container, "--")
    assert run(*command, program, "--count=1").stdout == "Reticulating spline 1...\n"
