"""Build the same program by several recipes, in turn, and compare what comes out.

Every round builds each recipe once for each measure, in an order that is shuffled anew:
what else the machine does meanwhile hits all alike.  Medians are reported.
"""

import argparse
import gzip
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import tomllib
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from cookiecutter.main import cookiecutter

from tests import ROOT
from tests.engine import Archive, Registry

HERE = Path(__file__).parent
BASE = "python:3.14-slim"
UV_BASE = "benchmark-uv"
OURS = "ours"
RECIPES = {
    "2019": "the recipe of 2019, with today's Poetry",
    "poetry": "`poetry install`, copied",
    "uv": "uv's example, with uv in its base image",
    "sketch": "a sketch of ours",
    OURS: "this template's",
}
MEASURES = ("cold", "nothing", "code", "lock")
PACKAGES = (HERE / "packages.txt").read_text("utf-8").split()
SIZES = (1, 10, 30, 100)
STARTS = """
import statistics, subprocess, sys, time
commands = {"import": [sys.executable, "-c", "import click"], "cli": [sys.argv[1], "--count=1"]}
times = {name: [] for name in commands}
for _ in range(20):
    for name, command in commands.items():
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times[name].append(time.perf_counter() - start)
print(*map(statistics.median, times.values()))
"""


def run(*command: str, cwd: Path | None = None) -> str:
    """Run a command and return what it printed; on failure, show all of it.

    Raises:
        CalledProcessError: The command failed.
    """
    result = subprocess.run(
        command, capture_output=True, check=False, cwd=cwd, encoding="utf-8"
    )
    if result.returncode:
        print(result.stdout, result.stderr, file=sys.stderr)
        result.check_returncode()
    return result.stdout


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, once.

    Raises:
        ValueError: The text is not there.
    """
    before, found, after = path.read_text("utf-8").partition(old)
    if not found:
        raise ValueError(f"{path} does not contain {old!r}")
    path.write_text(before + new + after, "utf-8")


class Case:
    """A program with some dependencies, to be built by each recipe."""

    def __init__(self, folder: Path, name: str, dependencies: list[str]) -> None:
        """Generate it, and lock its dependencies in two ways that differ in one pin."""
        self.name = name
        self.builds: Counter[str] = Counter()
        self.projects: dict[str, Path] = {}
        self.locks: dict[str, list[dict[str, str]]] = {}
        for tool in ("poetry", "uv"):
            target = folder / name / tool
            project = Path(
                cookiecutter(str(ROOT), no_input=True, output_dir=str(target))
            )
            pyproject = project / "pyproject.toml"
            if tool == "uv":
                # As uv's own projects are.
                edit(pyproject, "poetry-core>=2.2,<3", "uv_build")
                edit(pyproject, "poetry.core.masonry.api", "uv_build")
                with (project / ".dockerignore").open("a") as ignored:
                    ignored.write("!uv.lock\n")
            edit(pyproject, '["click>=8.1"]', json.dumps([*dependencies, "click"]))
            self.projects[tool] = project
            self.locks[tool] = [
                self.lock(tool, project),
                self.lock(tool, project, older=True),
            ]
            self.restore(tool, 0)
        locked = tomllib.loads(self.locks["poetry"][0]["poetry.lock"])["package"]
        self.locked = sum("main" in package["groups"] for package in locked)

    def lock(self, tool: str, project: Path, older: bool = False) -> dict[str, str]:
        """Lock the dependencies; return the two files that say which."""
        if older:
            edit(project / "pyproject.toml", '"click"]', '"click<8.2"]')
        lock = project / f"{tool}.lock"
        lock.unlink(missing_ok=True)
        run(tool, "lock", cwd=project)
        return {
            path.name: path.read_text("utf-8")
            for path in (lock, project / "pyproject.toml")
        }

    def restore(self, tool: str, which: int) -> None:
        """Write one of the two locks into the project."""
        for name, text in self.locks[tool][which].items():
            (self.projects[tool] / name).write_text(text, "utf-8")

    def project(self, recipe: str) -> Path:
        """Return the project that a recipe builds."""
        return self.projects["uv" if recipe == "uv" else "poetry"]

    def tag(self, recipe: str) -> str:
        """Return the name of the image that a recipe built last.

        Each has a name of its own: an engine that removes an image whose name another
        took may fail the build of a third that shares its layers.
        """
        return f"benchmark-{self.name}-{recipe}:{self.builds[recipe]}"

    def build(self, recipe: str, *options: str) -> float:
        """Build by a recipe; return the seconds it took."""
        project = self.project(recipe)
        file = HERE / "recipes" / f"{recipe}.Dockerfile"
        if recipe == OURS:
            file = project / "Dockerfile"
        if os.environ.get("POETRY_PYPI_MIRROR_URL"):
            options = (*options, "--build-arg=POETRY_PYPI_MIRROR_URL")
        self.builds[recipe] += 1
        start = perf_counter()
        run(
            *("docker", "build", f"--file={file}", f"--tag={self.tag(recipe)}"),
            *("--provenance=false", *options, str(project)),
        )
        return perf_counter() - start

    def change_code(self, recipe: str) -> None:
        """Change the source as it has never been before."""
        source = self.project(recipe) / "src" / "hypermodern_python" / "splines.py"
        with source.open("a") as file:
            file.write(f"\nCHANGE = {uuid.uuid4().int}\n")

    def measure(self, recipe: str, measure: str) -> float:
        """Return how many seconds a build takes after this has changed."""
        if measure == "cold":
            return self.build(recipe, "--no-cache")
        self.build(recipe)
        tool = "uv" if recipe == "uv" else "poetry"
        if measure == "code":
            self.change_code(recipe)
        elif measure == "lock":
            # Bytes that no earlier round has built, so that the cache holds no answer.
            self.restore(tool, 1)
            with (self.project(recipe) / f"{tool}.lock").open("a") as lock:
                lock.write(f"# {uuid.uuid4()}\n")
        seconds = self.build(recipe)
        self.restore(tool, 0)
        return seconds

    def payload(self, recipe: str, folder: Path) -> tuple[int, int]:
        """Return the bytes above the base image: compressed, and unpacked."""
        path = folder / "image.tar"
        counts = []
        for image in (BASE, self.tag(recipe)):
            run("docker", "save", f"--output={path}", image)
            archive = Archive(path)
            sizes = []
            for digest in archive.layers:
                blob = archive.read(f"blobs/{digest.replace(':', '/')}")
                packed = blob.startswith(b"\x1f\x8b")
                data = gzip.decompress(blob) if packed else blob
                compressed = len(blob if packed else gzip.compress(blob))
                sizes.append((compressed, len(data)))
            counts.append(sizes)
        base, whole = counts
        added = whole[len(base) :]
        return sum(size for size, _ in added), sum(size for _, size in added)

    def pushed(self, recipe: str, registry: Registry) -> int:
        """Return the bytes that a registry lacks after a change of the code."""
        self.build(recipe)
        registry.push(self.tag(recipe), f"{self.name}/{recipe}")
        self.change_code(recipe)
        self.build(recipe)
        return registry.push(self.tag(recipe), f"{self.name}/{recipe}")

    def program(self, recipe: str) -> str:
        """Return the path or name of the program in a recipe's image."""
        (image,) = json.loads(run("docker", "image", "inspect", self.tag(recipe)))
        (program, *_) = image["Config"]["Entrypoint"] or image["Config"]["Cmd"]
        return str(program)

    def stop(self, recipe: str) -> float:
        """Return how many seconds it takes to stop a container that is running."""
        container = run("docker", "run", "--detach", self.tag(recipe)).strip()
        with subprocess.Popen(
            ["docker", "logs", "--follow", container], stdout=subprocess.PIPE
        ) as logs:
            next(iter(logs.stdout or ()))
            start = perf_counter()
            run("docker", "stop", container)
            seconds = perf_counter() - start
        run("docker", "rm", "--force", container)
        return seconds

    def starts(self, recipe: str) -> tuple[float, float]:
        """Return the seconds to import Click, and for the program to start and end."""
        which = "import shutil, sys; sys.argv[1] = shutil.which(sys.argv[1])\n"
        python = "/venv/bin/python" if recipe in {"2019", "sketch", OURS} else "python"
        printed = run(
            *("docker", "run", "--rm", f"--entrypoint={python}", self.tag(recipe)),
            *("-c", which + STARTS, self.program(recipe)),
        )
        importing, starting = map(float, printed.split())
        return importing, starting


