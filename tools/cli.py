"""The command line: ``storefront --help``. Commands load what they need when they run, so that help is quick."""

import typer
from typer.exceptions import Abort, TyperException

from tools.bench import commands as bench
from tools.checks import commands as checks
from tools.console import INTERRUPTED, Misuse, Problem, problems_reported
from tools.demo import commands as demo
from tools.drill import commands as drill
from tools.lessons import commands as lessons
from tools.ops import commands as ops
from tools.rehearsal import commands as rehearsal
from tools.replay import commands as replay
from tools.scanners import commands as scanners
from tools.stack import commands as stack

NAME = "storefront"
# The panels of `storefront --help`, in its order.
PANELS = {
    "The local stack": (stack.app,),
    "The course": (lessons.app,),
    "Using the shop": (demo.app, replay.app),
    "Operating a stack": (ops.app, drill.app),
    "Releases": (rehearsal.app,),
    "Checking the project": (checks.app, scanners.app, bench.app),
}

app = typer.Typer(
    name=NAME,
    help="Storefront: a serverless shop on AWS SAM, on this machine or on AWS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for panel, packages in PANELS.items():
    for package in packages:
        for command in package.registered_commands:
            command.rich_help_panel = panel
        for group in package.registered_groups:
            group.rich_help_panel = panel
        app.add_typer(package)


def run(*words: str) -> None:
    """Run the command of these words, or of those that the process was started with.

    A `Problem` is what a person can put right; a `SystemExit` has another exit code than 0.
    """
    try:
        code = app(words or None, prog_name=NAME, standalone_mode=False)
    except TyperException as error:
        if not error.format_message():  # it has printed the help
            raise SystemExit(error.exit_code) from None
        context = getattr(error, "ctx", None)
        raise Misuse(f"{error.format_message()} See {context.command_path if context else NAME} --help.") from None
    except Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        from botocore.exceptions import BotoCoreError, ClientError
        from requests import RequestException

        if not isinstance(error, (BotoCoreError, ClientError, RequestException)):
            raise
        raise Problem(f"{error}: if the stack has gone, make up brings it back") from error
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise SystemExit(code)


def main() -> None:
    """Run a command, and report a problem in one line."""
    with problems_reported():
        run()
