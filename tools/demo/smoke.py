"""Tries a deployed stack out: the demo's journeys, as far as the stack and whoever runs this allow.

On this machine and on AWS alike: the customers and partners are made for it, and removed after it. What cannot be tried
is said, with the reason. In prod nothing is ordered or edited unless asked for.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from enum import Enum
from io import StringIO

from botocore.exceptions import ClientError

from tools.console import Problem, say, styled
from tools.demo.customer import Customer
from tools.demo.tour import JOURNEYS, Journey, Need, Tour
from tools.ops.partners import PLANS, Partners, calling_with, partner_id_of
from tools.stack import seed
from tools.stack.stack import Stack, User

PROD = "prod"
_DENIED = {"AccessDenied", "AccessDeniedException"}
_BROWSED = 4
_KNOWN_WITHIN_SECONDS = 60
_POLL_SECONDS = 0.5


class Outcome(Enum):
    """What came of a journey; the value is its mark, and the mark's colour."""

    PASSED = ("✓", "green")
    SKIPPED = ("-", "yellow")
    FAILED = ("✗", "red")


@dataclass(frozen=True)
class Result:
    """A journey, what came of it, and why if it did not pass; ``seen`` is what a failed one has printed."""

    journey: Journey
    outcome: Outcome
    reason: str = ""
    seconds: float = 0
    seen: str = ""


def environment_of(stack: Stack) -> str:
    """Return which environment a stack is: the API's stage is called after it."""
    return stack.url.rpartition("/")[2]


def run(stack: Stack, may_charge: bool = False) -> list[Result]:
    """Make every journey that can be made, and print a line for each.

    Parameters
    ----------
    stack
        A stack on this machine or on AWS.
    may_charge
        Whether to order and edit in prod, too.

    Returns
    -------
    list of Result
        One for each journey.
    """
    started = time.monotonic()
    results: dict[str, Result] = {}
    with _prepared(stack, may_charge) as (prepared, missing), Tour(prepared) as tour:
        for journey in JOURNEYS:
            result = _stopped_before(journey, missing, results) or _made(journey, tour)
            results[journey.name] = result
            _report(result)
    counts = {outcome: sum(result.outcome is outcome for result in results.values()) for outcome in Outcome}
    say(
        f"{len(results)} journeys: {counts[Outcome.PASSED]} passed, {counts[Outcome.SKIPPED]} skipped, "
        f"{counts[Outcome.FAILED]} failed, in {time.monotonic() - started:.0f} s"
    )
    return list(results.values())


def _stopped_before(journey: Journey, missing: dict[Need, str], results: dict[str, Result]) -> Result | None:
    """Say why a journey is not begun, if something is in its way."""
    for need in Need:
        if need in journey.needs and need in missing:
            return Result(journey, Outcome.SKIPPED, f"no {need.value}: {missing[need]}")
    earlier = results.get(journey.after)
    if earlier and earlier.outcome is not Outcome.PASSED:
        return Result(journey, earlier.outcome, f"it goes on from '{journey.after}'")
    return None


def _made(journey: Journey, tour: Tour) -> Result:
    """Make a journey, and keep to ourselves what it prints."""
    started, seen = time.monotonic(), StringIO()
    outcome, reason = Outcome.PASSED, ""
    try:
        with redirect_stdout(seen):
            for stop in journey.stops:
                stop(tour)
    except ClientError as error:
        # A tour calls AWS itself only as an operator would; the shop's own refusals are HTTP answers.
        outcome = Outcome.SKIPPED if _is_denied(error) else Outcome.FAILED
        reason = _denial(error) if _is_denied(error) else str(error)
    except Problem as problem:
        outcome, reason = Outcome.FAILED, str(problem)
    except Exception as error:  # one broken journey must not keep the others from being made
        outcome, reason = Outcome.FAILED, f"{type(error).__name__}: {error}"
    return Result(journey, outcome, reason, time.monotonic() - started, seen.getvalue())


