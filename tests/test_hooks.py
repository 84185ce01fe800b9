"""The hooks refuse answers, build, commit, and lose no files when something fails."""

import ast
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import PROJECT, ROOT, commit, contents, copy_template, edit
from tests.answers import POST_GEN
from tools.images import run

MARKER = "UNFINISHED"
OVERWRITE = ["--overwrite-if-exists"]
SKIP = [*OVERWRITE, "--skip-if-file-exists"]
COOKIECUTTER = (sys.executable, "-m", "cookiecutter")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows lacks what POSIX has here")

# Shell scripts in place of commands on PATH. An empty one is this machine's command.
Commands = Mapping[str, str]
NO_PROGRAM = "this script does not say which shell can run it"


def install(commands: Commands, folder: Path) -> Path:
    """Write commands into a folder, and return the folder."""
    if commands and os.name == "nt":
        pytest.skip("the commands are shell scripts; run this on Linux or macOS")
    folder.mkdir(exist_ok=True)
    for name, script in commands.items():
        if script:
            first = "" if script == NO_PROGRAM else "#!/bin/sh\n"
            (folder / name).write_text(f"{first}{script}\n")
            (folder / name).chmod(0o700)
        else:
            (folder / name).symlink_to(shutil.which(name) or name)
    return folder


class Result(NamedTuple):
    """An exit status and the lines of output and errors, without any traceback."""

    status: int
    output: list[str]
    errors: list[str]


def finish(process: subprocess.Popen[str]) -> Result:
    """Wait for a process, and return its result."""
    output, errors = process.communicate()
    errors = errors.partition("Hook script failed")[0]
    return Result(process.returncode, (output or "").splitlines(), errors.splitlines())


Start = Callable[..., subprocess.Popen[str]]
Generate = Callable[..., Result]


