"""Tests of the command line, and of the signals that end it."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest

from {{ cookiecutter.package_name }} import console, splines

DISTRIBUTION = "{{ cookiecutter.project_slug }}"
PACKAGE = "{{ cookiecutter.package_name }}"
# Windows gives its programs an ending.
ENDING = sysconfig.get_config_var("EXE") or ""
SCRIPT = Path(sysconfig.get_path("scripts"), f"{DISTRIBUTION}{ENDING}")


@pytest.fixture
def runner() -> click.testing.CliRunner:
    """Return a runner that calls the command in this process."""
    return click.testing.CliRunner()


@pytest.mark.parametrize("option", ["--count=1", "-n1"])
def test_count_limits_the_splines(runner: click.testing.CliRunner, option: str) -> None:
    """Each spline has a line of its own."""
    result = runner.invoke(console.main, [option])
    assert (result.exit_code, result.output) == (0, "Reticulating spline 1...\n")


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_bad_count_is_a_usage_error(
    runner: click.testing.CliRunner, count: str
) -> None:
    """The message names the option."""
    result = runner.invoke(console.main, [f"--count={count}"])
    assert result.exit_code == 2
    assert "Invalid value for '-n' / '--count'" in result.output


def test_an_interrupt_ends_it_quietly(
    runner: click.testing.CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit status is a shell's for Ctrl-C."""

    def interrupt(count: int | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(splines, "reticulate", interrupt)
    result = runner.invoke(console.main)
    assert (result.exit_code, result.output) == (130, "")


def test_version_prints_the_installed_version(runner: click.testing.CliRunner) -> None:
    """It comes from the installed metadata."""
    result = runner.invoke(console.main, ["--version"])
    version = importlib.metadata.version(DISTRIBUTION)
    assert result.output.rstrip().endswith(f"version {version}")


@pytest.mark.parametrize(
    "command",
    [[str(SCRIPT)], [sys.executable, "-m", PACKAGE]],
    ids=["script", "module"],
)
def test_the_installed_program_runs(command: list[str]) -> None:
    """It runs in a process of its own, as its users start it."""
    result = subprocess.run(
        [*command, "--count=1"], capture_output=True, text=True, check=True
    )
    assert (result.stdout, result.stderr) == ("Reticulating spline 1...\n", "")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C reach the programs started here, also from a background job.

    A shell starts its background jobs with SIGINT ignored, and they pass that on.
    """
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to send")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_at_once(number: signal.Signals) -> None:
    """There is no traceback; a container is stopped this way."""
    with subprocess.Popen(
        [SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "Reticulating spline 1...\n"
        process.send_signal(number)
        rest = process.communicate(timeout=30)
    assert (process.returncode, *rest) == (130, "", "")
