"""Refuse answers that cannot work, before a file of the project is written.

Cookiecutter renders this module, then runs it in the new and still empty folder; a
non-zero exit makes it remove that folder.  Only the standard library is at hand: the
module runs in whatever environment Cookiecutter runs in.
"""

from __future__ import annotations

import contextlib
import json
import keyword
import os
import re
import shlex
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The first that knows the names of its own modules; an older one is told so in a line.
OLDEST_PYTHON = (3, 10)
# A file that is there from the first to the last file of a generation.
MARKER = "UNFINISHED"
# More than a project takes, which is a quarter of it.
SPACE_NEEDED = 1_000_000
# The most that a refusal quotes of an answer.
QUOTED = 60

# The grammar of an image's name (github.com/distribution/reference), which allows less
# than a distribution's name (packaging.python.org/specifications/name-normalization).
SLUG = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
# An identifier of Python, in ASCII and lowercase.
PACKAGE = re.compile(r"[a-z_][a-z0-9_]*")
# Lines of the generated code with a longer name would be too long for the formatter.
NAME_LENGTH = 50
# The name of the folder that cookiecutter.json puts in the place of a slug that is no
# name of a folder: Cookiecutter makes the folder before it runs this module.
NO_FOLDER = "(refused slug "
# packaging.python.org/specifications/version-specifiers, appendix B: the public part in
# its normal form, without the epoch, which an image's tag could not carry.
NUMBER = r"(?:0|[1-9][0-9]*)"
VERSION = re.compile(
    rf"{NUMBER}(?:\.{NUMBER})*"
    rf"(?:(?:a|b|rc){NUMBER})?(?:\.post{NUMBER})?(?:\.dev{NUMBER})?"
)
# The limit of an image's tag (github.com/distribution/reference).
VERSION_LENGTH = 128
# html.spec.whatwg.org, "valid email address", with a dot in the domain.
LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{,61}[a-zA-Z0-9])?"
EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+"
    rf"@{LABEL}(?:\.{LABEL})+"
)
# RFC 5321, 4.5.3.1.3: a path of 256 octets, less its angle brackets.
EMAIL_LENGTH = 254
# docs.github.com, "Username considerations for external authentication": letters and
# digits with single hyphens between them, and the short code of a managed user.
GITHUB_USER = re.compile(r"[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*(?:_[a-zA-Z0-9]+)?")
GITHUB_USER_LENGTH = 39
# docs.docker.com/accounts/create-account: a Docker ID.
DOCKERHUB_USER = re.compile(r"[a-z0-9]{4,30}")

# learn.microsoft.com, "Naming files, paths, and namespaces".
WINDOWS_DEVICES = frozenset(
    ["aux", "con", "nul", "prn"]
    + [device + str(number) for device in ("com", "lpt") for number in range(10)]
)
# unicode.org/reports/tr9, table 4: the types of characters that only format.
REORDERING = frozenset("LRE RLE LRO RLO PDF LRI RLI FSI PDI".split())
# The folders beside the package.
FOLDERS = frozenset(["docs", "src", "test", "tests"])
# The distributions that the generated lock file pins, and the build backend.
DEPENDENCIES = frozenset(
    """
    accessible-pygments alabaster anyio argcomplete ast-serialize attrs babel
    beautifulsoup4 boolean-py cachecontrol certifi charset-normalizer click codespell
    colorama colorlog coverage cyclonedx-python-lib defusedxml dependency-groups distlib
    docutils filelock furo h11 humanize idna imagesize iniconfig jinja2 librt
    license-expression markdown-it-py markupsafe mdit-py-plugins mdurl msgpack mypy
    mypy-extensions myst-parser nox packageurl-python packaging pathspec pip pip-api
    pip-audit pip-requirements-parser platformdirs pluggy poetry-core py-serializable
    pygments pyparsing pytest python-discovery pyyaml requests rich roman-numerals ruff
    snowballstemmer sortedcontainers soupsieve sphinx sphinx-autobuild sphinx-basic-ng
    sphinx-click sphinxcontrib-applehelp sphinxcontrib-devhelp sphinxcontrib-htmlhelp
    sphinxcontrib-jsmath sphinxcontrib-qthelp sphinxcontrib-serializinghtml starlette
    tomli tomli-w typeguard typing-extensions urllib3 uvicorn virtualenv watchfiles
    websockets xdoctest yamllint zizmor
    """.split()
)
# What installs them, and what they install under other names than their own.
COMMANDS = frozenset(
    """
    activate coverage3 dmypy lint-dependency-groups mypyc pip poetry py.test pygmentize
    python setuptools sphinx-build stubgen stubtest tox-to-nox
    """.split()
)
# What they are imported as, where that is another name, and what the tools import.
IMPORTS = frozenset(
    """
    _pytest _yaml a11y_pygments attr bs4 conftest markdown_it mypyc noxfile pip poetry py
    setuptools sitecustomize sphinxcontrib usercustomize yaml
    """.split()
)
# Words that are keywords in some places, in some of the Pythons that the project supports.
SOFT_KEYWORDS = frozenset(["_", "case", "lazy", "match", "none", "type"])
# Standard modules of some Pythons that the project supports and of others not.
SOME_STANDARD_MODULES = frozenset(
    """
    aifc annotationlib asynchat asyncore audioop cgi cgitb chunk compression crypt
    distutils imghdr imp lib2to3 mailcap msilib nis nntplib ossaudiodev pipes profiling
    smtpd sndhdr spwd sre_compile sre_constants sre_parse sunau telnetlib uu xdrlib
    """.split()
)
CHOICES = {
    "license": ["MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0-or-later"],
    "python_version": ["3.14", "3.15", "3.13"],
    "base_image": ["slim", "alpine"],
    "docker_build": ["skip", "try", "require"],
    "git_init": ["skip", "try"],
}


