"""Lock the dependencies of the template and of the generated project.

``nox -s lock`` runs this after a change of dependencies, and keeps the pinned versions;
``nox -s lock -- --regenerate`` updates all of them. The options are those of
``poetry lock``.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"


def lock(folder: Path, options: list[str]) -> str:
    """Lock the project in a folder and return the lock file.

    Host names in the descriptions of packages are left out.

    Raises:
        CalledProcessError: Poetry failed, and printed the reason.
    """
    subprocess.run(["poetry", "lock", *options], cwd=folder, check=True)
    text = (folder / "poetry.lock").read_text("utf-8")
    return re.sub(r'(?m)^(description = ".*?) \(?[\w-]+\.(?:org|com)\)?', r"\1", text)


def main() -> None:
    """Update all lock files and docker/poetry.txt. On failure, change no file."""
    options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        own = Path(name, "template")
        own.mkdir()
        for file in ("pyproject.toml", "poetry.lock"):
            shutil.copy(ROOT / file, own)
        # Generate a project, because the template's pyproject.toml is not valid TOML.
        project = Path(
            cookiecutter(str(ROOT), no_input=True, output_dir=name, accept_hooks=False)
        )
        # The command is the one in CONTRIBUTING.md of the project, and is in the header.
        compile_tools = shlex.split(
            "uv pip compile --quiet --universal --python-version 3.11 --generate-hashes "
            "--no-annotate docker/poetry.in --output-file docker/poetry.txt"
        )
        if "--regenerate" in options:
            compile_tools.append("--upgrade")
        subprocess.run(compile_tools, cwd=project, check=True)
        texts = {
            ROOT / "poetry.lock": lock(own, options),
            PROJECT / "poetry.lock": lock(project, options),
            PROJECT / "docker" / "poetry.txt": (
                project / "docker" / "poetry.txt"
            ).read_text(),
        }
    for path, text in texts.items():
        path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
