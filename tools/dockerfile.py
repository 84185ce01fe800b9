"""Read a Dockerfile: the instructions of a stage, and their words."""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import PurePosixPath

# Instructions in which Docker replaces no variables.
COMMANDS = ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK")
# An escaped dollar sign, a variable, or the start of a form that is not supported.
VARIABLE = re.compile(r"\\\$|\$(?:(\w+)|\{(\w+)(?::?([-+])([^{}$]*))?\}|\{)")
# A text in single quotes, where Docker replaces no variables, and what can have some.
QUOTED = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|""" + VARIABLE.pattern)
# A here-document: its lines are not instructions.
HEREDOC = re.compile(r"(?ms)<<-?[\"']?(\w+)[\"']?([^\n]*\n).*?^\t*\1$")
# A here-document of which a shell runs the lines.
SCRIPT = re.compile(
    r"(?mi)^(\s*RUN\s+(?:--\S+\s+)*)<<-?[\"']?(\w+)[\"']?[ \t]*\n((?:.*\n)*?)\t*\2$"
)
# A word of a shell, and a command up to an operator outside quotes.
QUOTE = r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\."""
WORD = rf"""{QUOTE}|[^\s"'\\])+"""
COMMAND = re.compile(rf"""{QUOTE}|[<>]&|[^&|;\n"'\\])+""", re.DOTALL)
# Words before a command, such as assignments, which decide how or whether it runs.
PREFIX = re.compile(
    r"\s*(?:(?:[({!]|\w+=(?:\$\([^()]*\)|%s)?|(?:if|elif|then|else|while|until|do|exec|command"
    r"|env|nice|nohup|time|timeout)(?=\s|$)(?:\s+-%s|\s+(?=\d)%s)*)\s*)*".replace(
        "%s", WORD
    )
)
# What the image does not need before a command, because its programs are on PATH.
RUNNER = re.compile(
    r"(?<![^\s'])(?:(?:poetry|uv|pipenv)(?:\s+-[^\s']+)*\s+run(?:\s+-[^\s']+)*(?:\s+|$)"
    r"|(?:[^\s']*/)?(?:tini|dumb-init)(?:\s+-[^\s']+)*(?:\s+|$)"
    r"|(?:[^\s']*/)?(?:gosu|su-exec)\s+[^\s'&|;]+(?:\s+|$)"
    r"|(?:\.|source)\s+[^\s']*/activate\s*(?:&&|;)\s*"
    r"|(?:[^\s']*env|/usr|/usr/local|)/bin/(?!\S+\.sh\b))+"
)
# The start of a command that can replace the shell, after variables that are set for it.
REPLACES_SHELL = re.compile(
    rf"\s*(?:\w+=(?:{WORD})?\s+)*(?!(?:alias|bg|builtin|cd|command|done|esac|eval|echo|exec|exit"
    r"|export|fg|fi|hash|let|popd|printf|pushd|read|return|set|shift|source|time|ulimit|umask"
    r"|unset|wait)\b|\w+=|\[\[|[!}<>]|[.:](?:\s|$))(?=\S)"
)
# Folders that both base images have, so that a file is copied into them.
FOLDERS = re.compile(
    r"/(?:usr(?:/local)?(?:/(?:s?bin|lib|share))?|etc|home|media|mnt|opt|root|run|srv|var)?"
)


