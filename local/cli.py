"""The commands of the local stack: ``python -m local --help``; ``make`` lists the ones people use."""

from __future__ import annotations

import argparse
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from local import back_office, differences, lifecycle, logs
from local.console import Problem, say, styled
from local.customer import sign_in
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


def put_product(arguments: argparse.Namespace) -> None:
    """Write a product as the back office, with a signed request; on the local stack, or on AWS with --url."""
    if arguments.url:
        editor = back_office.editor_on_aws(arguments.url, arguments.role)
    else:
        editor = back_office.BackOffice.of(lifecycle.running_stack(arguments.state))
    back_office.put_product(editor, arguments)


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
    _add_product_arguments(command("put-product", put_product))
    return parser


def _add_product_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sku")
    parser.add_argument("--name")
    parser.add_argument("--description")
    parser.add_argument("--category")
    parser.add_argument("--price", dest="amount", type=int, help="in minor units: 1250 is 12.50 EUR")
    parser.add_argument("--currency")
    parser.add_argument("--stock", type=int, help="of a new product")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--new", action="store_true", help="put a new product on sale (default: change one)")
    how.add_argument("--if-match", help="the ETag of the product as you have seen it (default: as it is now)")
    parser.add_argument("--url", help="the API's address on AWS (the stack's output RestApiUrl)")
    parser.add_argument("--role", help="with --url: the role to assume (the stack's output BackOfficeRoleArn)")


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
