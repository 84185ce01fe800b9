"""Make a release of the template, as ``nox -s release``; print its notes on GitHub."""

import argparse
import datetime
import itertools
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
PYPROJECT = ROOT / "pyproject.toml"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
CHECKOUT = re.compile(r"(?<= --checkout )\d[\d.]*\d")
VERSION = re.compile(r'(?m)(?<=^version = ")[^"]*')


def git(*arguments: str) -> str:
    """Return what git prints.

    Raises:
        SystemExit: It failed, and has said why.
    """
    result = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], stdout=subprocess.PIPE, text=True
    )
    if result.returncode:
        sys.exit(result.returncode)
    return result.stdout.strip()


def next_version(today: datetime.date, taken: Collection[str]) -> str:
    """Return the date as a version; after the first of a day, they are numbered."""
    version = f"{today.year}.{today.month}.{today.day}"
    numbered = (f"{version}.{number}" for number in itertools.count(1))
    return next(
        name for name in itertools.chain([version], numbered) if name not in taken
    )


def section(changelog: str, heading: str) -> str:
    """Return what the changelog says below a heading, empty if nothing."""
    pattern = rf"(?ms)^## {re.escape(heading)}$(.*?)(?=^## |\Z)"
    match = re.search(pattern, changelog)
    return match[1].strip() if match else ""


def notes(tag: str) -> str:
    """Return the notes of the release with this tag.

    Raises:
        SystemExit: The files checked out are not this release's, or it has no notes.
    """
    version = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["version"]
    if version != tag:
        sys.exit(f"The tag is {tag}, but the version in pyproject.toml is {version}.")
    found = section(CHANGELOG.read_text("utf-8"), tag)
    if not found:
        sys.exit(f"CHANGELOG.md says nothing about {tag}.")
    return found


def release(*, dry_run: bool) -> None:
    """Commit and tag today's release, or only print its version and notes.

    Raises:
        SystemExit: There is nothing to release, or this is no place to release from.
    """
    if git("branch", "--show-current") != "main":
        sys.exit("Nothing was released: this is not the branch main.")
    if git("status", "--porcelain"):
        sys.exit("Nothing was released: the work tree is not clean.")
    changelog = CHANGELOG.read_text("utf-8")
    news = section(changelog, "Unreleased")
    if not news:
        sys.exit(
            'Nothing was released: CHANGELOG.md has nothing under "## Unreleased".'
        )
    taken = git("tag", "--list").split() + re.findall(r"(?m)^## (.+)$", changelog)
    version = next_version(datetime.date.today(), taken)
    print(f"{version}\n\n{news}\n")
    if dry_run:
        return

    texts = {path: CHECKOUT.sub(version, path.read_text("utf-8")) for path in PAGES}
    texts[PYPROJECT] = VERSION.sub(version, PYPROJECT.read_text("utf-8"), count=1)
    texts[CHANGELOG] = changelog.replace("## Unreleased\n", f"## {version}\n", 1)
    for path, text in texts.items():
        path.write_text(text, "utf-8", newline="\n")
    git("commit", "--quiet", "--all", f"--message=Release {version}")
    git("tag", "--annotate", f"--message=Release {version}", version)
    print(f"To publish it: git push --atomic origin main {version}")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    parser.add_argument(
        "--notes", metavar="TAG", help="print the notes of this release"
    )
    options = parser.parse_args()
    if options.notes:
        print(notes(options.notes))
    else:
        release(dry_run=options.dry_run)


if __name__ == "__main__":
    main()
