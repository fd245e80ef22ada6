"""The commands of the local stack: ``python -m tools --help``; ``make`` lists the ones people use."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from tools.console import Problem, say, styled
from tools.demo import smoke, verified
from tools.demo.chat import Access
from tools.demo.conversation import Conversation
from tools.demo.customer import sign_in
from tools.demo.tour import Tour
from tools.ops import back_office, order_story, redrive, webhook
from tools.ops.accounts import Accounts, asked_for, confirm_locally
from tools.ops.installation import Installation
from tools.ops.partners import OVERLAP, PLANS, Partners
from tools.rehearsal import comparison, rehearsal
from tools.rehearsal.comparison import Assumptions
from tools.rehearsal.rollout import ALARMED, REFUSED_AFTER, REFUSED_BEFORE, REQUESTS_A_MINUTE, Pace
from tools.rehearsal.schedule import CONFIGURATIONS
from tools.rehearsal.versions import Change
from tools.replay import command as replaying
from tools.sam_local import prepare as sam_local
from tools.stack import differences, lifecycle, logs
from tools.stack.stack import REGION, ROOT, STATE_DIRECTORY, Stack, StackOnAws, bypass_proxies

MAX_PORT = 65535


def up(arguments: argparse.Namespace) -> None:
    """Bring the stack up, or up to date, and say how to use it."""
    stack = lifecycle.bring_up(arguments.port, arguments.state)
    _introduce(stack, arguments.state)


def down(arguments: argparse.Namespace) -> None:
    """End the stack; what it holds goes with it."""
    say("the stack is down" if lifecycle.take_down(arguments.state) else "no stack was up")


def set_up_sam_local(arguments: argparse.Namespace) -> None:
    """Point sam local at the running stack, and say what it will serve; down undoes it."""
    stack = lifecycle.running_stack(arguments.state)
    sam_local.introduce(stack, sam_local.prepare(stack, arguments.state))


def demo(arguments: argparse.Namespace) -> None:
    """Walk through the shop on the running stack."""
    Tour(lifecycle.running_stack(arguments.state)).run()


def try_out(arguments: argparse.Namespace) -> None:
    """Make the demo's journeys on a deployed stack; exit code 1 if one fails."""
    on_aws = arguments.stack not in (None, "local")
    tried = verified.commit() if arguments.record else ""
    stack = StackOnAws.named(arguments.stack) if on_aws else lifecycle.running_stack(arguments.state)
    results = smoke.run(stack, arguments.charge)
    if arguments.record:
        verified.write(results, tried, "aws" if on_aws else "local", smoke.environment_of(stack))
    if any(result.outcome is smoke.Outcome.FAILED for result in results):
        raise SystemExit(1)


def chat(arguments: argparse.Namespace) -> None:
    """Chat, as one of the local stack's users; or on AWS, with an account whose password is asked for."""
    if arguments.aws and not arguments.email:
        raise Problem("--aws needs --email: the account to sign in with")
    if arguments.aws:
        access = Access.on_aws(arguments.aws, arguments.email, asked_for("password"))
    else:
        access = Access.of(lifecycle.running_stack(arguments.state), arguments.user)
    Conversation(access, arguments.room).run()


def show_logs(arguments: argparse.Namespace) -> None:
    """Show what the functions log."""
    logs.show(lifecycle.running_stack(arguments.state), arguments.function, arguments.minutes, arguments.follow)


def token(arguments: argparse.Namespace) -> None:
    """Print an id token, for the Authorization header."""
    say(sign_in(lifecycle.running_stack(arguments.state), arguments.user))


def sign_up(arguments: argparse.Namespace) -> None:
    """Sign up with an e-mail address; the password is asked for. On AWS, confirm comes next."""
    _accounts(arguments).sign_up(arguments.email, asked_for("password"))
    if arguments.client_id:
        say(f"signed up; a code is on its way: python -m tools confirm {arguments.email} CODE, with the same options")
    else:
        confirm_locally(lifecycle.running_stack(arguments.state), arguments.email)
        say("signed up and confirmed")


def confirm(arguments: argparse.Namespace) -> None:
    """Confirm an address with the code that was sent there."""
    _accounts(arguments).confirm(arguments.email, arguments.code)
    say("confirmed: sign in")


def sign_in_with_password(arguments: argparse.Namespace) -> None:
    """Print the tokens of an account as JSON; the password is asked for."""
    say(json.dumps(_accounts(arguments).sign_in(arguments.email, asked_for("password")), indent=2))


def refresh(arguments: argparse.Namespace) -> None:
    """Print new tokens as JSON; the refresh token is asked for."""
    say(json.dumps(_accounts(arguments).refresh(asked_for("refresh token")), indent=2))


