"""Refuse answers that cannot work, before the first file of the project is written.

Cookiecutter renders this module and runs it in the project's folder. If the exit status
is not zero, Cookiecutter stops, and removes a folder that it created. Only the standard
library may be imported, because the module runs in Cookiecutter's own environment.
"""

from __future__ import annotations

import json
import keyword
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The first version that has sys.stdlib_module_names.
OLDEST_PYTHON = (3, 10)
# In bytes, four times the size of a generated project.
SPACE_NEEDED = 1_000_000
# The number of characters of an answer that an error message quotes.
QUOTED = 60

# A slug is an image name (github.com/distribution/reference) and a distribution name
# (packaging.python.org/specifications/name-normalization). Image names are stricter.
SLUG = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
PACKAGE = re.compile(r"[a-z_][a-z0-9_]*")
# A longer name would make lines of the generated code too long for the formatter.
NAME_LENGTH = 50
# learn.microsoft.com, "Naming files, paths, and namespaces".
WINDOWS_DEVICES = frozenset(
    ["aux", "con", "nul", "prn"]
    + [device + str(number) for device in ("com", "lpt") for number in range(10)]
)
# unicode.org/reports/tr9, table 4: characters that change the order of the text around
# them, so that code does not do what it seems to do (CVE-2021-42574).
REORDERING = frozenset("LRE RLE LRO RLO PDF LRI RLI FSI PDI".split())
# Names of folders next to the package.
FOLDERS = frozenset(["docker", "docs", "src", "tests"])
# Commands of a virtual environment and of the project's tools. The hook after the last
# file also refuses the names of all distributions in the lock file.
COMMANDS = frozenset(
    """
    activate coverage3 dmypy git lint-dependency-groups mypyc pip podman poetry py.test
    pygmentize python setuptools sphinx-build stubgen stubtest test tox-to-nox
    """.split()
)
# Modules that the tools import, with names that are not in the lock file.
MODULES = frozenset(
    """
    _pytest _yaml a11y_pygments attr bs4 conftest markdown_it mypyc noxfile pip poetry py
    setuptools sitecustomize sphinxcontrib usercustomize yaml
    """.split()
)
# Soft keywords of any supported Python, and None in lowercase.
SOFT_KEYWORDS = frozenset(["_", "case", "lazy", "match", "none", "type"])
# Standard modules of only some of the supported Pythons.
SOME_STANDARD_MODULES = frozenset(
    """
    aifc annotationlib asynchat asyncore audioop cgi cgitb chunk compression crypt
    distutils imghdr imp lib2to3 mailcap msilib nis nntplib ossaudiodev pipes profiling
    smtpd sndhdr spwd sre_compile sre_constants sre_parse sunau telnetlib test uu xdrlib
    """.split()
)


def quoted(answer: object) -> str:
    """Return an answer in ASCII, shortened to fit on a line."""
    text = ascii(answer)
    if len(text) <= QUOTED:
        return text
    return f"{text[:QUOTED]}...{text[-1]} ({len(str(answer))} characters)"


def is_allowed(character: str) -> bool:
    """Return whether a character may occur in a line of text.

    Control characters, surrogates, line and paragraph separators, noncharacters, the
    byte order mark, and characters that reorder text are not allowed.
    """
    code = ord(character)
    return not (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or code in range(0xFDD0, 0xFDF0)
        or f"{code:X}".endswith(("FFFE", "FFFF"))
        or character == "\ufeff"
        or unicodedata.bidirectional(character) in REORDERING
    )


# Each check returns what is wrong with an answer and what to do, or an empty string. In
# the error message, the answer comes before this text.


def check_text(text: str) -> str:
    """Check a line of free text."""
    if not text.strip():
        return "is blank. Write one line of text, for example 'Hypermodern Python'."
    for character in text:
        if not is_allowed(character):
            return (
                f"contains U+{ord(character):04X}, which is not an allowed character. "
                "Write one line of text, for example 'Hypermodern Python'."
            )
    if text != text.strip():
        return "starts or ends with whitespace. Remove it."
    return ""


def check_author(author: str) -> str:
    """Check an author's name."""
    if "<" in author or ">" in author:
        return (
            "contains an angle bracket, which marks an email address in package "
            "metadata. Remove it, for example 'Jane Doe'."
        )
    composed = unicodedata.normalize("NFC", author)
    if author != composed:
        return (
            "is not in Unicode normal form C, as package metadata requires. "
            f"Use {quoted(composed)}."
        )
    return check_text(author)


def check_name(name: str, prefix: str) -> str:
    """Check the rules for both slugs and package names."""
    if len(name) > NAME_LENGTH:
        return f"has {len(name)} characters. Use at most {NAME_LENGTH}."
    if name.partition(".")[0] in WINDOWS_DEVICES:
        problem = "is reserved by Windows"
    elif name in FOLDERS:
        problem = "is the name of a folder in the project"
    else:
        return ""
    return f"{problem}. Use another name, for example '{prefix}{name}'."


def check_slug(slug: str) -> str:
    """Check a slug."""
    if not SLUG.fullmatch(slug):
        return (
            "is not a valid image name. Use lowercase letters and digits, with '-', '_' "
            "or '.' between them, for example 'hypermodern-python'."
        )
    if slug.endswith((".git", ".wiki")):
        return "ends in .git or .wiki, which GitHub reserves. Use another name."
    # An environment also has commands with a version, such as python3.14.
    if slug in COMMANDS or re.fullmatch(r"(?:coverage|pip|python)[0-9.-]+", slug):
        return (
            "is the name of a command that the project uses. "
            f"Use another name, for example 'my-{slug}'."
        )
    return check_name(slug, "my-")


