"""Sets, after a deployment, what the emulator leaves out of the template and the OpenAPI document.

The emulator takes these settings through its control plane but not from CloudFormation. There is one function per
gap; a gap it closes makes its function superfluous. What no call can set is in ``differences``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import yaml

from tools.console import Problem
from tools.stack.stack import REGION, ROOT, STACK_NAME, Stack, resources_of

Json = dict[str, Any]
_METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "x-amazon-apigateway-any-method"}
_VALIDATOR = "x-amazon-apigateway-request-validator"
_VARIABLE = re.compile(r"\$\{([^}!]+)\}")


@dataclass(frozen=True)
class Repair:
    """A gap: what the emulator leaves out, and the function that sets it."""

    gap: str
    apply: Callable[[Deployed], None]


class Deployed:
    """A deployed stack together with the documents it was deployed from."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.outputs = stack.outputs
        self.api_id = stack.outputs["RestApiId"]
        self.stage = urlsplit(stack.url).path.rsplit("/", 1)[-1]

    @cached_property
    def apigateway(self) -> Any:
        """The control plane of API Gateway."""
        return self.stack.client("apigateway")

    @cached_property
    def openapi(self) -> Json:
        """The OpenAPI document with its references to parameters followed and its intrinsic functions resolved."""
        document: Json = yaml.safe_load((ROOT / "openapi.yaml").read_text())
        resolved: Json = _resolve(document, self._values)
        return resolved

    @cached_property
    def template(self) -> Json:
        """The template as CloudFormation has it: after the SAM transform, with every default filled in."""
        cloudformation = self.stack.client("cloudformation")
        body = cloudformation.get_template(StackName=STACK_NAME, TemplateStage="Processed")["TemplateBody"]
        return body if isinstance(body, dict) else yaml.safe_load(body)

    @cached_property
    def physical_ids(self) -> dict[str, str]:
        """The name of each resource in AWS by its name in the template."""
        rows = resources_of(self.stack.client("cloudformation"), STACK_NAME)
        return {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows}

    @cached_property
    def _values(self) -> dict[str, str]:
        """What ``Ref`` and ``${...}`` stand for."""
        stack = self.stack.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        parameters = {entry["ParameterKey"]: entry["ParameterValue"] for entry in stack.get("Parameters", [])}
        pseudo = {
            "AWS::AccountId": stack["StackId"].split(":")[4],
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": STACK_NAME,
        }
        return pseudo | parameters | self.physical_ids

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Yield the path, method and operation of everything the OpenAPI document describes."""
        for path, item in self.openapi["paths"].items():
            for method in item.keys() & _METHODS:
                operation = item[method]
                parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
                name = "ANY" if method.startswith("x-") else method.upper()
                yield path, name, {**operation, "parameters": [self.dereference(entry) for entry in parameters]}

    def dereference(self, node: Json) -> Json:
        """Follow a ``$ref`` into ``components``."""
        if "$ref" not in node:
            return node
        target: Any = self.openapi
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return self.dereference(target)


def apply(stack: Stack) -> None:
    """Set everything the emulator has left out; applying it twice changes nothing."""
    deployed = Deployed(stack)
    for repair in REPAIRS:
        try:
            repair.apply(deployed)
        except Exception as error:
            raise Problem(f"the local stack could not be given its {repair.gap}: {error}") from error


def set_models(deployed: Deployed) -> None:
    """Create the models, each with the ones it refers to inside it."""
    models = deployed.apigateway.get_models(restApiId=deployed.api_id, limit=500)["items"]
    existing = {model["name"] for model in models}
    schemas = deployed.openapi.get("components", {}).get("schemas", {})
    # A model refers to the definitions inside it.
    definitions = json.loads(json.dumps(schemas).replace('"#/components/schemas/', '"#/definitions/'))
    for name in schemas.keys() - existing:
        schema = json.dumps({**definitions[name], "definitions": definitions})
        model = {"restApiId": deployed.api_id, "name": name, "contentType": "application/json", "schema": schema}
        deployed.apigateway.create_model(**model)


def set_methods(deployed: Deployed) -> None:
    """Put every method again, with its required parameters, body models, validator and full integration."""
    validators = _request_validators(deployed)
    found = deployed.apigateway.get_resources(restApiId=deployed.api_id, embed=["methods"], limit=500)["items"]
    resources = {resource["path"]: resource for resource in found}
    for path, method, operation in deployed.operations():
        address = {"restApiId": deployed.api_id, "resourceId": resources[path]["id"], "httpMethod": method}
        imported = resources[path]["resourceMethods"][method]
        validator = operation.get(_VALIDATOR) or deployed.openapi.get(_VALIDATOR)
        # Not update_method: it does not decode the ~1 in application~1json.
        deployed.apigateway.delete_method(**address)
        deployed.apigateway.put_method(
            **address,
            authorizationType=imported["authorizationType"],
            apiKeyRequired=imported.get("apiKeyRequired", False),
            requestParameters=_required_parameters(operation),
            requestModels=_body_models(operation),
            **_present(authorizerId=imported.get("authorizerId"), requestValidatorId=validators.get(validator)),
            **_present(authorizationScopes=imported.get("authorizationScopes")),
        )
        if "x-amazon-apigateway-integration" in operation:
            _put_integration(deployed, address, operation, imported["methodIntegration"])


def set_gateway_responses(deployed: Deployed) -> None:
    """Put the gateway responses."""
    for kind, response in deployed.openapi.get("x-amazon-apigateway-gateway-responses", {}).items():
        templates = {
            media_type: template.replace("$context.error.validationErrorString", "$context.error.message")
            for media_type, template in response.get("responseTemplates", {}).items()
        }
        deployed.apigateway.put_gateway_response(
            restApiId=deployed.api_id,
            responseType=kind,
            responseParameters=response.get("responseParameters", {}),
            responseTemplates=templates,
            **_present(statusCode=str(response["statusCode"]) if "statusCode" in response else None),
        )


def deploy_api(deployed: Deployed) -> None:
    """Deploy the API again: a stage answers with the gateway responses of its deployment."""
    deployed.apigateway.create_deployment(restApiId=deployed.api_id, stageName=deployed.stage)


def set_time_to_live(deployed: Deployed) -> None:
    """Turn on the expiry of items in the tables that ask for it."""
    dynamodb = deployed.stack.client("dynamodb")
    for name, resource in deployed.template["Resources"].items():
        wanted = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if resource["Type"] != "AWS::DynamoDB::Table" or not wanted or name not in deployed.physical_ids:
            continue
        table = deployed.physical_ids[name]
        current = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if current["TimeToLiveStatus"] != "ENABLED":
            specification = {"Enabled": True, "AttributeName": wanted["AttributeName"]}
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def set_urls(deployed: Deployed) -> None:
    """Write the addresses of the sandbox and of the REST API in the form that resolves on every machine."""
    ssm = deployed.stack.client("ssm")
    for output in ("PaymentsUrlParameterName", "RestApiUrlParameterName"):
        name = deployed.outputs.get(output)
        if not name:
            continue
        parameter = ssm.get_parameter(Name=name)["Parameter"]
        local = local_url(parameter["Value"], deployed.stack.endpoint)
        if parameter["Value"] != local:
            ssm.put_parameter(Name=name, Value=local, Type=parameter["Type"], Overwrite=True)


REPAIRS = (
    Repair("models of request bodies", set_models),
    Repair("request validation, mapping templates and integration responses", set_methods),
    Repair("gateway responses", set_gateway_responses),
    Repair("deployment of these API settings", deploy_api),
    Repair("expiry of table items", set_time_to_live),
    Repair("addresses of the payments sandbox and of the REST API", set_urls),
)


def local_url(url: str, endpoint: str) -> str:
    """Return the URL of an API, a function or a queue as it works on this machine; any other text as it is."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    scheme = {"wss": "ws", "ws": "ws"}.get(parts.scheme, "http")
    base = f"{scheme}://{urlsplit(endpoint).netloc}"
    identifier = host.split(".")[0]
    if ".execute-api." in host:
        return f"{base}/_aws/execute-api/{identifier}{parts.path}"
    if ".lambda-url." in host:
        return f"{base}/_aws/lambda-url/{identifier}{parts.path}"
    if parts.scheme in {"http", "https"} and (
        host.startswith(("sqs.", "queue.")) or host in {"localhost", "127.0.0.1"}
    ):
        return f"{base}{parts.path}"
    return url


