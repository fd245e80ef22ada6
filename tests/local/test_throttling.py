"""The gateway's limits, on the stage as it is deployed."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.local.test_refusals import check_problem
from tools.demo.api_client import ApiClient
from tools.stack.stack import Stack
from tools.testing.template import source

RATE, BURST = 5, 10


@pytest.fixture
def stage(stack: Stack) -> dict[str, Any]:
    return {"restApiId": stack.outputs["RestApiId"], "stageName": "local"}


@pytest.fixture
def health_is_limited(stack: Stack, stage: dict[str, Any]) -> Iterator[None]:
    apigateway = stack.client("apigateway")
    path = "/~1health/GET/throttling"
    values = {"rateLimit": RATE, "burstLimit": BURST}
    changes = [{"op": "replace", "path": f"{path}/{name}", "value": str(value)} for name, value in values.items()]
    apigateway.update_stage(**stage, patchOperations=changes)
    yield
    apigateway.update_stage(**stage, patchOperations=[{"op": "remove", "path": "/~1health/GET"}])


def test_the_stage_has_the_template_s_limits(stack: Stack, stage: dict[str, Any]) -> None:
    settings = stack.client("apigateway").get_stage(**stage)["methodSettings"]
    wanted = source()["Mappings"]["Throttling"]["local"]

    def limits(*keys: str) -> tuple[float, int]:
        (one,) = [settings[key] for key in keys if key in settings]
        return one["throttlingRateLimit"], one["throttlingBurstLimit"]

    assert limits("*/*") == (wanted["Rate"], wanted["Burst"])
    assert limits("/orders/POST", "orders/POST") == (wanted["OrdersRate"], wanted["OrdersBurst"])
    assert limits("/products/GET", "products/GET") == (wanted["ProductsRate"], wanted["ProductsBurst"])


def test_a_flood_gets_429_and_the_method_s_rate_of_answers_and_other_routes_are_not_held_up(
    stack: Stack, health_is_limited: None
) -> None:
    clients = threading.local()

    def ask(path: str) -> Any:
        if not hasattr(clients, "visitor"):
            clients.visitor = ApiClient(stack.url)
        return clients.visitor.request("GET", path)

    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, ["/health"] * 150))
        seconds = time.monotonic() - started
        others = list(pool.map(ask, ["/products?limit=1"] * 20))

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() == {200, 429}
    assert BURST <= statuses[200] <= BURST + RATE * seconds + 1
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "moment" in check_problem(refused, 429)
    assert refused.headers["Retry-After"] == "1"
    assert {answer.status_code for answer in others} == {200}