def cases(names: list[str], sizes: list[int]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the dependencies of each case."""
    known = {"click": [], "pandas": ["numpy", "pandas"]}
    for name in names:
        yield name, known[name]
    for size in sizes:
        yield f"growth-{size}", PACKAGES[1:size]


def machine() -> dict[str, str]:
    """Return what the figures were measured on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    engine = run("docker", "version", "--format={{.Server.Version}}").strip()
    # The official image has a variable of its own for its Python's version.
    (base,) = json.loads(run("docker", "image", "inspect", BASE))
    official = any(
        line.startswith("PYTHON_SHA256=") for line in base["Config"]["Env"] or []
    )
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "engine": f"Docker Engine {engine}",
        "base": f"{BASE}, {'official' if official else 'a stand-in made from Debian'}",
    }


def measure(
    case: Case, recipes: list[str], options: argparse.Namespace
) -> dict[str, Any]:
    """Return all figures of one case, by recipe and measure."""
    growth = case.name.startswith("growth-")
    measures = ("cold", "code") if growth else MEASURES
    times: dict[str, dict[str, list[float]]] = {
        recipe: {name: [] for name in measures} for recipe in recipes
    }
    for count in range(options.growth_rounds if growth else options.rounds):
        for name in measures:
            for recipe in random.sample(recipes, len(recipes)):
                print(f"{case.name}: round {count + 1}, {name}, {recipe}", flush=True)
                times[recipe][name].append(case.measure(recipe, name))
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(Path(folder))
        for recipe in recipes:
            figures[recipe] = {"seconds": times[recipe]}
            figures[recipe]["pushed"] = case.pushed(recipe, registry)
            packed, unpacked = case.payload(recipe, Path(folder))
            figures[recipe]["payload"] = {"packed": packed, "unpacked": unpacked}
            if not growth:
                stops = [case.stop(recipe) for _ in range(options.rounds)]
                figures[recipe]["seconds"]["stop"] = stops
                importing, starting = case.starts(recipe)
                figures[recipe]["start"] = {"import": importing, "cli": starting}
        registry.stop()
    return {"locked": case.locked, "recipes": figures}


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth-rounds", type=int, default=3)
    parser.add_argument("--recipes", nargs="*", choices=RECIPES, default=[*RECIPES])
    parser.add_argument("--cases", nargs="*", default=["click", "pandas"])
    parser.add_argument("--sizes", nargs="*", type=int, default=[*SIZES])
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    return parser.parse_args()


def main() -> None:
    """Measure, and write the results as JSON."""
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "Dockerfile")
        file.write_text(f"FROM {BASE}\nRUN pip install --no-cache-dir uv\n")
        run("docker", "build", f"--tag={UV_BASE}", folder)
    results: dict[str, Any] = {"machine": machine(), "rounds": options.rounds}
    results["growth_rounds"] = options.growth_rounds
    results["cases"] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, dependencies in cases(options.cases, options.sizes):
            print(f"{name}: locking", flush=True)
            case = Case(Path(folder), name, dependencies)
            results["cases"][name] = measure(case, options.recipes, options)
            options.output.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    built = run("docker", "images", "--quiet", "--filter=reference=benchmark-*").split()
    run("docker", "image", "rm", "--force", *set(built))


if __name__ == "__main__":
    main()
