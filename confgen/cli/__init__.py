"""The command line: options become Settings, errors become exit codes.  Imports stay inside the commands that need them."""

from __future__ import annotations

import os
import sys

import click

from confgen.cli import ask, doctor, drain, offline, past, templates, volume, watch  # noqa: F401 - each registers its commands
from confgen.cli.options import BUG, FINE, USAGE, cli
from confgen.errors import ConfgenError


def main() -> None:
    """The entry point: every error becomes a message and an exit code; anything unforeseen is a bug, told as one."""
    try:
        sys.exit(cli.main(standalone_mode=False) or FINE)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE if isinstance(error, click.UsageError) else error.exit_code)
    except BrokenPipeError:
        # The reader of stdout has seen enough; Python would complain once more while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FINE)
    except ConfgenError as error:
        _complain(error)
        sys.exit(error.exit_code)
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo("confgen: this is a bug, please report it with the lines above", err=True)
        sys.exit(BUG)


def _complain(error: ConfgenError) -> None:
    click.echo(f"confgen: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
