"""The image contains the program and its dependencies, and works without privileges."""

import gzip
import io
import itertools
import json
import os
import re
import secrets
import shlex
import shutil
import tarfile
import tempfile
import tomllib
import uuid
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import MIRROR, PROJECT, ROOT, TAGS, commit, edit
from tests.answers import CHOICES, build_wheel
from tests.conftest import Bake, Copy
from tests.packages import serving, write_certificate, write_package
from tests.pages import blocks
from tools.images import base_of, build, inspect, layers_above, run, steps_run

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
    params=itertools.product(CHOICES["python_version"], CHOICES["base_image"]),
    ids="-".join,
)
def any_image(request: pytest.FixtureRequest, bake: Bake) -> str:
    """Return an image for each combination of Python version and flavor."""
    version, flavor = request.param
    tag = f"{TAGS}-{version}-{flavor}"
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


def run_python(image: str, code: str, *options: str) -> str:
    """Run Python code in a container and return its output."""
    return docker_run(*options, "--entrypoint=python", image, "-c", code)


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


STOP, INTERRUPT = ["stop", "--timeout=60"], ["kill", "--signal=INT"]
# Linux does not deliver SIGTERM to the first process of a container without a handler.
# At its end, the process waits for those of the executor, unless they are interrupted, too.
NO_HANDLER = (
    "import time, concurrent.futures as c; e = c.ProcessPoolExecutor(1); e.submit(time.sleep, 99)"
    "\nfor n in range(300): print(n); time.sleep(0.1)"
)


@pytest.mark.parametrize(
    ("options", "arguments", "command"),
    [
        ([], ["--count=30"], STOP),
        ([], ["--count=30"], INTERRUPT),
        (["--entrypoint=python"], ["-c", NO_HANDLER], STOP),
    ],
    ids=["stop", "Ctrl-C", "stop a program without a handler"],
)
def test_a_program_stops_at_once(
    options: list[str], arguments: list[str], command: list[str], image: str
) -> None:
    """The exit status is that of an interrupt, not of a kill."""
    detached = ("docker", "run", "--detach", *options, image, *arguments)
    container = run(*detached).stdout.strip()
    try:
        assert run("sh", "-c", f"docker logs --follow {container} | head -n 1").stdout
        run("docker", *command, container)
        assert run("docker", "wait", container).stdout == "130\n"
        # Python prints a traceback if the program does not handle the interrupt.
        assert options or "Traceback" not in run("docker", "logs", container).stderr
    finally:
        run("docker", "rm", "--force", container)


def test_a_closed_pipe_stops_the_program_quietly(image: str) -> None:
    """The program prints no traceback, and does not wait for its next line."""
    pipe = ("-c", "hypermodern-python | head -n 1")
    result = run("docker", "run", "--rm", "--entrypoint=sh", image, *pipe)
    assert (result.stdout, result.stderr) == ("Reticulating spline 1...\n", "")


def test_nothing_is_compiled_at_start(any_image: str) -> None:
    """All imported modules have bytecode: a read-only container could not save it."""
    modules = ["hypermodern_python.console", "asyncio", "decimal", "http.client"]
    if "alpine" not in any_image:
        modules.append("sqlite3")
    code = f"import {', '.join(modules)}"
    options = ("--entrypoint=python", any_image, "-v", "-c", code)
    result = run("docker", "run", "--rm", *options)
    loaded = re.findall("^# code object from (.*)$", result.stderr, re.MULTILINE)
    assert len(loaded) > 100
    assert [name for name in loaded if ".pyc" not in name] == []


@pytest.mark.stores
@pytest.mark.parametrize("user", ["", "1000:1000", "1000730000:0"])
def test_a_volume_is_writable(image: str, user: str, tag: str) -> None:
    """The volume is at /data, which is both the working and the home directory."""
    code = (
        "import getpass, os, pathlib, tempfile; pathlib.Path('file').write_text('kept'); "
        "assert os.getcwd() == os.path.expanduser('~') == '/data'; "
        "assert getpass.getuser() == 'nonroot'; "
        "tempfile.NamedTemporaryFile()"
    )
    options = (*HARDENED, f"--user={user}", f"--volume={tag}:/data")
    try:
        run_python(image, code, *options)
        assert docker_run(*options, "--entrypoint=cat", image, "file") == "kept"
    finally:
        run("docker", "volume", "rm", "--force", tag)