def send_webhook(arguments: argparse.Namespace) -> None:
    """Decide about an order's charge as the payment provider, and send the signed webhook."""
    stack = lifecycle.running_stack(arguments.state)
    answer = webhook.send(stack, webhook.decide(stack, arguments.order, arguments.status))
    say(f"{answer.status_code} {answer.text}")


def put_product(arguments: argparse.Namespace) -> None:
    """Write a product as the back office, with a signed request; on the local stack, or on AWS with --url."""
    if arguments.url:
        editor = back_office.editor_on_aws(arguments.url, arguments.role)
    else:
        editor = back_office.BackOffice.of(lifecycle.running_stack(arguments.state))
    back_office.put_product(editor, arguments)


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


def redrive_letters(arguments: argparse.Namespace) -> None:
    """Show what is in the dead-letter queues; with --go, move it back to where it came from."""
    redrive.run(_installation(arguments), arguments.queue, arguments.match, arguments.go)


def tell_order(arguments: argparse.Namespace) -> None:
    """Tell the whole story of one order, from the tables, the queues and all logs."""
    story = order_story.of(_installation(arguments), arguments.order, arguments.customer, arguments.hours)
    say(json.dumps(story.to_json(), indent=2) if arguments.json else story.as_text())


def _installation(arguments: argparse.Namespace) -> Installation:
    if arguments.aws:
        return Installation.on_aws(arguments.aws)
    return Installation.of(lifecycle.running_stack(arguments.state))


def compare_rollouts(arguments: argparse.Namespace) -> None:
    """Compare how many customers a bad release reaches under each of CodeDeploy's configurations."""
    assumptions = Assumptions(**{each.name: getattr(arguments, each.name) for each in fields(Assumptions)})
    say(comparison.as_table(comparison.compare(assumptions), assumptions))
    for rate in assumptions.error_rates:
        say(comparison.as_picture(rate, assumptions))


def rollout(arguments: argparse.Namespace) -> None:
    """Release a new version of a function, gradually, and watch it."""
    change = Change(arguments.bad) if arguments.bad else Change.GOOD
    pace = Pace(arguments.speed, arguments.requests)
    end = rehearsal.rehearse(rehearsal.Plan(arguments.function, arguments.configuration, change, pace), arguments.state)
    if end.exit_code:
        raise SystemExit(end.exit_code)


def replay(arguments: argparse.Namespace) -> None:
    """Replay sample events, and show what comes back otherwise than it must."""
    request = replaying.Request(arguments.event, arguments.target, arguments.stack, arguments.charge, arguments.verbose)
    if not replaying.run(request, arguments.state):
        raise SystemExit(1)


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
    parser = argparse.ArgumentParser(prog="python -m tools", description=main.__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, function: object) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        subparser.set_defaults(command=function)
        subparser.add_argument(
            "--state", type=Path, default=STATE_DIRECTORY, help="the stack's directory (default: .local)"
        )
        return subparser

    command("up", up).add_argument("--port", type=_port, help="port to listen on; 0 for any free one (default: 4566)")
    command("down", down)
    command("sam-local", set_up_sam_local)
    command("demo", demo)
    _add_smoke_arguments(command("smoke", try_out))
    users = ("customer", "other", "support")
    command("token", token).add_argument("user", nargs="?", default="customer", choices=users)
    accounts: tuple[tuple[str, object, tuple[str, ...]], ...] = (
        ("sign-up", sign_up, ("email",)),
        ("confirm", confirm, ("email", "code")),
        ("sign-in", sign_in_with_password, ("email",)),
        ("refresh", refresh, ()),
    )
    for name, function, words in accounts:
        account = command(name, function)
        for word in words:
            account.add_argument(word)
        account.add_argument("--client-id", help="on AWS: the output UserPoolClientId (default: the local stack)")
        account.add_argument("--region", default=REGION, help="on AWS: the stack's region")
    _add_chat_arguments(command("chat", chat), users)
    sent = command("webhook", send_webhook)
    sent.add_argument("--order", required=True, help="the id of an order that awaits its payment")
    sent.add_argument("--status", default="approved", choices=("approved", "declined"))
    follow = command("logs", show_logs)
    follow.add_argument("--function", help="only functions with this in their name")
    follow.add_argument("--minutes", type=float, default=15, help="how far back to begin (default: 15)")
    follow.add_argument("--follow", action="store_true", help="go on until interrupted")
    command("differences", list_differences)
    _add_operator_arguments(command("redrive", redrive_letters), command("order", tell_order))
    _add_rollout_arguments(command("rollout", rollout))
    _add_replay_arguments(command("replay", replay))
    _add_product_arguments(command("put-product", put_product))
    _add_assumptions(command("rollout-compare", compare_rollouts))
    _add_partner_commands(commands)
    return parser


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 0 to {MAX_PORT}")


