"""Generated parts of pages, which cog writes into the pages.

``nox -s pages`` runs cog, and a test fails if a page is not up to date.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config

ROOT = Path(__file__).parent.parent
FILE = ROOT / "cookiecutter.json"
RECIPES = ROOT / "templates" / "recipes"


def questions() -> Iterator[str]:
    """Yield the lines of a table of the questions: names, defaults and meanings."""
    asked = json.loads(FILE.read_text("utf-8"))
    defaults = prompt_for_config(generate_context(str(FILE)), no_input=True)
    prompts = asked["__prompts__"]
    yield "| question | default | meaning |"
    yield "|---|---|---|"
    for name, default in asked.items():
        if name.startswith("_"):
            continue
        source = re.search(r"cookiecutter\.(\w+)", str(default))
        origin = f"from `{source[1]}`: " if source else ""
        meaning = prompts[name]
        if isinstance(meaning, dict):
            words = [
                f"`{option}`: {meaning[option].removeprefix(f'{option}: ')}"
                for option in default
            ]
            meaning = "<br>".join([meaning["__prompt__"], *words])
        yield f"| `{name}` | {origin}`{defaults[name]}` | {meaning} |"


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def recipes() -> Iterator[str]:
    """Yield the lines of a list of links to the recipes, by page."""
    for path in sorted(RECIPES.glob("*.md")):
        page = f"../{path.relative_to(ROOT).as_posix()}"
        for marks, title in re.findall("(?m)^(##?) (.+)$", path.read_text("utf-8")):
            yield f"{'  ' * (len(marks) - 1)}- [{title}]({page}#{anchor(title)})"
