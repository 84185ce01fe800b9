"""Record docs/session.svg, the picture in the README; ``nox -s picture`` runs this.

asciinema records real commands, and termtosvg draws them with tools/picture.svg. The
last screen comes first: the picture begins with the result, and shows it without animation.
"""

import json
import shlex
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
COLUMNS, ROWS = 62, 22
# Seconds: how long the result is shown first, and the longest pause after it.
RESULT, PAUSE = 2.5, 1.2
# A Poetry project without an image, and the programs that pipx downloads.
PREPARE = """
cookiecutter template --no-input --output-dir made project_name='Todo'
git init --quiet todo
mv made/todo/{LICENSE,README.md,poetry.lock,pyproject.toml,src} todo
cd template
pipx run ./adopt.py --help
"""
SESSION = r"""
enter() {
    printf '\e[32m$ \e[97m'
    for ((i = 0; i < ${#1}; i += 3)); do printf %s "${1:i:3}"; sleep 0.04; done
    sleep 0.2; printf '\e[0m\n'; eval "$1"; sleep "${2:-0.2}"
}
TIMEFORMAT='%R seconds'
enter 'pipx run ./adopt.py ../todo' 1.2
enter 'cd ../todo'
enter 'docker build --quiet --tag todo . >/dev/null'
enter 'docker run --rm --read-only todo --count=2' 0.5
enter 'sed --in-place s/Reticulating/Painting/ src/*/*.py' 0.5
enter 'time docker build --quiet --tag todo . >/dev/null' 0.5
enter 'docker run --rm --read-only todo --count=1'
docker image rm todo >/dev/null
"""


def main() -> None:
    """Record the session, and draw it."""
    with tempfile.TemporaryDirectory() as name:
        folder, template = Path(name), Path(name, "template")
        cast, retimed = folder / "cast", folder / "retimed"
        subprocess.run(["git", "clone", "--quiet", ROOT, template], check=True)
        subprocess.run(["bash", "-e", "-c", PREPARE], check=True, cwd=folder)
        command = shlex.join(["bash", "-e", "-c", SESSION])
        size = (f"--cols={COLUMNS}", f"--rows={ROWS}")
        record = ("asciinema", "rec", "--quiet", *size, f"--command={command}", cast)
        subprocess.run(record, check=True, cwd=template)

        header, *events = map(json.loads, cast.read_text("utf-8").splitlines())
        everything = "".join(text for _, _, text in events)
        lines = [header, [0, "o", everything], [RESULT, "o", "\x1b[2J\x1b[H"]]
        for (before, *_), (after, _, text) in pairwise([[0], *events]):
            now = lines[-1][0] + min(after - before, PAUSE)
            lines.append([now, "o", text])
        retimed.write_text("\n".join(map(json.dumps, lines)), "utf-8")
        picture, look = ROOT / "docs" / "session.svg", ROOT / "tools" / "picture.svg"
        options = (f"--template={look}", "--min-frame-duration=50", "--loop-delay=1")
        subprocess.run(["termtosvg", "render", retimed, picture, *options], check=True)


if __name__ == "__main__":
    main()
