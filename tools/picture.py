"""Record a terminal session as docs/session.svg. ``nox -s picture`` runs this.

The session is real: pexpect types into a pseudo-terminal, Cookiecutter clones the
template, and the engine builds and runs the image. It is prepared in three ways: Git
clones the last commit of this repository, Poetry's stage is in the build cache, and a
pause takes at most a second. pyte turns the output into screens.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from xml.sax.saxutils import escape

import pexpect
import pyte
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
ASKED = [question for question in QUESTIONS if not question.startswith("_")]
REPOSITORY = "OWNER/REPOSITORY"
SLUG = "spline-works"
# Answers that differ from the defaults; for a choice, the name of an option.
TYPED = {"project_name": "Spline Works", "docker_build": "try"}

COLUMNS, ROWS = 88, 26
# Seconds between two keys, before a line, between two screens, and in the longest pause.
KEY, THOUGHT, FRAME, PAUSE = 0.05, 0.6, 0.2, 1.0
# Sizes in pixels: a cell, the margin around the cells, and the bar above them.
WIDTH, HEIGHT, MARGIN, BAR = 8.4, 19, 16, 34
COLORS = {
    "default": "e6edf3", "black": "8b949e", "red": "ff7b72", "green": "7ee787",
    "brown": "e3b341", "blue": "79c0ff", "magenta": "d2a8ff", "cyan": "56d4dd",
}  # fmt: skip
STYLE = """\
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;\
white-space:pre}
.t{visibility:hidden}
@media (prefers-reduced-motion:no-preference){
@keyframes wait{from,to{visibility:hidden}}
@keyframes show{from,to{visibility:visible}}
.l{animation-name:wait}.t{animation-name:show}}
"""
ABOUT = f"""\
<title>Cookiecutter generates a project, and Docker runs its image</title>
<desc>Cookiecutter asks its questions, and most are answered with Enter. It writes the
project {SLUG}, and the engine builds and tests its image. Then docker run prints four
lines, one a second, from Reticulating spline 1 to 4.</desc>
"""

# A row of the screen: text, and the color of each of its characters.
Row = tuple[str, tuple[str, ...]]
Screen = list[Row]


class Log:
    """The output of the terminal, with the time of each part."""

    def __init__(self) -> None:
        """Create an empty log."""
        self.printed: list[tuple[float, str]] = []

    def write(self, text: str) -> None:
        """Add output, with the current time."""
        self.printed.append((time.monotonic(), text))

    def flush(self) -> None:
        """Do nothing: pexpect calls this after each write."""


def wait(terminal: pexpect.spawn, seconds: float) -> None:
    """Read the output for a number of seconds."""
    terminal.expect(pexpect.TIMEOUT, timeout=seconds)


def enter(terminal: pexpect.spawn, line: str) -> None:
    """Type a line at the speed of a person."""
    wait(terminal, THOUGHT)
    for key in [*line, "\r"]:
        terminal.send(key)
        wait(terminal, KEY)


def record() -> list[tuple[float, str]]:
    """Run the session and return its output, each part with its time."""
    log = Log()
    with tempfile.TemporaryDirectory() as home:
        other = cookiecutter(str(ROOT), no_input=True, output_dir=home)
        build = ["docker", "build", "--target=lock", "--output=type=cacheonly", other]
        subprocess.run(build, check=True)
        address = f"https://github.com/{REPOSITORY}.git"
        settings = f'[url "{ROOT.as_uri()}"]\ninsteadOf = {address}\n'
        Path(home, ".gitconfig").write_text(f"{settings}[safe]\ndirectory = *\n")
        docker = os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker"))
        terminal = pexpect.spawn(
            "sh",
            cwd=home,
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
            env={
                **{"HOME": home, "DOCKER_CONFIG": docker, "LANG": "C.UTF-8"},
                **{"PS1": "$ ", "TERM": "xterm"},
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            timeout=120,
        )
        terminal.logfile_read = log
        terminal.expect_exact("$ ")
        enter(terminal, f"cookiecutter gh:{REPOSITORY}")
        for number, question in enumerate(ASKED, 1):
            terminal.expect(rf"{number}/{len(ASKED)}\b")
            # Colors may change between the parentheses and the colon.
            terminal.expect(r"\)(\x1b\[[0-9;]*m)*: ")
            answer, options = TYPED.get(question, ""), QUESTIONS[question]
            if answer and isinstance(options, list):
                answer = str(options.index(answer) + 1)
            enter(terminal, answer)
        for command in (f"cd {SLUG}", f"docker run --rm {SLUG} --count=4"):
            terminal.expect("\n\\S*\\$ ")
            enter(terminal, command)
        terminal.expect_exact("spline 4...")
        terminal.expect_exact("$ ")
        terminal.close()
    subprocess.run(["docker", "image", "rm", SLUG], check=True)
    return log.printed


def screens(printed: list[tuple[float, str]]) -> Iterator[tuple[float, Screen]]:
    """Yield the time and the content of each screen, without long pauses."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    now, shown = 0.0, -FRAME
    for (before, text), (after, _) in pairwise(
        [*printed, (printed[-1][0] + PAUSE, "")]
    ):
        stream.feed(text)
        pause = min(after - before, PAUSE)
        if pause >= FRAME or now - shown >= FRAME:
            shown = now
            yield now, [row(screen, number) for number in range(ROWS)]
        now += pause