# Files below src of the project of the fixture `foreign`, each with a line of .gitignore.
IGNORED = {
    ".env": ".env",
    "native.so": "",  # what the owner compiles; the project ignores it already
    "lib/forced.txt": "lib/",
    "nested/secret.txt": "",  # nested/.gitignore matches it
    "größe 1.log": "*.log",
    "keep.log": "!keep.log",
    "excluded.txt": "",  # .git/info/exclude matches it
    "generated/app.js": "generated/",  # the wheel includes the folder
    "source.txt": "source.txt",  # only the source archive includes it
    # Files of a submodule, which has a .gitignore of its own.
    "vendored/native.so": "",
    "vendored/.env": "",
    "vendored/.git": "",
}
# What Python code prints in a container: the fixture of the image, the code and the output.
PROBES = {
    "output is not buffered, so a crash does not lose it": ("image", "print(1); os._exit(0)", "1"),
    "python on PATH can import the program": ("image", "print(sys.prefix)", "/venv"),
    "the user has a name, which libraries such as libpq need": ("image", "import pwd; print(pwd.getpwuid(os.getuid()).pw_name)", "nonroot"),
    "login shells find the program": ("image",
        "os.execlp('sh', 'sh', '-lc', 'command -v hypermodern-python; command -v python')", "/venv/bin/hypermodern-python\n/venv/bin/python"),
    "SIGTERM does what the program does for Ctrl-C": ("image", "signal.signal(2, lambda *_: print('cleaned up')); os.kill(1, 15)", "cleaned up"),
    "a server that stops gracefully goes on, as uvicorn raises the signal again": ("image", "signal.raise_signal(15); print('closed')", "closed"),
    "a forked process keeps the program's handler of SIGTERM": ("image",
        "signal.signal(15, print); pid = os.fork(); "
        "print(signal.getsignal(15) is print) if not pid else os.waitpid(pid, 0)", "True"),
    "a process that the program starts handles no SIGTERM": ("image",
        "os.dup2(1, 2); os.system('python -c \"import signal; print(signal.getsignal(15))\"')", "0"),
    "SIGTERM ends a forked process": ("image",
        "pid = os.fork() or time.sleep(60); time.sleep(1); os.kill(pid, 15); "
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))", "-15"),
    "a subinterpreter prints no error": ("image",
        "from concurrent.futures import InterpreterPoolExecutor; os.dup2(1, 2); "
        "print(*InterpreterPoolExecutor(1).map(abs, [-1]))", "1"),
    "an agent with its own sitecustomize does not replace the handler of SIGTERM": ("image",
        "open('/tmp/sitecustomize.py', 'w').write('print(1)'); code = 'import signal; "
        "print(signal.getsignal(15).__name__)'; "
        "os.execle(sys.executable, sys.executable, '-c', code, {'PYTHONPATH': '/tmp'})", "1\ninterrupt"),
    # The first year of ZIP is 1980.
    "files can be archived in the westernmost time zone": ("image",
        "os.environ['TZ'] = '<-12>12'; time.tzset(); "
        "[shutil.make_archive('/tmp/a', 'zip', path) for path in (p.__path__[0], sys.prefix)]", ""),
    "what Git ignores and does not track is not in the image": ("foreign",
        "os.chdir(p.__path__[0]); "
        f"print(*[name for name in {[*IGNORED]} if os.path.exists(name)])", "lib/forced.txt keep.log generated/app.js vendored/native.so"),
    "licenses in a folder and notices are in the image, and a README behind a link": ("foreign",
        "d = importlib.metadata.distribution('hypermodern-python'); print(d.read_text('licenses/NOTICE'), "
        "d.read_text('licenses/LICENSES/MIT.txt')[:11], d.metadata.get_payload()[:20])", "notice MIT License # Hypermodern Python"),
    "a build script runs with what it requires, here setuptools": ("foreign", "import hypermodern_python.built", ""),
    "of a dependency, neither tests nor invalid modules are compiled": ("foreign",
        "import starter_kit as kit; "
        "print([*pathlib.Path(kit.__path__[0]).rglob('*.pyc')] == [pathlib.Path(kit.__cached__)])", "True"),
}  # fmt: skip