def check_package(name: str) -> str:
    """Check the name of an import package."""
    if not PACKAGE.fullmatch(name):
        return (
            "is not a valid import name. Use lowercase letters, digits and '_', "
            "for example 'hypermodern_python'."
        )
    if name.startswith("__") and name.endswith("__"):
        return "is reserved by Python. Use a name such as 'hypermodern_python'."
    if keyword.iskeyword(name) or name in SOFT_KEYWORDS:
        problem = "is reserved by Python"
    elif name in sys.stdlib_module_names or name in SOME_STANDARD_MODULES:
        problem = "is the name of a standard module"
    elif name in MODULES:
        problem = "is the name of a module that the project uses"
    else:
        return check_name(name, "my_")
    return f"{problem}. Use another name, for example 'my_{name}'."


# html.spec.whatwg.org, "valid email address", with at least one dot in the domain.
LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{,61}[a-zA-Z0-9])?"
EMAIL = r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+" + rf"@{LABEL}(?:\.{LABEL})+"
# docs.github.com, "Username considerations for external authentication": single hyphens
# between letters and digits, and the short code of a managed user.
GITHUB_USER = r"[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*(?:_[a-zA-Z0-9]+)?"

# Questions with a pattern and a maximum length: of an address in RFC 5321, of a GitHub
# name, and of a Docker ID (docs.docker.com/accounts/create-account).
PATTERNS = {
    "email": (
        EMAIL,
        254,
        "is not a valid email address. Use ASCII letters, one '@' and a domain with "
        "a dot, at most 254 characters, for example 'you@example.com'.",
    ),
    "github_user": (
        GITHUB_USER,
        39,
        "is not a valid GitHub name. Use at most 39 letters and digits, with single "
        "hyphens between them, for example 'my-name'.",
    ),
    "dockerhub_user": (
        r"[a-z0-9]{4,}",
        30,
        "is not a valid Docker Hub name. Use 4 to 30 lowercase letters and digits, "
        "for example 'myname'.",
    ),
}

CHECKS = {
    "project_slug": check_slug,
    "package_name": check_package,
    "author": check_author,
}


def problem_with(question: str, answer: object, choices: dict[str, list[str]]) -> str:
    """Return what is wrong with an answer and what to do, or an empty string.

    A question without a rule of its own accepts any line of text.
    """
    if question in choices:
        if answer in choices[question]:
            return ""
        return f"is not an option. Use one of {', '.join(choices[question])}."
    if not isinstance(answer, str):
        return "is not a string. Put it in double quotes."
    if question in PATTERNS:
        pattern, length, problem = PATTERNS[question]
        valid = len(answer) <= length and re.fullmatch(pattern, answer)
        return "" if valid else problem
    return CHECKS.get(question, check_text)(answer)


def options(answers: dict[str, Any]) -> dict[str, list[str]]:
    """Return the options of each choice from the template's cookiecutter.json.

    Cookiecutter checks options itself, except those in an edited replay file.
    `_repo_dir` is the template's folder as the user gave it, often relative to the
    shell's folder. cruft does not set `_repo_dir`, and has no replay files.
    """
    folder = Path(os.environ.get("PWD", ""), answers.get("_repo_dir", "missing"))
    file = folder / "cookiecutter.json"
    questions = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return {name: value for name, value in questions.items() if type(value) is list}


def refusals(answers: dict[str, Any]) -> Iterator[str]:
    """Yield an error message for each answer that cannot work."""
    choices = options(answers)
    for question, answer in answers.items():
        if not question.startswith("_"):
            problem = problem_with(question, answer, choices)
            if problem:
                yield f"{question}: {quoted(answer)} {problem}"


def begin(project: Path, marker: str) -> None:
    """Mark the project as unfinished until the hook after the last file has run.

    Raises:
        FileExistsError: Another generation is running in the folder, or was interrupted.
        OSError: The folder is not writable, or its disk is almost full.
    """
    if shutil.disk_usage(project).free < SPACE_NEEDED:
        raise OSError("less than a megabyte is free on its disk")
    with (project / marker).open("x", encoding="utf-8") as file:
        file.write("This project is incomplete: its generation has not finished.\n")


def main() -> None:
    """Check the answers, which Cookiecutter renders into the call below.

    Raises:
        SystemExit: The project cannot be generated. The message gives the reasons.
    """
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            "error: Cookiecutter runs on Python {}.{}. Run it on {}.{} or newer.".format(
                *sys.version_info[:2], *OLDEST_PYTHON
            )
        )
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    lines = list(refusals(answers))
    if lines:
        sys.exit(
            "\n".join(lines)
            + "\nNothing was written. Generate the project again with other answers. To "
            "keep the rest of them, edit this template's file in "
            "~/.cookiecutter_replay, then run Cookiecutter with --replay."
        )
    project = Path.cwd()
    try:
        begin(project, answers["_marker"])
    except FileExistsError as error:
        sys.exit(
            f"error: {error.filename} exists: another generation is running, or was "
            "interrupted. If none is running, delete this file, then generate the "
            "project again with --overwrite-if-exists."
        )
    except OSError as error:
        sys.exit(f"error: cannot write to {project}: {error}.")


if __name__ == "__main__":
    main()
