"""The commands of the local stack: ``python -m local --help``; ``make`` lists the ones people use."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from local import differences, lifecycle, logs
from local.console import Problem, say, styled
from local.customer import sign_in
from local.partners import OVERLAP, PLANS, Partners
from local.stack import ROOT, STATE_DIRECTORY, Stack, bypass_proxies
from local.tour import Tour


def up(arguments: argparse.Namespace) -> None:
    """Bring the stack up, or up to date, and say how to use it."""
    stack = lifecycle.bring_up(arguments.port, arguments.state)
    _introduce(stack, arguments.state)


def down(arguments: argparse.Namespace) -> None:
    """End the stack; what it holds goes with it."""
    say("the stack is down" if lifecycle.take_down(arguments.state) else "no stack was up")


def demo(arguments: argparse.Namespace) -> None:
    """Walk through the shop on the running stack."""
    Tour(lifecycle.running_stack(arguments.state)).run()


def show_logs(arguments: argparse.Namespace) -> None:
    """Show what the functions log."""
    logs.show(lifecycle.running_stack(arguments.state), arguments.function, arguments.minutes, arguments.follow)


def token(arguments: argparse.Namespace) -> None:
    """Print an id token, for the Authorization header."""
    say(sign_in(lifecycle.running_stack(arguments.state), arguments.user))


def issue_partner(arguments: argparse.Namespace) -> None:
    """Make a partner and print the token, which is shown this once."""
    access = _partners(arguments).issue(arguments.plan)
    say(access.token)


def rotate_partner(arguments: argparse.Namespace) -> None:
    """Print a partner's new token; the one before goes on being good for some days."""
    access = _partners(arguments).rotate(arguments.partner_id, timedelta(days=arguments.days))
    say(access.token)


def revoke_partner(arguments: argparse.Namespace) -> None:
    """Take everything from a partner, at once."""
    _partners(arguments).revoke(arguments.partner_id)
    say(f"{arguments.partner_id} is revoked")


def _partners(arguments: argparse.Namespace) -> Partners:
    if arguments.aws:
        return Partners.on_aws(arguments.aws)
    return Partners.of(lifecycle.running_stack(arguments.state))


def list_differences(_: argparse.Namespace) -> None:
    """List what the local stack does not honour."""
    say(differences.as_text())


def main() -> None:
    """Run Storefront's template on this machine."""
    arguments = _parser().parse_args()
    bypass_proxies()
    try:
        arguments.command(arguments)
    except (BotoCoreError, ClientError, RequestException) as error:
        raise Problem(f"{error}: if the stack has gone, make up brings it back") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=main.__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, function: object) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        subparser.set_defaults(command=function)
        subparser.add_argument(
            "--state", type=Path, default=STATE_DIRECTORY, help="the stack's directory (default: .local)"
        )
        return subparser

    command("up", up).add_argument("--port", type=int, help="port to listen on; 0 for any free one (default: 4566)")
    command("down", down)
    command("demo", demo)
    command("token", token).add_argument("user", nargs="?", default="customer", choices=("customer", "other"))
    follow = command("logs", show_logs)
    follow.add_argument("--function", help="only functions with this in their name")
    follow.add_argument("--minutes", type=float, default=15, help="how far back to begin (default: 15)")
    follow.add_argument("--follow", action="store_true", help="go on until interrupted")
    command("differences", list_differences)
    _add_partner_commands(commands)
    return parser


def _add_partner_commands(commands: Any) -> None:
    what = "Give a partner a token, replace it, or take it away."
    partner = commands.add_parser("partner", help=what, description=what)
    actions = partner.add_subparsers(required=True, metavar="action")
    for name, function in (("issue", issue_partner), ("rotate", rotate_partner), ("revoke", revoke_partner)):
        action = actions.add_parser(name, help=function.__doc__, description=function.__doc__)
        action.set_defaults(command=function)
        action.add_argument("--state", type=Path, default=STATE_DIRECTORY, help="the stack's directory")
        action.add_argument("--aws", metavar="STACK", help="a stack on AWS instead, by its name")
        if name == "issue":
            action.add_argument("plan", choices=PLANS, help="their usage plan")
        else:
            action.add_argument("partner_id", help="the part of their token behind sfp_")
        if name == "rotate":
            action.add_argument("--days", type=float, default=OVERLAP.days, help="how long the old one is good")


def _introduce(stack: Stack, state: Path) -> None:
    say(f"\n{styled('Not as on AWS', 'bold')}")
    say(differences.as_text())
    say(f"\n{styled('Storefront is up', 'bold')}")
    say(f"  REST API       {stack.url}")
    say(f"  AWS endpoint   {stack.endpoint}  (aws --endpoint-url {stack.endpoint} ..., key and secret: test)")
    for user in stack.users.values():
        say(f"  customer       {user.email}  password {user.password}")
    say(f"  for clients    {state / 'stack.json'}")
    say(f"\n{styled('Try it', 'bold')}")
    say(f"  curl {stack.url}/health")
    say(f"  curl '{stack.url}/products?limit=3'")
    order = '{"lines": [{"sku": "MUG-001", "quantity": 1}]}'
    chosen = "" if state == STATE_DIRECTORY else f" STATE='{state}'"
    id_token = f"$(make -sC '{ROOT}' token{chosen})"
    say(
        f'  curl -i {stack.url}/orders -H "Authorization: {id_token}" -H "Idempotency-Key: $(date +%s)"'
        f" -H 'Content-Type: application/json' -d '{order}'"
    )
    say(f"\n{styled('make demo', 'bold')} is a tour of it, {styled('make logs', 'bold')} shows what the functions log.")
