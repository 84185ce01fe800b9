"""The command-line interface."""

import signal

import click

from {{ cookiecutter.package_name }} import splines

# What a shell reports for a program that Ctrl-C ended: 128 + SIGINT.
INTERRUPTED = 130


@click.command()
@click.option(
    "-n",
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Reticulate N splines instead of going on forever.",
)
@click.version_option(package_name="{{ cookiecutter.project_slug }}")
@click.pass_context
def main(context: click.Context, count: int | None) -> None:
    """Reticulate splines, one a second."""
    # As the first process of a container, the program gets no default action for
    # SIGTERM: unless it handles the signal, only a kill ends it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for number in splines.reticulate(count):
            click.echo(f"Reticulating spline {number}...")
    except KeyboardInterrupt:
        context.exit(INTERRUPTED)
