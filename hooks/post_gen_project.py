"""Build the new project's image and commit it if the answers say so; show what is next.

Cookiecutter renders this module, then runs it in the new project's folder; a non-zero
exit makes it remove that folder.  Only the standard library is at hand: the module
runs in whatever environment Cookiecutter runs in.
"""

import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FIRST_LINE = "Reticulating spline 1...\n"
# The file that the hook before the first file wrote.
MARKER = "UNFINISHED"


class EngineUnavailableError(Exception):
    """There is no engine to build with; the message says why, in one line."""


class BuildFailedError(Exception):
    """The image was not built, or does not work; the message says why, in one line."""


class CommitFailedError(Exception):
    """There is no first commit; the message says why, in one line."""


def quote(word: str) -> str:
    """Return a word as this system's shell takes it."""
    return subprocess.list2cmdline([word]) if os.name == "nt" else shlex.quote(word)


def replay(answers: dict[str, Any]) -> str:
    """Return the command that takes these answers again, from and to the same places."""
    command = f"cookiecutter {quote(answers['_template'])} --replay"
    if answers.get("_checkout"):
        command += f" --checkout {quote(answers['_checkout'])}"
    output = Path(answers["_output_dir"]).resolve()
    # The shell's own folder, where Cookiecutter was started.
    if output != Path(os.environ.get("PWD", "")).resolve():
        command += f" --output-dir {quote(str(output))}"
    return command


def last_line(output: str) -> str:
    """Return the last line with any text in it, or words for there being none."""
    return next(
        filter(None, map(str.strip, reversed(output.splitlines()))), "no output"
    )


