"""The command-line interface."""

import signal

import click

from {{ cookiecutter.package_name }} import splines

# The exit status that shells use for Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130


@click.command()
@click.option(
    "-n",
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop after N splines instead of running forever.",
)
@click.version_option(package_name="{{ cookiecutter.project_slug }}")
@click.pass_context
def main(context: click.Context, count: int | None) -> None:
    """Reticulate splines, one per second."""
    # As process 1 of a container, a program ignores SIGTERM unless it has a handler.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for number in splines.reticulate(count):
            click.echo(f"Reticulating spline {number}...")
    except KeyboardInterrupt:
        context.exit(INTERRUPTED)
