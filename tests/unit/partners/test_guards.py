"""The smoke test looks whether API Gateway asks partners for a token and for an API key."""

from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tools.console import Problem
from tools.demo.journeys import JOURNEYS
from tools.demo.visit import Visit
from tools.stack.stack import Stack

GUARDED = {"authorizationType": "CUSTOM", "authorizerId": "ab12cd", "apiKeyRequired": True}


@dataclass(frozen=True)
class Deployed(Stack):
    """A stack whose API answers what it was deployed with."""

    method: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        client: Any = boto3.client("apigateway", region_name=self.region)
        answers = Stubber(client)
        resources = [{"id": "root", "path": "/"}, {"id": "orders", "path": "/partner/orders"}]
        answers.add_response("get_resources", {"items": resources}, {"restApiId": "api"})
        asked = {"restApiId": "api", "resourceId": "orders", "httpMethod": "POST"}
        answers.add_response("get_method", self.method, asked)
        answers.activate()
        return client


def look_at(method: dict[str, Any]) -> list[str]:
    shown: list[str] = []
    outputs = {"RestApiId": "api", "RestApiUrl": "https://api.example/dev"}
    stack = Deployed("", "eu-west-1", {}, outputs, {}, method=method)
    (journey,) = [one for one in JOURNEYS if one.name == "look at the partners' guards"]
    journey.walk(Visit(stack, shown.append))
    return shown


def test_a_method_with_both_is_shown() -> None:
    assert "authorizerId ab12cd, apiKeyRequired True" in look_at(GUARDED)[-1]


@pytest.mark.parametrize(("missing", "what"), [("authorizerId", "an authorizer"), ("apiKeyRequired", "an API key")])
def test_a_method_without_one_of_them_is_a_problem(missing: str, what: str) -> None:
    method = {name: value for name, value in GUARDED.items() if name != missing}

    with pytest.raises(Problem, match=what):
        look_at(method)
