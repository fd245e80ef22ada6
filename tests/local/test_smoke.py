"""The smoke test: on a stack where all is well, where credentials may do little, and where something is broken."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Typed
from tools.demo import smoke
from tools.demo.journeys import JOURNEYS, Journey, Need
from tools.demo.smoke import Outcome, Result
from tools.demo.visit import Visit
from tools.stack.stack import Stack


def outcomes(results: list[Result]) -> dict[str, Outcome]:
    return {result.journey.name: result.outcome for result in results}


def keys_of(stack: Stack) -> set[str]:
    """The names of all API keys."""
    return {key["name"] for key in stack.client("apigateway").get_api_keys(limit=500)["items"]}


def test_every_journey_is_made_on_the_local_stack_and_leaves_nobody_behind(stack: Stack, typed: Typed) -> None:
    keys_before = keys_of(stack)

    # When
    lines = typed("storefront smoke").splitlines()

    # Then
    assert len(lines) == len(JOURNEYS) + 1
    assert f"{len(JOURNEYS)} journeys: {len(JOURNEYS)} passed, 0 skipped, 0 failed" in lines[-1]
    # And
    users = stack.client("cognito-idp").list_users(UserPoolId=stack.outputs["UserPoolId"])["Users"]
    addresses = [each["Value"] for user in users for each in user["Attributes"] if each["Name"] == "email"]
    assert addresses
    assert not [address for address in addresses if address.startswith("smoke-")]
    assert keys_of(stack) == keys_before


@dataclass(frozen=True)
class AsDeployRole(Stack):
    """A stack in the hands of a role that may call nothing but the API, and read how it is guarded."""

    def client(self, service: str) -> Any:
        client = super().client(service)
        client.meta.events.register("before-call", _denied)
        return client


def _denied(model: Any, **_: Any) -> None:
    if model.service_model.service_name == "apigateway" and model.name.startswith("Get"):
        return
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, model.name)


def test_what_credentials_may_not_do_is_skipped_and_said(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    fields = {name: getattr(stack, name) for name in ("endpoint", "region", "credentials", "outputs")}

    results = smoke.run(AsDeployRole(**fields, users={}))

    # Then
    assert Outcome.FAILED not in outcomes(results).values()
    passed = {name for name, outcome in outcomes(results).items() if outcome is Outcome.PASSED}
    assert passed == {journey.name for journey in JOURNEYS if journey.needs <= {Need.CATALOGUE}}
    said = capsys.readouterr().out
    assert "sign in skipped: no people who can sign in: these credentials may not call AdminCreateUser" in said
    assert f"{len(passed)} passed, {len(JOURNEYS) - len(passed)} skipped" in said


def test_in_prod_nothing_is_ordered_or_edited(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "environment_of", lambda stack: smoke.PROD)

    made = {result.journey for result in smoke.run(stack) if result.outcome is not Outcome.SKIPPED}

    assert made == {journey for journey in JOURNEYS if not journey.needs & {Need.SALES, Need.EDITS, Need.CUSTOMERS}}


def test_in_prod_partners_order_when_it_is_asked_for(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "environment_of", lambda stack: smoke.PROD)

    assert outcomes(smoke.run(stack, may_charge=True))["order as a partner"] is Outcome.PASSED


def healthy(visit: Visit) -> None:
    visit.expect(200, visit.visitor.request("GET", "/health"))


def broken(visit: Visit) -> None:
    visit.expect(418, visit.visitor.request("GET", "/products/MUG-001"))


def confused(visit: Visit) -> None:
    raise KeyError("orderId")


@pytest.mark.parametrize(("walk", "why"), [(broken, "answers 418, not 200"), (confused, "KeyError: 'orderId'")])
def test_a_broken_journey_fails_shows_what_happened_and_stops_only_what_goes_on_from_it(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    walk: Callable[[Visit], None],
    why: str,
) -> None:
    # Given
    journeys = (
        Journey("first", walk),
        Journey("next", healthy, after="first"),
        Journey("other", healthy),
    )
    monkeypatch.setattr(smoke, "JOURNEYS", journeys)

    # When
    results = smoke.run(replace(stack))

    # Then
    assert list(outcomes(results).values()) == [Outcome.FAILED, Outcome.FAILED, Outcome.PASSED]
    said = capsys.readouterr().out
    assert why in said
    assert "next failed: it goes on from 'first'" in said
    assert ("GET /products/MUG-001" in said) == (walk is broken)
