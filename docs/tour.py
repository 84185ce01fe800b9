"""Write docs/tour.md, the annotated tree of a generated project; ``nox -s docs`` runs it.

The annotations are in docs/tour.toml, a line for each file.
"""

import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Set
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
ANNOTATIONS = ROOT / "docs" / "tour.toml"
PAGE = ROOT / "docs" / "tour.md"
INTRODUCTION = """\
# Tour

What the template generates from its default answers, and what each file is for.
`nox -s docs` writes this page from a generated project, and a test compares them.
"""
# A line of a tree, and the note on it.
Line = tuple[str, str]
WITHOUT = """\
## What to delete

The project is yours: delete what you don't want.

| to do without | delete | and change |
|---|---|---|
"""


def generated() -> set[str]:
    """Return the paths of the files of a default project."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(
            cookiecutter(
                str(ROOT), no_input=True, output_dir=folder, default_config=True
            )
        )
        return {
            path.relative_to(project).as_posix()
            for path in project.rglob("*")
            if path.is_file()
        }


def tree(paths: Set[str], notes: dict[str, str], above: str = "") -> Iterator[Line]:
    """Yield a line for each folder and file.

    Args:
        paths: The files.
        notes: What is said about files and folders, by their paths.
        above: The folder to begin with, as the paths do, with its slash.
    """
    indent = "    " * above.count("/")
    inside = [path.removeprefix(above) for path in paths if path.startswith(above)]
    for folder in sorted({path.split("/")[0] for path in inside if "/" in path}):
        yield f"{indent}{folder}/", notes.get(f"{above}{folder}", "")
        yield from tree(paths, notes, f"{above}{folder}/")
    for file in sorted(path for path in inside if "/" not in path):
        yield f"{indent}{file}", notes[f"{above}{file}"]


def drawn(lines: Iterable[Line]) -> Iterator[str]:
    """Yield the lines as text, with their notes in a column, free of Markdown."""
    found = list(lines)
    width = max(len(line) for line, _ in found) + 2
    for line, note in found:
        yield f"{line:{width}}{note.replace('`', '')}".rstrip()


class Annotations(NamedTuple):
    """What docs/tour.toml says; the files and folders are by their paths."""

    overview: list[str]
    files: dict[str, dict[str, str]]
    folders: dict[str, str]
    parts: dict[str, str]

    @property
    def notes(self) -> dict[str, str]:
        """What is said about each file, and some folders."""
        return self.folders | {path: file["is"] for path, file in self.files.items()}


def annotations() -> Annotations:
    """Return the annotations, which are those of the files that are generated.

    Raises:
        ValueError: The files and their annotations differ; the message says where.
    """
    found = Annotations(**tomllib.loads(ANNOTATIONS.read_text("utf-8")))
    paths = generated()
    folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    used = {file.get("part") for file in found.files.values()}
    problems = [
        *(
            f'add a line: "{path}" = {{ is = "…" }}'
            for path in sorted(paths - found.files.keys())
        ),
        *(f'remove "{path}"' for path in sorted(found.files.keys() - paths)),
        *(f'remove "{path}"' for path in sorted(found.folders.keys() - folders)),
        *(
            f'remove "{path}" from the overview'
            for path in sorted(set(found.overview) - found.notes.keys())
        ),
        *(f'remove the part "{part}"' for part in sorted(found.parts.keys() - used)),
    ]
    if problems:
        raise ValueError(
            "\n".join([f"{ANNOTATIONS.name} is not up to date:", *problems])
        )
    return found


def page() -> str:
    """Return the page."""
    found = annotations()
    rows = (
        f"| {part} | "
        + ", ".join(
            f"`{path}`"
            for path, file in found.files.items()
            if file.get("part") == part
        )
        + f" | {rest or 'nothing else'} |"
        for part, rest in found.parts.items()
    )
    return "\n".join(
        [
            *(INTRODUCTION, "```text"),
            *drawn(tree(found.files.keys(), found.notes)),
            *("```", "", WITHOUT + "\n".join(rows), ""),
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
