"""Fixtures: generated projects, fake commands, a user with git settings, a registry."""

import os
import re
import secrets
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_cookies.plugin import Cookies

from tests import MIRROR, RUN, TAGS, commit, copy_template
from tools.images import Registry, missing, remove, run

# To try more and random examples, add --hypothesis-profile=long to pytest's options.
settings.register_profile(
    "default",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "long", settings.get_profile("default"), max_examples=5000, derandomize=False
)
settings.load_profile("default")

SKIP_NOTHING = "SKIP_NOTHING" in os.environ  # set in CI
# The only tests that CI may skip, by a mark or the name of a module, and why. On Linux, CI
# runs all tests.
SKIPPED_IN_CI = {
    "darwin": {
        "engine": "GitHub's runners have no Docker Engine",
        "test_publishing.py": "the workflows' jobs run on Linux, with its programs",
    },
    "win32": {
        "engine": "GitHub's runners have no Docker Engine for Linux",
        "test_hooks.py": "shell scripts take the place of commands",
    },
}.get(sys.platform, {})

# Fixtures whose tests pytest-xdist runs in one process, because they are slow to make.
MADE_ONCE = {"nox", "site", "history"}

Bake = Callable[..., Path]
Copy = Callable[[Path], Path]
Fake = Callable[[str, str], None]


class Nox:
    """Runs a project's sessions with only Python, Poetry and nox on PATH.

    All projects share the environments, so that each is installed once.
    Their paths contain spaces, as those of a project in a folder with spaces do.
    """

    def __init__(self, folder: Path) -> None:
        """Use this folder for the environments and as an empty home directory."""
        self.envdir = folder / "environments of nox"
        programs = folder / "bin"
        programs.mkdir()
        for name in ("nox", "poetry"):
            (programs / name).symlink_to(shutil.which(name) or name)
        prefixes = ("PIP_", "SSL_", "REQUESTS_", "POETRY_")
        self.env = {
            **MIRROR,
            "MYPY_CACHE_DIR": str(folder / "mypy"),
            **{n: v for n, v in os.environ.items() if n.startswith(prefixes)},
            "HOME": str(folder),
            "PATH": f"{programs}{os.pathsep}{os.defpath}",
        }

    def run(self, project: Path, *options: str, fails: str = "") -> str:
        """Run sessions and return their output.

        Raises:
            CalledProcessError: A session failed, and `fails` names none.
            AssertionError: Not only the session that `fails` names has failed.
        """
        envdir = f"--envdir={self.envdir}"
        command = ("nox", envdir, "--error-on-external-run", *options)
        result = run(*command, check=not fails, cwd=project, env=self.env)
        if fails:
            failed = re.findall(r"Session (\S+) (?:failed|aborted)", result.stderr)
            assert failed == [fails], result
        return result.stdout + result.stderr


def pytest_configure() -> None:
    """In CI, end with one message if there is no engine, but should be.

    Raises:
        UsageError: Something is missing to build images.
    """
    if SKIP_NOTHING and "engine" not in SKIPPED_IN_CI and (reason := missing()):
        raise pytest.UsageError(reason)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Start the longest tests first. Without an engine, skip tests that need one.

    Tests that use the same slow fixture run in one process.
    """
    items.sort(key=lambda item: not item.get_closest_marker("longest"))
    for item in items if config.pluginmanager.hasplugin("xdist") else ():
        for name in MADE_ONCE.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(name))
    concerned = [item for item in items if item.get_closest_marker("engine")]
    if concerned and (reason := missing()):
        for item in concerned:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, let a skipped test fail unless it is listed."""
    report = yield
    listed = any(name in item.keywords for name in SKIPPED_IN_CI)
    if SKIP_NOTHING and call.excinfo and report.skipped and not listed:
        report.outcome = "failed"
        report.longrepr = (
            f"CI must run this test, but it was skipped: {call.excinfo.value}"
        )
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the images that the tests built, after all workers have finished."""
    if not hasattr(session.config, "workerinput") and shutil.which("docker"):
        # Tests also tag images with the address of a registry, and name a devcontainer.
        remove(f"{RUN}-*", f"*/{RUN}-*", f"*/*/{RUN}-*", f"vsc-{RUN}-*")


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Let Ctrl-C interrupt the tests' programs, even if a shell runs pytest with &."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def bake(cookies_session: Cookies) -> Bake:
    """Return a function that generates a project, once for each set of answers.

    Tests share these projects. A test that changes a project must work on a copy.
    """
    projects: dict[frozenset[tuple[str, str]], Path] = {}

    def bake(**answers: str) -> Path:
        key = frozenset(answers.items())
        if key not in projects:
            result = cookies_session.bake(extra_context=answers)
            assert result.exception is None, result.exception
            projects[key] = result.project_path
        return projects[key]

    return bake


@pytest.fixture(scope="session")
def project(bake: Bake) -> Path:
    """Return the default project; see `bake`."""
    return bake()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return a function that copies a project into a new folder of the same name."""

    def copy(project: Path) -> Path:
        parent = tmp_path / f"copy-{secrets.token_hex(4)}"
        return shutil.copytree(project, parent / project.name)

    return copy


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home directory for one test."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    # Docker's client would look for its plugins and logins in the empty home directory.
    docker = os.environ.get("DOCKER_CONFIG", str(Path("~/.docker").expanduser()))
    monkeypatch.setenv("DOCKER_CONFIG", docker)
    return home


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Return an empty output folder whose name must be quoted in a shell."""
    output = tmp_path / "my prøjects"
    output.mkdir()
    return output


@pytest.fixture
def person(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home directory with the git settings of Jane Doe."""
    (home / ".gitconfig").write_text(
        "[user]\nname = Jane Doe\nemail = jane@example.com\n"
        "[init]\ndefaultBranch = main\n[safe]\ndirectory = *\n"
    )
    for name in list(os.environ):
        if name.startswith(("GIT_", "XDG_", "EMAIL")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def repository(person: Path) -> Path:
    """Return a Git repository with the current files of the template in one commit."""
    folder = copy_template(person / "the template")
    commit(folder)
    return folder


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Return a function that replaces a command on PATH with a shell script."""
    if os.name == "nt":
        pytest.skip("the commands are shell scripts; run this on Linux or macOS")
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def fake(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o700)

    return fake


@pytest.fixture
def tag() -> str:
    """Return an image name that no other test uses."""
    return f"{TAGS}-{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def nox(tmp_path_factory: pytest.TempPathFactory) -> Nox:
    """Return an object that runs the sessions of a project."""
    return Nox(tmp_path_factory.mktemp("nox"))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Return an empty registry that the engine can push to."""
    registry = Registry(tmp_path)
    yield registry
    registry.stop()