def find_engine() -> str:
    """Return the command of an engine that answers: docker, or podman in its absence.

    Raises:
        EngineUnavailableError: None is installed, or the one that is does not answer.
    """
    engine = next(filter(shutil.which, ["docker", "podman"]), None)
    if engine is None:
        raise EngineUnavailableError("neither docker nor podman is installed")
    try:
        probe = subprocess.run(
            [engine, "version"], capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise EngineUnavailableError(f"{engine} does not start: {error}") from error
    if not probe.returncode:
        return engine
    complaint = probe.stderr.lower()
    if "permission denied" in complaint:
        raise EngineUnavailableError(
            f"you have no permission to use the socket of {engine}"
        )
    if "daemon" in complaint:
        raise EngineUnavailableError(
            f"the daemon of {engine} does not answer; start it"
        )
    raise EngineUnavailableError(f"{engine} does not work: {last_line(probe.stderr)}")


def build(engine: str, tag: str) -> None:
    """Build the image from the current folder, passing on the engine's output live.

    Raises:
        BuildFailedError: The engine said no.
    """
    disk_full = False
    with subprocess.Popen(
        [engine, "build", "--tag", tag, "."],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            for line in process.stdout or ():
                # As bytes: a terminal's encoding may lack what the engine prints.
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
                disk_full = disk_full or b"no space left on device" in line.lower()
        except KeyboardInterrupt:
            process.terminate()
            raise
    if not process.returncode:
        return
    if disk_full:
        raise BuildFailedError(
            f"there is no space left on the engine's disk; see {engine} system df"
        )
    raise BuildFailedError(
        f"{engine} build ended with status {process.returncode}, see above"
    )


def try_out(engine: str, tag: str) -> None:
    """Run the image for one spline.

    Raises:
        BuildFailedError: It did not print just that spline's line.
    """
    run = subprocess.run(
        [engine, "run", "--rm", tag, "--count=1"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if run.returncode or run.stdout != FIRST_LINE:
        raise BuildFailedError(
            f"the container ended with status {run.returncode} and printed "
            f"{run.stdout!r}: {last_line(run.stderr)}"
        )


def image_size(engine: str, tag: str) -> float:
    """Return the image's size in megabytes, as the engine counts it.

    Raises:
        BuildFailedError: The engine does not know it.
    """
    inspect = subprocess.run(
        [engine, "image", "inspect", tag],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if inspect.returncode:
        raise BuildFailedError(
            f"{engine} lost the image again: {last_line(inspect.stderr)}"
        )
    (image,) = json.loads(inspect.stdout)
    size: int = image["Size"]
    return size / 1e6


def validate_image(tag: str) -> None:
    """Build the image, see it work, and report its size and the time.

    Raises:
        EngineUnavailableError: There is no engine to build with.
        BuildFailedError: The image could not be built, or does not work.
    """
    engine = find_engine()
    start = time.monotonic()
    build(engine, tag)
    try_out(engine, tag)
    print(
        f"Built and tested the image {tag}: {image_size(engine, tag):.0f} MB, "
        f"{time.monotonic() - start:.0f} seconds."
    )


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in the current folder, whatever its end is.

    Raises:
        CommitFailedError: It does not start.
    """
    try:
        return subprocess.run(
            ["git", *arguments], capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise CommitFailedError(f"git does not start: {error}") from error


def commit() -> None:
    """Make the current folder a Git repository, with a first commit of all its files.

    It is the person's own git: its settings, hooks and signature are theirs.

    Raises:
        CommitFailedError: git is missing or broken, knows no identity, or said no.
    """
    if not shutil.which("git"):
        raise CommitFailedError("git is not installed")
    # Where a hook of git's started Cookiecutter, these name the repository of that hook.
    variables = git("rev-parse", "--local-env-vars")
    if variables.returncode:
        raise CommitFailedError(f"git does not work: {last_line(variables.stderr)}")
    for name in variables.stdout.split():
        os.environ.pop(name, None)
    # Its status is 1 in a repository that does not ignore the folder.
    if git("check-ignore", "--quiet", ".").returncode == 1:
        raise CommitFailedError("the folder is in another Git repository")
    for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        # Without that setting, git would make up an address from the names of user and
        # host.
        if git("-c", "user.useConfigOnly=true", "var", name).returncode:
            raise CommitFailedError(
                "git does not know you; set user.name and user.email with git config"
            )
    for arguments in (
        # The workflows know this branch.
        ["init", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--message=Initial commit"],
    ):
        result = git(*arguments)
        if result.returncode:
            raise CommitFailedError(
                f"git {arguments[0]} ended with status {result.returncode}: "
                f"{last_line(result.stderr)}"
            )


def main() -> None:
    """Do what the answers ask for, which Cookiecutter wrote into the call below.

    Raises:
        SystemExit: The project is not to be kept; the message says why, in one line.
    """
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    slug, mode = answers["project_slug"], answers["docker_build"]
    # The path may hold what the terminal's encoding has no character for.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    project = Path.cwd()
    try:
        (project / MARKER).unlink()
    except FileNotFoundError:
        sys.exit(f"error: another generation was at work in {project}; generate again.")
    # cruft, which adds the commit, generates so for every update, to compare.
    if (
        "_commit" in answers
        and Path(tempfile.gettempdir()).resolve() in project.parents
    ):
        print("Generated for cruft in a temporary folder: not built, not committed.")
        return
    made = slug
    try:
        if mode != "skip":
            validate_image(slug)
    except EngineUnavailableError as reason:
        if mode == "require":
            sys.exit(f"error: the image was not built: {reason}.")
        print(f"The image was not built: {reason}. Build it later: see below.")
    except BuildFailedError as reason:
        line = f"error: the image was not built: {reason}."
        if "_commit" not in answers:
            # Under cruft, which adds it, there are no answers to replay.
            line += (
                f" To look into it, run: {replay(answers)} --keep-project-on-failure"
            )
        sys.exit(line)
    if answers["git_init"] == "try":
        try:
            commit()
            made += ", with a first commit"
        except CommitFailedError as reason:
            print(f"There is no first commit: {reason}.")
    # The shell's own folder, where Cookiecutter was started.
    here = project.parent == Path(os.environ.get("PWD", ""))
    print(f"Created {made}. Next:")
    print(f"  cd {slug if here else quote(str(project))}")
    print("  pip install nox poetry poetry-plugin-export && nox")
    print(f"  docker build --tag {slug} .")
    print(f"  docker run --rm {slug} --count=4")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("error: interrupted; the project is not kept.")
