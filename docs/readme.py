"""Write the parts of README.md that follow from other files; ``nox -s docs`` runs it.

The table of the questions follows from cookiecutter.json, the tree from docs/tour.toml.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config

from docs import tour

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "README.md"


def table() -> Iterator[str]:
    """Yield the lines of the table of the questions: names, defaults and meanings."""
    file = ROOT / "cookiecutter.json"
    questions = json.loads(file.read_text("utf-8"))
    context = generate_context(str(file))
    answers = prompt_for_config(context, no_input=True)
    yield "| question | default | meaning |"
    yield "|---|---|---|"
    for name, default in questions.items():
        if name.startswith("_"):
            continue
        answer = answers[name]
        source = re.search(r"cookiecutter\.(\w+)", str(default))
        origin = f"from `{source[1]}`: " if source else ""
        words = questions["__prompts__"][name]
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
        yield f"| `{name}` | {origin}`{answer}` | {words} |"


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
        begin, end = (
            f"<!-- {part}: nox -s docs writes this -->",
            f"<!-- end of {part} -->",
        )
        before, found, rest = text.partition(begin)
        _, also_found, after = rest.partition(end)
        if not (found and also_found):
            raise ValueError(f"{PAGE.name} lacks {begin} and {end}")
        text = "\n".join([before + begin, *lines, end + after])
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
