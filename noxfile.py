"""Nox sessions for work on the template; ``nox --list`` lists them."""

import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "uv|virtualenv"  # without uv, pip installs

POETRY = nox.project.dependency_groups(
    nox.project.load_toml("pyproject.toml"), "poetry"
)
# cog changes only pages that contain its markers.
PAGES = ["README.md", *map(str, Path("docs").glob("*.md"))]


def install(session: nox.Session, group: str) -> None:
    """Install a group of dependencies with the versions and hashes in poetry.lock.

    Poetry exports them, and is installed first, so that you need only nox.
    """
    session.install(*POETRY)
    requirements = str(Path(session.create_tmp(), "requirements.txt"))
    session.run_install(
        *("poetry", "export", f"--only={group}", f"--output={requirements}")
    )
    session.install(
        # Most modules are never imported; Python compiles the others on import.
        *("--no-compile", "--no-deps", "--require-hashes"),
        f"--requirement={requirements}",
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style, format and types of the template's own code."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Generate projects and test them; with an engine, build and run their images."""
    install(session, "tests")
    # One process more than there are cores, because some tests wait for other programs.
    number = (os.cpu_count() or 1) + 1
    parallel = [f"--numprocesses={number}", "--dist=loadgroup"]  # options can change it
    env = {
        # Nox sets it to a folder in .nox. Git ignores .nox, so ruff would skip all files.
        "TMPDIR": os.environ.get("TMPDIR"),
        # Hundreds of programs would each compile the modules that they import.
        "PYTHONDONTWRITEBYTECODE": None,
    }
    session.run("pytest", *parallel, *session.posargs, env=env)


@nox.session(venv_backend="none")
def quick(session: nox.Session) -> None:
    """Run `lint` and fast tests in environments that exist; options choose other tests."""
    fast = "not engine and not longest and not hypothesis"
    modules = ["tests/test_answers.py", "tests/test_rendering.py"]
    # A single process ends before pytest-xdist would have started its workers.
    options = session.posargs or [*modules, "-k", "not accepted", "--numprocesses=0"]
    again = (sys.executable, "-m", "nox", "-R", "--session", "lint", "tests", "--")
    session.run(*again, "-m", fast, *options, external=True)


@nox.session
def pages(session: nox.Session) -> None:
    """Update the generated parts of pages."""
    install(session, "tests")
    session.run("cog", "-r", *PAGES)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the website of the guide in docs/_build, with warnings as errors."""
    install(session, "docs")
    output = session.posargs or ["docs/_build"]
    session.run("sphinx-build", "-W", "-n", "--fresh-env", "docs", *output)


@nox.session
def lock(session: nox.Session) -> None:
    """Update the lock files; with `-- --regenerate`, update all versions, too."""
    mirror = (
        ["poetry-plugin-pypi-mirror"] if "POETRY_PYPI_MIRROR_URL" in os.environ else []
    )
    session.install("cookiecutter", "uv", *POETRY, *mirror)
    session.run("python", "tools/lock.py", *session.posargs)


@nox.session
def picture(session: nox.Session) -> None:
    """Record a terminal session as docs/session.svg; needs an engine."""
    install(session, "picture")
    session.run("python", "-m", "tools.picture")


@nox.session
def benchmark(session: nox.Session) -> None:
    """Compare the image's recipe with others; needs an engine and a quiet machine."""
    install(session, "benchmark")
    session.run("python", "-m", "benchmarks.run", *session.posargs)
    session.run("cog", "-r", *PAGES)