def row(screen: pyte.Screen, number: int) -> Row:
    """Return a row of the screen."""
    cells = [screen.buffer[number][column] for column in range(COLUMNS)]
    colors = tuple(cell.fg.removeprefix("bright") for cell in cells)
    return "".join(cell.data for cell in cells).rstrip(), colors


def texts(content: Row, number: int, attributes: str) -> Iterator[str]:
    """Yield an element for each run of one color in a row."""
    text, colors = content
    for color, run in groupby(range(len(text)), key=colors.__getitem__):
        columns = list(run)
        part = text[columns[0] : columns[-1] + 1]
        if stripped := part.strip():
            column = columns[0] + len(part) - len(part.lstrip())
            yield (
                f'<text x="{column * WIDTH:.1f}" y="{number * HEIGHT + 14}"'
                f' textLength="{len(stripped) * WIDTH:.1f}"'
                f' fill="#{COLORS.get(color, COLORS["default"])}"{attributes}>'
                f"{escape(stripped)}</text>\n"
            )


def draw(frames: list[tuple[float, Screen]]) -> str:
    """Return the picture. It plays once; without animation, it shows the last screen."""
    width = round(COLUMNS * WIDTH) + 2 * MARGIN
    height = ROWS * HEIGHT + BAR + MARGIN
    lines: list[str] = []
    for number in range(ROWS):
        history = [(when, screen[number]) for when, screen in frames]
        stays = [list(stay) for _, stay in groupby(history, key=lambda at: at[1])]
        for stay, following in pairwise([*stays, []]):
            start, content = stay[0]
            if following:
                timing = f"{following[0][0] - start:.2f}s linear {start:.2f}s"
                attributes = f' class="t" style="animation:show {timing}"'
            else:
                attributes = f' class="l" style="animation-duration:{start:.2f}s"'
            lines += texts(content, number, attributes)
    return "".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" role="img" xml:space="preserve"'
            f' width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n',
            ABOUT,
            f"<style>\n{STYLE}</style>\n",
            '<rect x=".5" y=".5" rx="8" fill="#161b22" stroke="#3d444d"'
            f' width="{width - 1}" height="{height - 1}"/>\n',
            *(
                f'<circle cx="{MARGIN + 6 + 20 * dot}" cy="17" r="6" fill="#3d444d"/>\n'
                for dot in range(3)
            ),
            f'<svg x="{MARGIN}" y="{BAR}" width="{width - 2 * MARGIN}">\n',
            *lines,
            "</svg>\n</svg>\n",
        ]
    )


def main() -> None:
    """Record the session and write the picture."""
    picture = draw(list(screens(record())))
    (ROOT / "docs" / "session.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    main()