def _request_validators(deployed: Deployed) -> dict[str | None, str]:
    """Create the request validators; return their ids by name."""
    items = deployed.apigateway.get_request_validators(restApiId=deployed.api_id, limit=500)["items"]
    ids: dict[str | None, str] = {validator["name"]: validator["id"] for validator in items}
    wanted = deployed.openapi.get("x-amazon-apigateway-request-validators", {})
    for name in wanted.keys() - ids.keys():
        created = deployed.apigateway.create_request_validator(restApiId=deployed.api_id, name=name, **wanted[name])
        ids[name] = created["id"]
    return ids


def _put_integration(deployed: Deployed, address: Json, operation: Json, imported: Json) -> None:
    """Put an integration as the document has it; the target is the imported one, resolved by CloudFormation."""
    wanted = operation["x-amazon-apigateway-integration"]
    deployed.apigateway.put_integration(
        **address,
        type=imported["type"],
        requestParameters=wanted.get("requestParameters", {}),
        requestTemplates=wanted.get("requestTemplates", {}),
        passthroughBehavior=wanted.get("passthroughBehavior", "WHEN_NO_MATCH").upper(),
        **_present(integrationHttpMethod=wanted.get("httpMethod"), uri=imported.get("uri") or None),
        **_present(timeoutInMillis=wanted.get("timeoutInMillis"), credentials=wanted.get("credentials")),
    )
    for status in {str(response["statusCode"]) for response in wanted.get("responses", {}).values()}:
        deployed.apigateway.put_method_response(**address, statusCode=status)
    for pattern, response in wanted.get("responses", {}).items():
        deployed.apigateway.put_integration_response(
            **address,
            statusCode=str(response["statusCode"]),
            selectionPattern="" if pattern == "default" else pattern,
            responseParameters=response.get("responseParameters", {}),
            responseTemplates=response.get("responseTemplates", {}),
        )


