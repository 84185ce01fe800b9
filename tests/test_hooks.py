"""After generation the image is built as the answer says, or a line says why not."""

import itertools
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests import ROOT, copy_of_template
from tests.conftest import Generate
from tests.engine import free_port
from tests.survival import load_hook

Stub = Callable[..., dict[str, str]]

pytestmark = pytest.mark.skipif(
    os.name == "nt",
    reason="the stand-in engines are shell scripts; run on Linux or macOS",
)


@pytest.fixture
def stub(tmp_path: Path) -> Stub:
    """Return a function that makes an environment whose only engine is a script."""

    def stub(name: str = "docker", script: str = "exit 0") -> dict[str, str]:
        folder = tmp_path / "bin"
        folder.mkdir()
        for tool in ("cat", "sh", "sleep", "touch"):
            (folder / tool).symlink_to(shutil.which(tool) or tool)
        if name:
            path = folder / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(stat.S_IRWXU)
        return os.environ | {"PATH": str(folder)}

    return stub


@pytest.fixture
def hook() -> ModuleType:
    """Return the module that Cookiecutter runs after it has generated a project."""
    return load_hook("post_gen_project")


def template_with(dockerfile: str, folder: Path) -> Path:
    """Return a copy of the template with another Dockerfile."""
    template = copy_of_template(folder / "template")
    path = template / "{{cookiecutter.project_slug}}" / "Dockerfile"
    path.write_text(dockerfile)
    return template


def test_the_size_and_the_time_are_what_the_engine_and_the_clock_say(
    hook: ModuleType,
    stub: Stub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In megabytes and in seconds."""
    script = (
        "case $1 in run) echo Reticulating spline 1...;; "
        "image) echo '[{\"Size\": 43210987}]';; esac"
    )
    monkeypatch.setenv("PATH", stub(script=script)["PATH"])
    monkeypatch.setattr(hook.time, "monotonic", itertools.count(5, 7).__next__)
    hook.validate_image("splines")
    assert capsys.readouterr().out == (
        "Built and tested the image splines: 43 MB, 7 seconds.\n"
    )
    assert hook.image_size("docker", "splines") == 43.210987


@pytest.mark.parametrize(
    "script",
    [
        "echo Reticulating spline 1...; exit 3",
        "echo Reticulating spline 1...; echo Reticulating spline 2...",
        "echo Bare",
    ],
)
def test_an_image_works_if_it_prints_one_line_and_ends_well(
    hook: ModuleType, stub: Stub, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """Neither is enough without the other."""
    monkeypatch.setenv("PATH", stub(script=script)["PATH"])
    with pytest.raises(hook.BuildFailedError, match="the container ended with status"):
        hook.try_out("docker", "splines")


def test_an_image_that_is_gone_is_told_so(
    hook: ModuleType, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may have removed it meanwhile."""
    monkeypatch.setenv("PATH", stub(script="echo no such image >&2; exit 1")["PATH"])
    with pytest.raises(hook.BuildFailedError, match="image again: no such image"):
        hook.image_size("docker", "splines")


def test_an_engine_that_does_not_start_is_told_so(
    hook: ModuleType, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be made for another processor."""
    folder = stub()["PATH"]
    Path(folder, "docker").write_bytes(b"\0")
    monkeypatch.setenv("PATH", folder)
    with pytest.raises(hook.EngineUnavailableError, match="docker does not start: "):
        hook.find_engine()


@pytest.mark.parametrize("name", ["pre_gen_project", "post_gen_project"])
def test_a_path_is_quoted_as_the_system_s_shell_takes_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two have other quotes."""
    hook = load_hook(name)
    assert hook.quote("my projects") == "'my projects'"
    with monkeypatch.context() as windows:
        windows.setattr(os, "name", "nt")
        quoted = hook.quote("my projects")
    assert quoted == '"my projects"'


# What the engines print, and what becomes of it.
UNAVAILABLE = {
    "missing": ("", "", "neither docker nor podman is installed"),
    "stopped": (
        "docker",
        "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
        "Is the docker daemon running?' >&2; exit 1",
        "the daemon of docker does not answer; start it",
    ),
    "forbidden": (
        "docker",
        "echo 'permission denied while trying to connect to the Docker daemon socket "
        "at unix:///var/run/docker.sock' >&2; exit 1",
        "you have no permission to use the socket of docker",
    ),
    "broken": (
        "podman",
        "echo 'no runtime' >&2; exit 125",
        "podman does not work: no runtime",
    ),
}


@pytest.mark.parametrize("case", UNAVAILABLE)
def test_try_keeps_the_project_where_no_engine_serves(
    generate: Generate, stub: Stub, output: Path, case: str
) -> None:
    """One line says why, and the next steps say how to build later."""
    name, script, reason = UNAVAILABLE[case]
    result = generate(env=stub(name, script), docker_build="try")
    assert result.returncode == 0
    first, *rest = result.stdout.splitlines()
    assert first == f"The image was not built: {reason}. Build it later: see below."
    assert rest[-2] == "  docker build --tag hypermodern-python ."
    assert (output / "hypermodern-python" / "Dockerfile").exists()


@pytest.mark.parametrize("case", UNAVAILABLE)
def test_require_fails_where_no_engine_serves(
    generate: Generate, stub: Stub, output: Path, case: str
) -> None:
    """The project is not kept."""
    name, script, reason = UNAVAILABLE[case]
    result = generate(env=stub(name, script), docker_build="require")
    assert result.returncode == 1
    assert result.stderr == f"error: the image was not built: {reason}.\n"
    assert not list(output.iterdir())


# A build's output, and what becomes of it.
FAILURES = {
    "build": (
        "build) echo 'ERROR: boom'; exit 17;;",
        "docker build ended with status 17, see above",
    ),
    "full": (
        "build) echo 'write /x: no space left on device' >&2; exit 1;;",
        "there is no space left on the engine's disk; see docker system df",
    ),
    "run": (
        "run) echo 'exec: not found' >&2; exit 127;;",
        "the container ended with status 127 and printed '': exec: not found",
    ),
    "output": (
        "run) echo Hello;;",
        "the container ended with status 0 and printed 'Hello\\n': no output",
    ),
}


@pytest.mark.parametrize("mode", ["try", "require"])
@pytest.mark.parametrize("case", FAILURES)
def test_an_image_that_does_not_work_fails_in_both_modes(
    generate: Generate, stub: Stub, output: Path, case: str, mode: str
) -> None:
    """The last line names the options that help to look into it."""
    script, reason = FAILURES[case]
    env = stub(script=f"case $1 in {script} esac")
    result = generate(env=env, docker_build=mode)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"error: the image was not built: {reason}. To look into it, run: "
        f"cookiecutter {ROOT} --replay --keep-project-on-failure"
    ]
    assert not list(output.iterdir())


def test_podman_serves_where_docker_is_absent(generate: Generate, stub: Stub) -> None:
    """Its command line is the same."""
    env = stub(
        "podman",
        "case $1 in build) echo building $*;; run) echo Reticulating spline 1...;; "
        "image) echo '[{\"Size\": 43210987}]';; esac",
    )
    result = generate(env=env, docker_build="require")
    assert result.returncode == 0, result.stderr
    assert re.match(
        r"building build --tag hypermodern-python \.\n"
        r"Built and tested the image hypermodern-python: 43 MB, \d+ seconds\.\n"
        r"Created hypermodern-python\. Next:\n",
        result.stdout,
    )


def test_an_interrupt_ends_the_build_with_one_line(
    home: Path, output: Path, stub: Stub
) -> None:
    """As Ctrl-C does, it reaches every process of the terminal."""
    env = stub(script="case $1 in build) echo started; exec sleep 60;; esac")
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cookiecutter",
            str(ROOT),
            "--no-input",
            "docker_build=try",
        ],
        cwd=output,
        env=env | {"HOME": str(home)},
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
    assert "error: interrupted; the project is not kept.\n" in errors
    assert "Traceback" not in errors


