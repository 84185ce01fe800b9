"""Refuse answers that cannot work, before the first file of the project is written.

Cookiecutter renders this module and runs it in the project's folder. If the exit status
is not zero, Cookiecutter stops, and removes a folder that it created. Only the standard
library may be imported, because the module runs in Cookiecutter's own environment.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

if not hasattr(sys, "stdlib_module_names"):  # new in Python 3.10
    version = sys.version.split()[0]
    sys.exit(f"error: Cookiecutter runs on Python {version}. Run it on 3.10 or newer.")

# The number of characters of an answer that an error message quotes.
QUOTED = 60
NOTHING_WRITTEN = (
    "Nothing was written. Generate the project again with other answers, or correct this "
    "template's file in ~/.cookiecutter_replay and run the same command with --replay, "
    "and without --no-input or answers."
)

# An image name (github.com/distribution/reference), which is stricter than the name of a
# distribution (packaging.python.org/specifications/name-normalization).
SLUG = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
# html.spec.whatwg.org, "valid email address", with at least one dot in the domain.
LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{,61}[a-zA-Z0-9])?"
EMAIL = r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+" + rf"@{LABEL}(?:\.{LABEL})+"
# docs.github.com, "Username considerations for external authentication": single hyphens
# between letters and digits, and the short code of a managed user.
GITHUB_USER = r"[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*(?:_[a-zA-Z0-9]+)?"

# The answers that are not free text: a pattern, a maximum length and an error message.
# Longer names would make lines of the generated code too long for the formatter. The other
# lengths are from RFC 5321, GitHub, and docs.docker.com/accounts/create-account.
PATTERNS = {
    "project_slug": (
        SLUG,
        50,
        "is not a valid image name. Use lowercase letters and digits, with '-', '_' "
        "or '.' between them, for example 'hypermodern-python'.",
    ),
    "package_name": (
        r"[a-z_][a-z0-9_]*",
        50,
        "is not a valid import name. Use lowercase letters, digits and '_', "
        "for example 'hypermodern_python'.",
    ),
    "email": (
        EMAIL,
        254,
        "is not a valid email address. Use ASCII letters, one '@' and a domain with "
        "a dot, for example 'you@example.com'.",
    ),
    "github_user": (
        GITHUB_USER,
        39,
        "is not a valid GitHub name. Use letters and digits, with single hyphens "
        "between them, for example 'my-name'.",
    ),
    "dockerhub_user": (
        r"[a-z0-9]{4,}",
        30,
        "is not a valid Docker Hub name. Use 4 to 30 lowercase letters and digits, "
        "for example 'myname'.",
    ),
}

# Names that are not allowed, as verbose regular expressions, each after its error message.
# The hook after the last file refuses the names in the lock file, too.
RESERVED_EVERYWHERE = {
    # learn.microsoft.com, "Naming files, paths, and namespaces".
    "is reserved by Windows": r"(aux|con|nul|prn|(com|lpt)[0-9])(\..*)?",
    "is the name of a folder in the project": "docker|docs|src|tests",
}
RESERVED = {
    "project_slug": {
        "ends in .git or .wiki, which GitHub reserves": r".*\.(git|wiki)",
        # Commands of a virtual environment and of the project's tools. Some also exist
        # with a version, such as python3.14.
        "is the name of a command that the project uses": r"""
            activate|dmypy|git|lint-dependency-groups|mypyc|podman|poetry|py\.test|
            pygmentize|setuptools|sphinx-build|stubgen|stubtest|test|tox-to-nox|
            (coverage|pip|python)[0-9.-]*
        """,
        **RESERVED_EVERYWHERE,
    },
    "package_name": {
        # Also soft keywords, None in lowercase, and names such as _ and __init__.
        "is reserved by Python": "|".join(keyword.kwlist)
        + "|case|lazy|match|none|type|_+|__.*__",
        # Also modules of only some of the supported Pythons.
        "is the name of a standard module": "|".join(sys.stdlib_module_names)
        + """|aifc|annotationlib|asynchat|asyncore|audioop|cgi|cgitb|chunk|compression|
            crypt|distutils|imghdr|imp|lib2to3|mailcap|msilib|nis|nntplib|ossaudiodev|
            pipes|profiling|smtpd|sndhdr|spwd|sre_compile|sre_constants|sre_parse|sunau|
            telnetlib|test|uu|xdrlib
        """,
        # Modules that the tools import, with names that are not in the lock file.
        "is the name of a module that the project uses": """
            _pytest|_sigterm|_yaml|a11y_pygments|attr|bs4|conftest|markdown_it|mypyc|noxfile|pip|
            poetry|py|setuptools|sitecustomize|sphinxcontrib|usercustomize|yaml
        """,
        **RESERVED_EVERYWHERE,
    },
}

# Characters that are not allowed in a line of text.
NOT_ALLOWED = re.compile(
    r"[\0-\x1f\x7f-\x9f"  # control characters
    r"\u2028\u2029"  # separators of lines and paragraphs
    # Characters that change the order of the text around them, so that code does not do
    # what it seems to do (CVE-2021-42574; unicode.org/reports/tr9, table 4).
    r"\u202a-\u202e\u2066-\u2069"
    r"\ud800-\udfff\ufdd0-\ufdef\ufeff"  # surrogates, noncharacters, the byte order mark
    # The last two code points of each plane are noncharacters, too.
    + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(17))
    + "]"
)


def quoted(answer: object) -> str:
    """Return an answer in ASCII, shortened to fit on a line."""
    text = ascii(answer)
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}...{text[-1]}"


# Each check returns a problem and what to do, to follow the answer, or an empty string.


def check_text(text: str) -> str:
    """Check a line of free text."""
    example = "Write one line of text, for example 'Hypermodern Python'."
    if not text.strip():
        return f"is blank. {example}"
    found = NOT_ALLOWED.search(text)
    if found:
        code = f"U+{ord(found[0]):04X}"
        return f"contains {code}, which is not an allowed character. {example}"
    return "starts or ends with whitespace. Remove it." if text != text.strip() else ""


def check_author(author: str) -> str:
    """Check an author's name, which becomes a part of package metadata."""
    if "<" in author or ">" in author:
        return "contains an angle bracket, which marks an email address. Remove it."
    composed = unicodedata.normalize("NFC", author)
    if author != composed:
        return f"is not in Unicode normal form C. Use {quoted(composed)}."
    return check_text(author)


