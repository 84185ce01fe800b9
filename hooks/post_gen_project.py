"""Check names against the lock file, build and commit if asked, print the next steps.

Cookiecutter renders this module and runs it in the project's folder, after the last
file. If the exit status is not zero, Cookiecutter removes a folder that it created.
Only the standard library may be imported, because the module runs in Cookiecutter's own
environment.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FIRST_LINE = "Reticulating spline 1...\n"
# Engines with the same command line, the more common one first.
ENGINES = ("docker", "podman")


class EngineUnavailableError(Exception):
    """No engine can build the image. The message gives the reason."""


class BuildFailedError(Exception):
    """The image was not built, or does not work. The message gives the reason."""


class CommitFailedError(Exception):
    """The first commit failed. The message gives the reason."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command and return its status and output.

    Raises:
        OSError: The command does not start.
    """
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace"
    )


def last_line(output: str) -> str:
    """Return the last line that is not blank, without punctuation at its end."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1].rstrip(".?!") if lines else "no output"


def taken_names(lock: str, slug: str, package: str) -> Iterator[str]:
    """Yield an error message for each name that a dependency in the lock file has.

    Two distributions with the same name cannot be installed together, and a package
    would hide a dependency's module with the same name.
    """
    taken = set(re.findall(r'^name = "(.+)"$', lock, re.MULTILINE))
    for question, name, prefix in (
        ("project_slug", slug, "my-"),
        ("package_name", package, "my_"),
    ):
        if re.sub(r"[-_.]+", "-", name) in taken:
            yield (
                f"{question}: '{name}' is the name of a dependency. "
                f"Use another name, for example '{prefix}{name}'."
            )


def find_engine() -> str:
    """Return the command of the first engine that works.

    Raises:
        EngineUnavailableError: No engine works.
    """
    problems = []
    for engine in filter(shutil.which, ENGINES):
        try:
            probe = run(engine, "version")
        except OSError as error:
            problems.append(f"{engine} does not start: {error}")
            continue
        if not probe.returncode:
            for problem in problems:
                print(f"{problem}. Using {engine}.", flush=True)
            return engine
        problems.append(f"{engine} does not work: {last_line(probe.stderr)}")
    raise EngineUnavailableError(
        ", and ".join(problems) or "neither docker nor podman is installed"
    )


def validate_image(tag: str) -> str:
    """Build the image, run it for one spline, and print its size and the time taken.

    Returns:
        The command of the engine.

    Raises:
        EngineUnavailableError: No engine can build the image.
        BuildFailedError: The image cannot be built, or does not work.
    """
    engine = find_engine()
    start = time.monotonic()
    # The engine writes directly to the terminal, so that its progress display works.
    build = subprocess.run([engine, "build", "--tag", tag, "."])
    if build.returncode:
        raise BuildFailedError(f"{engine} build failed with status {build.returncode}")
    container = run(engine, "run", "--rm", tag, "--count=1")
    if container.returncode or container.stdout != FIRST_LINE:
        raise BuildFailedError(
            f"the container failed with status {container.returncode} and printed "
            f"{container.stdout!r}: {last_line(container.stderr)}"
        )
    image = run(engine, "image", "inspect", tag)
    if image.returncode:
        raise BuildFailedError(
            f"{engine} cannot find the image that it built: {last_line(image.stderr)}"
        )
    size = json.loads(image.stdout)[0]["Size"] / 1e6
    seconds = time.monotonic() - start
    print(f"Built and tested the image {tag}: {size:.0f} MB, {seconds:.0f} seconds.")
    return engine


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in the current folder and return its status and output.

    Raises:
        CommitFailedError: git does not start.
    """
    try:
        return run("git", *arguments)
    except OSError as error:
        raise CommitFailedError(f"git does not start: {error}") from error


def commit() -> None:
    """Make the current folder a Git repository and commit all its files.

    git runs with the user's own settings, hooks and signing key.

    Raises:
        CommitFailedError: git is missing or broken, has no identity, or failed.
    """
    if not shutil.which("git"):
        raise CommitFailedError("git is not installed")
    # If Cookiecutter runs in a Git hook, these variables point to another repository.
    variables = git("rev-parse", "--local-env-vars")
    if variables.returncode:
        raise CommitFailedError(f"git does not work: {last_line(variables.stderr)}")
    for name in variables.stdout.split():
        os.environ.pop(name, None)
    # The status is 1 if the folder is in a repository that does not ignore it.
    if git("check-ignore", "--quiet", ".").returncode == 1:
        raise CommitFailedError("the folder is in a Git repository already")
    for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        # Without this setting, git derives an address from the host name.
        if git("-c", "user.useConfigOnly=true", "var", name).returncode:
            raise CommitFailedError(
                "git has no user.name and user.email; set them with git config"
            )
    for arguments in (
        ["init", "--initial-branch=main"],  # the branch that the workflows publish
        ["add", "--all"],
        ["commit", "--message=Initial commit"],
    ):
        result = git(*arguments)
        if result.returncode:
            raise CommitFailedError(
                f"git {arguments[0]} failed with status {result.returncode}: "
                f"{last_line(result.stderr)}"
            )


def quote(path: Path) -> str:
    """Return a path, quoted for this system's shell."""
    text = str(path)
    return subprocess.list2cmdline([text]) if os.name == "nt" else shlex.quote(text)


def main() -> None:
    """Finish the project. Cookiecutter renders the answers into the call below.

    Raises:
        SystemExit: The project is not kept. The message gives the reason.
    """
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    slug = answers["project_slug"]
    # The terminal's encoding may not support all characters of the path.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    project = Path.cwd()
    try:
        (project / answers["_marker"]).unlink()
    except FileNotFoundError:
        sys.exit(
            f"error: another generation wrote to {project}. Generate the project again."
        )
    lock = (project / "poetry.lock").read_text("utf-8")
    if lines := list(taken_names(lock, slug, answers["package_name"])):
        sys.exit("\n".join([*lines, "Generate the project again with other answers."]))
    # For each update, cruft generates two temporary projects to compare them.
    if (
        "_commit" in answers
        and Path(tempfile.gettempdir()).resolve() in project.parents
    ):
        print(
            "This is a temporary copy for cruft: no image is built, and nothing is committed."
        )
        return
    made, engine = slug, ENGINES[0]
    try:
        if answers["docker_build"] != "skip":
            engine = validate_image(slug)
    except EngineUnavailableError as reason:
        if answers["docker_build"] == "require":
            sys.exit(
                f"error: the image was not built: {reason}. Start an engine, then "
                "generate the project again with --replay."
            )
        print(
            f"The image was not built: {reason}. Build it later with the command below."
        )
    except BuildFailedError as reason:
        sys.exit(
            f"error: there is no working image: {reason}. To keep a new project despite "
            "this, generate it again with --replay --keep-project-on-failure."
        )
    if answers["git_init"] == "try":
        try:
            commit()
            made += ", with a first commit"
        except CommitFailedError as reason:
            print(f"There is no first commit: {reason}.")
    # Shells put the current folder into PWD, except on Windows.
    here = project.parent == Path(os.environ.get("PWD", ""))
    print(f"Created {made}. Next:")
    print(f"  cd {slug if here else quote(project)}")
    print("  pipx install nox poetry && nox")
    print(f"  {engine} build --tag {slug} .")
    print(f"  {engine} run --rm {slug} --count=4")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("error: interrupted. A new project is not kept.")
