"""Build the same program by several recipes, and measure the builds and the images.

Each round builds every recipe once for each measure, in random order, so that other work
on the machine affects all recipes alike.
"""

import argparse
import gzip
import json
import os
import random
import re
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import uuid4

from cookiecutter.main import cookiecutter

from benchmarks.report import OURS, RESULTS, TITLES
from tools.images import Registry, build, layers_above, remove, run

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "benchmarks" / "recipes"
BASE = "python:3.14-slim"
PACKAGES = (ROOT / "benchmarks" / "packages.txt").read_text("utf-8").split()
MEASURES = ["cold", "code", "version", "nothing", "development", "lock"]
# The dependencies in addition to Click, which is the first package, and what is measured.
CASES = {"click": ([], MEASURES), "pandas": (["numpy", "pandas"], MEASURES)}
CASES["hundred"] = (PACKAGES[1:], ["cold", "code", "version"])
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


def replace(path: Path, pattern: str, new: str) -> None:
    """Replace the first match of a pattern in a file. Fail if there is none."""
    text, count = re.subn(pattern, new, path.read_text("utf-8"), count=1)
    if not count:
        raise ValueError(f"{path} does not match {pattern!r}")
    path.write_text(text, "utf-8")


def prepare(tool: str, case: str, parent: Path) -> dict[str, Path]:
    """Generate and lock a project; return a folder to build for each measure.

    Measures that change the project have copies of it.
    """
    dependencies, measures = CASES[case]
    project = Path(cookiecutter(str(ROOT), no_input=True, output_dir=str(parent)))
    if tool == "uv":
        # Projects that `uv init` creates have this build backend.
        replace(project / "pyproject.toml", "poetry-core>=2.2,<3", "uv_build")
        replace(project / "pyproject.toml", "poetry.core.masonry.api", "uv_build")
        replace(project / ".dockerignore", "!poetry.lock", "!uv.lock")
        Path(project, "poetry.lock").unlink()
    required = json.dumps([*dependencies, "click>=8.1"])
    replace(project / "pyproject.toml", r'\["click>=8.1"\]', required)
    run(tool, "lock", cwd=project)
    folders = dict.fromkeys(["cold", "nothing"], project)
    for measure in set(measures) - folders.keys():
        folder = folders[measure] = Path(shutil.copytree(project, parent / measure))
        if measure in OLDER:
            requirement, limit = OLDER[measure]
            replace(folder / "pyproject.toml", requirement, requirement + limit)
            run(tool, "lock", cwd=folder)
            # Without the limit, the lock file keeps the older version.
            replace(folder / "pyproject.toml", requirement + limit, requirement)
            run(tool, "lock", cwd=folder)
    return folders


def change(folder: Path, measure: str) -> None:
    """Make the change of a measure, with content that is not in the build cache."""
    unique = uuid4()
    if measure == "code":
        with Path(folder, "src", "hypermodern_python", "splines.py").open("a") as file:
            file.write(f"\nCHANGE = {unique.int}\n")
    elif measure == "version":
        pattern = r'(\nname = "hypermodern-python"\nversion = )".*"'
        # uv.lock contains the project's version, too.
        for path in [folder / "pyproject.toml", *folder.glob("uv.lock")]:
            replace(path, pattern, rf'\1"0.{unique.int % 10**12}"')
    elif measure in OLDER:
        # Another hash of the source distribution, which no build downloads.
        package = OLDER[measure][0].partition(">")[0]
        pattern = rf'(?s)(\nname = "{package}"\n.*?\.tar\.gz", hash = "sha256:)\w+'
        (lock,) = folder.glob("*.lock")
        replace(lock, pattern, rf"\g<1>{unique.hex * 2}")


def timed_build(recipe: str, folder: Path, *options: str) -> tuple[str, float]:
    """Build an image, and return its name and the time in seconds.

    Each image has a different name. If a build takes the name of an earlier image,
    the engine removes that image, and a build that shares layers with it can fail.
    """
    image = f"benchmark-{recipe}:{uuid4()}"
    file = folder / "Dockerfile" if recipe == OURS else RECIPES / f"{recipe}.Dockerfile"
    # Docker takes the argument's value from the environment, if it has one.
    options += ("--provenance=false", "--build-arg=POETRY_PYPI_MIRROR_URL")
    start = perf_counter()
    build(folder, image, f"--file={file}", *options)
    return image, perf_counter() - start