def _report(result: Result) -> None:
    mark, colour = result.outcome.value
    took = styled(f"({result.seconds:.1f} s)", "dim") if result.seconds else ""
    why = f"{result.outcome.name.lower()}: {result.reason}" if result.reason else ""
    say(" ".join(filter(None, (styled(mark, colour), result.journey.name, took, why))))
    if result.outcome is Outcome.FAILED and result.seen:
        say(result.seen.rstrip())


@contextmanager
def _prepared(stack: Stack, may_charge: bool) -> Iterator[tuple[Stack, dict[Need, str]]]:
    """Make what the journeys need; say what there is not, and why; remove it all in the end."""
    is_prod = environment_of(stack) == PROD
    missing: dict[Need, str] = {}

    def prepare(need: Need, make: Callable[[Stack], Stack]) -> None:
        nonlocal stack
        try:
            stack = make(stack)
        except ClientError as error:
            if not _is_denied(error):
                raise
            missing[need] = _denial(error)
        except _Lacking as lack:
            missing[need] = str(lack)

    with ExitStack() as removals:
        if is_prod and not may_charge:
            missing[Need.SALES] = missing[Need.EDITS] = "this is prod; --charge orders and edits all the same"
        prepare(Need.PRODUCTS, _with_own_products if is_prod else _with_the_demo_s_products)
        prepare(Need.CATALOGUE, _with_a_catalogue)
        prepare(Need.SANDBOX, _with_the_sandbox)
        prepare(Need.CUSTOMERS, lambda made: _with_customers(made, removals))
        prepare(Need.PARTNERS, lambda made: _with_partners(made, removals))
        yield stack, missing


class _Lacking(Exception):
    """The stack does not have something; the message says why."""


def _with_the_demo_s_products(stack: Stack) -> Stack:
    seed.seed_products(stack)
    return stack


def _with_own_products(stack: Stack) -> Stack:
    """In prod nothing is put on sale for a test."""
    if not Customer(stack.url).request("GET", "/products/MUG-001").ok:
        raise _Lacking("prod sells its own")
    return stack


def _with_a_catalogue(stack: Stack) -> Stack:
    page = Customer(stack.url).request("GET", f"/products?limit={_BROWSED}")
    # An answer that is none is for the journey to find.
    if page.ok and len(page.json()["items"]) < _BROWSED:
        raise _Lacking(f"fewer than {_BROWSED} are on sale")
    return stack


def _with_the_sandbox(stack: Stack) -> Stack:
    if "PaymentsSandboxTableName" not in stack.outputs:
        raise _Lacking("this stack charges at a real provider")
    return replace(stack, webhook=seed.webhook_of(stack))


def _with_customers(stack: Stack, removals: ExitStack) -> Stack:
    if environment_of(stack) == PROD:
        raise _Lacking("prod's client signs in by SRP only, which this command does not know")
    cognito, pool = stack.client("cognito-idp"), stack.outputs["UserPoolId"]
    users = {}
    for name, group in seed.GROUP_OF_USER.items():
        email = f"smoke-{name}-{secrets.token_hex(8)}@storefront.example"
        user = User(email, seed.new_password())
        seed.create_user(cognito, pool, user, f"Smoke {name.capitalize()}")
        removals.callback(cognito.admin_delete_user, UserPoolId=pool, Username=email)
        seed.let_in(cognito, pool, user, group)
        users[name] = user
    return replace(stack, users=users)


def _with_partners(stack: Stack, removals: ExitStack) -> Stack:
    partners = Partners(stack)
    issued = {}
    for plan in PLANS:
        issued[plan] = partners.issue(plan)
        removals.callback(partners.remove, partner_id_of(issued[plan].token))
    made = replace(stack, partners=issued)
    _wait_until_known(made)
    return made


def _wait_until_known(stack: Stack) -> None:
    """Wait until the gateway lets the new partners in: it may take a while to know a new API key."""
    deadline = time.monotonic() + _KNOWN_WITHIN_SECONDS
    for access in stack.partners.values():
        partner = calling_with(stack, access)
        while partner.request("GET", "/partner/orders/none").status_code in (401, 403):
            if time.monotonic() > deadline:
                return  # the journey will say so
            time.sleep(_POLL_SECONDS)


def _is_denied(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _DENIED


def _denial(error: ClientError) -> str:
    return f"these credentials may not call {error.operation_name}"
