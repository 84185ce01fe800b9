# /// script
# dependencies = ["nox>=2025.11.12"]
# ///
"""Everything a developer runs: ``nox --list`` shows the sessions."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"

PACKAGE = "{{ cookiecutter.package_name }}"
IMAGE = "{{ cookiecutter.project_slug }}"
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]


def export(session: nox.Session, *options: str) -> str:
    """Return a file of what poetry.lock pins, with hashes, for Poetry's options."""
    requirements = str(Path(session.create_tmp(), "requirements.txt"))
    session.run("poetry", "export", "--output", requirements, *options, external=True)
    return requirements


def install(session: nox.Session, *options: str) -> None:
    """Install exactly what poetry.lock pins for these options of its export."""
    requirements = export(session, *options)
    session.install("--no-deps", "--require-hashes", "--requirement", requirements)


def install_project(session: nox.Session, group: str) -> None:
    """Install the project with its dependencies and a group, all as locked."""
    install(session, f"--with={group},build")
    session.install("--no-deps", "--no-build-isolation", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style, the format, the spelling, and all that is YAML."""
    install(session, "--only=lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("yamllint", "--strict", ".")
    session.run("zizmor", "--offline", "--quiet", ".")


@nox.session
def mypy(session: nox.Session) -> None:
    """Check the types."""
    install(session, "--with=mypy")
    session.run("mypy", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, measuring what they cover."""
    install_project(session, "tests")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Combine what the tests covered, and demand all of it."""
    install(session, "--only=tests")
    session.run("coverage", "combine")
    session.run("coverage", "xml", "--fail-under=0")
    session.run("coverage", "report")


@nox.session
def typeguard(session: nox.Session) -> None:
    """Run the tests, checking the types of all arguments and results."""
    install_project(session, "typeguard")
    session.run("pytest", f"--typeguard-packages={PACKAGE}", *session.posargs)


@nox.session
def xdoctest(session: nox.Session) -> None:
    """Run the examples in the docstrings."""
    install_project(session, "xdoctest")
    session.run("python", "-m", "xdoctest", PACKAGE, *(session.posargs or ["all"]))


@nox.session(name="docs-build")
def docs_build(session: nox.Session) -> None:
    """Build the documentation, with warnings as errors."""
    install_project(session, "docs")
    output = session.posargs or ["docs/_build"]
    session.run("sphinx-build", "-W", "-n", "--fresh-env", "docs", *output)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Show the documentation in a browser, and each change of it at once."""
    install_project(session, "docs")
    session.run("sphinx-autobuild", "--open-browser", "docs", "docs/_build")


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look for known vulnerabilities in what the program installs."""
    install(session, "--only=audit")
    requirements = export(session)
    session.run("pip-audit", "--disable-pip", "--requirement", requirements)


@nox.session(venv_backend="none", default=False)
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