def normalized(name: str) -> str:
    """Return the form in which distributions' names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def quoted(answer: object) -> str:
    """Return an answer in ASCII, cut to what a line can hold."""
    text = ascii(answer)
    if len(text) <= QUOTED:
        return text
    return f"{text[:QUOTED]}...' ({len(str(answer))} characters)"


def is_text(character: str) -> bool:
    """Tell whether a character may stand in a line of text.

    Not so control characters, halves of surrogate pairs, line and paragraph separators;
    code points that never will be characters; the byte order mark; and what reorders
    the text around it, so that code does not read as it runs (CVE-2021-42574).
    """
    code = ord(character)
    return not (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or code in range(0xFDD0, 0xFDF0)
        or f"{code:X}".endswith(("FFFE", "FFFF"))
        or character == "\ufeff"
        or unicodedata.bidirectional(character) in REORDERING
    )


def check_text(text: str) -> str | None:
    """Return what is wrong with a line of free text, None if nothing is."""
    if not text.strip():
        return "it is blank; write one line, such as 'Hypermodern Python'"
    for character in text:
        if not is_text(character):
            return (
                f"U+{ord(character):04X} is a control character, or none at all; "
                "write one line of text, such as 'Hypermodern Python'"
            )
    if text != text.strip():
        return "blanks at its ends would be lost; begin and end with a word"
    return None


def check_author(author: str) -> str | None:
    """Return what is wrong with an author's name, None if nothing is."""
    if "<" in author or ">" in author:
        return (
            "angle brackets enclose an e-mail address in metadata; "
            "leave them out, such as 'Jane Doe'"
        )
    if not unicodedata.is_normalized("NFC", author):
        composed = unicodedata.normalize("NFC", author)
        return f"metadata holds Unicode's normal form C of it; use {quoted(composed)}"
    return check_text(author)


def check_slug(slug: str) -> str | None:
    """Return what is wrong with a slug, None if nothing is."""
    if not SLUG.fullmatch(slug):
        return (
            "a distribution and an image are named so: use lowercase letters and "
            "digits, with '-', '_' or '.' between them, such as 'hypermodern-python'"
        )
    if len(slug) > NAME_LENGTH:
        return (
            f"it has {len(slug)} characters; use {NAME_LENGTH} at most, "
            "such as 'hypermodern-python'"
        )
    if slug.partition(".")[0] in WINDOWS_DEVICES:
        return f"Windows reserves the name; use another, such as 'my-{slug}'"
    if slug.endswith((".git", ".wiki")):
        return "GitHub reserves the ending; use another, such as 'hypermodern-python'"
    if (
        slug in FOLDERS
        or slug in COMMANDS
        or normalized(slug) in DEPENDENCIES
        # The commands of an environment have the version in other names of theirs.
        or re.fullmatch(r"(?:coverage|pip|python)[0-9.-]+", slug)
    ):
        return f"the project needs this name itself; use another, such as 'my-{slug}'"
    return None


def check_package(name: str) -> str | None:
    """Return what is wrong with the name of an import package, None if nothing is."""
    if not PACKAGE.fullmatch(name):
        return (
            "it cannot be imported: use lowercase letters, digits and '_', "
            "such as 'hypermodern_python'"
        )
    if len(name) > NAME_LENGTH:
        return (
            f"it has {len(name)} characters; use {NAME_LENGTH} at most, "
            "such as 'hypermodern_python'"
        )
    if keyword.iskeyword(name) or name in SOFT_KEYWORDS:
        return f"Python reserves the word; use another, such as 'my_{name}'"
    if name.startswith("__") and name.endswith("__"):
        return "Python reserves such names; use another, such as 'hypermodern_python'"
    if name in sys.stdlib_module_names or name in SOME_STANDARD_MODULES:
        return f"it hides a standard module; use another, such as 'my_{name}'"
    if name in WINDOWS_DEVICES:
        return f"Windows reserves the name; use another, such as 'my_{name}'"
    if name in FOLDERS or name in IMPORTS or normalized(name) in DEPENDENCIES:
        return f"the project needs this name itself; use another, such as 'my_{name}'"
    return None


