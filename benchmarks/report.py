"""Show the results of the benchmark: tables for docs/benchmark.md, and its plot."""

import json
from pathlib import Path
from statistics import median

from benchmarks import OURS, RESULTS, ROOT

PLOT = ROOT / "docs" / "benchmark.svg"
INK = "#808080"  # readable on white and on black
TITLES = {
    "2019": "*Hypermodern Python*, 2019, with today's Poetry",
    "poetry": "`poetry install`, copied",
    "uv": "uv's example, with uv in its base image",
    OURS: "this template",
}
COLORS = {"2019": "#b07aa1", "poetry": "#9c755f", "uv": "#edb037", OURS: "#2a9d8f"}
DEPENDENCIES = {
    "click": "Click",
    "pandas": "Click, numpy and pandas",
    "growth-100": "A hundred dependencies",
}
BUILDS = {
    "cold": "cold",
    "nothing": "nothing changed",
    "code": "code changed",
    "version": "version changed",
    "development": "development dependency changed",
    "lock": "dependency changed",
}
LAYERS = ("bytecode of the standard library", "dependencies", "program")
CURVES = {
    "code": "Rebuild after a code change, seconds",
    "version": "Rebuild after a version change, seconds",
    "cold": "Cold build, seconds",
    "pushed": "Pushed after a code change, megabytes",
}


def megabytes(size: float) -> str:
    """Format a size in megabytes, with at least two significant digits."""
    value = size / 1e6
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def with_unit(size: float) -> str:
    """Format a size in megabytes, or in kilobytes below 0.1 megabytes."""
    return f"{megabytes(size)} MB" if size > 1e5 else f"{size / 1e3:.0f} kB"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Format a table as Markdown."""
    cells = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def tables(path: Path = RESULTS) -> str:
    """Return the results as Markdown."""
    results = json.loads(path.read_text("utf-8"))
    text = f"Rounds: {results['rounds']}. {results['machine']}.\n"
    for name, case in results["cases"].items():
        if name not in DEPENDENCIES:
            continue
        builds, images, layers = [], [], []
        commands: list[str] = []
        for recipe, figures in case["recipes"].items():
            measures = [measure for measure in BUILDS if measure in figures]
            seconds = [f"{median(figures[measure]):.2f}" for measure in measures]
            pushed = megabytes(median(figures["pushed"]))
            builds.append([TITLES[recipe], *seconds, pushed])
            if "layers" not in figures:
                continue
            sizes = [
                megabytes(sum(each)) for each in zip(*figures["layers"], strict=True)
            ]
            row = [TITLES[recipe], *sizes]
            commands = []
            for command, (start, compiled) in figures["start"].items():
                commands += [f"`{command}`", "relative to fully compiled"]
                row += [f"{start:.3f}", f"{start / compiled:.2f}"]
            images.append(row)
            if recipe == OURS:
                # The last layer has no name: it is the empty one that WORKDIR adds.
                named = zip(LAYERS, figures["layers"], strict=False)
                layers = [[layer, *map(megabytes, each)] for layer, each in named]
        packages = "package" if case["locked"] == 1 else "packages"
        text += f"\n## {DEPENDENCIES[name]}: {case['locked']} locked {packages}\n\n"
        columns = [BUILDS[measure] for measure in measures]
        text += table(["build", *columns, "pushed"], builds)
        if not images:
            continue
        text += "\n"
        sizes = ["compressed", "unpacked"]
        text += table(["image", *sizes, *commands], images) + "\n"
        text += table([f"layer of {TITLES[OURS]}'s image", *sizes], layers)
    return text


def summary(path: Path = RESULTS) -> str:
    """Return what the image brings and what it costs as Markdown, for the README."""
    cases = json.loads(path.read_text("utf-8"))["cases"]
    recipes = ("poetry", "uv", OURS)
    labels = ["rebuild after a code change", "pushed after it", "start, read-only"]
    labels += ["build without a cache", "image, compressed"]
    rows = []
    for name in ("pandas", "click"):
        columns = []
        for recipe in recipes:
            figures = cases[name]["recipes"][recipe]
            code, cold = (f"{median(figures[each]):.1f} s" for each in ("code", "cold"))
            pushed = with_unit(median(figures["pushed"]))
            start = f"{figures['start']['--version'][0]:.2f} s"
            image = with_unit(sum(compressed for compressed, _ in figures["layers"]))
            columns.append([code, pushed, start, cold, image])
        rows.append([f"**{DEPENDENCIES[name]}**", "", "", ""])
        rows += map(list, zip(labels, *columns, strict=True))
    return table(["", *(TITLES[recipe] for recipe in recipes)], rows)


def plot(path: Path = RESULTS, output: Path = PLOT) -> None:
    """Draw how the figures grow with the number of dependencies."""
    # Imported here because tables() has to work without matplotlib.
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rc("axes", edgecolor=INK, labelcolor=INK, titlecolor=INK)
    mpl.rc("axes.spines", right=False, top=False)
    mpl.rc("svg", fonttype="none", hashsalt="benchmark")
    mpl.rc("text", color=INK)
    mpl.rc("xtick", color=INK)
    mpl.rc("ytick", color=INK)
    results = json.loads(path.read_text("utf-8"))
    growth = [
        case for name, case in results["cases"].items() if name.startswith("growth")
    ]
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    for axis, (measure, title) in zip(axes.flat, CURVES.items(), strict=True):
        for recipe in growth[0]["recipes"]:
            values = [median(case["recipes"][recipe][measure]) for case in growth]
            axis.plot(
                [case["locked"] for case in growth],
                [value / 1e6 for value in values] if measure == "pushed" else values,
                color=COLORS[recipe],
                clip_on=False,
                label=TITLES[recipe].replace("`", "").replace("*", ""),
                linewidth=3 if recipe == OURS else 1.5,
                marker="o",
                markersize=4,
            )
        axis.set_title(title)
        axis.set_xlabel("locked packages")
        axis.set_ylim(bottom=0)
    labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(*labels, frameon=False, loc="outside lower center", ncols=2)
    figure.savefig(output, metadata={"Date": None}, transparent=True)


if __name__ == "__main__":
    plot()