@pytest.fixture
def start(tmp_path: Path, person: Path, output: Path) -> Iterator[Start]:
    """Return a function that starts Cookiecutter, or another command, in `output`.

    With `commands`, PATH has only these. Each process leads a session of its own, so that
    a signal can reach all processes that it starts.
    """
    assert person.is_dir()
    processes: list[subprocess.Popen[str]] = []

    def start(
        *options: str,
        command: Sequence[str | Path] = (*COOKIECUTTER, ROOT, "--no-input"),
        commands: Commands | None = None,
        env: Mapping[str, str] | None = None,
        stdout: int = subprocess.PIPE,
        **answers: str,
    ) -> subprocess.Popen[str]:
        variables = os.environ | {"PWD": str(output)} | dict(env or {})
        if commands is not None:
            variables["PATH"] = str(install(commands, tmp_path / "commands"))
        typed = (f"{question}={answer}" for question, answer in answers.items())
        process = subprocess.Popen(
            [*command, *options, *typed],
            cwd=output,
            encoding="utf-8",
            env=variables,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def generate(start: Start) -> Generate:
    """Return a function that takes what `start` does, and waits for the result."""
    return lambda *options, **settings: finish(start(*options, **settings))


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and content of each path below a folder, including Git's."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


# Scenarios.

SLEEP = f"exec {shutil.which('sleep')} 60"
STOPPED = "echo 'Is the docker daemon running?' >&2; echo; exit 1"
WORKS = """case "$*" in
    version | "build --tag hypermodern-python .") ;;
    "run --rm --pull=never hypermodern-python --count=1") echo Reticulating spline 1...;;
    "inspect --type=image hypermodern-python") echo '[{"Size": 43210987}]';;
    *) exit 9;;
esac"""


def docker(branch: str) -> Commands:
    """Return a Docker that works, except for this branch of `case`."""
    return {"docker": f"case $1 in {branch};; *) {WORKS};; esac"}


NO_ENGINE = "neither docker nor podman is installed"
NO_DAEMON = "docker version failed with status 1: Is the docker daemon running"
NO_BUILD = "docker build failed with status 17"
NO_PODMAN = "podman version failed with status 125: no output"
HINT = r"run) printf 'No such image.\n\nRun docker run --help\n' >&2; exit 125"
STATUS = "run) echo Reticulating spline 1...; exit 3"
GONE = "echo gone >&2; exit 1"
# Reasons why there is no working image, and the commands.
NO_IMAGE: dict[str, Commands] = {
    NO_ENGINE: {},
    NO_DAEMON: {"docker": STOPPED},
    f"{NO_DAEMON}, and {NO_PODMAN}": {"docker": STOPPED, "podman": "exit 125"},
    "docker version gave no answer in 10 seconds": {"docker": SLEEP},
    "docker does not start: *": {"docker": NO_PROGRAM},
    NO_BUILD: docker("build) exit 17"),
    "podman build failed with status 9": {"podman": "[ $1 = version ] || exit 9"},
    "docker run failed with status 125: No such image": docker(HINT),
    "the container printed 'Hello\\n'": docker("run) echo Hello"),
    "docker run failed with status 3: Reticulating spline 1": docker(STATUS),
    "docker inspect failed with status 1: gone": docker(f"inspect) {GONE}"),
}
NO_IDENTITY = "git lacks user.name and user.email; set them with git config --global"
JANE = r"name = Jane Doe\nemail = jane@example.com"
HOOK = r"""mkdir hooks && git config --global core.hooksPath "$PWD/hooks"
printf '#!/bin/sh\necho no such day >&2\nexit 1\n' > hooks/pre-commit
chmod +x hooks/pre-commit"""
GIT = {"git": ""}
# Reasons why there is no first commit, the commands, and a script to run before. Some
# systems have a placeholder for git. Without a name, git would take the machine's.
NO_COMMIT: list[tuple[str, Commands, str]] = [
    ("git is not installed", {}, ""),
    ("git does not start: *", {"git": NO_PROGRAM}, ""),
    ("git rev-parse failed with status 1: gone", {"git": GONE}, ""),
    (NO_IDENTITY, GIT, "git config --global --unset user.name"),
    (NO_IDENTITY, GIT, rf"printf '[author]\n{JANE}' > ~/.gitconfig"),
    (NO_IDENTITY, GIT, rf"printf '[committer]\n{JANE}' > ~/.gitconfig"),
    ("the folder is in a Git repository already", GIT, "git init --quiet"),
    ("git commit failed with status 1: no such day", GIT, HOOK),
]


class Scenario(NamedTuple):
    """What is there before a generation, and what it prints."""

    answers: Mapping[str, str]  # those that differ from the default answers
    commands: Commands  # all commands on PATH
    says: Sequence[str] = ()  # the lines before the next steps; `*` is any text
    fails: bool = False  # if so, these are all lines, and no project is left
    before: str = ""  # a shell script to run in the output folder first
    env: Mapping[str, str] = {}  # variables of the environment


STEPS = """\
Created hypermodern-python{}. Next:
  cd hypermodern-python
  pipx install nox
  pipx install poetry
  nox
  {} build --tag hypermodern-python .
  {} run --rm hypermodern-python --count=4"""
BUILT = "Built and tested the image hypermodern-python: 43 MB."
NO_IMAGE_YET = "There is no working image: {}. Build it as shown below."
NO_REQUIRED_IMAGE = (
    "error: there is no working image: {}. "
    "Fix this and generate the project again. docker_build=try keeps it without an image."
)
TRY, REQUIRE = {"docker_build": "try"}, {"docker_build": "require"}
COMMIT = {"git_init": "try"}
INVALID = {"project_slug": "Splines", "package_name": "class", "email": "me"}
TAKEN = {"project_slug": "sphinx-click", "package_name": "typeguard"}
NAMES = ["project_slug: *", "package_name: *"]
NOTHING = "Nothing was written. *"
OTHERS = "Generate the project again with other answers."
SCENARIOS = {
    "defaults": Scenario({}, {}),
    "invalid answers": Scenario(INVALID, {}, ["email: *", *NAMES[::-1], NOTHING], True),
    "names of dependencies": Scenario(TAKEN, {}, [*NAMES, OTHERS], True),
    # Even root cannot create a file in this folder.
    "a folder that is not writable": Scenario(
        {}, {}, ["error: cannot write to *"], True, "ln -s /dev/fd hypermodern-python"
    ),
    # The pattern of slugs refuses these; see hostile.jsonl. Cookiecutter creates the
    # folder, even outside, and removes it again.
    **{
        f"the slug {slug}": Scenario(
            {"project_slug": slug, "package_name": "s"}, {}, [NAMES[0], NOTHING], True
        )
        for slug in ("", ".", "..", "../evil", "a/b/c", "a/../../evil", "-rf")
    },
    "Docker": Scenario(REQUIRE, {"docker": WORKS, "podman": "exit 9"}, [BUILT]),
    "Podman, as Docker is broken": Scenario(
        REQUIRE,
        {"docker": STOPPED, "podman": WORKS},
        [f"{NO_DAEMON}. Using podman.", BUILT],
    ),
    **{
        f"no image, {reason}": Scenario(TRY, commands, [NO_IMAGE_YET.format(reason)])
        for reason, commands in NO_IMAGE.items()
    },
    **{
        f"no required image, {reason}": Scenario(
            REQUIRE, NO_IMAGE[reason], [NO_REQUIRED_IMAGE.format(reason)], True
        )
        for reason in (NO_ENGINE, NO_BUILD)
    },
    "a commit": Scenario(
        COMMIT,
        {
            "git": f'case $* in *initial-branch*) exit 9;; *) {shutil.which("git")} "$@";; esac'
        },
        before="echo docker >~/own; git config --global core.excludesFile ~/own; "
        "git config --global init.defaultBranch trunk",
    ),
    "a commit without an image": Scenario(
        TRY | COMMIT, GIT, [NO_IMAGE_YET.format(NO_ENGINE)]
    ),
    "a commit in an ignored folder": Scenario(
        COMMIT, GIT, before="git init --quiet && echo '*' > .gitignore"
    ),
    # Git sets these variables for its hooks. The paths are relative to the project.
    "a commit in a hook of another repository": Scenario(
        COMMIT,
        GIT,
        before="git init --quiet ../other",
        env={
            "GIT_DIR": "../../other/.git",
            "GIT_WORK_TREE": "../../other",
            "GIT_INDEX_FILE": "../../other/.git/index",
        },
    ),
    **{
        f"no commit, {reason}, {number}": Scenario(
            COMMIT, commands, [f"There is no first commit: {reason}."], False, before
        )
        for number, (reason, commands, before) in enumerate(NO_COMMIT)
    },
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_what_a_generation_prints_and_leaves(
    scenario: Scenario, generate: Generate, tmp_path: Path, output: Path, project: Path
) -> None:
    """No other commands are needed, and existing files never change."""
    answers, commands, says, fails, before, env = scenario
    if before:
        if os.name == "nt":
            pytest.skip("the scenario needs a POSIX shell; run this on Linux or macOS")
        run("sh", "-c", f"set -e; {before}", cwd=output)
    existing = snapshot(tmp_path)
    result = generate(*OVERWRITE, commands=commands, env=env, **answers)
    assert result.status == fails
    assert existing.items() <= snapshot(tmp_path).items()

    text = "\n".join(says)
    commits = "git_init" in answers and "no first commit" not in text
    engine = "podman" if re.search("(image:|Using) podman", text) else "docker"
    steps = STEPS.format(", with a first commit" * commits, engine, engine).splitlines()
    if BUILT in says:
        del steps[-2]
    lines, expected = result.errors or result.output, [*says, *([] if fails else steps)]
    assert len(lines) == len(expected), lines
    assert all(map(fnmatchcase, lines, expected)), lines
    if fails:
        assert {f"{output.name}/{name}" for name in contents(output)} <= existing.keys()
        return

    folder = output / project.name
    assert contents(folder).keys() == contents(project).keys()
    # After a refusal by the user's own hook, the files stay staged.
    assert (folder / ".git").exists() == (commits or before == HOOK)
    if commits:
        show = ("git", "show", "--name-only", "--format=%an <%ae>, %cn: %s", "main")
        first, _, *files = run(*show, cwd=folder).stdout.splitlines()
        assert first == "Jane Doe <jane@example.com>, Jane Doe: Initial commit"
        assert set(files) == set(contents(project))
        assert run("git", "status", "--porcelain", cwd=folder).stdout == ""


@posix
@pytest.mark.parametrize("pwd", ["/", ""])
def test_the_project_is_found_from_any_folder(
    pwd: str, generate: Generate, tmp_path: Path
) -> None:
    """The path may need quotes, or have characters that the terminal does not support.

    A shell without PWD stands for those of Windows.
    """
    env = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PWD": pwd}
    for folder in (tmp_path / "プロジェクト", tmp_path / "else where"):
        result = generate(f"--output-dir={folder}", env=env)
        assert (result.status, result.errors) == (0, [])
        assert (folder / "hypermodern-python" / "pyproject.toml").exists()
    found = run("sh", "-c", f"{result.output[1]} && pwd").stdout
    assert found == f"{folder}/hypermodern-python\n"


def test_a_path_is_quoted_for_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shells have other quotes."""
    with monkeypatch.context() as windows:
        windows.setattr(os, "name", "nt")
        quoted = POST_GEN.quote("my projects")
    assert quoted == '"my projects"'


def test_a_corrected_replay_file_keeps_the_other_answers(
    generate: Generate, output: Path, person: Path
) -> None:
    """The remedy in the error message works."""
    slug = {"project_slug": "../evil", "package_name": "evil"}
    assert "--replay" in generate(author="Jane Doe", **slug).errors[-1]
    (file,) = (person / ".cookiecutter_replay").glob("*.json")
    file.write_text(file.read_text("utf-8").replace('"../evil"', '"good"'))
    assert generate(command=(*COOKIECUTTER, ROOT, "--replay")).status == 0
    assert "Jane Doe" in (output / "good" / "LICENSE").read_text("utf-8")


def test_an_old_python_gets_a_one_line_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even Python 3.7 can parse the first hook."""
    hook = ROOT / "hooks" / "pre_gen_project.py"
    ast.parse(hook.read_text("utf-8"), feature_version=(3, 7))
    monkeypatch.setattr(sys, "version", "3.9.18 (main)")
    monkeypatch.delattr(sys, "stdlib_module_names")  # new in Python 3.10
    with pytest.raises(SystemExit, match=r"on Python 3\.9\.18\. Run it on 3"):
        runpy.run_path(str(hook))


CRUFT = (sys.executable, "-m", "cruft", "create")
LEFTOVER = "tmp12345678/repo/.git"


@posix
@pytest.mark.parametrize(
    ("command", "folder", "leftover"),
    [
        (CRUFT, "", LEFTOVER),
        (CRUFT, "folder", LEFTOVER),
        (CRUFT, "tmpabcdefgh", ""),
        (COOKIECUTTER, "tmpabcdefgh", LEFTOVER),
    ],
)
def test_a_new_project_in_a_temporary_folder_needs_its_image(
    command: tuple[str, ...],
    folder: str,
    leftover: str,
    generate: Generate,
    repository: Path,
    tmp_path: Path,
) -> None:
    """Only an update generates projects without an image; see test_updates.py.

    An update that is killed leaves its clone of the template.
    """
    edit(repository / "cookiecutter.json", '"skip", "try", "require"', '"require"')
    commit(repository)
    temporary = tmp_path / "temporary"
    (temporary / folder).mkdir(parents=True)
    (temporary / leftover).mkdir(parents=True, exist_ok=True)
    result = generate(
        f"--output-dir={temporary / folder}",
        command=(*command, repository, "--no-input"),
        commands=GIT | {"docker": STOPPED},
        env={"TMPDIR": str(temporary)},
    )
    assert result.status == 1
    assert f"error: there is no working image: {NO_DAEMON}. " in result.errors[0]
    assert not (temporary / folder / "hypermodern-python").exists()


@pytest.fixture
def owned(output: Path) -> Path:
    """Return a project folder with an owner's files and uncommitted work."""
    folder = output / "hypermodern-python"
    for name in (
        *("README.md", "LICENSE", "docs/my.md", ".hidden/deep/file", "src/mine.py"),
        *(".github/CODEOWNERS", ".github/workflows/mine.yml", "docker/mine.txt"),
        ".github/workflows/tests.yml",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"my {name}\n")
    (folder / "poetry.lock").write_text('name = "click"\n')
    (folder / "docs/my.md").chmod(0o400)
    (folder / "LICENSE").chmod(0o600)
    commit(folder)
    (folder / "README.md").write_text("my uncommitted work\n")
    (folder / "untracked").write_text("mine\n")
    return folder


# A project, a refusal by either hook, and a failed build.
@posix
@pytest.mark.parametrize(
    "answers", [{}, {"email": "me"}, {"package_name": "click"}, REQUIRE], ids=str
)
@pytest.mark.parametrize("options", [OVERWRITE, SKIP], ids=" ".join)
def test_overwriting_replaces_only_files_with_the_same_names(
    options: list[str],
    answers: dict[str, str],
    owned: Path,
    generate: Generate,
    project: Path,
) -> None:
    """Other files never change; --skip-if-file-exists also keeps all existing files."""
    before = snapshot(owned)
    result = generate(*options, commands={"docker": STOPPED}, **answers)
    assert result.status == bool(answers)
    after = snapshot(owned)
    written = set() if "email" in answers else set(contents(project))
    for name, state in before.items():
        if options == SKIP or name not in written:
            assert after[name] == state, name
    assert answers or after.keys() >= written
    assert MARKER not in after


@posix
@pytest.mark.parametrize("end", ["completes", "loses its marker", "SIGINT", "SIGKILL"])
def test_a_folder_belongs_to_one_generation(
    end: str, owned: Path, start: Start, generate: Generate, tmp_path: Path
) -> None:
    """The marker of an incomplete project stops others, until it is deleted."""
    before = snapshot(owned)
    template = copy_template(tmp_path / "template")
    last = template / PROJECT.name / "tests" / "zzz"
    os.mkfifo(last)
    process = start(*SKIP, command=(*COOKIECUTTER, template, "--no-input"))
    opened = os.open(last, os.O_WRONLY)  # blocks until the generation reads the file
    incomplete = snapshot(owned)
    assert b"incomplete" in incomplete[MARKER][1]

    (line,) = generate(*OVERWRITE).errors
    assert line.startswith(f"error: {owned / MARKER} exists: ")
    assert "delete this file" in line
    assert snapshot(owned) == incomplete

    if end.startswith("SIG"):
        os.killpg(process.pid, signal.Signals[end])
    elif end == "loses its marker":  # as if another generation had completed meanwhile
        (owned / MARKER).unlink()
    # Replace the pipe, because Cookiecutter opens each file twice by its name.
    last.unlink()
    last.write_text("the last file\n")
    os.close(opened)
    result = finish(process)
    assert bool(result.status) == (end != "completes")
    if end == "loses its marker":
        assert result.errors[0].startswith("error: another generation wrote to ")
    assert before.items() <= snapshot(owned).items()
    assert (owned / MARKER).exists() == end.startswith("SIG")
    (owned / MARKER).unlink(missing_ok=True)
    assert generate(*SKIP).status == 0


@posix
def test_ctrl_c_stops_the_build_with_a_one_line_message(
    start: Start, output: Path, project: Path
) -> None:
    """The signal goes to all processes, as in a terminal. The project is complete."""
    process = start(commands=docker(f"build) echo started; {SLEEP}"), **TRY)
    assert process.stdout
    assert process.stdout.readline() == "started\n"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "error: interrupted. The image or the first commit may be" in errors
    assert "Traceback" not in errors
    assert contents(output / project.name).keys() == contents(project).keys()


@posix
def test_the_engine_writes_directly_to_the_terminal(start: Start) -> None:
    """BuildKit shows its progress display only on a terminal."""
    main, terminal = os.openpty()
    commands = {"docker": f"[ $1 != build ] || [ -t 1 ] || exit 9\n{WORKS}"}
    assert finish(start(commands=commands, stdout=terminal, **REQUIRE)).status == 0
    os.close(main)
    os.close(terminal)


@pytest.mark.engine
def test_a_real_engine_builds_the_image(generate: Generate, tag: str) -> None:
    """The build works even if only the owner can read the files, as under umask 077."""
    before = os.umask(0o077)
    try:
        result = generate(project_slug=tag, **REQUIRE)
    finally:
        os.umask(before)
    assert result.status == 0, result.errors
    assert any(f"Built and tested the image {tag}: " in line for line in result.output)
    said = run("docker", "run", "--rm", tag, "--version").stdout
    assert said == f"{tag}, version 0.1.0\n"
