"""What fails ends with a clear line, no project that only looks whole, and no loss.

The faults are made for real: a full disk, a folder that cannot be written to, a process
that is killed, a daemon that is cut off.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import ROOT, contents, copy_of_template, run
from tests.conftest import Generate
from tests.questions import ANSWERS, ASKED, CHOICES
from tests.survival import assert_answers_survive

PROJECT = "{{cookiecutter.project_slug}}"
MARKER = "UNFINISHED"

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="the faults are made with what POSIX has"
)


def without(variables: set[str]) -> dict[str, str]:
    """Return the environment without these variables."""
    return {name: os.environ[name] for name in os.environ.keys() - variables}


class Blocked:
    """A generation that waits for its last file, which is a named pipe."""

    def __init__(self, folder: Path, output: Path, home: Path) -> None:
        """Start the generation, and wait until it waits."""
        template = copy_of_template(folder / "template")
        self.pipe = template / PROJECT / "tests" / "zzz"
        os.mkfifo(self.pipe)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cookiecutter", str(template), "--no-input"],
            cwd=output,
            env=os.environ | {"HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        # Opening a pipe takes until somebody opens its other end.
        self.end = os.open(self.pipe, os.O_WRONLY)

    def finish(self) -> tuple[int, str, str]:
        """Let the generation go on, or end as it was told to; return what it said."""
        # Cookiecutter looks at a file, then reads it once more, by its name.
        self.pipe.unlink()
        self.pipe.write_text("the last file\n")
        os.close(self.end)
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output, errors


@pytest.fixture
def blocked(tmp_path: Path, output: Path, home: Path) -> Iterator[Blocked]:
    """Return a generation that is at work on its last file."""
    generation = Blocked(tmp_path, output, home)
    yield generation
    if generation.process.poll() is None:
        os.killpg(generation.process.pid, signal.SIGKILL)
        generation.process.wait()


Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Return a function that mounts a file system in memory with these options."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if os.geteuid() or run(*command, check=False).returncode:
            pytest.skip(
                "only root may mount a file system; in a container, not even it"
            )
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        run("umount", str(folder))


def test_a_target_that_exists_is_not_touched(generate: Generate, output: Path) -> None:
    """Cookiecutter says so in one line."""
    target = output / "hypermodern-python"
    target.mkdir()
    (target / "README.md").write_text("mine\n")
    result = generate()
    assert result.returncode == 1
    assert result.stdout.endswith('hypermodern-python" directory already exists\n')
    assert contents(output) == {"hypermodern-python/README.md": b"mine\n"}


@pytest.mark.parametrize("options", [[], ["--overwrite-if-exists"]])
def test_a_refusal_touches_no_target_that_exists(
    generate: Generate, output: Path, options: list[str]
) -> None:
    """Neither one that is to be overwritten, nor the folder above."""
    target = output / "hypermodern-python"
    target.mkdir()
    (target / "README.md").write_text("mine\n")
    for answers in ({"email": "me"}, {"project_slug": ""}, {"project_slug": ".."}):
        assert generate(*options, **answers).returncode == 1
        assert contents(output) == {"hypermodern-python/README.md": b"mine\n"}


def test_overwriting_leaves_the_other_files_and_no_marker(
    generate: Generate, output: Path
) -> None:
    """As with cruft and whoever generates again."""
    target = output / "hypermodern-python"
    target.mkdir()
    (target / "notes.txt").write_text("mine\n")
    assert generate("--overwrite-if-exists").returncode == 0
    assert (target / "notes.txt").read_text() == "mine\n"
    assert (target / "pyproject.toml").exists()
    assert not (target / MARKER).exists()


def test_a_disk_that_is_almost_full_is_told_before_a_file_is_written(
    generate: Generate, mount: Mount
) -> None:
    """The folder is removed again."""
    disk = mount("size=256k")
    result = generate(f"--output-dir={disk}")
    assert result.returncode == 1
    assert result.stderr == (
        f"error: cannot write to {disk / 'hypermodern-python'}: "
        "less than a megabyte is free on its disk.\n"
    )
    assert not list(disk.iterdir())


def test_a_disk_that_fills_leaves_no_project_that_looks_whole(
    generate: Generate, mount: Mount
) -> None:
    """It has room for ten files here: the marker is among them."""
    disk = mount("size=2m,nr_inodes=12")
    result = generate(f"--output-dir={disk}")
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert "Created" not in result.stdout
    assert (disk / "hypermodern-python" / MARKER).exists()


def test_a_read_only_folder_is_left_alone(generate: Generate, mount: Mount) -> None:
    """Cookiecutter fails to make the folder, before it runs any code of ours."""
    disk = mount("ro,size=4m")
    result = generate(f"--output-dir={disk}")
    assert result.returncode == 1
    assert f"Unable to create directory at {disk}" in result.stderr
    assert not list(disk.iterdir())


def test_a_project_that_cannot_be_written_to_is_told_so(
    generate: Generate, mount: Mount
) -> None:
    """Where it is there already, our own line says so."""
    disk = mount("size=4m")
    (disk / "hypermodern-python").mkdir()
    run("mount", "-o", "remount,ro", str(disk))
    result = generate("--overwrite-if-exists", f"--output-dir={disk}")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: cannot write to {disk / 'hypermodern-python'}: ")
    assert "Read-only file system" in line


def test_nothing_but_python_is_needed(
    generate: Generate, output: Path, tmp_path: Path
) -> None:
    """No git, no Docker, no Poetry, no terminal, no locale."""
    (tmp_path / "bin").mkdir()
    environment = without({"TERM", "LANG", "LC_ALL", "LC_CTYPE"}) | {
        "PATH": str(tmp_path / "bin"),
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
    }
    result = generate(env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Created hypermodern-python. Next:\n")
    assert (output / "hypermodern-python" / "pyproject.toml").exists()


def test_a_path_that_the_terminal_cannot_show_is_no_error(
    generate: Generate, output: Path, tmp_path: Path
) -> None:
    """The next step says it in escapes."""
    elsewhere = tmp_path / "プロジェクト 🙂"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = generate(f"--output-dir={elsewhere}", env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert "\\u30d7" in result.stdout
    assert (elsewhere / "hypermodern-python" / "pyproject.toml").exists()
    assert not list(output.iterdir())


def test_an_interrupt_at_the_prompts_leaves_nothing(output: Path, home: Path) -> None:
    """Ctrl-C reaches every process of the terminal."""
    with subprocess.Popen(
        [sys.executable, "-m", "cookiecutter", str(ROOT)],
        cwd=output,
        env=os.environ | {"HOME": str(home)},
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_project_that_was_broken_off_is_marked(
    blocked: Blocked, generate: Generate, output: Path, number: signal.Signals
) -> None:
    """Its own files would not tell; and it is not overwritten without a word."""
    os.killpg(blocked.process.pid, number)
    status, _, errors = blocked.finish()
    assert status
    assert "Traceback" not in errors
    project = output / "hypermodern-python"
    assert (project / "pyproject.toml").exists()
    assert "incomplete" in (project / MARKER).read_text()

    before = contents(output)
    assert generate().returncode == 1
    result = generate("--overwrite-if-exists")
    assert result.returncode == 1
    assert result.stderr == (
        f"error: {project / MARKER} is there: another generation is at work in this "
        "folder, or was broken off. Remove the folder, then generate again.\n"
    )
    assert contents(output) == before


def test_of_two_generations_into_one_folder_one_is_refused(
    blocked: Blocked, generate: Generate, output: Path
) -> None:
    """The other ends as if nobody had come between."""
    before = contents(output)
    assert generate().returncode == 1
    assert generate("--overwrite-if-exists").returncode == 1
    assert contents(output) == before
    status, said, errors = blocked.finish()
    assert (status, errors) == (0, "")
    assert said.startswith("Created hypermodern-python. Next:\n")
    assert not (output / "hypermodern-python" / MARKER).exists()


def test_generations_that_race_leave_a_whole_project_or_none(
    output: Path, home: Path, project: Path
) -> None:
    """Who comes first does not matter, nor does it if both lose."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input"],
            cwd=output,
            env=os.environ | {"HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(4)
    ]
    statuses = [racer.wait(timeout=60) for racer in racers]
    target = output / "hypermodern-python"
    if 0 in statuses:
        assert contents(target) == contents(project)
    else:
        assert not target.exists() or (target / MARKER).exists()


