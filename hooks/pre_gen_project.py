"""Refuse answers that cannot work, before a file of the project is written.

Cookiecutter renders this module, then runs it in the new and still empty folder; a
non-zero exit makes it remove that folder.  Only the standard library is at hand: the
module runs in whatever environment Cookiecutter runs in.
"""

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

# The grammar of an image's name (github.com/distribution/reference), which allows less
# than a distribution's name (packaging.python.org/specifications/name-normalization).
SLUG = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
# GitHub's limit for the name of a repository.
SLUG_LENGTH = 100
# packaging.python.org/specifications/version-specifiers, appendix B: the public part,
# without the epoch and the local label that an image's tag could not carry.
VERSION = re.compile(r"\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?")
# html.spec.whatwg.org, "valid email address", with a dot in the domain.
EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+"
    r"@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)
# github.com/join: letters and digits with single hyphens between them.
GITHUB_USER = re.compile(r"[a-zA-Z0-9](?:-?[a-zA-Z0-9]){0,38}")
# docs.docker.com/accounts/create-account: a Docker ID.
DOCKERHUB_USER = re.compile(r"[a-z0-9]{4,30}")
# learn.microsoft.com, "Naming files, paths, and namespaces".
WINDOWS_DEVICES = frozenset(
    ["aux", "con", "nul", "prn"]
    + [f"{device}{number}" for device in ("com", "lpt") for number in range(10)]
)
# The folders beside the package, and the distributions that the lock file pins.
TAKEN = frozenset(["docs", "src", "test", "tests"])
DEPENDENCIES = frozenset(["click", "colorama", "coverage", "mypy", "pytest", "ruff"])


def normalized(name: str) -> str:
    """Return the form in which distributions' names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def check_text(text: str) -> str | None:
    """Return what is wrong with a line of free text, None if nothing is."""
    if not text.strip():
        return "it is blank; write one line"
    for character in text:
        # Control characters, halves of surrogate pairs, line and paragraph separators.
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            return f"U+{ord(character):04X} does not print; write one line of text"
    return None


def check_author(author: str) -> str | None:
    """Return what is wrong with an author's name, None if nothing is."""
    if "<" in author or ">" in author:
        return "angle brackets enclose an e-mail address in metadata; leave them out"
    return check_text(author)


def check_slug(slug: str) -> str | None:
    """Return what is wrong with a slug, None if nothing is."""
    if not SLUG.fullmatch(slug):
        return (
            "a distribution and an image are named so: use lowercase letters and "
            "digits, with '-', '_' or '.' between them, such as 'hypermodern-python'"
        )
    if len(slug) > SLUG_LENGTH:
        return f"it has {len(slug)} characters; use {SLUG_LENGTH} at most"
    if slug.split(".", maxsplit=1)[0] in WINDOWS_DEVICES:
        return f"Windows reserves the name; use another, such as '{slug}-app'"
    if slug in TAKEN or normalized(slug) in DEPENDENCIES:
        return f"the project needs this name itself; use another, such as 'my-{slug}'"
    return None


def check_package(name: str) -> str | None:
    """Return what is wrong with the name of an import package, None if nothing is."""
    if not (name.isascii() and name.isidentifier() and name == name.lower()):
        return (
            "it cannot be imported: use lowercase letters, digits and '_', "
            "such as 'hypermodern_python'"
        )
    if len(name) > SLUG_LENGTH:
        return f"it has {len(name)} characters; use {SLUG_LENGTH} at most"
    if keyword.iskeyword(name) or name in keyword.softkwlist or name in {"none"}:
        return f"Python reserves the word; use another, such as '{name}_app'"
    if name in sys.stdlib_module_names:
        return f"it hides a standard module; use another, such as '{name}_app'"
    if name in WINDOWS_DEVICES:
        return f"Windows reserves the name; use another, such as '{name}_app'"
    if name in TAKEN or normalized(name) in DEPENDENCIES:
        return f"the project needs this name itself; use another, such as 'my_{name}'"
    return None


def check_version(version: str) -> str | None:
    """Return what is wrong with a version, None if nothing is."""
    if VERSION.fullmatch(version):
        return None
    return "it is no version of a Python package; use one such as '0.1.0' or '1.0rc1'"


def check_email(email: str) -> str | None:
    """Return what is wrong with an e-mail address, None if nothing is."""
    if EMAIL.fullmatch(email):
        return None
    return "it is no e-mail address; use one such as 'you@example.com'"


def check_github_user(user: str) -> str | None:
    """Return what is wrong with a GitHub user, None if nothing is."""
    if GITHUB_USER.fullmatch(user):
        return None
    return "GitHub allows 39 letters and digits, with single hyphens, such as 'my-name'"


def check_dockerhub_user(user: str) -> str | None:
    """Return what is wrong with a Docker Hub namespace, None if nothing is."""
    if DOCKERHUB_USER.fullmatch(user):
        return None
    return "Docker Hub allows 4 to 30 lowercase letters and digits, such as 'myname'"


CHECKS = {
    "project_name": check_text,
    "project_slug": check_slug,
    "package_name": check_package,
    "description": check_text,
    "author": check_author,
    "email": check_email,
    "github_user": check_github_user,
    "dockerhub_user": check_dockerhub_user,
    "version": check_version,
}


def refusals(answers: dict[str, str]) -> Iterator[str]:
    """Yield a line for each answer that cannot work."""
    for question, check in CHECKS.items():
        if problem := check(answers[question]):
            yield f"{question}: {answers[question]!a} is refused: {problem}."


def replay_file(answers: dict[str, str]) -> str:
    """Return where Cookiecutter keeps these answers, in words if it is not found.

    The file is named after the template's folder, of which a hook may only be told that
    it was "." to somebody else.  So the file is known by its content.
    """
    for path in (Path.home() / ".cookiecutter_replay").glob("*.json"):
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))["cookiecutter"]
        except (OSError, ValueError, KeyError):
            continue
        if kept == answers:
            return str(path)
    return "the template's file in your replay folder"


def main() -> int:
    """Check the answers that Cookiecutter wrote into the call below; see `refusals`."""
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    lines = list(refusals(answers))
    if not lines:
        return 0
    print(*lines, sep="\n", file=sys.stderr)
    print(
        f"Nothing was written. To keep your other answers, mend these in "
        f"{replay_file(answers)}, then run: cookiecutter {answers['_template']} --replay",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
