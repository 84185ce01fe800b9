# /// script
# dependencies = ["nox>=2025.11.12"]
# ///
"""The checks of the project, as sessions: ``nox --list`` lists them."""

import shutil
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"

PROJECT = nox.project.load_toml("pyproject.toml")
# The classifiers list the supported versions.
PYTHONS = nox.project.python_versions(PROJECT)
IMAGE = "{{ cookiecutter.project_slug }}"


def install(
    session: nox.Session, groups: str, *options: str, venv: str | None = None
) -> None:
    """Install these groups of dependencies, and no others, as poetry.lock pins them.

    Without the option ``--no-root``, the project is installed, too, in editable mode.
    """
    command = ["poetry", "sync", "--all-extras", f"--only={groups}", *options]
    venv = venv or session.virtualenv.location
    # Poetry prefers two environments to VIRTUAL_ENV: that of `poetry env use`, which it finds
    # with VIRTUALENVS_PATH, and one of its own in Conda's base environment. With these settings,
    # it can change and create environments only in the session's folder.
    env = {
        "VIRTUAL_ENV": venv,
        "CONDA_DEFAULT_ENV": None,
        "POETRY_VIRTUALENVS_PATH": venv,
        "POETRY_VIRTUALENVS_IN_PROJECT": "false",
        "POETRY_VIRTUALENVS_CREATE": "true",
    }
    session.run_install(*command, env=env, external=True, silent=True)


def install_wheel(session: nox.Session, groups: str) -> None:
    """Install these groups of dependencies and the project as its users install it."""
    install(session, f"main,build,{groups}", "--no-root")
    # Unlike session.install, this also runs with the option -R. No setting of pip applies.
    pip = ("python", "-m", "pip", "--isolated", "--disable-pip-version-check")
    session.run(*pip, "install", "--quiet", "--no-deps", "--no-build-isolation", ".")


def packages(session: nox.Session) -> dict[str, Path]:
    """Return the paths of the packages below src by their import names.

    A package can be in a namespace, which is a folder without Python files.
    """
    src = Path("src")
    found = {file if file.parent == src else file.parent for file in src.rglob("*.py")}
    if not found:
        session.error("src: it has no Python file to check. Move your package there")
    return {
        ".".join(path.relative_to(src).with_suffix("").parts): path
        for path in sorted(found)
        if found.isdisjoint(path.parents)
    }


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, spelling, YAML files and workflows."""
    install(session, "lint", "--no-root")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("yamllint", "--strict", ".")
    session.run("zizmor", "--offline", "--quiet", ".")


@nox.session
def mypy(session: nox.Session) -> None:
    """Check the types."""
    install(session, "main,mypy,tests", "--no-root")
    session.run("mypy", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on the installed wheel and measure their coverage."""
    source = f"--source={','.join(packages(session))}"
    install_wheel(session, "tests")
    session.run("coverage", "run", source, "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Combine the coverage of all test runs, and require 100 %."""
    install(session, "tests", "--no-root")
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session
def typeguard(session: nox.Session) -> None:
    """Run the tests again, and check the types of arguments and return values."""
    checked = f"--typeguard-packages={','.join(packages(session))}"
    install_wheel(session, "tests,typeguard")
    session.run("pytest", checked, *session.posargs)


@nox.session
def xdoctest(session: nox.Session) -> None:
    """Run the examples in the docstrings."""
    install(session, "main,xdoctest")
    for path in packages(session).values():
        options = session.posargs or ["all"]
        session.run("python", "-m", "xdoctest", path, *options)


@nox.session(name="docs-build")
def docs_build(session: nox.Session) -> None:
    """Build the documentation, with warnings as errors."""
    install(session, "main,docs")
    output = session.posargs or ["docs/_build"]
    session.run("sphinx-build", "-W", "-n", "--fresh-env", "docs", *output)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Show the documentation in a browser, and build it again after each change."""
    install(session, "main,docs,docs-server")
    session.run("sphinx-autobuild", "--open-browser", "docs", "docs/_build")


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Check the program's dependencies for known vulnerabilities."""
    install(session, "audit", "--no-root")
    program = Path(session.create_tmp(), "program").resolve()
    venv = ["--clear", "--without-pip", str(program)]
    session.run_install("python", "-m", "venv", *venv)
    install(session, "main", "--no-root", venv=str(program))
    (packages,) = program.glob("[Ll]ib/**/site-packages")
    session.run("pip-audit", "--strict", f"--path={packages}")


@nox.session(venv_backend="none", default=False)
def docker(session: nox.Session) -> None:
    """Build the image, label it with the version and commit, and run it once.

    Options after ``--`` are passed to the build, for example ``--secret``.
    """
    engine = "docker" if shutil.which("docker") else "podman"
    metadata = PROJECT["tool"]["poetry"] | PROJECT["project"]
    labels = {"version": metadata.get("version")}
    if Path(".git").exists():
        # This exits with 1 before the first commit, and with 128 in another user's folder.
        labels["revision"] = session.run(
            *("git", "rev-parse", "--quiet", "--verify", "HEAD"),
            silent=True,
            stderr=subprocess.DEVNULL,
            success_codes=[0, 1, 128],
        )
    options = (
        f"--label=org.opencontainers.image.{name}={str(value).strip()}"
        for name, value in labels.items()
        if value
    )
    session.run(engine, "build", *options, *session.posargs, "--tag", IMAGE, ".")
    session.run(engine, "run", "--rm", IMAGE, "--version")
