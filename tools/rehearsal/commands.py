"""Commands that rehearse a release."""

from __future__ import annotations

import inspect
import math
from dataclasses import fields
from typing import Annotated, Any, Literal

import typer

from tools.console import say
from tools.environments import STATE_DIRECTORY
from tools.options import State
from tools.rehearsal import comparison
from tools.rehearsal.simulation import Assumptions

app = typer.Typer()


def _positive(number: float) -> float:
    if not 0 < number < math.inf:
        raise typer.BadParameter("a number above 0 is needed.")
    return number


@app.command(
    epilog="Exit codes: 0 the new version has all traffic; rolled back: 3 the pre-traffic hook refused it, "
    "4 an alarm fired, 5 the post-traffic hook refused it."
)
def rollout(
    function: Annotated[str, typer.Option(help="The name of a folder in events/.")] = "list-products",
    configuration: Annotated[str, typer.Option(help="How CodeDeploy moves traffic.")] = "Linear10PercentEvery1Minute",
    bad: Annotated[
        Literal["1", "import", "answer"] | None,
        typer.Option(help="Ship a version that fails one request in five (1), does not import, or answers wrongly."),
    ] = None,
    speed: Annotated[float, typer.Option(callback=_positive, help="60 is a minute in a second.")] = 60,
    requests: Annotated[int, typer.Option(min=1, help="Requests in a minute.")] = 150,
    state: State = STATE_DIRECTORY,
) -> None:
    """Release a new version gradually on the running stack, and watch it."""
    from tools.rehearsal.rehearsal import rehearse
    from tools.rehearsal.versions import Change

    change = Change(bad) if bad else Change.GOOD
    raise typer.Exit(rehearse(state, function, configuration, change, speed, requests).exit_code)


def rollout_compare(**given: Any) -> None:
    """Compare how many customers a bad release reaches under each configuration."""
    assumptions = Assumptions(**given)
    say(comparison.as_table(comparison.compare(assumptions), assumptions))
    for rate in assumptions.error_rates:
        say(comparison.as_picture(rate, assumptions))


def _option(assumption: Any) -> inspect.Parameter:
    """Return the option that changes an assumption: its name, default and help stand in `Assumptions` alone."""
    several = isinstance(assumption.default, tuple)
    kind: Any = list[float] if several else type(assumption.default)
    option = typer.Option(help=assumption.metadata["help"] + (" (repeat it for several)" if several else ""))
    return inspect.Parameter(
        assumption.name, inspect.Parameter.KEYWORD_ONLY, default=assumption.default, annotation=Annotated[kind, option]
    )


rollout_compare.__signature__ = inspect.Signature([_option(each) for each in fields(Assumptions)])  # type: ignore[attr-defined]
app.command("rollout-compare")(rollout_compare)