@pytest.mark.parametrize("probe", PROBES)
def test_python_in_a_container(probe: str, request: pytest.FixtureRequest) -> None:
    """The code imports the package of the program as `p`."""
    fixture, code, output = PROBES[probe]
    modules = "importlib.metadata, os, pathlib, shutil, signal, sys, time"
    code = f"import {modules}, hypermodern_python as p; {code}"
    assert run_python(request.getfixturevalue(fixture), code).rstrip("\n") == output


# The contents of the image.


@pytest.mark.usefixtures("person")
def test_the_labels_match_the_metadata(bake: Bake, copy: Copy, tag: str) -> None:
    """The session `docker` adds the version, the commit and its options.

    The description may contain quotes, variables, backslashes and backticks.
    """
    description = r'A "quoted" $HOME ${PATH} \n `id` of the project'
    answers = {"description": description, "license": "Apache-2.0"}
    project = copy(bake(project_slug=tag, **answers))
    edit(project / "pyproject.toml", '"0.1.0"', '"1.2.3"')
    revision = commit(project)
    log = run("nox", "--session=docker", "--", "--label=mine=1", cwd=project)
    assert log.stdout.endswith(f"{tag}, version 1.2.3\n")
    labels = inspect(tag)["Config"]["Labels"]
    prefix = "org.opencontainers.image."
    assert {name.removeprefix(prefix): value for name, value in labels.items()} == {
        "title": tag,
        "description": description,
        "source": f"https://github.com/yourname/{tag}",
        "licenses": "Apache-2.0",
        "version": "1.2.3",
        "revision": revision,
        "mine": "1",
    }


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
    names = [Path(member.name) for member in layers[0] if member.isfile()]
    others = {path.name for path in names if path.suffix != ".pyc"}
    assert others == {"passwd", "group", "venv.sh"}
    assert len(names) > 500


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
    names = [member.name for member in itertools.chain(*layers[1:])]
    assert {name.partition("/")[0] for name in names} == {"venv", "data"}
    found = re.findall(r"(?m)/([^/]+)-[^-/]+\.dist-info$", "\n".join(names))
    installed = {name.replace("_", "-") for name in found}
    lock = tomllib.loads((PROJECT / "poetry.lock").read_text("utf-8"))
    main = {each["name"] for each in lock["package"] if "main" in each["groups"]}
    # Some of them are for other systems.
    assert installed - {"hypermodern-python"} <= main
    assert "click" in installed


def test_the_build_context_is_small(project: Path, copy: Copy, tmp_path: Path) -> None:
    """The context is little more than the lock files, without caches and artifacts."""
    folder = copy(project)
    for name in (".git", ".nox/tests", ".venv/lib", "dist", "src/__pycache__"):
        (folder / name).mkdir(parents=True)
        (folder / name / "big.pyc").write_bytes(bytes(1_000_000))
    tar = tmp_path / "context.tar"
    command = ("docker", "build", f"--output=type=tar,dest={tar}", "--file=-", ".")
    run(*command, cwd=folder, stdin="FROM scratch\nCOPY . /\n")
    with tarfile.open(tar) as context:
        assert "src/hypermodern_python/console.py" in context.getnames()
    locks = sum((folder / name).stat().st_size for name in ("poetry.lock", DOCKER))
    assert tar.stat().st_size - locks < 50_000


# Projects that differ from the sample.


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