class Stage(list[tuple[str, str]]):
    """The instructions of a stage, each with its arguments.

    Attributes:
        others: The stages of the same Dockerfile by their names in lowercase.
    """

    def __init__(
        self,
        instructions: Iterable[tuple[str, str]] = (),
        others: dict[str, Stage] | None = None,
    ) -> None:
        """Create a stage."""
        super().__init__(instructions)
        self.others = others or {}

    def values(self, instruction: str) -> list[str]:
        """Return the arguments of each such instruction."""
        return [rest for name, rest in self if name == instruction]

    def last(self, instruction: str, default: str = "") -> str:
        """Return the arguments of the last such instruction."""
        return [default, *self.values(instruction)][-1]

    def pairs(self, instruction: str) -> dict[str, str]:
        """Return the names and values of all such instructions."""
        found = map(pairs, self.values(instruction))
        return {name: value for each in found for name, value in each.items()}

    def workdir(self, default: str = "/app") -> PurePosixPath:
        """Return the working directory after all instructions."""
        joined = posixpath.join(default, *self.values("WORKDIR"))
        return PurePosixPath(posixpath.normpath(joined))

    def copied(self) -> Iterator[tuple[Stage | None, str, PurePosixPath, bool]]:
        """Yield what COPY and ADD copy.

        Each has the stage that it comes from, which is empty for another image, its path
        there, the path in the image, and whether that is a folder for files.
        """
        for index, (instruction, rest) in enumerate(self):
            if instruction in ("COPY", "ADD"):
                text = re.sub(r"--\S+\s+", "", rest)
                split = words if text.startswith("[") else str.split
                *paths, target = split(text) or [""]
                workdir = Stage(self[:index]).workdir()
                into = real_path(workdir / target)
                folder = bool(paths[1:]) or target.endswith("/") or into == workdir
                folder = folder or bool(FOLDERS.fullmatch(str(into)))
                source = re.search(r"--from=(\S+)", rest)
                origin = self.others.get(source[1].lower(), Stage()) if source else None
                for path in paths or ["here-document"]:
                    yield origin, path, into, folder

    def runs(self) -> list[str]:
        """Return the commands of RUN, also of the stages that it copies from."""
        found = []
        for name, rest in self:
            if name in ("RUN", "RUN of --from"):
                text = re.sub(r"^(?:--\S+\s+)+", "", rest)
                if re.fullmatch(r'\[.*"\s*\]', text):
                    text = shlex.join(words(text))
                text = re.sub(r"\$\([^()]*\)|`[^`]*`", "$()", text)
                commands = split_commands(RUNNER.sub("", text))
                # The last command of a subshell is followed by its end.
                found += [re.sub(r"(?<=[^()])\s*\)+$", "", each) for each in commands]
        return found

    def command(self) -> tuple[list[str], list[str]]:
        """Return ENTRYPOINT and CMD, without a package manager that runs them."""
        entry_point, command = self.last("ENTRYPOINT", "[]"), self.last("CMD", "[]")
        if not (entry_point.startswith("[") or re.search(r"\$[@*\d]", entry_point)):
            command = "[]"  # the shell's arguments, which it does not use
        parts = words(entry_point), words(command)
        if parts[0] == ["poetry"]:
            parts = [], ["poetry", *parts[1]]
        both = [
            # The Python of the image can be another one.
            re.sub(r"(?<![^\s'])python3\.\d+(?![\w.])", "python3", RUNNER.sub("", text))
            for text in map(shlex.join, parts)
        ]
        first, second = map(shlex.split, both)
        return with_exec(first), with_exec(second)


def read_stage(dockerfile: str, target: str = "") -> Stage:
    """Return the instructions of the last stage or another, after those that it builds on.

    Comments are left out, and variables are replaced by values that the file contains.

    Raises:
        ValueError: There is no stage, or a line is not supported.
    """
    if re.match(r"(?i)(#.*\n)*#\s*escape\s*=\s*`", dockerfile):
        raise ValueError("its escape character is '`', not a backslash")
    text, count = re.sub(r"(?m)^\s*#.*\n?", "", dockerfile), 1
    text = SCRIPT.sub(one_command, text)
    while count:  # a line can start several
        text, count = HEREDOC.subn(r"\2", text)
    stage = Stage()
    stages: dict[str, Stage] = {}
    number = 0
    variables: dict[str, str] = {}
    for line in re.sub(r"\\[ \t]*\n(?:[ \t]*\n)*", "", text).split("\n"):
        name, rest = (*line.split(None, 1), "", "")[:2]
        name = name.upper()
        try:
            if name not in COMMANDS:
                rest = QUOTED.sub(partial(expand, variables), rest)
            if name == "RUN":
                rest = replace_known(variables, rest)
            found = pairs(rest) if name in ("ARG", "ENV", "LABEL") else {}
        except ValueError as error:
            raise ValueError(f"{line!r}: {error}") from error
        if name == "FROM":
            image, _, own = re.sub(r"--\S+\s+", "", rest).partition(" ")
            stage = Stage(stages.get(image.lower(), [(name, image)]), dict(stages))
            label = own.split()[-1] if own else ""
            stages[str(number)] = stages[label.lower() or str(number)] = stage
            number += 1
            stage.append(("AS", label))
        else:
            for source in re.findall(r"--from=(\S+)", rest) if name == "COPY" else ():
                others = stages.get(source.lower(), Stage())
                runs = [
                    text for instruction, text in others if instruction[:3] == "RUN"
                ]
                stage += [("RUN of --from", text) for text in runs]
            stage.append((name, rest.strip()))
            variables |= found if name != "LABEL" else {}
    if not stages:
        raise ValueError("it has no line FROM")
    return stages.get(target.lower(), stage)


