"""Record a session at a terminal as docs/session.svg; ``nox -s picture`` runs it.

The session is real: keys go into a pseudo-terminal, Cookiecutter takes the template by
Git, and the engine builds and runs the image.  Three things are arranged: Git finds the
repository here, as of the last commit; the engine has built before, so that Poetry is
in its cache, and after a second recording the project, too; and a wait of more than a
second is drawn as a second.
"""

import codecs
import functools
import os
import re
import select
import subprocess
import sys
import tempfile
import termios
import time
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from cookiecutter.main import cookiecutter

from tests import ROOT
from tests.questions import ASKED, QUESTIONS

PICTURE = ROOT / "docs" / "session.svg"
REPOSITORY = "OWNER/REPOSITORY"
# What is typed where Enter alone would show too little; of a choice, the option.
TYPED = {"project_name": "Spline Works", "docker_build": "try"}
SLUG = "spline-works"

COLUMNS, ROWS = 80, 24
SHELL_PROMPT = r"(?:^|\n)\$ $"
ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")
# Seconds: of thought before a line, before a choice or a command, and before a key; below
# which two outputs are one; and the longest wait that is drawn.
THOUGHT, CHOICE, KEY, BURST, WAIT = 0.35, 0.8, 0.05, 0.02, 1.0

# Pixels: a cell, the margin around the cells, and the bar above them.
WIDTH, HEIGHT, MARGIN, BAR = 8.4, 19, 16, 34
STYLE = """\
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;\
fill:#e6edf3;white-space:pre}
.s1{font-weight:bold}.s2{fill:#8b949e}.s35{fill:#d2a8ff}.s36{fill:#56d4dd}
"""
ABOUT = f"""\
<title>Cookiecutter generates a project, and Docker runs its image</title>
<desc>Cookiecutter asks its questions; most are answered by Enter. It writes the project
{SLUG}, and the engine builds its image and tries it out. Then docker run prints four
lines, one a second, from Reticulating spline 1 to 4. Recorded from a real session by
docs/session.py. Waits of more than a second are shortened, and the engine had built the
project before.</desc>
"""


class Terminal:
    """A shell in a pseudo-terminal, and what it printed when."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        """Start the shell in a folder, with no other environment than this."""
        self.printed: list[tuple[float, bytes]] = []
        self.seen = 0
        self.leader, follower = os.openpty()
        termios.tcsetwinsize(follower, (ROWS, COLUMNS))
        login = functools.partial(os.login_tty, follower)
        self.shell = subprocess.Popen(["sh"], cwd=folder, env=env, preexec_fn=login)
        os.close(follower)

    def close(self) -> None:
        """End the shell."""
        os.close(self.leader)
        self.shell.wait()

    def read(self, seconds: float) -> None:
        """Take what is printed within this time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.leader], [], [], left)[0]:
                data = os.read(self.leader, 1 << 16)
                self.printed.append((time.monotonic(), data))

    def wait(self, pattern: str, seconds: float = 60) -> None:
        """Read until what was printed since the last time matches a pattern.

        Raises:
            TimeoutError: It does not, within the seconds; the message is what it is.
        """
        end = time.monotonic() + seconds
        while True:
            self.read(KEY)
            data = b"".join(data for _, data in self.printed[self.seen :])
            text = ESCAPE.sub("", data.decode(errors="replace")).replace("\r", "")
            if re.search(pattern, text):
                self.seen = len(self.printed)
                return
            if time.monotonic() > end:
                raise TimeoutError(f"no {pattern!r} in {text!r}")

    def type(self, line: str, thought: float = THOUGHT) -> None:
        """Type a line as a person does, and press Enter."""
        self.read(thought)
        for key in [*line, "\n"]:
            self.read(KEY)
            os.write(self.leader, key.encode())