def _required_parameters(operation: Json) -> dict[str, bool]:
    locations = {"query": "querystring", "header": "header", "path": "path"}
    return {
        f"method.request.{locations[each['in']]}.{each['name']}": each.get("required", False)
        for each in operation["parameters"]
    }


def _body_models(operation: Json) -> dict[str, str]:
    content = operation.get("requestBody", {}).get("content", {})
    return {
        media_type: body["schema"]["$ref"].rsplit("/", 1)[-1]
        for media_type, body in content.items()
        if "$ref" in body.get("schema", {})
    }


def _present(**settings: Any) -> Json:
    return {name: value for name, value in settings.items() if value is not None}


def _resolve(node: Any, values: dict[str, str]) -> Any:
    """Resolve ``Ref`` and ``Fn::Sub``, as far as names tell.

    What is left as it is occurs in integration targets, which are not read from the document; anywhere else it is
    refused by the call that would set it.
    """
    if isinstance(node, list):
        return [_resolve(entry, values) for entry in node]
    if not isinstance(node, dict):
        return node
    if node.keys() == {"Ref"}:
        return values.get(node["Ref"], node)
    if node.keys() == {"Fn::Sub"} and isinstance(node["Fn::Sub"], str):
        text = _VARIABLE.sub(lambda match: values.get(match[1], match[0]), node["Fn::Sub"])
        return node if _VARIABLE.search(text) else text
    return {key: _resolve(value, values) for key, value in node.items()}
