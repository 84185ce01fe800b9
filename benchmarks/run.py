"""Build the same program by several recipes, and measure the builds and the images.

Each round builds every recipe once for each measure, in random order, so that other work
on the machine affects all recipes alike.
"""

import argparse
import gzip
import json
import os
import platform
import random
import re
import tempfile
import tomllib
import uuid
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

from cookiecutter.main import cookiecutter

from benchmarks import OURS, RECIPES, RESULTS, ROOT
from tools.images import Registry, build, inspect, layers_above, remove, run

BASE = "python:3.14-slim"
UV_BASE = "benchmark-uv"
NAMES = [*sorted(path.stem for path in RECIPES.glob("*.Dockerfile")), OURS]
MEASURES = ["cold", "nothing", "code", "version", "development", "lock"]
GROWTH_MEASURES = ["cold", "code", "version"]
CASES = {"click": [], "pandas": ["numpy", "pandas"]}
SIZES = [1, 30, 100]
PACKAGES = (ROOT / "benchmarks" / "packages.txt").read_text("utf-8").split()
# Requirements in pyproject.toml, and limits that lock an older version.
OLDER = {"development": ("coverage>=7.10", ",<7.11"), "lock": ("click>=8.1", ",<8.2")}
# This program times a command in a read-only container: with the image's bytecode, and
# with the bytecode of all modules, which Python keeps in a folder in memory. The first run
# of each is not counted, because it fills caches.
START = """
import os, statistics, subprocess, sys, time
compiled = {**os.environ, "PYTHONPYCACHEPREFIX": "/tmp/bytecode"}
times = []
for environment in [os.environ, compiled] * 11:
    start = time.perf_counter()
    subprocess.run(sys.argv[1:], check=True, env=environment, stdout=subprocess.DEVNULL)
    times.append(time.perf_counter() - start)
print(statistics.median(times[2::2]), statistics.median(times[3::2]))
"""


def replace(path: Path, old: str, new: str) -> None:
    """Replace text in a file. Fail if the file does not contain it."""
    text = path.read_text("utf-8")
    if old not in text:
        raise ValueError(f"{path} does not contain {old!r}")
    path.write_text(text.replace(old, new), "utf-8")


class Project:
    """A generated project with a lock file of Poetry or uv."""

    def __init__(
        self, tool: str, folder: Path, dependencies: list[str], measures: list[str]
    ) -> None:
        """Generate the project, and write the lock files that the measures need."""
        self.tool = tool
        output = str(folder / tool)
        self.path = Path(cookiecutter(str(ROOT), no_input=True, output_dir=output))
        self.pyproject = self.path / "pyproject.toml"
        self.lock = self.path / f"{tool}.lock"
        self.code = self.path / "src" / "hypermodern_python" / "splines.py"
        if tool == "uv":
            # Projects that `uv init` creates have this build backend.
            replace(self.pyproject, "poetry-core>=2.2,<3", "uv_build")
            replace(self.pyproject, "poetry.core.masonry.api", "uv_build")
            replace(self.path / ".dockerignore", "!poetry.lock", "!uv.lock")
        own = '"click>=8.1"'
        replace(self.pyproject, own, ", ".join([*map(json.dumps, dependencies), own]))
        run(tool, "lock", cwd=self.path)
        changed = OLDER.keys() & measures
        self.older = {measure: self.lock_older(*OLDER[measure]) for measure in changed}
        files = (self.pyproject, self.lock, self.code)
        self.files = {path: path.read_bytes() for path in files}

    def lock_older(self, requirement: str, limit: str) -> str:
        """Return the lock file with an older version of one dependency.

        The second run, with the original pyproject.toml, keeps the older version.
        """
        lock, pyproject = self.lock.read_text("utf-8"), self.pyproject.read_bytes()
        replace(self.pyproject, f'"{requirement}"', f'"{requirement}{limit}"')
        run(self.tool, "lock", cwd=self.path)
        self.pyproject.write_bytes(pyproject)
        run(self.tool, "lock", cwd=self.path)
        older = self.lock.read_text("utf-8")
        self.lock.write_text(lock, "utf-8")
        return older

    def change(self, measure: str) -> None:
        """Make the change of a measure, with content that is not in the build cache."""
        unique = uuid.uuid4()
        if measure == "code":
            with self.code.open("a") as file:
                file.write(f"\nCHANGE = {unique.int}\n")
        elif measure == "version":
            # uv.lock contains the project's version, too.
            for path in (self.pyproject, self.lock):
                pattern = r'(\nname = "hypermodern-python"\nversion = )".*"'
                version = rf'\1"0.{unique.int % 10**12}"'
                path.write_text(
                    re.sub(pattern, version, path.read_text("utf-8")), "utf-8"
                )
        elif measure in self.older:
            # An additional hash in poetry.lock makes the list that Poetry exports unique.
            package = OLDER[measure][0].partition(">")[0]
            pattern = rf'(?s)(\nname = "{package}"\n.*?\nfiles = \[\n)'
            added = f'    {{file = "none", hash = "sha256:{unique.hex * 2}"}},\n'
            text = re.sub(pattern, rf"\g<1>{added}", self.older[measure], count=1)
            self.lock.write_text(f"{text}# {unique}\n", "utf-8")

    def restore(self) -> None:
        """Undo the change of a measure."""
        for path, content in self.files.items():
            path.write_bytes(content)


