"""Push a generated project, as one commit, into a repository that shows the output."""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path


def push(project: Path, remote: str, tag: str) -> None:
    """Push a commit named like the release, in which nothing is left of the last one.

    Once pushed, a release is not pushed again.

    Args:
        project: The new project's folder, which becomes a clone.
        remote: What git clones and pushes to; it may be empty.
        tag: The release's.

    Raises:
        subprocess.CalledProcessError: Git failed, and has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        subprocess.run(
            ["git", "clone", "--quiet", "--no-checkout", remote, str(clone)], check=True
        )
        shutil.move(clone / ".git", project / ".git")
        git = ["git", "-C", str(project)]
        # In an empty repository this fails, and prints nothing.
        log = subprocess.run(
            [*git, "log", "--format=%s"], capture_output=True, text=True
        )
        if tag in log.stdout.splitlines():
            print(f"{tag} is there already.")
            return
        subprocess.run([*git, "add", "--all"], check=True)
        # A release that changes nothing for owners shows that, too.
        commit = ["commit", "--quiet", "--allow-empty", f"--message={tag}"]
        subprocess.run([*git, *commit], check=True)
        subprocess.run([*git, "push", "--quiet", "origin", "HEAD"], check=True)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="the new project's folder")
    parser.add_argument("remote", help="the repository's address")
    parser.add_argument("tag", help="the release's tag")
    options = parser.parse_args()
    push(options.project, options.remote, options.tag)


if __name__ == "__main__":
    main()
