"""The gaps that the repairs close are still there: a repair whose gap is gone must go too."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tools.stack import repairs
from tools.stack.stack import Stack

DOCUMENT = {
    "openapi": "3.0.1",
    "info": {"title": "gaps", "version": "1"},
    "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True, "validateRequestParameters": True}},
    "x-amazon-apigateway-request-validator": "all",
    "x-amazon-apigateway-gateway-responses": {
        "THROTTLED": {"statusCode": 429, "responseTemplates": {"application/json": "{}"}}
    },
    "components": {"schemas": {"Thing": {"type": "object", "required": ["name"]}}},
    "paths": {
        "/things": {
            "post": {
                "parameters": [{"name": "Key", "in": "header", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"200": {"description": "done"}},
                "x-amazon-apigateway-integration": {
                    "type": "mock",
                    "passthroughBehavior": "never",
                    "requestTemplates": {"application/json": '{"statusCode": 200}'},
                    "responses": {"default": {"statusCode": "200"}},
                },
            }
        }
    },
}


TEMPLATE = {
    "Resources": {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "gaps", "Body": DOCUMENT}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": True},
            },
        },
    }
}


@pytest.fixture(scope="module")
def physical_ids(stack: Stack) -> Iterator[dict[str, str]]:
    """A stack as the emulator deploys it, with no repair."""
    cloudformation = stack.client("cloudformation")
    cloudformation.create_stack(StackName="gaps", TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="gaps", WaiterConfig={"Delay": 1})
    resources = cloudformation.describe_stack_resources(StackName="gaps")["StackResources"]
    yield {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
    cloudformation.delete_stack(StackName="gaps")


@pytest.fixture(scope="module")
def apigateway(stack: Stack) -> Any:
    return stack.client("apigateway")


@pytest.fixture(scope="module")
def api_id(physical_ids: dict[str, str]) -> str:
    return physical_ids["Api"]


@pytest.fixture(scope="module")
def method(apigateway: Any, api_id: str) -> dict[str, Any]:
    resources = apigateway.get_resources(restApiId=api_id, embed=["methods"])["items"]
    imported: dict[str, Any] = next(entry for entry in resources if entry["path"] == "/things")["resourceMethods"]
    return imported["POST"]  # type: ignore[no-any-return]


def test_models_are_not_imported(apigateway: Any, api_id: str) -> None:
    names = {model["name"] for model in apigateway.get_models(restApiId=api_id)["items"]}

    assert "Thing" not in names, gone(repairs.set_models)


def test_methods_are_imported_without_validation_and_mapping(method: dict[str, Any]) -> None:
    integration = method["methodIntegration"]

    assert not method.get("requestParameters"), gone(repairs.set_methods)
    assert not method.get("requestModels"), gone(repairs.set_methods)
    assert not method.get("requestValidatorId"), gone(repairs.set_methods)
    assert not integration.get("requestTemplates"), gone(repairs.set_methods)
    assert not integration.get("integrationResponses"), gone(repairs.set_methods)


def test_gateway_responses_are_not_imported(apigateway: Any, api_id: str) -> None:
    responses = apigateway.get_gateway_responses(restApiId=api_id)["items"]
    custom = {response["responseType"] for response in responses if not response.get("defaultResponse")}

    assert custom == set(), gone(repairs.set_gateway_responses)


def test_items_do_not_expire(stack: Stack, physical_ids: dict[str, str]) -> None:
    answer = stack.client("dynamodb").describe_time_to_live(TableName=physical_ids["Table"])

    assert answer["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED", gone(repairs.set_time_to_live)


def test_the_url_of_a_function_names_a_host_that_not_every_machine_knows(stack: Stack) -> None:
    configurations = [
        configuration["FunctionUrl"]
        for function in stack.client("lambda").list_functions()["Functions"]
        for configuration in stack.client("lambda").list_function_url_configs(FunctionName=function["FunctionName"])[
            "FunctionUrlConfigs"
        ]
    ]

    assert configurations
    assert all(".lambda-url." in url for url in configurations), gone(repairs.set_urls)


def gone(repair: Callable[..., None]) -> str:
    return f"the emulator has closed this gap: take {repair.__name__} (or its part) out of tools/stack/repairs.py"
