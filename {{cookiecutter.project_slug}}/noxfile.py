# /// script
# dependencies = ["nox>=2025.11.12"]
# ///
"""The checks of the project, as sessions: ``nox --list`` lists them."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"

PACKAGES = sorted(path.parent.name for path in Path("src").glob("*/__init__.py"))
IMAGE = "{{ cookiecutter.project_slug }}"
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]


def install(session: nox.Session, groups: str, **env: str) -> None:
    """Install the dependencies in these groups, and no others, as poetry.lock pins them."""
    command = ["poetry", "sync", "--no-root", "--all-extras", f"--only={groups}"]
    session.run_install(*command, env=env, external=True, silent=True)


def install_project(session: nox.Session, group: str) -> None:
    """Install the project with its dependencies and those of a group."""
    install(session, f"main,build,{group}")
    session.install("--no-deps", "--no-build-isolation", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, spelling, YAML files and workflows."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("yamllint", "--strict", ".")
    session.run("zizmor", "--offline", "--quiet", ".")


@nox.session
def mypy(session: nox.Session) -> None:
    """Check the types."""
    install(session, "main,mypy")
    session.run("mypy", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests and measure their coverage."""
    install_project(session, "tests")
    source = f"--source={','.join(PACKAGES)}"
    session.run("coverage", "run", source, "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Combine the coverage of all test runs, and require 100 %."""
    install(session, "tests")
    session.run("coverage", "combine")
    session.run("coverage", "xml", "--fail-under=0")
    session.run("coverage", "report")


@nox.session
def typeguard(session: nox.Session) -> None:
    """Run the tests with the types of all arguments and results checked."""
    install_project(session, "typeguard")
    packages = f"--typeguard-packages={','.join(PACKAGES)}"
    session.run("pytest", packages, *session.posargs)


@nox.session
def xdoctest(session: nox.Session) -> None:
    """Run the examples in the docstrings."""
    install_project(session, "xdoctest")
    for package in PACKAGES:
        options = session.posargs or ["all"]
        session.run("python", "-m", "xdoctest", package, *options)


@nox.session(name="docs-build")
def docs_build(session: nox.Session) -> None:
    """Build the documentation, with warnings as errors."""
    install_project(session, "docs")
    output = session.posargs or ["docs/_build"]
    session.run("sphinx-build", "-W", "-n", "--fresh-env", "docs", *output)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Show the documentation in a browser, and build it again after each change."""
    install_project(session, "docs")
    session.run("sphinx-autobuild", "--open-browser", "docs", "docs/_build")


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look for known vulnerabilities in the dependencies of the program."""
    install(session, "audit")
    program = Path(session.create_tmp(), "program").resolve()
    session.run("python", "-m", "venv", "--clear", "--without-pip", str(program))
    install(session, "main", VIRTUAL_ENV=str(program))
    (packages,) = program.glob("[Ll]ib/**/site-packages")
    session.run("pip-audit", f"--path={packages}")


@nox.session(venv_backend="none", default=False)
def docker(session: nox.Session) -> None:
    """Build the image, labelled with its version and commit, and run it once.

    Options after ``--`` are passed to the build, for example a secret.
    """
    engine = "docker" if shutil.which("docker") else "podman"
    labels = {"version": session.run("poetry", "version", "--short", silent=True)}
    if Path(".git").exists():
        # Before the first commit, this prints nothing and exits with 1.
        command = ["git", "rev-parse", "--quiet", "--verify", "HEAD"]
        labels["revision"] = session.run(*command, silent=True, success_codes=[0, 1])
    options = (
        f"--label=org.opencontainers.image.{name}={str(value).strip()}"
        for name, value in labels.items()
        if value
    )
    session.run(engine, "build", *options, *session.posargs, "--tag", IMAGE, ".")
    session.run(engine, "run", "--rm", IMAGE, "--version")
