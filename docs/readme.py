"""Write the parts of README.md that follow from other files; ``nox -s docs`` runs it.

The table of the questions follows from cookiecutter.json, the tree from docs/tour.toml.
"""

import re
from collections.abc import Iterator

from docs import tour
from docs.parts import filled
from tests import ROOT
from tests.questions import ANSWERS, ASKED, QUESTIONS

PAGE = ROOT / "README.md"


def table() -> Iterator[str]:
    """Yield the lines of the table of the questions: names, defaults and meanings."""
    yield "| question | default | meaning |"
    yield "|---|---|---|"
    for name in ASKED:
        default = QUESTIONS[name]
        source = re.search(r"cookiecutter\.(\w+)", str(default))
        origin = f"from `{source[1]}`: " if source else ""
        words = QUESTIONS["__prompts__"][name]
        if isinstance(words, dict):
            words = "<br>".join(
                [
                    words["__prompt__"],
                    *(
                        f"`{option}`{words[option].removeprefix(option)}"
                        for option in default
                    ),
                ]
            )
        yield f"| `{name}` | {origin}`{ANSWERS[name]}` | {words} |"


def overview(shown: list[str], notes: dict[str, str]) -> Iterator[tour.Line]:
    """Yield a line for each of these paths, inside the folder before it if that holds it.

    Args:
        shown: The paths of files and folders.
        notes: What is said about them, by their paths.
    """
    folders = [
        next((folder for folder in shown if path.startswith(f"{folder}/")), "")
        for path in shown
    ]
    for path, folder, after in zip(shown, folders, [*folders[1:], ""], strict=True):
        last = path == shown[-1] or (folder and after != folder)
        branch = ("│   " if folder else "") + ("└── " if last else "├── ")
        yield branch + path.removeprefix(f"{folder}/"), notes[path]


def page() -> str:
    """Return the page, with its parts as they should be.

    Raises:
        ValueError: The comments around a part are missing.
    """
    text = PAGE.read_text("utf-8")
    annotations = tour.annotations()
    tree = tour.drawn(overview(annotations.overview, annotations.notes))
    parts = {
        "questions": [*table()],
        "tree": ["```text", "hypermodern-python", *tree, "```"],
    }
    for part, lines in parts.items():
        text = filled(text, part, "\n".join([*lines, ""]))
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