def check_version(version: str) -> str | None:
    """Return what is wrong with a version, None if nothing is."""
    if len(version) > VERSION_LENGTH:
        return f"it has more than {VERSION_LENGTH} characters; use one such as '0.1.0'"
    if VERSION.fullmatch(version):
        return None
    return (
        "a Python package has versions in their normal form, without leading zeros, "
        "such as '0.1.0' or '1.0rc1'"
    )


def check_email(email: str) -> str | None:
    """Return what is wrong with an e-mail address, None if nothing is."""
    if EMAIL.fullmatch(email) and len(email) <= EMAIL_LENGTH:
        return None
    return (
        "an e-mail address has ASCII letters, one '@' and a domain, in "
        f"{EMAIL_LENGTH} characters at most, such as 'you@example.com'"
    )


def check_github_user(user: str) -> str | None:
    """Return what is wrong with a GitHub user, None if nothing is."""
    if GITHUB_USER.fullmatch(user) and len(user) <= GITHUB_USER_LENGTH:
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


def answered(answers: dict[str, Any], question: str) -> object:
    """Return the answer to a question, which may be of any type that JSON has."""
    answer = answers.get(question)
    if question == "project_slug" and str(answer).startswith(NO_FOLDER):
        return answers.get("__refused_slug", answer)
    return answer


def problem_with(question: str, answer: object) -> str | None:
    """Return what is wrong with the answer to a question, None if nothing is."""
    if question in CHOICES:
        options = CHOICES[question]
        if answer in options:
            return None
        return f"the options are {', '.join(options)}; use one, such as '{options[0]}'"
    if not isinstance(answer, str):
        return "it is no text; put it in double quotes"
    return CHECKS[question](answer)


def refusals(answers: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each answer that cannot work."""
    for question in [*CHECKS, *CHOICES]:
        answer = answered(answers, question)
        problem = problem_with(question, answer)
        if problem:
            yield f"{question}: {quoted(answer)} is refused: {problem}."


def quote(word: str) -> str:
    """Return a word as this system's shell takes it."""
    return subprocess.list2cmdline([word]) if os.name == "nt" else shlex.quote(word)


def replay(answers: dict[str, Any]) -> str:
    """Return the command that takes these answers again, from and to the same places."""
    command = f"cookiecutter {quote(answers['_template'])} --replay"
    if answers.get("_checkout"):
        command += f" --checkout {quote(answers['_checkout'])}"
    output = Path(answers["_output_dir"]).resolve()
    # The shell's own folder, where Cookiecutter was started.
    if output != Path(os.environ.get("PWD", "")).resolve():
        command += f" --output-dir {quote(str(output))}"
    return command


def replay_file(answers: dict[str, Any]) -> str:
    """Return where Cookiecutter keeps these answers, in words if it is not found.

    The file is named after the template's folder, of which a hook may only be told that
    it was "." to somebody else.  So the file is known by its content.
    """
    for path in (Path.home() / ".cookiecutter_replay").glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if json.loads(path.read_text(encoding="utf-8"))["cookiecutter"] == answers:
                return str(path)
    return "the template's file in your replay folder"


def begin(project: Path) -> None:
    """Mark the folder as unfinished; the hook that runs at the end removes the marker.

    Raises:
        FileExistsError: Another generation is at work in the folder, or was broken off.
        OSError: The folder cannot be written to, or its disk is almost full.
    """
    if shutil.disk_usage(project).free < SPACE_NEEDED:
        raise OSError("less than a megabyte is free on its disk")
    with (project / MARKER).open("x", encoding="utf-8") as marker:
        marker.write(
            "This project is incomplete: its generation has not come to an end.\n"
        )


def main() -> None:
    """Check the answers that Cookiecutter wrote into the call below; see `refusals`.

    Raises:
        SystemExit: The project cannot be generated; the message says why.
    """
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            "error: Cookiecutter runs on Python {}.{}; this template needs {}.{}.".format(
                *sys.version_info[:2], *OLDEST_PYTHON
            )
        )
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    project = Path.cwd()
    lines = list(refusals(answers))
    if lines and "_commit" in answers:
        # It is cruft that adds this; it keeps no answers to replay.
        sys.exit("\n".join([*lines, "Nothing was written; answer cruft otherwise."]))
    if lines:
        if project.parent != Path(answers["_output_dir"]).resolve():
            # Only in a replay, for which no default is rendered; see NO_FOLDER.
            lines.append(f"Remove the empty folders on the way to {project}.")
        lines.append(
            f"Nothing was written. To keep your other answers, mend these in "
            f"{replay_file(answers)}, then run: {replay(answers)}"
        )
        sys.exit("\n".join(lines))
    try:
        begin(project)
    except FileExistsError as error:
        sys.exit(
            f"error: {error.filename} is there: another generation is at work in this "
            "folder, or was broken off. Remove the folder, then generate again."
        )
    except OSError as error:
        sys.exit(f"error: cannot write to {project}: {error}.")


if __name__ == "__main__":
    main()
