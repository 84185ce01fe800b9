"""The work on the template, as sessions: ``nox --list`` lists them."""

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_venv = "yes"

POETRY = nox.project.dependency_groups(
    nox.project.load_toml("pyproject.toml"), "poetry"
)


def install(session: nox.Session, group: str) -> None:
    """Install the dependencies in a group, as poetry.lock pins them, with hashes.

    Poetry, which reads the lock file, is installed first: nox is all that users need.
    """
    session.install(*POETRY)
    requirements = str(Path(session.create_tmp(), "requirements.txt"))
    session.run("poetry", "export", f"--only={group}", f"--output={requirements}")
    session.install(
        # Most of the modules never run; Python compiles the others when they do.
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
    parallel = ["--numprocesses=auto", "--dist=worksteal"]
    # Below .nox, which Git ignores, ruff would find no file of a generated project.
    temporary = {"TMPDIR": os.environ.get("TMPDIR")}
    session.run("pytest", *(session.posargs or parallel), env=temporary)


@nox.session
def pages(session: nox.Session) -> None:
    """Update the parts of pages that follow from other files."""
    install(session, "tests")
    session.run("cog", "-r", "README.md", "docs/benchmark.md", "docs/changing.md")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the guide as a site in docs/_build, with warnings as errors."""
    install(session, "docs")
    output = session.posargs or ["docs/_build"]
    session.run("sphinx-build", "-W", "-n", "--fresh-env", "docs", *output)


@nox.session
def lock(session: nox.Session) -> None:
    """Lock dependencies after a change of them; `-- --regenerate` updates all."""
    mirror = (
        ["poetry-plugin-pypi-mirror"] if "POETRY_PYPI_MIRROR_URL" in os.environ else []
    )
    session.install("cookiecutter", "uv", *POETRY, *mirror)
    session.run("python", "tools/lock.py", *session.posargs)


@nox.session
def picture(session: nox.Session) -> None:
    """Record a session at a terminal as docs/session.svg; needs an engine."""
    install(session, "picture")
    session.run("python", "-m", "tools.picture")


@nox.session
def benchmark(session: nox.Session) -> None:
    """Compare the image's recipe with others; needs an engine and a quiet machine."""
    install(session, "benchmark")
    session.run("python", "-m", "benchmarks.run", *session.posargs)
    session.run("python", "-m", "benchmarks.report")
    session.run("cog", "-r", "README.md", "docs/benchmark.md")
