"""The hooks refuse answers, build, commit, and lose no files when something fails.

The failures are real: a full disk, a killed process, a client without a daemon.
"""

import ast
import json
import os
import runpy
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.images import free_port
from tests import PROJECT, ROOT, commit, contents, copy_template, run
from tests.answers import (
    ASKED,
    CHOICES,
    DEFAULTS,
    POST_GEN,
    assert_reads_back,
    refusals,
)
from tests.conftest import Fake, Generate

MARKER = "UNFINISHED"
posix = pytest.mark.skipif(os.name == "nt", reason="Windows lacks what POSIX has here")


def messages(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Return a hook's lines on standard error, without Cookiecutter's traceback."""
    assert result.returncode == 1
    return result.stderr.partition("Hook script failed")[0].splitlines()


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and content of each path below a folder, including Git's."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


# Refusals.


def test_all_invalid_answers_are_reported_at_once(
    generate: Generate, output: Path
) -> None:
    """No project is left, and the last line explains what to do."""
    result = generate(project_slug="Con", package_name="class", email="me")
    *lines, last = messages(result)
    assert sorted(line.partition(":")[0] for line in lines) == [
        *("email", "package_name", "project_slug")
    ]
    assert last.startswith("Nothing was written. ")
    assert not list(output.iterdir())


# Slugs that are paths or odd folder names. The same pattern refuses the other slugs in
# hostile.jsonl.
SLUGS = ["../evil", "a/b/c", "a/../../evil", "/evil", "~/evil", ".hidden", "-rf", "a b"]


@pytest.mark.parametrize("slug", SLUGS, ids=ascii)
def test_a_refused_slug_leaves_no_project_anywhere(slug: str, tmp_path: Path) -> None:
    """Cookiecutter creates the slug's folder, even outside, and removes it again."""
    output = tmp_path / "a" / "b" / "c"
    output.mkdir(parents=True)
    # Each test needs an absolute path of its own.
    name = f"{tmp_path}/evil" if slug.startswith("/") else slug
    command = (sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input")
    env = os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    answers = (f"project_slug={name}", "package_name=splines")
    result = run(*command, *answers, check=False, cwd=output, env=env)
    assert messages(result)[0].startswith("project_slug: ")
    (tmp_path / ".cookiecutter_replay" / f"{ROOT.name}.json").unlink()
    # Empty parent folders may stay.
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not (output / name).exists()


def test_the_name_of_a_dependency_is_refused(generate: Generate, output: Path) -> None:
    """The last hook finds the name in the lock file, and the project is not kept."""
    lines = messages(generate(project_slug="sphinx-click", package_name="typeguard"))
    assert [line.partition(":")[0] for line in lines] == [
        *(
            "project_slug",
            "package_name",
            "Generate the project again with other answers.",
        )
    ]
    assert not list(output.iterdir())


def test_a_corrected_replay_file_keeps_the_other_answers(
    generate: Generate, output: Path, home: Path
) -> None:
    """The fix that the error message suggests works."""
    slug = {"project_slug": "../evil", "package_name": "evil"}
    assert "--replay" in messages(generate(author="Jane Doe", **slug))[-1]
    (file,) = (home / ".cookiecutter_replay").glob("*.json")
    file.write_text(file.read_text("utf-8").replace('"../evil"', '"good"'))
    assert generate("--replay").returncode == 0
    project = tomllib.loads((output / "good" / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["authors"][0]["name"] == "Jane Doe"


def test_an_option_in_a_replay_file_is_checked(
    generate: Generate, output: Path, home: Path
) -> None:
    """The hook checks all options, because Cookiecutter checks only typed ones."""
    assert generate(project_slug="first").returncode == 0
    (file,) = (home / ".cookiecutter_replay").glob("*.json")
    answers = json.loads(file.read_text("utf-8"))
    answers["cookiecutter"] |= {"project_slug": "second", "license": "WTFPL"}
    file.write_text(json.dumps(answers))
    assert messages(generate("--replay"))[0].startswith("license: 'WTFPL' is not an ")
    assert [path.name for path in output.iterdir()] == ["first"]


def test_cruft_shows_the_error_messages(
    repository: Path, output: Path, person: Path
) -> None:
    """The command prints the hook's message, and leaves no project."""
    answers = json.dumps({"package_name": "class"})
    create = ("cruft", "create", str(repository), "--no-input")
    options = (f"--extra-context={answers}", f"--config-file={person / 'none.yaml'}")
    (person / "none.yaml").write_text("{}")
    result = run(*create, *options, check=False, cwd=output)
    assert result.returncode == 1
    assert result.stderr.startswith("package_name: 'class' is reserved by Python. ")
    assert not list(output.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(
    "answers",
    [
        {
            "description": "{{ 7 * 7 }} {% raw %} ${{ x }} {# \\ \" ' 🙂",
            "author": "{{ cookiecutter.email }}",
            "project_name": "{% endraw %}",
            "project_slug": "splines",
        },
        {"project_slug": "../evil", "package_name": "evil"},
        {"email": "me", "github_user": "-"},
    ],
    ids=["braces", "path", "two"],
)
def test_answers_typed_at_a_terminal(
    answers: dict[str, str], home: Path, output: Path
) -> None:
    """Typed answers are not rendered, and are refused like any others."""
    main, terminal = os.openpty()
    typed = "".join(f"{answers.get(question, '')}\n" for question in ASKED)
    os.write(main, typed.encode())
    result = run(
        *("sh", "-c", 'exec "$@" <"$0"', os.ttyname(terminal)),
        *(sys.executable, "-m", "cookiecutter", str(ROOT)),
        check=False,
        cwd=output,
    )
    os.close(main)
    os.close(terminal)
    refused = [line.partition(": ")[0] for line in refusals(DEFAULTS | answers)]
    if refused:
        lines = messages(result)[:-1]
        assert [line.partition(": ")[0] for line in lines] == refused
        assert not list(output.iterdir())
    else:
        assert result.returncode == 0, result.stderr
        (file,) = (home / ".cookiecutter_replay").glob("*.json")
        kept = json.loads(file.read_text("utf-8"))["cookiecutter"]
        assert kept.items() >= answers.items()
        assert_reads_back(output / "splines", kept)


def test_an_old_python_gets_a_one_line_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even Python 3.7 can parse the first hook."""
    hook = ROOT / "hooks" / "pre_gen_project.py"
    ast.parse(hook.read_text("utf-8"), feature_version=(3, 7))
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    monkeypatch.delattr(sys, "stdlib_module_names")  # new in Python 3.10
    with pytest.raises(SystemExit, match=r"runs on Python 3\.9\. Run it on 3\.10 or"):
        runpy.run_path(str(hook))


# Existing files.


@pytest.fixture
def owned(output: Path, person: Path) -> Path:
    """Return a project folder with an owner's files and uncommitted work."""
    folder = output / "hypermodern-python"
    assert person.is_dir()
    for name in (
        *("README.md", "poetry.lock", "src/mine.py", ".hidden/deep/file", "docs/my.md"),
        *(".github/CODEOWNERS", ".github/workflows/mine.yml", ".github/mine.md"),
        *(".github/workflows/tests.yml", ".github/dependabot.yml", "docker/mine.txt"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"my {name}\n")
    (folder / "poetry.lock").write_text('name = "click"\n')
    (folder / "docs/my.md").chmod(0o400)
    (folder / "LICENSE").write_text("my license\n")
    (folder / "LICENSE").chmod(0o600)
    commit(folder)
    (folder / "README.md").write_text("my uncommitted work\n")
    (folder / "untracked").write_text("mine\n")
    return folder


SKIP = ["--overwrite-if-exists", "--skip-if-file-exists"]
# Answers for each result: a project, a refusal by either hook, and a failed build.
ENDS: dict[str, dict[str, str]] = {
    "success": {},
    "refusal": {"email": "me"},
    "dependency": {"package_name": "click"},
    "build": {"docker_build": "require"},
}


@posix
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("options", [SKIP[:1], SKIP], ids=" ".join)
def test_overwriting_replaces_only_files_with_the_same_names(
    options: list[str],
    end: str,
    owned: Path,
    generate: Generate,
    fake: Fake,
    project: Path,
) -> None:
    """Other files never change; --skip-if-file-exists also keeps all existing files."""
    fake("docker", "[ $1 = version ]")
    before = snapshot(owned)
    result = generate(*options, **ENDS[end])
    assert result.returncode == (end != "success")
    after = snapshot(owned)
    written = set() if end == "refusal" else set(contents(project))
    for name, state in before.items():
        if options == SKIP or name not in written:
            assert after[name] == state, name
    if end == "success":
        assert set(contents(owned)) >= written
    assert MARKER not in after


def test_an_existing_folder_is_left_alone_by_default(
    owned: Path, generate: Generate
) -> None:
    """Cookiecutter prints a one-line message."""
    before = snapshot(owned)
    result = generate()
    assert result.returncode == 1
    assert result.stdout.endswith('hypermodern-python" directory already exists\n')
    assert snapshot(owned) == before


@pytest.mark.parametrize("slug", ["", ".", ".."])
def test_a_slug_that_names_a_parent_folder_changes_no_file(
    slug: str, owned: Path, generate: Generate, tmp_path: Path
) -> None:
    """These slugs are refused even with --overwrite-if-exists."""
    before = snapshot(owned)
    beside = set(tmp_path.iterdir())
    for options in ([], SKIP[:1]):
        assert generate(*options, project_slug=slug).returncode == 1
    assert snapshot(owned) == before
    assert set(tmp_path.iterdir()) == beside


# Failures.


class Blocked:
    """A generation that blocks at its last file, which is a named pipe."""

    def __init__(self, folder: Path, output: Path, *options: str) -> None:
        """Start the generation, and return when it blocks."""
        template = copy_template(folder / "template")
        self.pipe = template / PROJECT.name / "tests" / "zzz"
        os.mkfifo(self.pipe)
        self.process = subprocess.Popen(
            [*(sys.executable, "-m", "cookiecutter", template, "--no-input"), *options],
            cwd=output,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        # This call blocks until the generation opens the other end.
        self.end = os.open(self.pipe, os.O_WRONLY)

    def finish(self) -> tuple[int, str, str]:
        """Let the generation continue, and return its status, output and errors."""
        # Replace the pipe, because Cookiecutter opens each file twice by its name.
        self.pipe.unlink()
        self.pipe.write_text("the last file\n")
        os.close(self.end)
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output, errors


@pytest.fixture
def block(tmp_path: Path, output: Path, home: Path) -> Iterator[Callable[..., Blocked]]:
    """Return a function that starts a generation, which blocks at its last file."""
    assert home.is_dir()
    started: list[Blocked] = []

    def block(*options: str) -> Blocked:
        started.append(Blocked(tmp_path, output, *options))
        return started[-1]

    yield block
    for generation in started:
        if generation.process.poll() is None:
            os.killpg(generation.process.pid, signal.SIGKILL)
            generation.process.wait()


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_generation_leaves_a_marked_project(
    block: Callable[..., Blocked],
    generate: Generate,
    output: Path,
    number: signal.Signals,
) -> None:
    """The next generation reports the marker, and works after its deletion."""
    blocked = block()
    os.killpg(blocked.process.pid, number)
    status, _, errors = blocked.finish()
    assert status
    assert "Traceback" not in errors
    project = output / "hypermodern-python"
    assert "incomplete" in (project / MARKER).read_text()
    before = contents(output)
    assert generate().returncode == 1
    (line,) = messages(generate(*SKIP[:1]))
    assert line.startswith(f"error: {project / MARKER} exists: ")
    assert "delete this file" in line
    assert contents(output) == before
    (project / MARKER).unlink()
    assert generate(*SKIP[:1]).returncode == 0


@posix
def test_an_interrupted_generation_keeps_existing_files(
    block: Callable[..., Blocked], owned: Path
) -> None:
    """With --skip-if-file-exists, no byte of the owner's files changes."""
    before = snapshot(owned)
    blocked = block(*SKIP)
    os.killpg(blocked.process.pid, signal.SIGKILL)
    blocked.finish()
    after = snapshot(owned)
    assert before.items() <= after.items()


@posix
def test_a_second_generation_into_the_same_folder_is_refused(
    block: Callable[..., Blocked], generate: Generate, output: Path
) -> None:
    """The first generation completes as if it were alone."""
    blocked = block()
    before = contents(output)
    assert generate().returncode == 1
    assert generate(*SKIP[:1]).returncode == 1
    assert contents(output) == before
    status, said, errors = blocked.finish()
    assert (status, errors) == (0, "")
    assert said.startswith("Created hypermodern-python. Next:\n")
    assert not (output / "hypermodern-python" / MARKER).exists()


@posix
def test_a_generation_without_its_marker_fails(
    block: Callable[..., Blocked], output: Path
) -> None:
    """Another generation has used the folder, so its files may be a mixture."""
    blocked = block()
    (output / "hypermodern-python" / MARKER).unlink()
    status, _, errors = blocked.finish()
    assert status == 1
    assert "another generation wrote to" in errors
    assert not list(output.iterdir())


Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Return a function that mounts an in-memory file system with these options."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
        if os.name == "nt" or os.geteuid() or run(*command, check=False).returncode:
            pytest.skip("only root, outside most containers, can mount a file system")
        return folder

    yield mount
    run("umount", str(folder), check=False)


def test_an_almost_full_disk_is_reported_before_the_first_file(
    generate: Generate, mount: Mount
) -> None:
    """The project's folder is removed again."""
    disk = mount("size=256k")
    assert messages(generate(f"--output-dir={disk}")) == [
        f"error: cannot write to {disk / 'hypermodern-python'}: "
        "less than a megabyte is free on its disk."
    ]
    assert not list(disk.iterdir())


def test_a_disk_that_fills_up_leaves_a_marked_project(
    generate: Generate, mount: Mount
) -> None:
    """The disk has room for ten files."""
    disk = mount("size=2m,nr_inodes=12")
    result = generate(f"--output-dir={disk}")
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert "Created" not in result.stdout
    assert (disk / "hypermodern-python" / MARKER).exists()


def test_a_read_only_disk_is_reported(generate: Generate, mount: Mount) -> None:
    """The hook reports it if the project's folder exists, or else Cookiecutter does."""
    disk = mount("size=4m")
    (disk / "hypermodern-python").mkdir()
    run("mount", "-o", "remount,ro", str(disk))
    (line,) = messages(generate(*SKIP[:1], f"--output-dir={disk}"))
    assert line.startswith(f"error: cannot write to {disk / 'hypermodern-python'}: ")
    assert "Read-only file system" in line
    result = generate(f"--output-dir={disk}", project_slug="other")
    assert result.returncode == 1
    assert f"Unable to create directory at {disk}" in result.stderr


def test_only_python_is_needed(
    generate: Generate, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generation needs no git, Docker, Poetry, terminal or locale.

    The path may contain characters that cannot be printed.
    """
    for name in ("TERM", "LANG", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("PYTHONUTF8", "0")
    elsewhere = tmp_path / "プロジェクト 🙂"
    result = generate(f"--output-dir={elsewhere}")
    assert (result.returncode, result.stderr) == (0, "")
    assert "\\ud" in result.stdout
    assert (elsewhere / "hypermodern-python" / "pyproject.toml").exists()
    assert not list(output.iterdir())


@posix
def test_ctrl_c_at_the_prompts_leaves_no_files(output: Path, home: Path) -> None:
    """The signal goes to all processes, as in a terminal."""
    assert home.is_dir()
    with subprocess.Popen(
        [sys.executable, "-m", "cookiecutter", str(ROOT)],
        cwd=output,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.read(8)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"Traceback" not in errors
    assert not list(output.iterdir())


# The next steps.


def test_the_last_lines_are_the_next_steps(generate: Generate) -> None:
    """The output has five lines, with commands that can be copied."""
    result = generate()
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "Created hypermodern-python. Next:",
        "  cd hypermodern-python",
        "  pipx install nox poetry && nox",
        "  docker build --tag hypermodern-python .",
        "  docker run --rm hypermodern-python --count=4",
    ]
    assert result.stderr == ""


@posix
@pytest.mark.parametrize("shell", ["elsewhere", "unset"])
def test_the_cd_command_works_from_any_folder(
    shell: str, generate: Generate, home: Path, tmp_path: Path
) -> None:
    """The command also works if the shell sets no PWD, as on Windows."""
    folder = tmp_path / "else where"
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input"]
    unset = ["env", "-u", "PWD", f"HOME={home}"]
    if shell == "elsewhere":
        said = generate(f"--output-dir={folder}").stdout
    else:
        folder.mkdir()
        said = run(*unset, *command, cwd=folder).stdout
    line = said.splitlines()[1].strip()
    assert (
        run("sh", "-c", f"{line} && pwd")
        .stdout.rstrip()
        .endswith("else where/hypermodern-python")
    )


def test_a_path_is_quoted_for_the_system_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows uses other quotes than POSIX."""
    path = Path("my projects")
    assert POST_GEN.quote(path) == "'my projects'"
    with monkeypatch.context() as windows:
        windows.setattr(os, "name", "nt")
        quoted = POST_GEN.quote(path)
    assert quoted == '"my projects"'


# The build.

# Scripts in place of engines, and the reason in the hook's message.
BROKEN = {
    "missing": ({}, "neither docker nor podman is installed"),
    "stopped": (
        {"docker": "echo 'Is the docker daemon running?' >&2; exit 1"},
        "docker version failed with status 1: Is the docker daemon running",
    ),
    "both": (
        {"docker": "echo a >&2; exit 1", "podman": "echo b >&2; exit 125"},
        "docker version failed with status 1: a, "
        "and podman version failed with status 125: b",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_without_an_engine_only_try_keeps_the_project(
    case: str, generate: Generate, fake: Fake, output: Path
) -> None:
    """A one-line message gives the reason."""
    scripts, reason = BROKEN[case]
    fake(alone=True)
    for name, script in scripts.items():
        fake(name, script, alone=True)
    assert messages(generate(docker_build="require")) == [
        f"error: the image was not built: {reason}. Start an engine, then generate the "
        "project again with --replay."
    ]
    assert not list(output.iterdir())
    result = generate(docker_build="try")
    assert result.returncode == 0
    first, *rest = result.stdout.splitlines()
    line = f"The image was not built: {reason}. Build it later with the command below."
    assert first == line
    assert rest[-2] == "  docker build --tag hypermodern-python ."


def test_an_engine_that_cannot_start_is_reported(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a program can be built for another processor."""
    folder = fake("docker", alone=True)
    (folder / "docker").write_bytes(b"\0")
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(SystemExit, match="docker does not start: "):
        POST_GEN.find_engine(required=True)


WORKS = (
    "case $1 in build) echo building $*;; run) echo Reticulating spline 1...;; "
    "inspect) echo '[{\"Size\": 43210987}]';; esac"
)


@pytest.mark.parametrize("docker", ["", "exit 1"], ids=["missing", "broken"])
def test_podman_is_used_if_docker_does_not_work(
    docker: str, generate: Generate, fake: Fake
) -> None:
    """Podman has the same command line as Docker."""
    if docker:
        fake("docker", docker, alone=True)
    fake("podman", WORKS, alone=True)
    result = generate(docker_build="require")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        *(
            ["docker version failed with status 1: no output. Using podman."]
            * bool(docker)
        ),
        "building build --tag hypermodern-python .",
        "Built and tested the image hypermodern-python: 43 MB.",
        "Created hypermodern-python. Next:",
        "  cd hypermodern-python",
        "  pipx install nox poetry && nox",
        "  podman run --rm hypermodern-python --count=4",
    ]


@posix
def test_the_engine_writes_directly_to_the_terminal(
    fake: Fake, output: Path, home: Path
) -> None:
    """BuildKit shows its progress display only on a terminal."""
    assert home.is_dir()
    fake("docker", f"[ $1 != build ] || [ -t 1 ] || exit 9; {WORKS}")
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input"]
    main, terminal = os.openpty()
    subprocess.run([*command, "docker_build=require"], cwd=output, stdout=terminal)
    assert b"Built and tested the image" in os.read(main, 10_000)
    os.close(main)
    os.close(terminal)


# Failures of an engine, and the reason in the hook's message.
FAILURES = {
    "build": ("build) exit 17;;", "docker build failed with status 17"),
    "run": (
        "run) echo 'exec: not found' >&2; exit 127;;",
        "docker run failed with status 127: exec: not found",
    ),
    "output": (
        "run) echo Hello;;",
        "the container printed 'Hello\\n'",
    ),
    "status": (
        "run) echo Reticulating spline 1...; exit 3;;",
        "docker run failed with status 3: Reticulating spline 1",
    ),
    "inspect": (
        "run) echo Reticulating spline 1...;; inspect) echo gone >&2; exit 1;;",
        "docker inspect failed with status 1: gone",
    ),
}


@pytest.mark.parametrize("mode", ["try", "require"])
@pytest.mark.parametrize("case", FAILURES)
def test_a_broken_image_fails_in_both_modes(
    case: str, mode: str, generate: Generate, fake: Fake, output: Path
) -> None:
    """The message explains how to keep the project."""
    script, reason = FAILURES[case]
    fake("docker", f"case $1 in {script} esac", alone=True)
    assert messages(generate(docker_build=mode)) == [
        f"error: there is no working image: {reason}. To keep a new project despite "
        "this, generate it again with --replay --keep-project-on-failure."
    ]
    assert not list(output.iterdir())


@posix
def test_ctrl_c_stops_the_build_with_a_one_line_message(
    home: Path, output: Path, fake: Fake
) -> None:
    """The signal goes to all processes, as in a terminal."""
    assert home.is_dir()
    fake("docker", "case $1 in build) echo started; exec sleep 60;; esac", alone=True)
    command = [sys.executable, "-m", "cookiecutter", str(ROOT)]
    with subprocess.Popen(
        [*command, "--no-input", "docker_build=try"],
        cwd=output,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "error: interrupted. A new project is not kept.\n" in errors
    assert "Traceback" not in errors


@pytest.mark.engine
def test_a_real_engine_builds_the_image(generate: Generate, tag: str) -> None:
    """The build works even if only the owner can read the files, as under umask 077."""
    before = os.umask(0o077)
    try:
        result = generate(project_slug=tag, docker_build="require")
    finally:
        os.umask(before)
    assert result.returncode == 0, result.stderr
    built, *rest = result.stdout.splitlines()[-5:]
    assert "[dependencies " in result.stderr
    assert built.startswith(f"Built and tested the image {tag}: ")
    assert rest[0] == f"Created {tag}. Next:"
    result = run("docker", "run", "--rm", tag, "--version")
    assert result.stdout == f"{tag}, version 0.1.0\n"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("FROM scratch\nCOPY missing /\n", '"/missing": not found'),
        (
            "FROM python:3.14-slim\n"
            "RUN PIP_INDEX_URL=http://127.0.0.1:9 PIP_RETRIES=0 pip install x\n",
            "No matching distribution found for x",
        ),
    ],
    ids=["file", "network"],
)
def test_a_failed_build_shows_the_message_of_the_engine(
    lines: str,
    says: str,
    generate: Generate,
    tag: str,
    tmp_path: Path,
    output: Path,
) -> None:
    """The engine's own message is above the hook's."""
    template = copy_template(tmp_path / "template")
    (template / PROJECT.name / "Dockerfile").write_text(lines)
    result = generate(template=template, project_slug=tag, docker_build="try")
    assert says in result.stderr
    assert "docker build failed with status 1. To keep" in result.stderr
    assert not list(output.iterdir())


@pytest.mark.engine
def test_docker_without_a_running_daemon(
    generate: Generate, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is installed, but no process listens on the daemon's port."""
    fake("podman", "exit 1")
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{free_port()}")
    *_, line = messages(generate(docker_build="require"))
    assert line.startswith(
        "error: the image was not built: docker version failed with "
    )


# The first commit.

Git = Callable[..., str]


@pytest.fixture
def git(output: Path) -> Git:
    """Return a function that runs git in the new project."""
    project = output / "hypermodern-python"
    return lambda *arguments: run("git", *arguments, cwd=project).stdout


def first_line(generate: Generate) -> str:
    """Generate a project with `git_init=try`, and return the first line of output."""
    result = generate(git_init="try")
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()[0]


@pytest.mark.usefixtures("person")
def test_the_first_commit_contains_all_files(
    generate: Generate, git: Git, project: Path
) -> None:
    """The author is the user, and the branch is the one that the workflows publish."""
    expected = "Created hypermodern-python, with a first commit. Next:"
    assert first_line(generate) == expected
    assert git("log", "--format=%an <%ae>, %cn: %s", "main") == (
        "Jane Doe <jane@example.com>, Jane Doe: Initial commit\n"
    )
    assert git("status", "--porcelain") == ""
    names = git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert set(names) == set(contents(project))


def test_no_git_repository_by_default(generate: Generate, output: Path) -> None:
    """A repository is created only if `git_init` is `try`."""
    assert generate().returncode == 0
    assert not (output / "hypermodern-python" / ".git").exists()


@pytest.mark.parametrize("variables", [{}, {"GIT_COMMITTER_NAME": "J"}], ids=str)
def test_git_does_not_guess_an_identity(
    variables: dict[str, str],
    generate: Generate,
    person: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Git would take the names of the machine and of its user."""
    (person / ".gitconfig").unlink()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv("GIT_COMMITTER_EMAIL", "jane@example.com")
    assert first_line(generate) == (
        "There is no first commit: git has no user.name and user.email; "
        "set them with git config."
    )
    assert not (output / "hypermodern-python" / ".git").exists()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (None, "git is not installed."),
        (b"\0", "git does not start: "),
        (
            b"#!/bin/sh\necho no tools >&2; exit 1\n",
            "git rev-parse failed with status 1: no tools.",
        ),
    ],
    ids=["missing", "program", "script"],
)
def test_the_project_is_kept_without_a_working_git(
    script: bytes | None, says: str, generate: Generate, fake: Fake
) -> None:
    """Some systems have a placeholder that prints how to install git."""
    folder = fake(alone=True)
    if script:
        (folder / "git").write_bytes(script)
        (folder / "git").chmod(stat.S_IRWXU)
    assert first_line(generate).startswith(f"There is no first commit: {says}")


@pytest.mark.usefixtures("person")
def test_no_commit_inside_another_repository(
    generate: Generate, git: Git, output: Path
) -> None:
    """The files belong to the outer repository, unless it ignores the folder."""
    run("git", "init", cwd=output)
    expected = "There is no first commit: the folder is in a Git repository already."
    assert first_line(generate) == expected
    (output / ".gitignore").write_text("*\n")
    assert generate(*SKIP[:1], git_init="try").returncode == 0
    assert git("rev-list", "--count", "HEAD") == "1\n"


@pytest.mark.usefixtures("person")
def test_generation_in_a_git_hook(
    generate: Generate, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The repository in the hook's variables is not changed."""
    other = tmp_path / "other"
    run("git", "init", str(other))
    before = snapshot(other)
    with monkeypatch.context() as variables:
        variables.setenv("GIT_DIR", str(other / ".git"))
        variables.setenv("GIT_WORK_TREE", str(other))
        variables.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
        first_line(generate)
    assert snapshot(other) == before
    assert git("rev-list", "--count", "HEAD") == "1\n"


@posix
def test_a_git_hook_of_the_user_can_refuse_the_commit(
    generate: Generate, git: Git, person: Path
) -> None:
    """The files stay staged."""
    hook = person / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho no such day >&2\nexit 1\n")
    hook.chmod(0o700)
    run("git", "config", "--global", "core.hooksPath", str(hook.parent))
    assert first_line(generate) == (
        "There is no first commit: git commit failed with status 1: no such day."
    )
    assert "A  pyproject.toml\n" in git("status", "--porcelain")


# Injection.


@pytest.mark.engine
def test_no_code_in_an_answer_is_executed(
    home: Path, output: Path, tmp_path: Path, tag: str
) -> None:
    """No code runs in generation, build backend, nox, program, engine or image."""
    assert home.is_dir()
    marker = tmp_path / "MARKER"
    shell = f"$(touch {marker}) `touch {marker}`; touch {marker} && touch {marker} #"
    answers = DEFAULTS | {
        "project_name": f"<script>{shell}</script> ${{{{ '{shell}' }}}} {{{{ 7*7 }}}}",
        "project_slug": tag,
        "package_name": "s",
        "description": (
            f"' + __import__('os').system('touch {marker}') + ' \"\"\" {shell} "
            f"'; touch {marker}; ' \"; touch {marker}; \" "
            f'{{{{ cycler.__init__.__globals__.os.popen("touch {marker}").read() }}}} '
            f"]] [tool.poetry.build] script = '{marker}' \\ RUN touch {marker} "
            f"%0Atouch {marker} !!python/object/apply:os.system ['touch {marker}']"
        ),
        "author": f"'; touch {marker}; \" {shell} \\",
        # These characters are valid in an email address.
        "email": "`touch`$MARKER'{x}|y&z@example.com",
    }
    typed = (
        "\n" if question in CHOICES else f"{answers[question]}\n" for question in ASKED
    )
    command = (sys.executable, "-m", "cookiecutter", ROOT)
    run(*command, stdin="".join(typed), cwd=output)
    project = output / tag
    assert_reads_back(project, answers)
    run("nox", "--list", cwd=project)
    run("docker", "build", "--tag", tag, ".", cwd=project)
    run("docker", "run", "--rm", tag, "--help")
    search = f"! find / -xdev -name MARKER 2>/dev/null | grep . && ! test -e {marker}"
    run("docker", "run", "--rm", "--entrypoint=sh", tag, "-c", search)
    assert not marker.exists()
    assert not list(project.rglob("MARKER"))
