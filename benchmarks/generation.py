"""Generate projects by this template and by others, in turn, and compare the times.

Every round starts Cookiecutter once for each template, and once for its version alone, in
an order that is shuffled anew.  A template's time is what it takes above that start in
the same round: what else the machine does meanwhile hits all alike.  It makes processes
wait rather than work, so that the processor's own seconds are told too.
"""

import argparse
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks.run import run
from docs.parts import filled
from tests import ROOT

PAGE = ROOT / "docs" / "benchmark.md"
START = "--version"
OURS = "this template"
HOOKLESS = "the same, without its hooks"


class Peer(NamedTuple):
    """Another template: the commit that is measured, and what its hooks do."""

    commit: str
    hooks: str


# Those of docs/features.md, by their names at GitHub.
PEERS = {
    "cjolowicz/cookiecutter-hypermodern-python": Peer(
        "af0fd99e72e3afac2dc2b20406b1bee689260be1",
        "one: indents a JSON file",
    ),
    "scientific-python/cookie": Peer(
        "a930c462a56e16decd5ddde8cb37e2c57b3f5ae5",
        "none",
    ),
    "audreyfeldroy/cookiecutter-pypackage": Peer(
        "ced42cf27e20987ad5e1a315a26e89a94002ba74",
        "two: check a name; offer a repository at GitHub, at a terminal only",
    ),
    "fpgmaas/cookiecutter-uv": Peer(
        "8af4669d247c0c644060e0fcfaa868a895bb5931",
        "two: check two names; remove and rename files",
    ),
}
OUR_HOOKS = {
    OURS: "two: check all answers, the disk and the folder; say what is next",
    HOOKLESS: "`--accept-hooks=no`",
}


def clone(repository: str, folder: Path) -> str:
    """Clone a peer from GitHub, and return the path of the commit that is measured."""
    path = str(folder / repository)
    run("git", "clone", "--quiet", f"https://github.com/{repository}", path)
    run("git", "-C", path, "checkout", "--quiet", PEERS[repository].commit)
    return path


class Generation(NamedTuple):
    """A run of Cookiecutter: its times, the files it left, and why it failed if so."""

    seconds: float
    processor: float
    files: int
    failure: str


def processor() -> float:
    """Return the seconds that all ended children, and theirs, had of the processor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cookiecutter(arguments: list[str]) -> Generation:
    """Run Cookiecutter with no user's settings, no terminal, and in an empty folder."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as output:
        before, start = processor(), perf_counter()
        result = subprocess.run(
            [sys.executable, "-m", "cookiecutter", *arguments],
            capture_output=True,
            check=False,
            cwd=output,
            encoding="utf-8",
            env=os.environ | {"HOME": home},
            stdin=subprocess.DEVNULL,
        )
        seconds, used = perf_counter() - start, processor() - before
        files = sum(path.is_file() for path in Path(output).rglob("*"))
    complaint = (result.stderr or result.stdout).strip().splitlines() or ["no output"]
    failure = complaint[-1] if result.returncode else ""
    return Generation(seconds, used, files, failure)


def quartiles(seconds: list[float]) -> str:
    """Return the range in which the middle half lies."""
    low, _, high = statistics.quantiles(seconds, n=4)
    return f"{low:.2f} to {high:.2f}"


def row(name: str, rounds: list[dict[str, Generation]]) -> str:
    """Return a template's line of the table, which says so if it does not work."""
    if name in PEERS:
        commit, hooks = PEERS[name]
        title = f"[{name}](https://github.com/{name}) at `{commit[:7]}`"
    else:
        title, hooks = name, OUR_HOOKS[name]
    failures = [each[name].failure for each in rounds if each[name].failure]
    if failures:
        figures = [f"fails: {failures[0].replace('|', '/')}", "", "", ""]
    else:
        above = [each[name].seconds - each[START].seconds for each in rounds]
        worked = [each[name].processor - each[START].processor for each in rounds]
        figures = [
            f"{statistics.median(above):.2f}",
            quartiles(above),
            f"{statistics.median(worked):.2f}",
            str(rounds[0][name].files),
        ]
    return "| " + " | ".join([title, *figures, hooks]) + " |"


def section(rounds: list[dict[str, Generation]], load: float) -> str:
    """Return the results as Markdown."""
    starts = [each[START].seconds for each in rounds]
    worked = statistics.median(each[START].processor for each in rounds)
    lines = [
        f"Medians of {len(rounds)} rounds on {datetime.now(UTC):%Y-%m-%d}, by Cookiecutter "
        f"{version('cookiecutter')} on Python {platform.python_version()}; "
        f"{os.cpu_count()} cores, with a load of {load:.1f} at the beginning.",
        f"Cookiecutter's own start took {statistics.median(starts):.2f} seconds, "
        f"the middle half {quartiles(starts)}; {worked:.2f} of the processor. Above it:",
        "",
        "| template | seconds | the middle half | of the processor | files | hooks |",
        "|---" * 6 + "|",
        *(row(name, rounds) for name in (OURS, HOOKLESS, *PEERS)),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the table in docs/benchmark.md."""
    parser = argparse.ArgumentParser(prog="generation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="at least 2")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            START: [START],
            OURS: [str(ROOT), "--no-input"],
            HOOKLESS: [str(ROOT), "--no-input", "--accept-hooks=no"],
        }
        for peer in PEERS:
            commands[peer] = [clone(peer, Path(folder)), "--no-input"]
        # Not counted: it fills the caches of Python and of the system.
        for arguments in commands.values():
            cookiecutter(arguments)
        rounds = []
        for count in range(options.rounds):
            print(f"generation: round {count + 1}", flush=True)
            order = random.sample([*commands], len(commands))
            rounds.append({name: cookiecutter(commands[name]) for name in order})
    content = f"\n{section(rounds, load)}\n"
    PAGE.write_text(filled(PAGE.read_text("utf-8"), "generation", content), "utf-8")


if __name__ == "__main__":
    main()