def one_command(script: re.Match[str]) -> str:
    """Return RUN and the lines of its here-document as one line."""
    return script[1] + script[3].replace("\\\n", " ").replace("\n", ";")


def expand(variables: dict[str, str], text: re.Match[str]) -> str:
    """Return a part of an instruction with the values of variables."""
    if text[0].startswith("'"):
        return text[0]
    return VARIABLE.sub(partial(value_of, variables), text[0])


def value_of(variables: dict[str, str], reference: re.Match[str]) -> str:
    """Return the value of a variable, its default or its alternative.

    Raises:
        ValueError: The form of the reference is not supported.
    """
    if reference[0] == r"\$":
        return "$"
    name = reference[1] or reference[2]
    if not name:
        raise ValueError(
            "it has a variable in another form than ${NAME}, ${NAME:-default} and "
            "${NAME:+alternative}"
        )
    value, word = variables.get(name, ""), reference[4] or ""
    return value and word if reference[3] == "+" else value or word


def split(command: str) -> list[str]:
    """Return the words of a command, or nothing if a quote is not closed."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def replace_known(variables: dict[str, str], text: str) -> str:
    """Return a command of a shell with the values of known variables, if they are simple."""
    # Other characters could change the words around the value.
    simple = {n: v for n, v in variables.items() if re.fullmatch(r"[\w./:@%+,= -]*", v)}
    return re.sub(
        r"\$(?:(\w+)|\{(\w+)\})",
        lambda found: simple.get(found[1] or found[2], found[0]),
        text,
    )


def pairs(text: str) -> dict[str, str]:
    """Return the names and values of an ENV, ARG or LABEL instruction."""
    found = shlex.split(text)
    if found[1:] and "=" not in found[0]:
        return {found[0]: " ".join(found[1:])}
    split = (word.partition("=") for word in found)
    return {name: value for name, equals, value in split if equals}


def real_path(path: PurePosixPath) -> PurePosixPath:
    """Return a path without the folders that are links in the base images."""
    text = re.sub(
        r"^/(?=(?:s?bin|lib|lib64)(?:/|$))", "/usr/", posixpath.normpath(path)
    )
    return PurePosixPath(re.sub(r"^/var(?=/run(?:/|$))", "", text))


def split_commands(text: str) -> list[str]:
    """Return the commands that a shell would run, without words before them."""
    found = (PREFIX.sub("", part, count=1) for part in COMMAND.findall(text))
    # A space after a backslash is a part of the command.
    return [re.sub(r"(?<!\\)\s+$", "", command) for command in found if command]


def with_exec(command: list[str]) -> list[str]:
    """Return a command in which the last program of a shell script replaces the shell.

    Otherwise, Debian's shell is the first process of a container, and ignores SIGTERM.
    """
    match command:
        case [shell, option, script, *rest] if re.fullmatch(
            r"(?:/\S*/)?(?:ba|da)?sh -\w*c", f"{shell} {option}"
        ):
            return [shell, option, exec_last(script), *rest]
    return command


def exec_last(script: str) -> str:
    """Return a shell script with `exec` before its last program, if that can replace it."""
    commands = [*COMMAND.finditer(script)]
    found = REPLACES_SHELL.match(commands[-1][0]) if commands else None
    # Too much for patterns: subshells, substitutions, functions, groups, here-documents.
    if not found or re.search(r"[(`]|(?<!\$)\{|<<|\b(?:function|trap)\b", script):
        return script
    start, end = commands[-1].span()
    if "&" in script[end:] or re.search(r"(?<!\|)\|$", script[:start]):
        return script
    start += found.end()
    return f"{script[:start]}exec {script[start:]}"


def words(text: str) -> list[str]:
    """Return the words of a JSON list, or of a command that a shell would run."""
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, list):
            return [str(word) for word in found]
    with contextlib.suppress(ValueError):
        found = shlex.split(text.removeprefix("exec "))
        if found[1:2] == ["-c"] or not re.search(r"[$;&|<>`*?(]|^\w+=", text):
            return found
    return ["sh", "-c", text]
