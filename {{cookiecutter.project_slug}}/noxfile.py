"""Everything a developer runs: ``nox --list`` shows the sessions."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.sessions = ["lint", "mypy", "tests", "coverage"]
nox.options.reuse_venv = "yes"

PACKAGE = "{{ cookiecutter.package_name }}"
IMAGE = "{{ cookiecutter.project_slug }}"
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]


def install(session: nox.Session, *options: str) -> None:
    """Install what poetry.lock pins, hash-checked, for these options of its export."""
    requirements = str(Path(session.create_tmp(), "requirements.txt"))
    session.run("poetry", "export", "--output", requirements, *options, external=True)
    session.install("--no-deps", "--require-hashes", "--requirement", requirements)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of the code, and its format."""
    install(session, "--only=lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def mypy(session: nox.Session) -> None:
    """Check the types."""
    install(session, "--with=mypy")
    session.run("mypy", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, measuring what they cover."""
    install(session, "--with=tests")
    session.install("--no-deps", ".")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Combine what the tests covered, and demand all of it."""
    install(session, "--only=tests")
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session(venv_backend="none")
def docker(session: nox.Session) -> None:
    """Build the image, labelled with its version, and see it reticulate splines."""
    engine = "docker" if shutil.which("docker") else "podman"
    labels = {"version": session.run("poetry", "version", "--short", silent=True)}
    if Path(".git").exists():
        # Before the first commit, this prints nothing and its status is 1.
        command = ["git", "rev-parse", "--quiet", "--verify", "HEAD"]
        labels["revision"] = session.run(*command, silent=True, success_codes=[0, 1])
    options = (
        f"--label=org.opencontainers.image.{name}={str(value).strip()}"
        for name, value in labels.items()
        if value
    )
    session.run(engine, "build", *options, "--tag", IMAGE, ".")
    output = session.run(engine, "run", "--rm", IMAGE, "--count=1", silent=True)
    if output != "Reticulating spline 1...\n":
        session.error(f"unexpected output of the container: {output!r}")
