"""Commands that operate a stack, on this machine or on AWS."""

import shlex
import subprocess
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from storefront.shared.text import printable
from tools.console import Misuse, asked_for, say, say_json, styled
from tools.environments import ROOT, STATE_DIRECTORY
from tools.options import Plan, StackName, State, chosen

if TYPE_CHECKING:
    from tools.ops.accounts import Accounts
    from tools.ops.partners import Partners

app = typer.Typer()
partner = typer.Typer(no_args_is_help=True, help="Give a partner a token, replace it, or take it away.")
accounts = typer.Typer(no_args_is_help=True, help="Sign up, sign in and refresh tokens; passwords are asked for.")
app.add_typer(partner, name="partner")
app.add_typer(accounts, name="accounts")

_ONE_ACCOUNT = (
    "All environments share this account. Names and tags keep their roles apart, prod's from a preview's, too; quotas, "
    "usage and saved queries are shared. Environments=development and Environments=production make it two accounts."
)

PartnerId = Annotated[str, typer.Argument(help="The part of their token behind sfp_.")]
Email = Annotated[str, typer.Argument()]


@app.command()
def order(
    order: Annotated[str, typer.Argument(metavar="ID", help="The order's id.")],
    customer: Annotated[str | None, typer.Option(help="The customer's id: saves a scan of the orders table.")] = None,
    hours: Annotated[float, typer.Option(help="Hours of logs to read if the table has no such order.")] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
    stack: StackName = None,
    state: State = STATE_DIRECTORY,
) -> None:
    """Tell the whole story of one order, from the tables, the queues and all logs."""
    from tools.ops import order_story

    story = order_story.of(chosen(stack, state), order, customer, hours)
    if as_json:
        say_json(asdict(story))
    else:
        say("\n".join(story.shown()))


@app.command()
def redrive(
    queue: Annotated[
        str | None, typer.Argument(help="orders, chat-status, ...; without it, all, to look at.", show_default=False)
    ] = None,
    match: Annotated[str | None, typer.Option(help="Only those with this text in their body or an attribute.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Move them; without it, nothing changes.")] = False,
    stack: StackName = None,
    state: State = STATE_DIRECTORY,
) -> None:
    """Show the dead letters, and with --yes move them back to where they came from."""
    from tools.ops import redrive as letters

    letters.run(chosen(stack, state), queue, match, yes)


@app.command()
def prune(
    yes: Annotated[bool, typer.Option("--yes", help="Delete them; without it, nothing changes.")] = False,
    stack: StackName = None,
    state: State = STATE_DIRECTORY,
) -> None:
    """Delete functions' old versions, which fill the account's code storage."""
    from tools.ops import prune as versions

    versions.run(chosen(stack, state), yes)


@app.command()
def webhook(
    order: Annotated[str, typer.Argument(metavar="ID", help="An order that awaits its payment.")],
    status: Annotated[Literal["approved", "declined"], typer.Option(help="What the provider decides.")] = "approved",
    state: State = STATE_DIRECTORY,
) -> None:
    """Decide an order's charge as the payment provider, and send the signed webhook."""
    from tools.ops import webhook as provider

    running = chosen(None, state)
    answer = provider.send(running, provider.decide(running, order, status))
    say(printable(f"{answer.status_code} {answer.text}"))


@app.command("put-product")
def put_product(
    sku: Annotated[str, typer.Argument()],
    name: Annotated[str | None, typer.Option()] = None,
    description: Annotated[str | None, typer.Option()] = None,
    category: Annotated[str | None, typer.Option()] = None,
    price: Annotated[int | None, typer.Option(help="In minor units: 1250 is 12.50 EUR.")] = None,
    currency: Annotated[str | None, typer.Option()] = None,
    stock: Annotated[int | None, typer.Option(help="Of a new product.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Put a new product on sale; without it, change one.")] = False,
    if_match: Annotated[str | None, typer.Option(help="The ETag of the product as you have seen it.")] = None,
    stack: StackName = None,
    as_me: Annotated[
        bool, typer.Option("--as-me", help="Sign with your own credentials, not the stack's role.")
    ] = False,
    state: State = STATE_DIRECTORY,
) -> None:
    """Change a product as the back office, or put a new one on sale, with a signed request."""
    from tools.ops import back_office

    if new and if_match:
        raise Misuse("--new and --if-match do not go together: nobody has seen a new product")
    editor = back_office.BackOffice.of(chosen(stack, state), as_me=as_me)
    members = {"name": name, "description": description, "category": category, "stock": stock}
    edited_price = {"amount": price, "currency": currency}
    back_office.put_product(editor, sku, members, edited_price, new=new, if_match=if_match)


