"""Commands that use the shop as its customers do."""

from typing import Annotated

import typer

from tools.console import Misuse, asked_for
from tools.environments import STATE_DIRECTORY
from tools.options import StackName, State, User, chosen

app = typer.Typer()


@app.command()
def demo(state: State = STATE_DIRECTORY) -> None:
    """Walk through the shop on the running stack."""
    from tools.demo import tour

    tour.run(chosen(None, state))


@app.command()
def smoke(
    stack: StackName = None,
    state: State = STATE_DIRECTORY,
    yes: Annotated[bool, typer.Option("--yes", help="Order and edit in prod, too: orders are charged.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Write down in docs/verified.json what has passed.")] = False,
) -> None:
    """Try a deployed stack with the demo's journeys; exit code 1 if one fails."""
    from tools.demo import smoke as journeys
    from tools.demo import verified

    tried = verified.commit() if record else ""
    tested = chosen(stack, state)
    results = journeys.run(tested, yes)
    if record:
        verified.write(results, tried, "aws" if stack else "local", journeys.environment_of(tested))
    if any(result.outcome is journeys.Outcome.FAILED for result in results):
        raise typer.Exit(1)


@app.command()
def chat(
    user: Annotated[User, typer.Option("--as", help="Who you are on the local stack.")] = "customer",
    room: Annotated[str, typer.Option(help="The room to join first.")] = "support",
    stack: StackName = None,
    email: Annotated[str | None, typer.Option(help="With --stack: the account; its password is asked for.")] = None,
    state: State = STATE_DIRECTORY,
) -> None:
    """Chat in a terminal, on the local stack or on AWS."""
    from tools.demo.chat import Access
    from tools.demo.conversation import Conversation

    if not stack:
        access = Access.of(chosen(None, state), user)
    elif email:
        access = Access.of_account(chosen(stack, state), email, asked_for("password"))
    else:
        raise Misuse("--stack needs --email: the account to sign in with")
    Conversation(access, room).run()