def _accounts(arguments: argparse.Namespace) -> Accounts:
    if arguments.client_id:
        return Accounts.on_aws(arguments.client_id, arguments.region)
    return Accounts.of(lifecycle.running_stack(arguments.state))


def _add_chat_arguments(parser: argparse.ArgumentParser, users: tuple[str, ...]) -> None:
    parser.add_argument("--as", dest="user", default="customer", choices=users, help="who you are (default: customer)")
    parser.add_argument("--room", default="support", help="the room to join first (default: support)")
    parser.add_argument("--aws", metavar="STACK", help="a stack on AWS instead, by its name; with --email")
    parser.add_argument("--email", help="with --aws: the account to sign in with")


def _add_smoke_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", help="a stack on AWS, by its name (default: local)")
    parser.add_argument("--charge", action="store_true", help="order and edit in prod, too: orders are charged")
    parser.add_argument("--record", action="store_true", help="write down in docs/verified.json what has passed")


def _add_operator_arguments(letters: argparse.ArgumentParser, order: argparse.ArgumentParser) -> None:
    for parser in (letters, order):
        parser.add_argument("--aws", metavar="STACK", help="a stack on AWS instead, by its name")
    letters.add_argument("--queue", help="orders, partner-orders, ... (default: all, to look at)")
    letters.add_argument("--match", help="only those with this text in their body or an attribute")
    letters.add_argument("--go", action="store_true", help="move them (default: a dry run)")
    order.add_argument("order", help="the order's id")
    order.add_argument("--customer", help="the customer's id: saves a scan of the orders table")
    order.add_argument(
        "--hours", type=float, default=24, help="of logs, where the table has no such order (default: 24)"
    )
    order.add_argument("--json", action="store_true", help="as JSON, for scripts")


def _add_rollout_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Exit codes: 0 the new version has all traffic; rolled back: "
        f"{REFUSED_BEFORE} the pre-traffic hook refused it, {ALARMED} an alarm fired, "
        f"{REFUSED_AFTER} the post-traffic hook refused it."
    )
    parser.add_argument("--function", default=rehearsal.DEFAULT_FUNCTION, help="the name of a folder in events/")
    parser.add_argument("--configuration", default=rehearsal.DEFAULT_CONFIGURATION, help=", ".join(CONFIGURATIONS))
    bad = [change.value for change in Change if change is not Change.GOOD]
    parser.add_argument(
        "--bad",
        choices=bad,
        help="ship a version that fails for one request in five (1), does not import, answers wrongly",
    )
    parser.add_argument("--speed", type=_positive(float), default=60, help="60 is a minute in a second (default: 60)")
    parser.add_argument(
        "--requests",
        type=_positive(int),
        default=REQUESTS_A_MINUTE,
        help=f"requests in a minute (default: {REQUESTS_A_MINUTE})",
    )


def _add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit codes: 0 all is as expected, 1 there are differences, 2 there is no such event or option."
    parser.add_argument(
        "event", nargs="?", help="a case of events/, such as place-order/good, or a function (default: all)"
    )
    parser.add_argument(
        "--target",
        choices=replaying.TARGETS,
        default=replaying.IN_PROCESS,
        help="in-process (default) and sam: on the running local stack; aws: on --stack, through sam remote invoke",
    )
    parser.add_argument("--stack", help="with --target aws: the stack's name")
    parser.add_argument(
        "--charge",
        action="store_true",
        help="with --target aws: replay what writes, too; in prod, which is refused otherwise, what only reads",
    )
    parser.add_argument("--verbose", action="store_true", help="show what the functions log")


def _positive(number: Callable[[str], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = number(text)
        except ValueError:
            value = 0
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError("a number above 0 is needed")
        return value

    return parse


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


def _add_assumptions(parser: argparse.ArgumentParser) -> None:
    parser.description = comparison.__doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for each in fields(Assumptions):
        default: Any = each.default
        several = isinstance(default, tuple)
        shown = " ".join(map(str, default)) if several else default
        parser.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=float if several else type(default),
            nargs="+" if several else None,
            default=default,
            metavar="NUMBER",
            help=f"{each.metadata['help']} (default: {shown})".replace("%", "%%"),
        )


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
    say(f"\n{styled('Not as on AWS', 'bold')} (there; here)")
    say(differences.as_text())
    say(f"\n{styled('Storefront is up', 'bold')}")
    say(f"  REST API       {stack.url}")
    say(f"  AWS endpoint   {stack.endpoint}  (aws --endpoint-url {stack.endpoint} ..., key and secret: test)")
    for name, user in stack.users.items():
        say(f"  {'support' if name == 'support' else 'customer':<13}  {user.email}  password {user.password}")
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