class Recipe:
    """A Dockerfile that builds the program of one case."""

    def __init__(self, name: str, case: str, projects: dict[str, Project]) -> None:
        """Use the project with a lock file of the recipe's tool."""
        self.image = f"{case}-{name}"
        self.project = projects["uv" if name == "uv" else "poetry"]
        ours = self.project.path / "Dockerfile"
        self.file = ours if name == OURS else RECIPES / f"{name}.Dockerfile"
        self.builds = 0

    @property
    def tag(self) -> str:
        """The name of the latest image.

        Each image has a different name. If a build takes the name of an earlier image,
        the engine removes that image, and a build that shares layers with it can fail.
        """
        return f"benchmark-{self.image}:{self.builds}"

    def build(self, *options: str) -> float:
        """Build an image, and return the time in seconds."""
        self.builds += 1
        if "POETRY_PYPI_MIRROR_URL" in os.environ:
            options += ("--build-arg=POETRY_PYPI_MIRROR_URL",)
        options += ("--provenance=false", f"--file={self.file}")
        start = perf_counter()
        build(self.project.path, self.tag, *options)
        return perf_counter() - start

    def measure(self, measure: str, registry: Registry) -> dict[str, float]:
        """Build after a change, and return the time and, for code, the bytes pushed."""
        if measure == "cold":
            # Use no cached step, and no file in a cache mount.
            empty = f"--build-arg=CACHE={uuid.uuid4()}"
            return {"cold": self.build("--no-cache", empty)}
        self.build()
        if measure == "code":
            registry.push(self.tag, self.image)
        self.project.change(measure)
        figures = {measure: self.build()}
        self.project.restore()
        if measure == "code":
            figures["pushed"] = registry.push(self.tag, self.image)
        return figures

    def layers(self) -> list[tuple[int, int]]:
        """Return the size of each layer above the base image: compressed, and unpacked."""
        sizes = []
        for data in layers_above(BASE, self.tag):
            # Engines with the older image store save layers uncompressed.
            packed = data if data.startswith(b"\x1f\x8b") else gzip.compress(data)
            sizes.append((len(packed), len(gzip.decompress(packed))))
        return sizes

    def start(self, *command: str) -> list[float]:
        """Return the times of a command: with the image's bytecode, and with all."""
        printed = run(
            *("docker", "run", "--rm", "--read-only", "--tmpfs=/tmp"),
            *("--entrypoint=python", self.tag, "-c", START, *command),
        )
        return [float(time) for time in printed.stdout.split()]


def measure(
    case: str, dependencies: list[str], options: argparse.Namespace, registry: Registry
) -> dict[str, Any]:
    """Return all figures of one case."""
    growth = case not in CASES
    measures = GROWTH_MEASURES if growth else MEASURES
    with tempfile.TemporaryDirectory() as folder:
        print(f"{case}: generating and locking", flush=True)
        projects = {
            tool: Project(tool, Path(folder), dependencies, measures)
            for tool in ("poetry", "uv")
        }
        recipes = {name: Recipe(name, case, projects) for name in options.recipes}
        figures: dict[str, Any] = {name: defaultdict(list) for name in recipes}
        for count in range(options.rounds):
            for change in measures:
                for name in random.sample([*recipes], len(recipes)):
                    print(f"{case}: round {count + 1}, {change}, {name}", flush=True)
                    for figure, value in (
                        recipes[name].measure(change, registry).items()
                    ):
                        figures[name][figure].append(value)
        for name, recipe in {} if growth else recipes.items():
            print(f"{case}: image, {name}", flush=True)
            recipe.build()
            figures[name]["layers"] = recipe.layers()
            starts = {"--version": recipe.start("hypermodern-python", "--version")}
            if "pandas" in dependencies:
                starts["import pandas"] = recipe.start("python", "-c", "import pandas")
            figures[name]["start"] = starts
        locked = tomllib.loads(projects["poetry"].lock.read_text("utf-8"))["package"]
    main = sum("main" in package["groups"] for package in locked)
    return {"locked": main, "recipes": figures}


def machine() -> str:
    """Describe the machine, the engine and the base image of the measurements."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text("utf-8") if cpuinfo.exists() else ""
    model = re.search(r"^model name\s*: (.*)$", text, re.M)
    # Only the official images set this variable; replacements do not.
    variables = inspect(BASE)["Config"]["Env"]
    official = any(variable.startswith("PYTHON_SHA256=") for variable in variables)
    version = run("docker", "version", "--format={{.Server.Version}}").stdout.strip()
    return (
        f"Docker Engine {version}; "
        f"{model[1] if model else platform.processor()}, {os.cpu_count()} cores; "
        f"base image: {'' if official else 'a replacement for '}`{BASE}`"
    )


def main() -> None:
    """Run all measurements, and write the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recipes", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--cases", nargs="*", choices=CASES, default=[*CASES])
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    cases = {name: CASES[name] for name in options.cases}
    cases |= {f"growth-{size}": PACKAGES[1:size] for size in options.sizes}
    # Every build but a cold one follows a build of the unchanged project.
    builds = len(options.cases) * (options.rounds * (2 * len(MEASURES) - 1) + 1)
    builds += len(options.sizes) * options.rounds * (2 * len(GROWTH_MEASURES) - 1)
    print(f"{len(options.recipes) * builds} builds", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        registry = Registry(folder)
        stack.callback(registry.stop)
        recipe = f"FROM {BASE}\nRUN pip install --no-cache-dir uv\n"
        run("docker", "build", f"--tag={UV_BASE}", "-", stdin=recipe)
        results = {"machine": machine(), "rounds": options.rounds, "cases": {}}
        for case, dependencies in cases.items():
            results["cases"][case] = measure(case, dependencies, options, registry)
            options.output.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    remove("benchmark-*")


if __name__ == "__main__":
    main()
