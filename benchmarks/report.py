"""Write what the benchmark measured into the documentation: a table, and a plot."""

import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.run import HERE, OURS, RECIPES
from docs.parts import filled
from tests import ROOT

mpl.use("svg")

from matplotlib import pyplot as plt

# Read on white and on black alike.
INK = "#808080"
COLORS = {
    "2019": "#b07aa1",
    "poetry": "#9c755f",
    "uv": "#edb037",
    "sketch": "#999999",
    OURS: "#2a9d8f",
}
BUILDS = {
    "cold": "cold build",
    "nothing": "nothing changed",
    "code": "code changed",
    "lock": "lock file changed",
}
DEPENDENCIES = {"click": "Click", "pandas": "Click, numpy and pandas"}


def median(figures: dict[str, Any], measure: str) -> float:
    """Return the median of what was timed, in seconds."""
    return float(statistics.median(figures["seconds"][measure]))


def megabytes(size: int) -> str:
    """Return a size in megabytes, with two digits that count."""
    value = size / 1e6
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def row(recipe: str, figures: dict[str, Any]) -> list[str]:
    """Return a recipe's line of the table."""
    start = figures["start"]
    payload = figures["payload"]
    return [
        RECIPES[recipe],
        *(f"{median(figures, measure):.2f}" for measure in BUILDS),
        megabytes(figures["pushed"]),
        f"{megabytes(payload['packed'])} / {megabytes(payload['unpacked'])}",
        f"{median(figures, 'stop'):.2f}",
        f"{start['cli'] / start['import']:.2f}",
    ]


def tables(results: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    machine = results["machine"]
    lines = [
        "![Build times and pushed bytes of the recipes](benchmark.svg)",
        "",
        f"Medians of {results['rounds']} rounds, and of {results['growth_rounds']} "
        f"where the lock file grows. {machine['engine']}, "
        f"{machine['processor']}; base image: {machine['base']}.",
        "Times in seconds, sizes in megabytes.",
    ]
    for name, case in results["cases"].items():
        if name.startswith("growth-"):
            continue
        lines += [
            "",
            f"With {DEPENDENCIES[name]}, {case['locked']} locked:",
            "",
            "| recipe | "
            + " | ".join(BUILDS.values())
            + " | pushed after a code change"
            " | above the base: compressed / unpacked | `docker stop`"
            " | start ÷ `import click` |",
            "|---" * 9 + "|",
        ]
        lines += [
            "| " + " | ".join(row(recipe, figures)) + " |"
            for recipe, figures in case["recipes"].items()
        ]
    return "\n".join(lines) + "\n"


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw how the rebuild compares, and how the figures grow with the lock file."""
    mpl.rcParams |= {
        "axes.edgecolor": INK,
        "axes.facecolor": "none",
        "axes.labelcolor": INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": INK,
        "font.size": 10,
        "legend.labelcolor": INK,
        "svg.fonttype": "none",
        "svg.hashsalt": "benchmark",
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    bars, *curves = axes.flat
    named = [name for name in DEPENDENCIES if name in results["cases"]]
    for count, name in enumerate(named):
        recipes = results["cases"][name]["recipes"]
        for place, (recipe, figures) in enumerate(recipes.items()):
            bars.bar(
                count + (place - (len(recipes) - 1) / 2) / (len(recipes) + 1),
                median(figures, "code"),
                width=0.9 / (len(recipes) + 1),
                color=COLORS[recipe],
            )
    bars.set_xticks(range(len(named)), [DEPENDENCIES[name] for name in named])
    bars.set_title("Rebuild after a code change, seconds")
    growth = [
        case for name, case in results["cases"].items() if name.startswith("growth-")
    ]
    titles = {
        "cold": "Cold build, seconds",
        "code": "Rebuild after a code change, seconds",
        "pushed": "Pushed after a code change, megabytes",
    }
    for axis, (measure, title) in zip(curves, titles.items(), strict=True):
        for recipe in results["cases"][named[0]]["recipes"]:
            axis.plot(
                [case["locked"] for case in growth],
                [
                    figures["pushed"] / 1e6
                    if measure == "pushed"
                    else median(figures, measure)
                    for case in growth
                    for figures in [case["recipes"][recipe]]
                ],
                color=COLORS[recipe],
                label=RECIPES[recipe].replace("`", ""),
                linewidth=3 if recipe == OURS else 1.5,
                marker="o",
                markersize=4,
            )
        axis.set_title(title)
        axis.set_xlabel("locked dependencies")
        axis.set_ylim(bottom=0)
    figure.legend(
        *curves[0].get_legend_handles_labels(),
        frameon=False,
        loc="outside lower center",
        ncols=3,
    )
    figure.savefig(path, metadata={"Date": None}, transparent=True)


def main() -> None:
    """Write the table and the plot that docs/benchmark.md shows."""
    results = json.loads((HERE / "results.json").read_text("utf-8"))
    page = ROOT / "docs" / "benchmark.md"
    text = filled(page.read_text("utf-8"), "results", f"\n{tables(results)}\n")
    page.write_text(text, "utf-8")
    plot(results, ROOT / "docs" / "benchmark.svg")


if __name__ == "__main__":
    main()
