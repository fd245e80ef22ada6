"""The partners' catalogue: a page, or an error message by which the gateway answers."""

import re
from typing import Any

import pytest

from storefront.catalog.list_partner_products import handler
from tests.support.faults import aws_error, refusing
from tools.testing.aws import Aws
from tools.testing.aws_calls import Listen
from tools.testing.events import Context
from tools.testing.template import openapi

RESPONSES = openapi()["paths"]["/partner/products.xml"]["get"]["x-amazon-apigateway-integration"]["responses"]
PATTERNS = {one["statusCode"]: pattern for pattern, one in RESPONSES.items() if pattern != "default"}


def ask(**query: str) -> Any:
    event = {"limit": "", "cursor": "", "requestId": "11111111-1111-1111-1111-111111111111"} | query
    return handler(event, Context())  # type: ignore[arg-type]


def selected(message: str) -> list[str]:
    """Return the statuses of the responses that an error message selects."""
    return [status for status, pattern in PATTERNS.items() if re.fullmatch(pattern, message)]


def test_pages_lead_to_the_end(aws: Aws) -> None:
    for sku in ("MUG-001", "MUG-002", "MUG-003"):
        aws.add_product(sku)

    first = ask(limit="2")
    second = ask(limit="2", cursor=first["nextCursor"])

    assert [item["sku"] for item in first["items"] + second["items"]] == ["MUG-001", "MUG-002", "MUG-003"]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "all"}, {"cursor": "bWFkZSB1cA"}])
def test_a_bad_query_selects_the_400(aws: Aws, query: dict[str, str]) -> None:
    with pytest.raises(Exception, match=r"^400 ") as raised:
        ask(**query)

    assert selected(str(raised.value)) == ["400"]


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", "503"), ("AccessDeniedException", "500")])
def test_a_failure_selects_the_response_of_its_kind(aws: Aws, listen: Listen, code: str, status: str) -> None:
    listen(refusing(aws_error(code)))

    with pytest.raises(Exception, match=f"^{status} ") as raised:
        ask()

    assert selected(str(raised.value)) == [status]


@pytest.mark.parametrize(
    "message",
    ["2026-11-28T12:00:00Z 1c Task timed out after 10.00 seconds", "RequestId: 1 Error: Runtime exited", "\n"],
)
def test_what_lambda_says_of_a_function_that_ended_selects_the_500(message: str) -> None:
    assert selected(message) == ["500"]


def test_a_success_selects_none() -> None:
    assert selected("") == []
