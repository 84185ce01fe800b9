"""Write docs/tour.md, the annotated tree of a generated project; ``nox -s tour`` runs it.

The annotations are in docs/tour.toml, a line for each file.
"""

import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
ANNOTATIONS = ROOT / "docs" / "tour.toml"
PAGE = ROOT / "docs" / "tour.md"
INTRODUCTION = """\
# Tour

What the template generates from its default answers, and what each file is for.
`nox -s tour` writes this page from a generated project, and a test compares them.
"""
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


def tree(notes: dict[str, str], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield a line of the tree, and the note on it, for each folder and file.

    Args:
        notes: What is said about each file, by its path.
        depth: How many folders deep the paths are already.
    """
    indent = "    " * depth
    folders = {path.split("/")[0] for path in notes if "/" in path}
    for folder in sorted(folders):
        inside = {
            path.removeprefix(f"{folder}/"): note
            for path, note in notes.items()
            if path.startswith(f"{folder}/")
        }
        yield f"{indent}{folder}/", ""
        yield from tree(inside, depth + 1)
    for path in sorted(notes.keys() - {path for path in notes if "/" in path}):
        yield f"{indent}{path}", notes[path]


def page() -> str:
    """Return the page.

    Raises:
        ValueError: The files and their annotations differ; the message says where.
    """
    annotations = tomllib.loads(ANNOTATIONS.read_text("utf-8"))
    files, parts = annotations["files"], annotations["parts"]
    paths = generated()
    problems = [
        *(
            f'add a line: "{path}" = {{ is = "…" }}'
            for path in sorted(paths - files.keys())
        ),
        *(f'remove "{path}"' for path in sorted(files.keys() - paths)),
        *(
            f'remove the part "{part}"'
            for part in sorted(
                parts.keys() - {file.get("part") for file in files.values()}
            )
        ),
    ]
    if problems:
        raise ValueError(
            "\n".join([f"{ANNOTATIONS.name} is not up to date:", *problems])
        )
    lines = list(tree({path: file["is"] for path, file in files.items()}))
    width = max(len(line) for line, _ in lines) + 2
    drawn = (f"{line:{width}}{note}".rstrip() for line, note in lines)
    rows = (
        f"| {part} | "
        + ", ".join(
            f"`{path}`" for path, file in files.items() if file.get("part") == part
        )
        + f" | {rest or 'nothing else'} |"
        for part, rest in parts.items()
    )
    return "\n".join(
        [INTRODUCTION, "```text", *drawn, "```", "", WITHOUT + "\n".join(rows), ""]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