def measure_build(
    recipe: str, measure: str, folders: dict[str, Path], registry: Registry
) -> dict[str, float]:
    """Build after a change, and return the time and, for code, the bytes pushed."""
    if measure == "cold":
        # Use no cached step, and no file in a cache mount.
        empty = ("--no-cache", f"--build-arg=CACHE={uuid4()}")
        return {"cold": timed_build(recipe, folders["cold"], *empty)[1]}
    unchanged, _ = timed_build(recipe, folders["cold"])
    change(folders[measure], measure)
    changed, seconds = timed_build(recipe, folders[measure])
    if measure != "code":
        return {measure: seconds}
    registry.push(unchanged, recipe)
    return {"code": seconds, "pushed": registry.push(changed, recipe)}


def layers(image: str) -> Iterator[tuple[int, int]]:
    """Return the size of each layer above the base image: compressed, and unpacked."""
    for data in layers_above(BASE, image):
        # Engines with the older image store save layers uncompressed.
        packed = data if data.startswith(b"\x1f\x8b") else gzip.compress(data)
        yield len(packed), len(gzip.decompress(packed))


def start(image: str, *command: str) -> list[float]:
    """Return the times of a command: with the image's bytecode, and with all."""
    printed = run(
        *("docker", "run", "--rm", "--read-only", "--tmpfs=/tmp"),
        *("--entrypoint=python", image, "-c", START, *command),
    )
    return [float(time) for time in printed.stdout.split()]


def measure_case(case: str, rounds: int, registry: Registry) -> dict[str, Any]:
    """Return all figures of one case."""
    dependencies, measures = CASES[case]
    figures: dict[str, Any] = {recipe: defaultdict(list) for recipe in TITLES}
    with TemporaryDirectory() as parent:
        print(f"{case}: generating and locking", flush=True)
        poetry, uv = (
            prepare(tool, case, Path(parent, tool)) for tool in ("poetry", "uv")
        )
        folders = {recipe: uv if recipe == "uv" else poetry for recipe in TITLES}
        for count, measure in product(range(rounds), measures):
            for recipe in random.sample([*TITLES], len(TITLES)):
                print(f"{case}: round {count + 1}, {measure}, {recipe}", flush=True)
                built = measure_build(recipe, measure, folders[recipe], registry)
                for figure, value in built.items():
                    figures[recipe][figure].append(value)
        for recipe in TITLES if measures == MEASURES else []:
            image, _ = timed_build(recipe, folders[recipe]["cold"])
            starts = {"--version": start(image, "hypermodern-python", "--version")}
            if "pandas" in dependencies:
                starts["import pandas"] = start(image, "python", "-c", "import pandas")
            figures[recipe] |= {"layers": [*layers(image)], "start": starts}
        locked = tomllib.loads(Path(poetry["cold"], "poetry.lock").read_text("utf-8"))
    main = sum("main" in package["groups"] for package in locked["package"])
    return {"locked": main, "recipes": figures}


def main() -> None:
    """Measure cases, and replace their figures in the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=[*CASES])
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text("utf-8"))
    engine = run("docker", "info", "--format=Docker Engine {{.ServerVersion}}").stdout
    processor = re.findall(r"(?m)^Model name: *(.*)$", run("lscpu").stdout)[0]
    results["machine"] = f"{engine.strip()}; {processor}, {os.cpu_count()} cores"
    with TemporaryDirectory() as folder:
        registry = Registry(Path(folder))
        try:
            build(RECIPES, "benchmark-base", f"--file={RECIPES / 'uv-base.Dockerfile'}")
            for case in options.cases:
                results["cases"][case] = measure_case(case, options.rounds, registry)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        finally:
            registry.stop()
            remove("benchmark-*")


if __name__ == "__main__":
    main()
