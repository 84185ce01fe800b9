"""Show the results of the benchmark as tables, for the README and the guide."""

import json
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results.json"
OURS = "ours"
TITLES = {
    "2019": "*Hypermodern Python*, 2019, with today's Poetry",
    "poetry": "`poetry install`, copied",
    "uv": "uv's example, with uv in its base image",
    OURS: "this template",
}
CASES = {
    "click": "Click",
    "pandas": "Click, numpy and pandas",
    "hundred": "A hundred dependencies",
}
FIGURES = {
    "cold": "build without a cache",
    "nothing": "rebuild: nothing changed",
    "code": "rebuild: code changed",
    "version": "rebuild: version changed",
    "development": "rebuild: development dependency changed",
    "lock": "rebuild: dependency changed",
    "pushed": "pushed: code changed",
    "compressed": "image, compressed",
    "unpacked": "image, unpacked",
    "--version": "start with a read-only file system",
    "--version, relative": "start, relative to fully compiled",
    "import pandas": "`import pandas`",
    "import pandas, relative": "`import pandas`, relative to fully compiled",
}
LAYERS = ["bytecode of the standard library", "dependencies", "program"]


def size(count: float) -> str:
    """Format a number of bytes, with at least two significant digits."""
    value, unit = (count / 1e6, "MB") if count >= 1e5 else (count / 1e3, "kB")
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"


def seconds(time: float) -> str:
    """Format a time."""
    return f"{time:.1f} s" if time >= 1 else f"{time:.2f} s"


def texts(figures: dict[str, Any]) -> dict[str, str]:
    """Format the figures of a recipe: medians of all builds, and what the image has."""
    formatted: dict[str, str] = {}
    for name, values in figures.items():
        if name == "layers":
            packed, unpacked = (sum(sizes) for sizes in zip(*values, strict=True))
            formatted |= {"compressed": size(packed), "unpacked": size(unpacked)}
        elif name == "start":
            for command, (start, compiled) in values.items():
                formatted[command] = seconds(start)
                formatted[f"{command}, relative"] = f"{start / compiled:.2f}"
        else:
            unit = size if name == "pushed" else seconds
            formatted[name] = unit(median(values))
    return formatted


def table(*rows: list[str]) -> str:
    """Format a table as Markdown. The first row is its header."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tables() -> str:
    """Return the results as Markdown, for the guide."""
    results = json.loads(RESULTS.read_text("utf-8"))
    text = f"{results['machine']}.\n"
    for name, title in CASES.items():
        case = results["cases"][name]
        recipes = case["recipes"]
        columns = [texts(figures) for figures in recipes.values()]
        rows = [
            [label, *(column[figure] for column in columns)]
            for figure, label in FIGURES.items()
            if figure in columns[0]
        ]
        header = ["", *(TITLES[recipe] for recipe in recipes)]
        locked, rounds = case["locked"], len(recipes[OURS]["cold"])
        text += f"\n### {title}\n\nLocked packages: {locked}. Rounds: {rounds}.\n\n"
        text += table(header, *rows)
        if "layers" in recipes[OURS]:
            # The last layer has no name: it is the empty one that WORKDIR adds.
            layers = zip(LAYERS, recipes[OURS]["layers"], strict=False)
            rows = [[layer, *map(size, sizes)] for layer, sizes in layers]
            header = [f"layer of {TITLES[OURS]}'s image", "compressed", "unpacked"]
            text += f"\n{table(header, *rows)}"
    return text


def summary() -> str:
    """Return what the image brings and what it costs as Markdown, for the README."""
    cases = json.loads(RESULTS.read_text("utf-8"))["cases"]
    recipes = ["poetry", "uv", OURS]
    rows = [["", *(TITLES[recipe] for recipe in recipes)]]
    for name in ("pandas", "click"):
        columns = [texts(cases[name]["recipes"][recipe]) for recipe in recipes]
        rows.append([f"**{CASES[name]}**", "", "", ""])
        for figure in ("code", "pushed", "--version", "cold", "compressed"):
            rows.append([FIGURES[figure], *(column[figure] for column in columns)])
    return table(*rows)