@pytest.mark.engine
@pytest.mark.parametrize("mode", ["try", "require"])
def test_the_image_is_built_and_tried_out(
    generate: Generate, tag: str, mode: str
) -> None:
    """The engine's output is shown, then the image's size and the time."""
    result = generate(project_slug=tag, docker_build=mode)
    assert result.returncode == 0, result.stderr
    built, *rest = result.stdout.splitlines()[-6:]
    assert "[dependencies " in result.stdout
    assert built.startswith(f"Built and tested the image {tag}: ")
    assert built.endswith(" seconds.")
    assert rest[0] == f"Created {tag}. Next:"


@pytest.mark.engine
@pytest.mark.parametrize("mode", ["try", "require"])
def test_a_broken_dockerfile_fails_in_both_modes(
    generate: Generate, tag: str, tmp_path: Path, output: Path, mode: str
) -> None:
    """The engine's own message is above ours."""
    template = template_with("FROM scratch\nCOPY missing /\n", tmp_path)
    result = generate(template=template, project_slug=tag, docker_build=mode)
    assert result.returncode == 1
    assert '"/missing": not found' in result.stdout
    assert "docker build ended with status 1, see above" in result.stderr
    assert not list(output.iterdir())


@pytest.mark.engine
def test_a_daemon_that_is_stopped_is_told_from_one_that_is_missing(
    generate: Generate,
) -> None:
    """The real client says so of a port where nobody listens."""
    # The path of a socket in a test's folder is too long where the clone's is long.
    env = os.environ | {"DOCKER_HOST": f"tcp://127.0.0.1:{free_port()}"}
    result = generate(env=env, docker_build="require")
    assert result.returncode == 1
    assert "the daemon of docker does not answer; start it" in result.stderr


@pytest.mark.parametrize("name", ["pre_gen_project", "post_gen_project"])
@pytest.mark.parametrize(
    ("output", "checkout", "options"),
    [
        ("here", None, ""),
        ("a place", None, " --output-dir '{folder}/a place'"),
        ("there", "2026.1.1", " --checkout 2026.1.1 --output-dir {folder}/there"),
    ],
)
def test_a_replay_goes_from_and_to_the_same_places(
    name: str,
    output: str,
    checkout: str | None,
    options: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is the shell's own folder need not be said."""
    monkeypatch.setenv("PWD", str(tmp_path / "here"))
    answers = {
        "_template": "gh:OWNER/REPOSITORY",
        "_checkout": checkout,
        "_output_dir": str(tmp_path / output),
    }
    expected = "cookiecutter gh:OWNER/REPOSITORY --replay" + options
    replay = load_hook(name).replay(answers)
    assert replay == expected.format(folder=tmp_path.resolve())
