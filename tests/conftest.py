"""What the tests share: baked projects, the environment their lock files pin, an engine."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cookiecutter
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from pytest_cookies.plugin import Cookies

from tests import ROOT, commit, copy_of_template, run
from tests.engine import TAGS, Registry, remove_images

# A project takes a tenth of a second, which is no fault of the answers.
settings.register_profile(
    "quick",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "fuzz", settings.get_profile("quick"), max_examples=5000, derandomize=False
)
settings.load_profile("quick")

Bake = Callable[..., Path]
Generate = Callable[..., subprocess.CompletedProcess[str]]


def engine_answers() -> bool:
    """Tell whether a Docker Engine serves this user."""
    return (
        bool(shutil.which("docker"))
        and not run("docker", "version", check=False).returncode
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest; skip what needs an engine where none is, unless required."""
    items.sort(key=lambda item: not item.get_closest_marker("longest"))
    wanting = [item for item in items if item.get_closest_marker("engine")]
    if not wanting or engine_answers():
        return
    if os.environ.get("REQUIRE_ENGINE"):
        raise pytest.UsageError("REQUIRE_ENGINE is set, but no Docker Engine answers")
    reason = "no Docker Engine answers; on Debian, 'tools/engine start' brings one"
    for item in wanting:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Let Ctrl-C reach the programs started here, also from a background job.

    A shell starts its background jobs with SIGINT ignored, and they pass that on.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the images that the tests built, once no worker builds any more."""
    if not hasattr(session.config, "workerinput") and shutil.which("docker"):
        remove_images()


@pytest.fixture(scope="session")
def bake(cookies_session: Cookies) -> Bake:
    """Return a function that generates a project from answers, each distinct set once.

    The projects are shared: a test that writes to one works on a copy.
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
def home(tmp_path: Path) -> Path:
    """Return an empty home directory."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Return an empty folder to generate into; its name wants quoting."""
    output = tmp_path / "my prøjects"
    output.mkdir()
    return output


@pytest.fixture
def generate(home: Path, output: Path) -> Generate:
    """Return a function that runs Cookiecutter's command with these answers."""

    def generate(
        *options: str,
        template: Path = ROOT,
        env: Mapping[str, str] = os.environ,
        **answers: str,
    ) -> subprocess.CompletedProcess[str]:
        # Cookiecutter takes one or the other.
        asking = [] if "--replay" in options else ["--no-input"]
        return run(
            *(sys.executable, "-m", "cookiecutter", str(template), *asking, *options),
            *(f"{question}={answer}" for question, answer in answers.items()),
            check=False,
            cwd=output,
            env={
                **env,
                "HOME": str(home),
                "USERPROFILE": str(home),
                "PWD": str(output),
            },
        )

    return generate


@pytest.fixture
def person(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be Jane, whose home this is, and of whom git knows; nobody else is known."""
    (home / ".gitconfig").write_text(
        "[user]\nname = Jane Doe\nemail = jane@example.com\n"
        "[init]\ndefaultBranch = main\n"
    )
    for name in [
        name for name in os.environ if name.startswith(("GIT_", "XDG_", "EMAIL"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return home


@pytest.fixture
def repository(person: Path) -> Path:
    """Return a Git repository of the template, with a commit of what is here now."""
    folder = copy_of_template(person / "the template")
    commit(folder)
    return folder


@pytest.fixture
def tag() -> str:
    """Return a name for an image of this test's own."""
    return f"{TAGS}-hook-{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def locked_environment(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site-packages with what a project's tests need, as its lock pins it."""
    # Above the folder of this worker: all of them share the one environment.
    folder = tmp_path_factory.getbasetemp().parent / "locked-environment"
    requirements = folder / "requirements.txt"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            run(
                "poetry",
                "export",
                "--with=tests",
                f"--output={requirements}",
                cwd=project,
            )
            run(
                *(sys.executable, "-m", "pip", "install", f"--target={folder}"),
                *("--no-deps", "--require-hashes", f"--requirement={requirements}"),
                "--no-compile",
            )
    return folder


@pytest.fixture(scope="session")
def old_cookiecutter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Python with the oldest Cookiecutter that the template serves.

    Its dependencies are those of the newest, which the tests run with.
    """
    folder = tmp_path_factory.getbasetemp().parent / "old-cookiecutter"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            run(sys.executable, "-m", "venv", "--without-pip", str(folder))
            run(
                *(sys.executable, "-m", "pip", f"--python={python}", "install"),
                *("--no-deps", "cookiecutter==2.6.0"),
            )
            ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
            site_packages = run(str(python), "-c", ask).stdout.strip()
            newest = str(Path(cookiecutter.__file__).parent.parent)
            Path(site_packages, "newest.pth").write_text(newest)
    return python


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Return a registry that the engine can push to."""
    registry = Registry(tmp_path_factory.mktemp("registry"))
    yield registry
    registry.stop()
