"""The image holds the program and what it needs, and behaves as a container should."""

import itertools
import os
import pty
import re
import shutil
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import run
from tests.conftest import Bake
from tests.engine import TAGS, Archive, Registry, base_of, build, inspect, save
from tests.questions import CHOICES

pytestmark = pytest.mark.engine

PYTHON = "/venv/bin/python"
FOUR_LINES = "".join(f"Reticulating spline {number}...\n" for number in range(1, 5))
HARDENED = [
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--network=none",
    "--pids-limit=16",
    "--memory=64m",
]

Copy = Callable[[Path], Path]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return a function that copies a project, as another checkout of it would be."""
    counter = itertools.count()

    def copy(project: Path) -> Path:
        return shutil.copytree(project, tmp_path / f"checkout-{next(counter)}")

    return copy


@pytest.fixture(
    scope="session",
    params=[
        f"{version}-{flavor}"
        for version in CHOICES["python_version"]
        for flavor in CHOICES["base_image"]
    ],
)
def any_image(request: pytest.FixtureRequest, bake: Bake) -> str:
    """Return an image for each Python and flavor."""
    version, flavor = request.param.split("-")
    build(bake(python_version=version, base_image=flavor), request.param)
    return f"{TAGS}-{request.param}"


@pytest.fixture(scope="session", params=CHOICES["base_image"])
def flavored(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return a project for each flavor, with the default Python."""
    return bake(base_image=request.param)


@pytest.fixture(scope="session")
def image(project: Path) -> str:
    """Return the image of the default project."""
    build(project, "default")
    return f"{TAGS}-default"


@pytest.fixture
def container(image: str) -> Iterator[str]:
    """Return a container whose program has printed its first line."""
    container = run("docker", "run", "--detach", image).stdout.strip()
    try:
        wait_for_output(container)
        yield container
    finally:
        run("docker", "rm", "--force", container)