@app.command()
def destroy(
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="A stack on AWS.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the stack's name.")] = False,
    unprotect: Annotated[
        bool, typer.Option("--unprotect", help="Turn off what protects the stack and its data.")
    ] = False,
) -> None:
    """Remove a stack from AWS and list what is left; it asks for the stack's name first."""
    from tools.ops import destroy as removal

    removal.run(stack, confirmed=yes, unprotect=unprotect)


@app.command()
def bootstrap(
    repository: Annotated[str, typer.Argument(help="On GitHub: OWNER/NAME, or OWNER@ID/NAME@ID.")],
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Other parameters of bootstrap.yaml.")
    ] = None,
) -> None:
    """Deploy what an account needs once in each region (docs/deploying.md)."""
    if not {"Environments=development", "Environments=production"} & set(parameters or []):
        say(styled(_ONE_ACCOUNT, "yellow"))
    _deploy("bootstrap", [f"GitHubRepository={repository}", *(parameters or [])])


@app.command()
def governance(
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Parameters of governance.yaml.")
    ] = None,
) -> None:
    """Deploy an account's trail, rules and access analyzer, once (docs/deploying.md)."""
    _deploy("governance", parameters or [])


def _deploy(name: str, parameters: list[str]) -> None:
    """Deploy a template of the account's with its settings in samconfig.toml."""
    sam = [sys.executable, "-m", "samcli", "deploy", "--template-file", f"{name}.yaml", "--config-env", name]
    command = [*sam, *(["--parameter-overrides", *parameters] if parameters else [])]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, check=False).returncode)


@partner.command()
def issue(
    plan: Annotated[Plan, typer.Argument(help="Their usage plan.")],
    stack: StackName = None,
    state: State = STATE_DIRECTORY,
) -> None:
    """Make a partner and print the token, which is shown this once."""
    say(_partners(stack, state).issue(plan).token)


@partner.command()
def rotate(
    partner_id: PartnerId,
    days: Annotated[float, typer.Option(help="How long the token before it is good.")] = 7,
    stack: StackName = None,
    state: State = STATE_DIRECTORY,
) -> None:
    """Print a partner's new token; the one before it is good for some days more."""
    say(_partners(stack, state).rotate(partner_id, timedelta(days=days)).token)


@partner.command()
def revoke(partner_id: PartnerId, stack: StackName = None, state: State = STATE_DIRECTORY) -> None:
    """Take everything from a partner, at once."""
    _partners(stack, state).revoke(partner_id)
    say(f"{partner_id} is revoked")


def _partners(stack: str | None, state: Path) -> "Partners":
    from tools.ops.partners import Partners

    return Partners(chosen(stack, state))


@accounts.command("sign-up")
def sign_up(email: Email, stack: StackName = None, state: State = STATE_DIRECTORY) -> None:
    """Sign up with an e-mail address; on AWS, confirm comes next."""
    from tools.ops.accounts import confirm_locally

    _accounts(stack, state).sign_up(email, asked_for("password"))
    if stack:
        command = f"storefront accounts confirm {shlex.quote(email)} CODE --stack {shlex.quote(stack)}"
        say(printable(f"signed up; a code is on its way: {command}"))
    else:
        confirm_locally(chosen(None, state), email)
        say("signed up and confirmed")


@accounts.command()
def confirm(
    email: Email,
    code: Annotated[str, typer.Argument(help="It was sent to the address.")],
    stack: StackName = None,
    state: State = STATE_DIRECTORY,
) -> None:
    """Confirm an address with the code that was sent there."""
    _accounts(stack, state).confirm(email, code)
    say("confirmed: sign in")


@accounts.command("sign-in")
def sign_in(email: Email, stack: StackName = None, state: State = STATE_DIRECTORY) -> None:
    """Print the tokens of an account as JSON."""
    say_json(_accounts(stack, state).sign_in(email, asked_for("password")))


@accounts.command()
def refresh(stack: StackName = None, state: State = STATE_DIRECTORY) -> None:
    """Print new tokens as JSON; the refresh token is asked for."""
    say_json(_accounts(stack, state).refresh(asked_for("refresh token")))


def _accounts(stack: str | None, state: Path) -> "Accounts":
    from tools.ops.accounts import Accounts

    return Accounts.of(chosen(stack, state))
