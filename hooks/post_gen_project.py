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
from collections.abc import Iterator
from pathlib import Path


class StepError(Exception):
    """A step failed. The message gives the reason."""


def run(*command: str, capture: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command and return its status, and its output if it is captured.

    Raises:
        StepError: The command does not start.
    """
    try:
        return subprocess.run(
            command, capture_output=capture, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise StepError(f"{command[0]} does not start: {error}") from error


def output_of(*command: str) -> str:
    """Run a command and return its output.

    Raises:
        StepError: The command does not start, or fails.
    """
    result = run(*command)
    if result.returncode:
        said = result.stderr.strip() or result.stdout.strip() or "no output"
        raise StepError(
            f"{command[0]} {command[1]} failed with status {result.returncode}: "
            + said.splitlines()[-1].strip().rstrip(".?!")
        )
    return result.stdout


def taken_names(lock: str, slug: str, package: str) -> Iterator[str]:
    """Yield an error message for each name that a dependency in the lock file has.

    Two distributions with the same name cannot be installed together, and a package
    would hide a dependency's module with the same name.
    """
    taken = set(re.findall(r'^name = "(.+)"$', lock, re.MULTILINE))
    for question, name, other in (
        ("project_slug", slug, f"my-{slug}"),
        ("package_name", package, f"my_{package}"),
    ):
        if re.sub(r"[-_.]+", "-", name) in taken:
            yield (
                f"{question}: '{name}' is the name of a dependency. "
                f"Use another name, for example '{other}'."
            )


def find_engine(required: bool) -> str:
    """Return the command of the first engine that works.

    If there is none, print the reason and return an empty string.

    Raises:
        SystemExit: No engine works, but one is required.
    """
    problems = []
    # Docker and Podman have the same command line.
    for engine in filter(shutil.which, ["docker", "podman"]):
        try:
            output_of(engine, "version")
        except StepError as problem:
            problems.append(str(problem))
        else:
            if problems:
                print(f"{problems[0]}. Using {engine}.", flush=True)
            return engine
    reason = ", and ".join(problems) or "neither docker nor podman is installed"
    if required:
        sys.exit(
            f"error: the image was not built: {reason}. Start an engine, then generate "
            "the project again with --replay."
        )
    print(f"The image was not built: {reason}. Build it later with the command below.")
    return ""


def validate_image(engine: str, tag: str) -> None:
    """Build the image, run it for one spline, and print its size.

    Raises:
        StepError: The image cannot be built, or does not work.
    """
    # The engine writes directly to the terminal, so that its progress display works.
    build = run(engine, "build", "--tag", tag, ".", capture=False)
    if build.returncode:
        raise StepError(f"{engine} build failed with status {build.returncode}")
    output = output_of(engine, "run", "--rm", tag, "--count=1")
    if output != "Reticulating spline 1...\n":
        raise StepError(f"the container printed {output!r}")
    (image,) = json.loads(output_of(engine, "inspect", "--type=image", tag))
    print(f"Built and tested the image {tag}: {image['Size'] / 1e6:.0f} MB.")


def commit() -> None:
    """Make the current folder a Git repository and commit all its files.

    git runs with the user's own settings, hooks and signing key.

    Raises:
        StepError: git is missing or broken, has no identity, or failed.
    """
    if not shutil.which("git"):
        raise StepError("git is not installed")
    # If Cookiecutter runs in a Git hook, these variables point to another repository.
    for name in output_of("git", "rev-parse", "--local-env-vars").split():
        os.environ.pop(name, None)
    # The status is 1 if the folder is in a repository that does not ignore it.
    if run("git", "check-ignore", ".").returncode == 1:
        raise StepError("the folder is in a Git repository already")
    try:
        for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            # Without this setting, git derives an address from the host name.
            output_of("git", "-c", "user.useConfigOnly=true", "var", name)
    except StepError as error:
        raise StepError(
            "git has no user.name and user.email; set them with git config"
        ) from error
    # The workflows publish this branch.
    output_of("git", "init", "--initial-branch=main")
    output_of("git", "add", "--all")
    output_of("git", "commit", "--message=Initial commit")


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
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
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
    is_temporary = Path(tempfile.gettempdir()).resolve() in project.parents
    if "_commit" in answers and is_temporary:
        print("This is a temporary copy for cruft. Nothing is built or committed.")
        return
    made, engine = slug, ""
    if answers["docker_build"] != "skip":
        engine = find_engine(required=answers["docker_build"] == "require")
    try:
        if engine:
            validate_image(engine, slug)
    except StepError as error:
        sys.exit(
            f"error: there is no working image: {error}. To keep a new project despite "
            "this, generate it again with --replay --keep-project-on-failure."
        )
    if answers["git_init"] == "try":
        try:
            commit()
            made += ", with a first commit"
        except StepError as reason:
            print(f"There is no first commit: {reason}.")
    # Shells put the current folder into PWD, except on Windows.
    here = project.parent == Path(os.environ.get("PWD", ""))
    print(f"Created {made}. Next:")
    print(f"  cd {slug if here else quote(project)}")
    print("  pipx install nox poetry && nox")
    if not engine:
        print(f"  docker build --tag {slug} .")
    print(f"  {engine or 'docker'} run --rm {slug} --count=4")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("error: interrupted. A new project is not kept.")