def check_pattern(question: str, answer: str) -> str:
    """Check that an answer matches its pattern and is not a reserved name."""
    pattern, length, problem = PATTERNS[question]
    if not re.fullmatch(pattern, answer):
        return problem
    if len(answer) > length:
        return f"has {len(answer)} characters. Use at most {length}."
    for problem, names in RESERVED.get(question, {}).items():
        if re.fullmatch(names, answer, re.VERBOSE):
            separator = "_" if question == "package_name" else "-"
            example = re.sub(r"[-_.]+", separator, f"my-{answer}")[:length].rstrip("-")
            return f"{problem}. Use another name, for example '{example}'."
    return ""


def check(question: str, answer: object) -> str:
    """Check an answer. A question without a rule of its own accepts any line of text."""
    if not isinstance(answer, str):
        return "is not a string. Put it in double quotes."
    if question in PATTERNS:
        return check_pattern(question, answer)
    return check_author(answer) if question == "author" else check_text(answer)


def refusals(answers: dict[str, object]) -> Iterator[str]:
    """Yield an error message for each answer that cannot work."""
    for question, answer in answers.items():
        problem = "" if question.startswith("_") else check(question, answer)
        if problem:
            yield f"{question}: {quoted(answer)} {problem}"


def main() -> None:
    """Mark the project as unfinished, or exit with the reasons why it cannot work.

    Cookiecutter renders the answers into the first line. The hook after the last file
    removes the mark.
    """
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    lines = list(refusals(answers))
    if lines:
        sys.exit("\n".join([*lines, NOTHING_WRITTEN]))
    file = Path.cwd() / answers["_marker"]
    try:
        with file.open("x", encoding="utf-8") as mark:
            mark.write("This project is incomplete: its generation did not finish.\n")
    except FileExistsError:
        sys.exit(
            f"error: {file} exists: another generation is running, or was interrupted. "
            "If none is running, delete this file, then generate the project again "
            "with --overwrite-if-exists."
        )
    except OSError as error:
        sys.exit(f"error: cannot write to {file.parent}: {error}.")


if __name__ == "__main__":
    main()
