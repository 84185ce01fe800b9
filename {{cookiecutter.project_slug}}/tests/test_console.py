"""Tests for the command-line interface and its handling of signals."""

import importlib.metadata
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator

import click.testing
import pytest

from {{ cookiecutter.package_name }} import console, splines

DISTRIBUTION = "{{ cookiecutter.project_slug }}"
PACKAGE = "{{ cookiecutter.package_name }}"
SCRIPT = shutil.which(DISTRIBUTION, path=sysconfig.get_path("scripts")) or DISTRIBUTION


@pytest.fixture
def runner() -> click.testing.CliRunner:
    """Return a runner that invokes the command in this process."""
    return click.testing.CliRunner()


@pytest.mark.parametrize("option", ["--count=1", "-n1"])
def test_count_option(runner: click.testing.CliRunner, option: str) -> None:
    """The command prints a line for each spline."""
    result = runner.invoke(console.main, [option])
    assert (result.exit_code, result.output) == (0, "Reticulating spline 1...\n")


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_invalid_count(runner: click.testing.CliRunner, count: str) -> None:
    """The error message names the option."""
    result = runner.invoke(console.main, [f"--count={count}"])
    assert result.exit_code == 2
    assert "Invalid value for '-n' / '--count'" in result.output


def test_interrupt(
    runner: click.testing.CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command exits with status 130 and prints nothing."""

    def interrupt(count: int | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(splines, "reticulate", interrupt)
    result = runner.invoke(console.main)
    assert (result.exit_code, result.output) == (130, "")


def test_version_option(runner: click.testing.CliRunner) -> None:
    """The command prints the version of the installed package."""
    result = runner.invoke(console.main, ["--version"])
    version = importlib.metadata.version(DISTRIBUTION)
    assert result.output.rstrip().endswith(f"version {version}")


@pytest.mark.parametrize(
    "command",
    [[SCRIPT], [sys.executable, "-m", PACKAGE]],
    ids=["script", "module"],
)
def test_installed_program(command: list[str]) -> None:
    """The program runs in a process of its own, as a script and as a module."""
    result = subprocess.run(
        [*command, "--count=1"], capture_output=True, text=True, check=True
    )
    assert (result.stdout, result.stderr) == ("Reticulating spline 1...\n", "")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Reset the handler for SIGINT, which child processes inherit.

    If the tests run in the background of a shell, the shell has set it to be ignored.
    """
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGTERM")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_the_program(number: signal.Signals) -> None:
    """The program exits without a traceback."""
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
        try:
            rest = process.communicate(timeout=30)
        finally:
            process.kill()  # otherwise, a program that does not end would stop the tests
    assert (process.returncode, *rest) == (130, "", "")
