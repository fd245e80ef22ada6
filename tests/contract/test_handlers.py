"""The functions behind the routes of openapi.yaml answer their sample events as the document says.

Both lists are read: a new route needs a sample event for each answer that it documents.
"""

import json
from typing import Any

import pytest

from storefront.orders import list_orders, place_order
from tests.support.contract import violations
from tests.support.faults import aws_error, refusing
from tests.support.in_process import functions
from tools.replay.cases import Case, filled_in, load
from tools.replay.credentials import Credentials
from tools.replay.target import Invoke
from tools.testing.aws import Aws
from tools.testing.aws_calls import Listen
from tools.testing.events import Context, rest_event
from tools.testing.routes import rest_handlers
from tools.testing.template import openapi

ROUTES = rest_handlers()
# Answers of the gateway alone, whose shape is checked in tests/template/test_openapi.py, and those to broken services,
# which every route is made to give below.
WITHOUT_EVENTS = {"403", "413", "415", "429", "504", "500", "503"}


def route_of(case: Case) -> str:
    return f"{case.event['httpMethod']} {case.event['resource']}"


def is_behind_a_route(case: Case) -> bool:
    return "httpMethod" in case.event and ROUTES.get(route_of(case)) == functions()[case.function]


CASES = {name: case for name, case in load().items() if is_behind_a_route(case)}
# The first of each route counts.
GOOD = {route_of(case): case for case in reversed(CASES.values()) if case.answer["statusCode"] < 400}


def answer_to(case: Case, invoke: Invoke, credentials: Credentials) -> Any:
    """Return the answer to the last event of a case."""
    answers = [invoke(each.function, filled_in(each.event, credentials.values())).answer for each in case.chain]
    return answers[-1]


def test_every_documented_answer_has_a_sample_event() -> None:
    documented = {
        (route, status) for route in ROUTES for status in operation_of(route)["responses"].keys() - WITHOUT_EVENTS
    }

    assert documented == {(route_of(case), str(case.answer["statusCode"])) for case in CASES.values()}


def operation_of(route: str) -> Any:
    method, path = route.split()
    return openapi()["paths"][path][method.lower()]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_is_as_documented(invoke: Invoke, credentials: Credentials, case: Case) -> None:
    answer = answer_to(case, invoke, credentials)

    assert answer["statusCode"] == case.answer["statusCode"]
    assert violations(route_of(case), answer) == []


@pytest.mark.parametrize(("code", "status"), [("AccessDeniedException", 500), ("ThrottlingException", 503)])
@pytest.mark.parametrize("route", ROUTES)
def test_a_failure_is_as_documented(
    listen: Listen, invoke: Invoke, credentials: Credentials, route: str, code: str, status: int
) -> None:
    # given an AWS that answers every call with an error
    case = GOOD[route]
    event = filled_in(case.event, credentials.values())
    listen(refusing(aws_error(code)))

    answer = invoke(case.function, event).answer

    assert answer["statusCode"] == status
    assert violations(route, answer) == []


def test_a_page_that_is_not_the_last_is_as_documented(aws: Aws) -> None:
    aws.add_product("MUG-001")
    for key in ("first", "second"):
        body = {"lines": [{"sku": "MUG-001", "quantity": 1}]}
        place_order.handler(rest_event(customer="ada", headers={"Idempotency-Key": key}, body=body), Context())

    answer = list_orders.handler(rest_event(customer="ada", query={"limit": "1"}), Context())

    assert json.loads(answer["body"]).keys() == {"items", "nextCursor"}
    assert violations("GET /orders", answer) == []