def wait_for_output(container: str) -> None:
    """Return once a container has printed a line."""
    with subprocess.Popen(
        ["docker", "logs", "--follow", container],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as logs:
        assert logs.stdout
        assert logs.stdout.readline() == "Reticulating spline 1...\n"
        logs.terminate()


def change(project: Path, file: str, old: str, new: str) -> None:
    """Replace a text in a file of a project."""
    path = project / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_count_prints_that_many_lines_and_nothing_else(any_image: str) -> None:
    """As the article has it: docker run NAME --count=4, with all that can be denied."""
    result = run("docker", "run", "--rm", *HARDENED, any_image, "--count=4")
    assert (result.stdout, result.stderr) == (FOUR_LINES, "")


def test_the_version_is_known(image: str) -> None:
    """The distribution's metadata is part of the environment."""
    result = run("docker", "run", "--rm", image, "--version")
    assert result.stdout == "hypermodern-python, version 0.1.0\n"


def test_any_other_user_can_run_it(image: str) -> None:
    """Some orchestrators choose a user of their own for each project."""
    result = run(
        *("docker", "run", "--rm", "--user=1000730000:0", *HARDENED, image),
        "--count=1",
    )
    assert result.stdout == "Reticulating spline 1...\n"


def test_it_runs_as_nobody_in_particular(image: str) -> None:
    """By number, so that an orchestrator can tell that it is not root."""
    user = inspect(image)["Config"]["User"]
    assert all(part.isdigit() and int(part) > 0 for part in user.split(":"))


@pytest.mark.parametrize(
    "command",
    [["stop"], ["kill", "--signal=TERM"], ["kill", "--signal=INT"]],
    ids=["stop", "SIGTERM", "SIGINT"],
)
def test_it_stops_at_once_and_cleanly(container: str, command: list[str]) -> None:
    """The status is an interrupt's, not a kill's."""
    run("docker", *command, container)
    assert run("docker", "wait", container).stdout == "130\n"
    assert "Traceback" not in run("docker", "logs", container).stderr


def test_control_c_in_a_terminal_ends_it(image: str) -> None:
    """The terminal's own interrupt gets through docker run --interactive --tty."""
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


def test_a_closed_pipe_ends_it_quietly(image: str) -> None:
    """As in a shell's NAME | head -1, in the container."""
    result = run(
        *("docker", "run", "--rm", "--entrypoint=sh", image),
        *("-c", "/venv/bin/hypermodern-python | head -n 1"),
    )
    assert (result.stdout, result.stderr) == ("Reticulating spline 1...\n", "")


def test_a_closed_pipe_behind_the_client_leaves_no_container(image: str) -> None:
    """As in docker run NAME --count=2 | head -1: nothing but the client complains."""
    name = f"{TAGS}-pipe-{os.getpid()}"
    result = run(
        "sh",
        "-c",
        f"docker run --rm --name={name} {image} --count=2 | head -n 1",
    )
    assert result.stdout == "Reticulating spline 1...\n"
    assert "Traceback" not in result.stderr
    run("docker", "wait", name, check=False)
    deadline = time.monotonic() + 30
    while run("docker", "ps", "--all", "--quiet", f"--filter=name={name}").stdout:
        assert time.monotonic() < deadline, "the container is still there"
        time.sleep(0.1)


def test_output_is_not_held_back(image: str) -> None:
    """Who watches the logs sees a line when it is printed, also one of print()."""
    code = "import os; print(1); os._exit(0)"
    result = run(
        *("docker", "run", "--rm", f"--entrypoint={PYTHON}", image, "-c", code)
    )
    assert result.stdout == "1\n"


def test_no_module_is_compiled_at_start(flavored: Path) -> None:
    """Nobody could keep the result, on a file system that is read-only."""
    tag = f"compiled-{base_of(flavored).partition(':')[2]}"
    build(flavored, tag)
    result = run(
        *("docker", "run", "--rm", f"--entrypoint={PYTHON}", f"{TAGS}-{tag}"),
        *("-v", "-c", "import hypermodern_python.console"),
    )
    code = [
        line
        for line in result.stderr.splitlines()
        if line.startswith("# code object from") and "/venv/" in line
    ]
    assert len(code) > 10
    assert all(".pyc" in line for line in code)


def test_the_labels_are_the_metadata(bake: Bake) -> None:
    """Whatever the description holds."""
    description = r'A "quoted" $HOME ${PATH} \n `id` of the project'
    build(bake(description=description, license="Apache-2.0"), "labels")
    labels = inspect(f"{TAGS}-labels")["Config"]["Labels"]
    assert {
        name.removeprefix("org.opencontainers.image."): value
        for name, value in labels.items()
    } == {
        "title": "hypermodern-python",
        "description": description,
        "source": "https://github.com/yourname/hypermodern-python",
        "licenses": "Apache-2.0",
    }


def test_nox_labels_the_version_and_the_revision(bake: Bake, copy: Copy) -> None:
    """Both are known only when the image is built."""
    project = copy(bake(project_slug=f"{TAGS}-nox", version="1.2.3"))
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", ".", cwd=project)
    author = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    run("git", *author, "commit", "--quiet", "--message=1", cwd=project)
    run("nox", "--session=docker", cwd=project)
    labels = inspect(f"{TAGS}-nox")["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    revision = run("git", "rev-parse", "HEAD", cwd=project).stdout.strip()
    assert labels["org.opencontainers.image.revision"] == revision


@pytest.fixture(scope="session")
def layers(
    flavored: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[list[tarfile.TarInfo]]:
    """Return what is in each layer above the base image."""
    folder = tmp_path_factory.mktemp("layers")
    tag = f"layers-{base_of(flavored).partition(':')[2]}"
    build(flavored, tag)
    base = len(inspect(base_of(flavored))["RootFS"]["Layers"])
    archive = save(f"{TAGS}-{tag}", folder / "image.tar")
    members = []
    for digest in archive.layers[base:]:
        with archive.layer(digest) as layer:
            members.append(layer.getmembers())
    return members


def test_two_layers_are_added_to_the_base(layers: list[list[tarfile.TarInfo]]) -> None:
    """The dependencies and the application, a megabyte and some kilobytes."""
    dependencies, application = (
        sum(member.size for member in layer) for layer in layers
    )
    assert dependencies < 1_500_000
    assert application < 50_000


def test_nothing_in_the_layers_belongs_to_who_runs_it(
    layers: list[list[tarfile.TarInfo]],
) -> None:
    """The program cannot change itself, nor become another user."""
    for member in itertools.chain(*layers):
        assert (member.uid, member.gid) == (0, 0), member.name
        if not member.issym():
            assert not member.mode & 0o6022, f"{member.name}: {member.mode:o}"


def test_no_tool_of_the_build_is_in_the_layers(
    layers: list[list[tarfile.TarInfo]],
) -> None:
    """Only the environment with the application and what it depends on."""
    names = {member.name for member in itertools.chain(*layers)}
    (packages,) = (name for name in names if name.endswith("/site-packages"))
    installed = {
        name.removeprefix(f"{packages}/").partition("/")[0]
        for name in names
        if name.startswith(f"{packages}/")
    }
    assert {name.partition("-")[0] for name in installed} == {
        "click",
        "hypermodern_python",
    }
    assert all(name == "venv" or name.startswith("venv/") for name in names)
    assert {name for name in names if name.startswith("venv/bin/")} <= {
        *(f"venv/bin/{name}" for name in ("hypermodern-python", "python", "python3")),
        *(f"venv/bin/python{version}" for version in CHOICES["python_version"]),
        *(f"venv/bin/{name}" for name in ("activate", "activate.csh", "activate.fish")),
        "venv/bin/Activate.ps1",
        "venv/bin/𝜋thon",
    }


@pytest.fixture(scope="session")
def code_change(project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return two images, of a project before and after a change of its code."""
    copy = shutil.copytree(project, tmp_path_factory.mktemp("change") / "project")
    # Nobody else's environment: the engine takes any layer that it has of the same
    # content, also one that was made when the Dockerfile was another.
    own = str(uuid.uuid4())
    change(copy, "Dockerfile", "--without-pip ", f"--without-pip --prompt={own} ")
    build(copy, f"before-{own}")
    change(copy, "src/hypermodern_python/splines.py", "reticulating", "vectorizing")
    build(copy, f"after-{own}")
    return [f"{TAGS}-before-{own}", f"{TAGS}-after-{own}"]


def test_a_code_change_leaves_the_dependencies_layer_alone(
    code_change: list[str],
) -> None:
    """Only the last layer is another."""
    before, after = (inspect(image)["RootFS"]["Layers"] for image in code_change)
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


@pytest.fixture
def empty_registry(tmp_path: Path) -> Iterator[Registry]:
    """Return a registry in which no other test has stored a layer."""
    registry = Registry(tmp_path)
    yield registry
    registry.stop()


def test_a_code_change_pushes_a_few_kilobytes(
    code_change: list[str], empty_registry: Registry
) -> None:
    """A registry that has the image gets the application's layer, and what names it."""
    before, after = (empty_registry.push(image, "splines") for image in code_change)
    assert before > 1_000_000
    assert 0 < after < 50_000


def test_the_same_commit_gives_the_same_image(
    flavored: Path, copy: Copy, tmp_path: Path
) -> None:
    """Wherever it is checked out, whenever, and with whatever umask."""
    committed = 1_750_000_000
    archives = []
    for umask in (0o022, 0o077):
        checkout = copy(flavored)
        for path in (checkout, *checkout.rglob("*")):
            path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
            os.utime(path, (umask, committed + umask))
        file = tmp_path / f"{umask}.tar"
        build(
            checkout,
            "same",
            "--no-cache",
            "--provenance=false",
            f"--build-arg=SOURCE_DATE_EPOCH={committed}",
            f"--output=type=oci,dest={file}",
        )
        archives.append(Archive(file))
    assert archives[0].digest == archives[1].digest
    created = datetime.fromisoformat(archives[0].config["created"])
    assert created == datetime.fromtimestamp(committed, UTC)


def test_files_that_only_their_owner_can_read_are_readable_in_the_image(
    project: Path, copy: Copy
) -> None:
    """A checkout with the umask 077 has such files; the container runs without root."""
    checkout = copy(project)
    for path in (checkout, *checkout.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    build(checkout, "umask")
    result = run("docker", "run", "--rm", f"{TAGS}-umask", "--count=1")
    assert result.stdout == "Reticulating spline 1...\n"


def test_a_file_that_is_not_what_was_locked_is_refused(
    project: Path, copy: Copy
) -> None:
    """Pip says which one."""
    tampered = copy(project)
    lock = tampered / "poetry.lock"
    text = lock.read_text("utf-8")
    lock.write_text(re.sub('(file = "click-.*sha256:)....', r"\g<1>0000", text))
    output = build(tampered, "tampered", check=False)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in output


def test_a_lock_file_that_is_out_of_date_is_refused(project: Path, copy: Copy) -> None:
    """Poetry says so in one line."""
    drifted = copy(project)
    change(drifted, "pyproject.toml", "click>=8.1", "click>=8.2")
    output = build(drifted, "drifted", check=False)
    assert "pyproject.toml changed significantly since poetry.lock" in output
    assert "did not complete successfully: exit code: 1" in output


def test_the_build_context_is_small(project: Path, copy: Copy, tmp_path: Path) -> None:
    """A worked-in project sends little more to the engine than its lock file."""
    worked_in = copy(project)
    run("git", "init", cwd=worked_in)
    for folder in (
        ".git",
        ".mypy_cache",
        ".nox/tests",
        ".venv/lib",
        "dist",
        "src/__pycache__",
    ):
        (worked_in / folder).mkdir(parents=True, exist_ok=True)
        (worked_in / folder / "big.pyc").write_bytes(bytes(1_000_000))
    tar = tmp_path / "context.tar"
    run(
        *("docker", "build", f"--output=type=tar,dest={tar}", "--file=-", "."),
        cwd=worked_in,
        stdin="FROM scratch\nCOPY . /\n",
    )
    names = run("tar", "--list", f"--file={tar}").stdout
    assert "src/hypermodern_python/console.py" in names
    lock = worked_in / "poetry.lock"
    assert tar.stat().st_size - lock.stat().st_size < 50_000


def test_the_engine_s_own_check_has_nothing_to_say(flavored: Path) -> None:
    """Hadolint's turn is with the other files' checkers."""
    result = run("docker", "build", "--check", ".", cwd=flavored)
    assert "no warnings found" in result.stdout + result.stderr