@pytest.fixture(scope="session")
def foreign(project: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the image of a project with what other projects have.

    These are files that Git ignores, licenses in a folder, a README behind a link, a
    build script that needs setuptools, and a dependency with invalid and test modules.
    """
    parent = tmp_path_factory.mktemp("foreign")
    folder = shutil.copytree(project, parent / "project")
    package = folder / "src" / "hypermodern_python"
    for name, pattern in IGNORED.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("hunter2")
        edit(folder / ".gitignore", r"\Z", f"{pattern}\n")
    # Some editors on Windows write a byte order mark.
    (package / "nested" / ".gitignore").write_text("secret*\n", "utf-8-sig")
    (package / "vendored" / ".gitignore").write_text(".env\n")
    run("git", "init", cwd=folder)
    (folder / ".git" / "info" / "exclude").write_text("excluded.txt\n", "utf-8-sig")
    run("git", "add", "--force", package / "lib", cwd=folder)
    submodule = f"160000,{'1' * 40},src/hypermodern_python/vendored"
    run("git", "update-index", "--add", "--cacheinfo", submodule, cwd=folder)

    (folder / "NOTICE").write_text("notice")
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
    edit(pyproject, r'\["LICENSE"\]', '["LICENSES/*.txt", "NOTICE"]')
    edit(pyproject, r"(?ms)^\[dependency-groups\].*?(?=^\[build-system\])", "")
    edit(pyproject, r'("poetry-core>=2.2,<3")', r'\1, "setuptools>=80"')
    poetry = """[tool.poetry]
build = { script = "build.py" }
include = [
  { path = "**/generated", format = "wheel" },
  { path = "**/source.txt", format = "sdist" },
]"""
    edit(pyproject, r"\[tool\.poetry\]", poetry)
    wheel = build_wheel(kit, parent).name
    with serving(parent) as (address, _):
        url = f"http://{address}/{wheel}"
        edit(pyproject, '"click>=8.1"', rf'\g<0>, "starter-kit @ {url}"')
        env = MIRROR | os.environ | {"POETRY_VIRTUALENVS_CREATE": "false"}
        run("poetry", "lock", cwd=folder, env=env)
        build(folder, f"{TAGS}-foreign", "--network=host")
    return f"{TAGS}-foreign"


OTHER_HASH = "THESE PACKAGES DO NOT MATCH THE HASHES"
NO_HASH = "Hashes are required in --require-hashes mode"
OUTDATED = "pyproject.toml changed significantly since poetry.lock"
LACKING = "error: pyproject.toml includes data, which is not in the build context. Add the line !data to"
EXCLUDED = "error: pyproject.toml requires Python >=3.11,<3.12, but the image has 3."
# The stage that fails, the file with the mistake, a pattern and its replacement in it, and
# the error message.
MISTAKES = {
    "tool with another hash": ("poetry", DOCKER, "sha256:....", "sha256:0000", OTHER_HASH),
    "dependency with another hash": (
        "dependencies", "poetry.lock", '(file = "click-.*sha256:)....', r"\g<1>0000", OTHER_HASH,
    ),
    # Without its option, pip requires hashes only if the list contains some.
    "tools without hashes": ("poetry", DOCKER, r" \\\n +--hash=\S+", "", NO_HASH),
    "dependencies without hashes": ("dependencies", "poetry.lock", r"(?m:^ +\{file = .*\n)", "", NO_HASH),
    "outdated lock file": ("lock", "pyproject.toml", "click>=8.1", "click>=8.2", OUTDATED),
    # pip would skip all dependencies, and the build would succeed.
    "excluded Python": ("program", "pyproject.toml", '">=3.11"', '">=3.11,<3.12"', EXCLUDED),
    "included file outside the context": (
        "program", "pyproject.toml", r"\[tool\.poetry\]", r'\g<0>\ninclude = [{ path = "data/x", format = "wheel" }]', LACKING,
    ),
    "Python excluded by Poetry's table": (
        "program", "pyproject.toml", "requires-python = .*\n((?s:.*))",
        r'\1\n[tool.poetry.dependencies]\npython = "~3.11"\n', EXCLUDED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_fails_the_build_with_a_message(
    mistake: str, project: Path, copy: Copy, tag: str
) -> None:
    """Wrong hashes, outdated lock files and other Pythons never reach an image."""
    folder = copy(project)
    stage, name, old, new, message = MISTAKES[mistake]
    edit(folder / name, old, new)
    log = build(folder, tag, f"--target={stage}", check=False)
    assert message in log
    assert "did not complete successfully: exit code: 1" in log


# Rebuilds.


def begin_with_own_layer(project: Path, stage: str) -> None:
    """Change a stage, so that none of its steps has been built before."""
    # Docker's classic image store adds /etc to the layer of each RUN that writes a file.
    step = f"RUN echo {uuid.uuid4()} >own && touch -d @0 own /etc"
    edit(project / "Dockerfile", f"{stage}\n", f"{stage}\n{step}\n")


@pytest.fixture(scope="session")
def built(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project that only this module has built, in exactly this state."""
    folder = shutil.copytree(project, tmp_path_factory.mktemp("built") / "project")
    begin_with_own_layer(folder, " AS base")
    build(folder, f"{TAGS}-built")
    return folder


def changed_layers(before: str, after: str) -> int:
    """Return how many layers of two images differ."""
    layers = [inspect(image)["RootFS"]["Layers"] for image in (before, after)]
    return sum(a != b for a, b in zip(*layers, strict=True))


# A file, a pattern and its replacement in it, the stages to run again, and how many layers
# change. As the last stage only copies, the others give the same layers as before.
CHANGES = {
    "code": ("src/hypermodern_python/splines.py", "Reticulation", "Vectorization", "program", 1),
    "version": ("pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"', "lock program", 1),
    "tool": ("pyproject.toml", "fail_under = 100", "fail_under = 99", "lock program", 0),
    "development": ("poetry.lock", r'(name = "ruff"\nversion = )"[0-9.]+"', r'\1"0.0.1"', "lock program", 0),
    "main": ("poetry.lock", r' +\{file = "click-.*\.tar\.gz".*\n', "", "lock dependencies program", 0),
    "poetry": (DOCKER, r"\Z", "# A change.\n", "poetry lock dependencies program", 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
def test_only_changed_stages_are_rebuilt(
    kind: str, built: Path, copy: Copy, tag: str
) -> None:
    """A change of the code or of the version adds one small layer."""
    folder = copy(built)
    name, old, new, stages, layers = CHANGES[kind]
    edit(folder / name, old, new)
    log = build(folder, tag)
    assert steps_run(log) - {"stage-5"} == set(stages.split())
    assert changed_layers(f"{TAGS}-built", tag) == layers


@pytest.mark.stores
@pytest.mark.parametrize(("time", "layers"), [("1750000000", 1), ("", 0)])
def test_only_the_program_has_the_time_of_the_build_argument(
    time: str, layers: int, image: str, project: Path, tag: str
) -> None:
    """The other layers do not depend on it. A repository without a commit has no time."""
    build(project, tag, f"--build-arg=SOURCE_DATE_EPOCH={time}")
    code = "import hypermodern_python as p, os; print(os.path.getmtime(p.__file__))"
    assert run_python(tag, code) == f"{time or 315619200}.0\n"
    assert changed_layers(image, tag) == layers


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
    any_number = re.sub("-P [0-9]+", "-P $cores", command[0])
    script = f"""
set -e
library=$(python -c 'import os; print(os.path.dirname(os.__file__))')
cd /data && find "$library" -maxdepth 1 -name '*.py' -exec cp {{}} . \\;
find . -name '*.py' -print0 >py && sort -z -o py py
for cores in 1 8; do
    find . -name '*.pyc' -exec rm {{}} +
    {re.sub("-n [0-9]+", "-n 20", any_number)} <py
    find . -name '*.pyc' -exec sha256sum {{}} + | sort | sha256sum
done
"""
    one, eight = docker_run("--entrypoint=sh", image, "-c", script).splitlines()
    assert one == eight


# A private index.


def download_wheels(project: Path, folder: Path) -> Path:
    """Download the wheels that a build installs, with the base image's own pip."""
    run("poetry", "export", f"--output={folder}/main.txt", cwd=project)
    requirements = (folder / "main.txt").read_text() + (project / DOCKER).read_text()
    script = "cat >/r && pip download --quiet --no-deps --dest=/wheels --requirement=/r"
    name = f"{TAGS}-index"
    command = ("docker", "run", "--interactive", f"--name={name}", base_of(project))
    try:
        run(*command, "sh", "-c", script, stdin=requirements)
        run("docker", "cp", "--quiet", f"{name}:/wheels", str(folder))
    finally:
        run("docker", "rm", "--force", name, check=False)
    return folder / "wheels"


def test_the_image_does_not_contain_the_login_of_a_private_index(
    project: Path, copy: Copy, tmp_path: Path, tag: str
) -> None:
    """With the recipe's diff, no stage contains the password or the certificate."""
    folder = copy(project)
    begin_with_own_layer(folder, " AS base")
    # Some base images set a variable that overrides pip's setting for the tests' index.
    edit(folder / "Dockerfile", " AS base\n", " AS base\nENV REQUESTS_CA_BUNDLE=\n")
    (diff,) = (
        block.code
        for block in blocks(ROOT / "templates" / "recipes" / "dependencies.md")
        if block.heading == "Use a private package index"
        and "a/Dockerfile" in block.code
    )
    run("git", "apply", "-", cwd=folder, stdin=diff)
    login = f"builder:{secrets.token_urlsafe()}"
    certificate, settings = tmp_path / "ca.pem", tmp_path / "pip.conf"
    write_certificate(certificate)
    options = [
        f"--secret=id={path.name},src={path}" for path in (certificate, settings)
    ]
    stages = re.findall(r"(?m)^FROM \S+ AS (\w+)$", (folder / "Dockerfile").read_text())
    assert {"poetry", "dependencies", "program"} <= set(stages)
    wheels = download_wheels(project, tmp_path)
    with serving(wheels, login, certificate) as (address, served):
        settings.write_text(
            f"[global]\nindex-url = https://{login}@{address}/simple\n"
            "cert = /run/secrets/ca.pem\n"
        )
        for stage in stages:
            target = f"--target={stage}"
            build(folder, f"{tag}-{stage}", "--network=host", *options, target)
        build(folder, tag, "--network=host", *options)
    for name in ("click", "poetry"):
        assert any(f"/{name}-" in path for path in served)

    password = login.partition(":")[2].encode()
    hidden = [password, b64encode(password), certificate.read_bytes().splitlines()[1]]
    for image in (tag, *(f"{tag}-{stage}" for stage in stages)):
        history = run("docker", "history", "--no-trunc", image).stdout.encode()
        for content in (history, *layers_above(base_of(project), image)):
            packed = content.startswith(b"\x1f\x8b")
            unpacked = gzip.decompress(content) if packed else content
            assert not any(secret in unpacked for secret in hidden), image


# Other builders.


SUDO = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]


def test_docker_builds_the_image_without_buildx(
    project: Path, copy: Copy, tag: str
) -> None:
    """The older builder keeps an image of each stage, which a label finds."""
    folder = copy(project)
    edit(folder / "Dockerfile", "(?m)^(FROM .*)", rf"\1\nLABEL {tag}=1")
    older = os.environ | {"DOCKER_BUILDKIT": "0"}
    try:
        run("docker", "build", f"--tag={tag}", ".", cwd=folder, env=older)
        assert docker_run(tag, "--count=1") == "Reticulating spline 1...\n"
    finally:
        run("docker", "image", "rm", tag, check=False)
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
    """The image has the description as a label, and its program runs."""
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
    label = "org.opencontainers.image.description"
    assert config["Labels"][label] == description
    create = (*SUDO, "buildah", *store, "from", "--pull-never", "built")
    container = run(*create).stdout.strip()
    (program,) = config["Entrypoint"]
    command = (*SUDO, "buildah", *store, "run", "--isolation=chroot", container, "--")
    # Buildah can lose the output of a program that ends before Buildah reads it.
    script = f"{program} --count=1 && sleep 1"
    printed = run(*command, "sh", "-c", script).stdout
    assert printed == "Reticulating spline 1...\n"