def record() -> list[tuple[float, bytes]]:
    """Return what a terminal prints in the session, in parts, each with its time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        other = cookiecutter(
            str(ROOT), no_input=True, output_dir=name, default_config=True
        )
        subprocess.run(
            ["docker", "build", "--output=type=cacheonly", other], check=True
        )
        (folder / ".gitconfig").write_text(
            f'[url "{ROOT.as_uri()}"]\n'
            f"insteadOf = https://github.com/{REPOSITORY}.git\n"
        )
        env = {
            "HOME": name,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DOCKER_CONFIG": os.environ.get(
                "DOCKER_CONFIG", str(Path.home() / ".docker")
            ),
            "LANG": "C.UTF-8",
            "PS1": "$ ",
            "TERM": "xterm",
        }
        terminal = Terminal(folder, env)
        terminal.wait(SHELL_PROMPT)
        terminal.type(f"cookiecutter gh:{REPOSITORY}", thought=CHOICE)
        for number, question in enumerate(ASKED, 1):
            terminal.wait(rf"\[{number}/{len(ASKED)}\][^$]*\): $")
            answer, options = TYPED.get(question, ""), QUESTIONS[question]
            if not isinstance(options, list):
                terminal.type(answer)
            else:
                chosen = str(options.index(answer) + 1) if answer else ""
                terminal.type(chosen, thought=CHOICE)
        terminal.wait(SHELL_PROMPT, seconds=600)
        for command in (f"cd {SLUG}", f"docker run --rm {SLUG} --count=4"):
            terminal.type(command, thought=CHOICE)
            terminal.wait(SHELL_PROMPT)
        terminal.close()
    subprocess.run(["docker", "image", "rm", SLUG], check=True)
    return terminal.printed


class Cell(NamedTuple):
    """A character on the screen: where it is, when it appears, and its CSS classes."""

    row: int
    column: int
    time: float
    classes: str
    character: str


class Cursor(NamedTuple):
    """Where the cursor is from a time on."""

    time: float
    row: int
    column: int


class Place(NamedTuple):
    """Where something is from a time on, in pixels."""

    time: float
    x: float
    y: int


def play(printed: list[tuple[float, bytes]]) -> tuple[list[Cell], list[Cursor]]:
    """Return the cells that a terminal fills, and the places of its cursor.

    Args:
        printed: What it is given, in parts, each with its time.

    Raises:
        ValueError: It is more than lines of text in colors.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    cells: list[Cell] = []
    cursor = [Cursor(0, 0, 0)]
    elapsed, row, column, classes, pending = 0.0, 0, 0, "", ""
    for (before, _), (now, data) in pairwise([printed[0], *printed]):
        elapsed += min(now - before, WAIT) if now - before > BURST else 0
        pending += decoder.decode(data)
        while token := re.match(r"\x1b\[[0-9;?]*[A-Za-z]|\r\n|[^\x00-\x1f]", pending):
            pending = pending[token.end() :]
            if escaped := ESCAPE.fullmatch(token[0]):
                codes, kind = escaped.groups()
                if kind != "m":
                    raise ValueError(f"no color: {token[0]!r}")
                classes = " ".join(f"s{code}" for code in codes.split(";") if int(code))
            elif token[0] == "\r\n":
                row, column = row + 1, 0
            else:
                if column == COLUMNS:
                    row, column = row + 1, 0
                cells.append(Cell(row, column, elapsed, classes, token[0]))
                column += 1
        cursor.append(Cursor(elapsed, row, column))
    if pending:
        raise ValueError(f"neither text nor color: {pending!r}")
    return cells, cursor


def keyframes(name: str, places: list[Place]) -> str:
    """Return the rules of CSS that move something of a class from place to place."""
    end = places[-1].time
    stays = groupby(places, key=lambda place: (place.x, place.y))
    moves = [
        f"{100 * start / end:.2f}%{{transform:translate({x:g}px,{y}px)}}"
        for start, x, y in (next(stay) for _, stay in stays)
    ]
    return (
        f"@keyframes {name}{{{''.join(moves)}}}\n"
        f".{name}{{animation:{name} {end:.2f}s step-end}}\n"
    )


def draw(cells: list[Cell], cursor: list[Cursor]) -> str:
    """Return the picture: it plays once, and without animation shows the last screen.

    Args:
        cells: What appears.
        cursor: The places of the cursor.
    """
    inner, outer = round(COLUMNS * WIDTH), round(COLUMNS * WIDTH) + 2 * MARGIN
    height = ROWS * HEIGHT + BAR + MARGIN
    scroll = [Place(at.time, 0, HEIGHT * min(0, ROWS - 1 - at.row)) for at in cursor]
    places = [Place(at.time, at.column * WIDTH, at.row * HEIGHT) for at in cursor]
    groups = []
    for moment, appearing in groupby(cells, key=lambda cell: cell.time):
        runs = []
        for (row, classes), run in groupby(
            appearing, key=lambda cell: (cell.row, cell.classes)
        ):
            found = list(run)
            text = "".join(cell.character for cell in found)
            if stripped := text.strip():
                column = found[0].column + len(text) - len(text.lstrip())
                runs.append(
                    f'<text x="{column * WIDTH:.1f}" y="{row * HEIGHT + 14}"'
                    + f' textLength="{len(stripped) * WIDTH:.1f}"' * (len(stripped) > 1)
                    + f' class="{classes}"' * bool(classes)
                    + f">{escape(stripped)}</text>"
                )
        if runs:
            delay = f'<g style="animation-delay:{moment:.2f}s">'
            groups.append(delay + "\n".join(runs) + "</g>\n")
    return "".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" role="img" xml:space="preserve"'
            f' width="{outer}" height="{height}" viewBox="0 0 {outer} {height}">\n',
            ABOUT,
            "<style>\n",
            STYLE,
            # Before its time, a group is at the one state of this animation.
            "@media (prefers-reduced-motion:no-preference){\n",
            "@keyframes wait{from,to{visibility:hidden}}\n",
            "g g{animation:wait 1ms backwards}\n",
            keyframes("scroll", scroll),
            keyframes("cursor", places),
            "}\n</style>\n",
            '<rect x=".5" y=".5" rx="8" fill="#161b22" stroke="#3d444d"'
            f' width="{outer - 1}" height="{height - 1}"/>\n',
            *(
                f'<circle cx="{MARGIN + 6 + 20 * dot}" cy="17" r="6" fill="#3d444d"/>\n'
                for dot in range(3)
            ),
            f'<svg x="{MARGIN}" y="{BAR}" width="{inner}" height="{ROWS * HEIGHT}">\n',
            f'<g class="scroll" transform="translate(0,{scroll[-1].y})">\n',
            *groups,
            f'<rect class="cursor" width="{WIDTH}" height="{HEIGHT}" fill="#8b949e"'
            f' transform="translate({places[-1].x:g},{places[-1].y})"/>\n',
            "</g>\n</svg>\n</svg>\n",
        ]
    )


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(*play(record())), encoding="utf-8")


if __name__ == "__main__":
    main()