def test_a_marker_that_is_gone_fails_the_generation(
    blocked: Blocked, output: Path
) -> None:
    """Somebody else had the folder: what is there now is not one project."""
    (output / "hypermodern-python" / MARKER).unlink()
    status, _, errors = blocked.finish()
    assert status == 1
    assert "another generation was at work" in errors
    assert not list(output.iterdir())


# With an engine.


@pytest.mark.engine
def test_a_build_without_a_network_ends_with_one_line(
    generate: Generate, output: Path, tmp_path: Path
) -> None:
    """What pip says of it is above."""
    template = copy_of_template(tmp_path / "template")
    dockerfile = template / PROJECT / "Dockerfile"
    base = "AS base\n"
    dead = "ENV PIP_INDEX_URL=http://127.0.0.1:9/simple PIP_RETRIES=1\n"
    dockerfile.write_text(
        dockerfile.read_text("utf-8").replace(base, base + dead, 1), "utf-8"
    )
    result = generate(template=template, docker_build="require")
    assert result.returncode == 1
    assert "Connection refused" in result.stdout
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("error"))
    assert "docker build ended with status 1, see above" in line
    assert "Traceback" not in result.stderr
    assert not list(output.iterdir())


class Proxy:
    """A port that passes everything on to the engine's socket, until it is cut."""

    def __init__(self) -> None:
        """Listen on loopback: a socket's path could be too long."""
        self.sockets: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "tcp://{}:{}".format(*self.listener.getsockname())
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        """Connect each client to the engine."""
        engine_path = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(engine_path.removeprefix("unix://"))
                self.sockets += [client, engine]
                for pair in ((client, engine), (engine, client)):
                    threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        """Pass on what one says to the other."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End every connection, and take no other."""
        for each in [self.listener, *self.sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.mark.engine
def test_a_daemon_that_dies_during_the_build_ends_it_with_one_line(
    output: Path, home: Path, tmp_path: Path
) -> None:
    """Its client notices; the project is not kept."""
    template = copy_of_template(tmp_path / "template")
    (template / PROJECT / "Dockerfile").write_text(
        "FROM python:3.14-slim\nRUN echo at work; sleep 60\n"
    )
    proxy = Proxy()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "cookiecutter", str(template), "--no-input"),
            *("docker_build=try", f"project_slug=daemon-{os.getpid()}"),
        ],
        cwd=output,
        env=os.environ | {"HOME": str(home), "DOCKER_HOST": proxy.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if line.rstrip().endswith("at work"):
                break
        proxy.cut()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = (line for line in errors.splitlines() if line.startswith("error"))
    assert "docker build ended with status 1, see above" in line
    assert "Traceback" not in errors
    assert not list(output.iterdir())


@pytest.mark.engine
def test_a_project_made_under_umask_077_has_an_image_that_runs(
    generate: Generate, output: Path, tag: str
) -> None:
    """The image's user is not the one whose files they are."""
    before = os.umask(0o077)
    try:
        result = generate(project_slug=tag, docker_build="require")
        assert result.returncode == 0, result.stderr
        assert (output / tag).stat().st_mode & 0o077 == 0
    finally:
        os.umask(before)
    result = run("docker", "run", "--rm", tag, "--version")
    assert result.stdout == f"{tag}, version 0.1.0\n"


def payloads(marker: str) -> dict[str, str]:
    """Return answers that would make a file of this name if anything ran them."""
    shell = f"$(touch {marker}) `touch {marker}`; touch {marker} && touch {marker} #"
    return {
        "project_name": f"<script>{shell}</script> ${{{{ '{shell}' }}}} {{{{ 7*7 }}}}",
        "description": (
            f"' + __import__('os').system('touch {marker}') + ' \"\"\" {shell} "
            f"'; touch {marker}; ' \"; touch {marker}; \" "
            f'{{{{ cycler.__init__.__globals__.os.popen("touch {marker}").read() }}}} '
            f"]] [tool.poetry.build] script = '{marker}' \\ RUN touch {marker} "
            f"%0Atouch {marker} !!python/object/apply:os.system ['touch {marker}']"
        ),
        "author": f"'; touch {marker}; \" {shell} \\",
        # The rule for addresses lets all of this through.
        "email": "`touch`$MARKER'{x}|y&z@example.com",
    }


@pytest.fixture
def injected(
    home: Path, output: Path, tmp_path: Path, tag: str
) -> tuple[Path, dict[str, str], Path]:
    """Return a project made from payloads at the prompts, its answers, and the marker."""
    marker = tmp_path / "MARKER"
    answers = (
        ANSWERS | payloads(str(marker)) | {"project_slug": tag, "package_name": "s"}
    )
    # Enter takes the first option of a choice.
    typed = "".join(
        "\n" if question in CHOICES else f"{answers[question]}\n" for question in ASKED
    )
    result = run(
        *(sys.executable, "-m", "cookiecutter", str(ROOT)),
        stdin=typed,
        cwd=output,
        env=os.environ | {"HOME": str(home)},
    )
    assert "Created" in result.stdout
    return output / tag, answers, marker


def test_nothing_in_an_answer_is_executed(
    injected: tuple[Path, dict[str, str], Path], tmp_path: Path
) -> None:
    """Not at generation, nor by the build backend, nox, or the program."""
    project, answers, marker = injected
    assert_answers_survive(project, answers)
    target = tmp_path / "installed"
    run(
        *(sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"),
        *(f"--target={target}", str(project)),
    )
    environment = os.environ | {"PYTHONPATH": str(target)}
    help_text = run(sys.executable, "-m", "s", "--help", env=environment, cwd=project)
    assert help_text.stdout.startswith("Usage: ")
    run("nox", "--list", cwd=project)
    assert not marker.exists()
    assert not list(project.rglob("MARKER"))


@pytest.mark.engine
def test_nothing_in_an_answer_is_executed_by_docker(
    injected: tuple[Path, dict[str, str], Path],
) -> None:
    """Not while the image is built, nor when it runs."""
    project, _, marker = injected
    run("docker", "build", "--tag", project.name, ".", cwd=project)
    run("docker", "run", "--rm", project.name, "--count=1")
    search = f"! find / -xdev -name MARKER 2>/dev/null | grep . && ! test -e {marker}"
    command = ["docker", "run", "--rm", "--entrypoint=sh", project.name, "-c", search]
    run(*command)
    assert not marker.exists()
    assert not list(project.rglob("MARKER"))
