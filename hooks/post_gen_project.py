"""Check names against the lock file, build and commit if asked, print the next steps.

Cookiecutter renders this module and runs it in the project's folder, after the last
file. If the exit status is not zero, Cookiecutter removes a folder that it created.
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
from collections.abc import Iterator
from pathlib import Path


class StepError(Exception):
    """A step failed. The message gives the reason."""


def run(*args: str, limit: int | None = None) -> str:
    """Run a command and return its output.

    Raises:
        StepError: The command fails, does not start, or exceeds the limit in seconds.
    """
    name = " ".join(args[:2])
    try:
        result = subprocess.run(
            args, timeout=limit, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise StepError(f"{args[0]} does not start: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise StepError(f"{name} gave no answer in {limit} seconds") from error
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout).splitlines()
        # Docker's last line is about its option --help.
        said = [line for line in lines if line.strip() and "--help" not in line]
        reason = "".join(said[-1:]).strip().rstrip(".?!") or "no output"
        raise StepError(f"{name} failed with status {result.returncode}: {reason}")
    return result.stdout


def taken_names(answers: dict[str, str], lock: str) -> Iterator[str]:
    """Yield an error message for each name that a dependency in the lock file has.

    Two distributions with the same name cannot be installed together, and a package
    would hide a dependency's module with the same name.
    """
    taken = set(re.findall(r'^name = "(.+)"$', lock, re.MULTILINE))
    for question, separator in (("project_slug", "-"), ("package_name", "_")):
        name = answers[question]
        if re.sub(r"[-_.]+", "-", name) in taken:
            yield (
                f"{question}: '{name}' is the name of a dependency. "
                f"Use another name, for example 'my{separator}{name}'."
            )


def find_engine() -> str:
    """Return the command of the first engine that works.

    Raises:
        StepError: No engine works.
    """
    problems = []
    # Docker and Podman have the same command line.
    for engine in filter(shutil.which, ["docker", "podman"]):
        try:
            run(engine, "version", limit=10)
        except StepError as problem:
            problems.append(str(problem))
        else:
            if problems:
                print(f"{problems[0]}. Using {engine}.", flush=True)
            return engine
    raise StepError(", and ".join(problems) or "neither docker nor podman is installed")


def build_image(engine: str, tag: str) -> None:
    """Build the image, run it for one spline, and print its size.

    Raises:
        StepError: The image cannot be built, or does not work.
    """
    # The engine writes directly to the terminal, so that its progress display works.
    if status := subprocess.run([engine, "build", "--tag", tag, "."]).returncode:
        raise StepError(f"{engine} build failed with status {status}")
    # Some builders do not load the image. The engine must not download another one.
    output = run(engine, "run", "--rm", "--pull=never", tag, "--count=1")
    if output != "Reticulating spline 1...\n":
        raise StepError(f"the container printed {output!r}")
    (image,) = json.loads(run(engine, "inspect", "--type=image", tag))
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
    for name in run("git", "rev-parse", "--local-env-vars").split():
        os.environ.pop(name, None)
    # The status is 1 if the folder is in a repository that does not ignore it.
    ignored = subprocess.run(["git", "check-ignore", "."], capture_output=True)
    if ignored.returncode == 1:
        raise StepError("the folder is in a Git repository already")
    try:
        for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            # Without this setting, git derives an address from the host name.
            run("git", "-c", "user.useConfigOnly=true", "var", name)
    except StepError as error:
        reason = "git lacks user.name and user.email; set them with git config --global"
        raise StepError(reason) from error
    run("git", "init")
    run("git", "symbolic-ref", "HEAD", "refs/heads/main")  # which the workflows publish
    run("git", "-c", "core.excludesFile=", "add", "--all")  # also what the user ignores
    run("git", "commit", "--message=Initial commit")


def is_for_comparison(project: Path) -> bool:
    """Return whether cruft generated a project only to compare it with another.

    For an update, cruft clones the template into `repo` in one temporary folder, and
    generates the project in another. For a new project, it does not.
    """
    generated, cloned = "tmp????????/*", "tmp????????/repo/.git"
    return project.match(generated) and any(project.parents[1].glob(cloned))


def quote(text: str) -> str:
    """Return a text, quoted for this system's shell."""
    return subprocess.list2cmdline([text]) if os.name == "nt" else shlex.quote(text)


def main() -> None:
    """Finish the project, or exit with the reason why it is not kept.

    Cookiecutter renders the answers into the first line.
    """
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    slug, project = answers["project_slug"], Path.cwd()
    # The terminal's encoding may not support all characters of the path.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        (project / answers["_marker"]).unlink()
    except FileNotFoundError:
        sys.exit(f"error: another generation wrote to {project}. Generate it again.")
    lock = (project / "poetry.lock").read_text("utf-8")
    if lines := list(taken_names(answers, lock)):
        sys.exit("\n".join([*lines, "Generate the project again with other answers."]))
    # cruft always sets _commit; Cookiecutter never does.
    if "_commit" in answers and is_for_comparison(project):
        print("This is a temporary copy for cruft. Nothing is built or committed.")
        return
    created, engine, built = slug, "docker", False
    if answers["docker_build"] != "skip":
        try:
            engine = find_engine()
            build_image(engine, slug)
            built = True
        except StepError as error:
            if answers["docker_build"] == "require":
                sys.exit(
                    f"error: there is no working image: {error}. Fix this and generate "
                    "the project again. docker_build=try keeps it without an image."
                )
            print(f"There is no working image: {error}. Build it as shown below.")
    if answers["git_init"] == "try":
        try:
            commit()
            created += ", with a first commit"
        except StepError as error:
            print(f"There is no first commit: {error}.")
    # Shells put the current folder into PWD, except on Windows.
    here = project.parent == Path(os.environ.get("PWD", ""))
    folder = slug if here else quote(str(project))
    # Windows PowerShell 5.1 has no &&, and pipx 1.2 installs one package at a time.
    steps = [f"cd {folder}", "pipx install nox", "pipx install poetry", "nox"]
    if not built:
        steps.append(f"{engine} build --tag {slug} .")
    steps.append(f"{engine} run --rm {slug} --count=4")
    print(f"Created {created}. Next:", *steps, sep="\n  ")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        # Cookiecutter removes nothing if it is interrupted at the same time.
        sys.exit("error: interrupted. The image or the first commit may be missing.")
