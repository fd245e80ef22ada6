"""Commands of the local stack."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from tools.console import Misuse, say
from tools.environments import COMMAND, STATE_DIRECTORY
from tools.options import Plan, StackName, State, User, chosen

app = typer.Typer()
_PORTS = 65535


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _PORTS:
        raise typer.BadParameter(f"{text!r} is not a port; PORT= or the exported variable PORT names it, --port else.")
    return int(text)


@app.command()
def up(
    state: State = STATE_DIRECTORY,
    port: Annotated[
        int | None,
        typer.Option(
            parser=_port,
            metavar="PORT",
            envvar="STOREFRONT_PORT",
            show_envvar=False,
            show_default="4566",
            help="Port to listen on; 0 takes any free one.",
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and deploy each change, until Ctrl-C.")] = False,
) -> None:
    """Start the local stack and deploy the template to it; again, to update it."""
    from tools.stack import introduction, lifecycle

    introduction.introduce(lifecycle.bring_up(port, state), state)
    if watch:
        from tools.stack import watch as watching

        watching.watch(state)


@app.command()
def down(state: State = STATE_DIRECTORY) -> None:
    """End the local stack and delete its data."""
    from tools.stack import lifecycle

    say("the stack is down" if lifecycle.take_down(state) else "no stack was up")


@app.command()
def logs(
    state: State = STATE_DIRECTORY,
    function: Annotated[str | None, typer.Option(help="Only functions with this in their name.")] = None,
    minutes: Annotated[float, typer.Option(help="How far back to begin.")] = 15,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    stack: StackName = None,
) -> None:
    """Show what the functions log."""
    from tools.stack import logs as log

    log.show(chosen(stack, state), function, minutes, follow)


@app.command()
def token(user: Annotated[User, typer.Argument()] = "customer", state: State = STATE_DIRECTORY) -> None:
    """Print an ID token for the Authorization header."""
    from tools.demo.api_client import sign_in

    say(sign_in(chosen(None, state), user))


@app.command()
def explain(
    method: Annotated[str, typer.Argument(help="GET, POST, PUT, PATCH, DELETE or OPTIONS.")],
    path: Annotated[str, typer.Argument(help="The path behind the stage, with its query string.")],
    data: Annotated[str | None, typer.Option("--data", help="The body; JSON, unless a header says otherwise.")] = None,
    header: Annotated[list[str] | None, typer.Option("--header", help="NAME:VALUE; may be repeated.")] = None,
    user: Annotated[User | None, typer.Option("--as", help="Sign in, and send the ID token.")] = None,
    partner: Annotated[Plan | None, typer.Option(help="Send the token of this plan's partner.")] = None,
    state: State = STATE_DIRECTORY,
) -> None:
    """Send a request, and print its way through API Gateway step by step."""
    from tools.demo.api_client import ApiClient, sign_in
    from tools.ops import partners
    from tools.stack import explain as explained

    headers = {name.strip(): value.strip() for name, _, value in (each.partition(":") for each in header or [])}
    if not path.startswith("/"):
        raise Misuse("a path starts with a slash")
    stack = chosen(None, state)
    client = ApiClient(stack.url, sign_in(stack, user) if user else None)
    if partner:
        client = partners.caller(stack, partner)
    explained.explain(stack, client, method.upper(), path, data, headers)


@app.command()
def env(
    lesson: Annotated[str, typer.Argument(metavar="[LESSON]", help="A lesson's stack; without one, the shop's.")] = "",
    state: State = STATE_DIRECTORY,
) -> None:
    """Print what to type commands with, for eval "$(storefront env)".

    The variables are the endpoint, the region, the keys and the stack's outputs; PATH gets the aws command.
    """
    from tools.lessons import deployment, page
    from tools.stack.stack import exports

    stack = chosen(None, state)
    outputs = deployment.outputs(stack, page.named(lesson)) if lesson else stack.outputs
    for name, value in exports(stack, outputs).items():
        say(f"export {name}={shlex.quote(value)}")
    say(f'export PATH={shlex.quote(str(COMMAND.parent))}:"$PATH"')


@app.command()
def differences(
    readings: Annotated[
        bool, typer.Option("--readings", help="List what was read into AWS's pages and not seen on AWS.")
    ] = False,
) -> None:
    """List what the local stack does otherwise than AWS."""
    from tools.stack import differences as listed

    if readings:
        listed.show_readings()
    else:
        listed.show()


@app.command("sam-local")
def sam_local(state: State = STATE_DIRECTORY) -> None:
    """Point sam local at the running stack and list the routes it serves; needs Docker."""
    from tools.sam_local import prepare

    stack = chosen(None, state)
    prepare.introduce(stack, prepare.prepare(stack, state))
