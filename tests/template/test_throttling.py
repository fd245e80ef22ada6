"""Limits: of requests at the gateway, and of functions that run at once."""

from typing import Any

import pytest

from tools.testing.deployment import Deployment
from tools.testing.template import openapi, resources, source

ENVIRONMENTS = source()["Parameters"]["Environment"]["AllowedValues"]
LIMITS = source()["Mappings"]["Throttling"]
# "Amazon API Gateway quotas", Amazon API Gateway Developer Guide: throttle quota per account and Region
ACCOUNT_RATE, ACCOUNT_BURST = 10_000, 5_000
# "Lambda quotas" and "Configuring reserved concurrency for a function", AWS Lambda Developer Guide
USUAL_CONCURRENCY, UNRESERVED_AT_LEAST = 1000, 100


def settings(environment: str) -> dict[str, dict[str, Any]]:
    """Return the stage's limits by method and path."""
    (stage,) = resources("AWS::ApiGateway::Stage").values()
    found = {}
    for entry in stage["MethodSettings"]:
        limits = {name: limit(value, environment) for name, value in entry.items() if name.startswith("Throttling")}
        # The path after the first slash has its slashes encoded.
        path = entry["ResourcePath"].replace("/~1", "/").replace("~1", "/")
        found[f"{entry['HttpMethod']} {path}"] = limits
    return found


def limit(value: Any, environment: str) -> int:
    mapping, key, name = value["Fn::FindInMap"]
    assert key == {"Ref": "Environment"}
    number: int = source()["Mappings"][mapping][environment][name]
    return number


def reserved(wanted: str) -> dict[str, int]:
    environment = {"Environment": "dev", "ReserveConcurrency": wanted}
    functions = {
        name: resource["Properties"].get("ReservedConcurrentExecutions")
        for name, resource in Deployment(**environment).resources.items()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    return {name: value for name, value in functions.items() if value not in (None, {"Ref": "AWS::NoValue"})}


def test_each_environment_has_limits() -> None:
    assert LIMITS.keys() == set(ENVIRONMENTS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_method_has_limits_and_orders_the_lowest(environment: str) -> None:
    limits = settings(environment)

    assert limits.keys() == {"* /*", "POST /orders", "GET /products", "GET /products/{sku}"}
    for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
        assert 0 < limits["POST /orders"][name] <= limits["* /*"][name] <= limits["GET /products"][name]
    for route in limits.keys() - {"* /*"}:
        method, path = route.split()
        assert method.lower() in openapi()["paths"][path]


@pytest.mark.parametrize(
    ("share", "name", "kind"),
    [(ACCOUNT_RATE // 2, "Rate", "ThrottlingRateLimit"), (ACCOUNT_BURST, "Burst", "ThrottlingBurstLimit")],
)
@pytest.mark.parametrize("environment", [name for name in ENVIRONMENTS if name != "local"])
def test_all_methods_at_their_limits_leave_most_of_the_account_to_others(
    environment: str, share: int, name: str, kind: str
) -> None:
    limits = settings(environment)
    methods = sum(len(item.keys() - {"parameters"}) for item in openapi()["paths"].values())
    own = sum(one[kind] for route, one in limits.items() if route != "* /*")
    others = methods - (len(limits) - 1)

    most = (share - own) // others

    assert limits["* /*"][kind] <= most, (
        f"{methods} methods share {share} of the account: in template.yaml, mapping Throttling, lower {name} of "
        f"{environment} to {most} or less"
    )


def test_no_function_reserves_concurrency_unless_asked() -> None:
    assert source()["Parameters"]["ReserveConcurrency"]["Default"] == "false"
    assert reserved("false") == {}


def test_what_anyone_may_call_is_bounded_and_the_processor_has_its_share() -> None:
    found = reserved("true")

    assert {"ListProductsFunction", "GetProductFunction", "PaymentsSandboxFunction"} <= found.keys()
    processor = resources("AWS::Lambda::EventSourceMapping")["ProcessOrdersFunctionOrders"]
    # With less, the queue's consumer would be throttled, and its messages counted as received.
    assert found["ProcessOrdersFunction"] >= processor["ScalingConfig"]["MaximumConcurrency"]


def test_the_reservations_fit_the_account_that_the_parameter_names() -> None:
    total = sum(reserved("true").values())

    assert total + UNRESERVED_AT_LEAST <= USUAL_CONCURRENCY
    description = source()["Parameters"]["ReserveConcurrency"]["Description"]
    assert f"a quota of {total + UNRESERVED_AT_LEAST} or more" in description
