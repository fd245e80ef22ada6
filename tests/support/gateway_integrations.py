"""An API with services of AWS and an HTTP endpoint behind it, and payloads in text and binary data."""

import json
from typing import Any

from tests.support.gateway_api import Json, answer, integration, operation, role, service, templates

NAME = "gateway-integrations"
# Those names of the reference that have a value without an authorizer, an API key, a signature or a back end.
CONTEXT = """{
#foreach($name in ["accountId", "apiId", "domainName", "domainPrefix", "extendedRequestId", "httpMethod", "path",
  "protocol", "requestId", "requestTime", "requestTimeEpoch", "resourceId", "resourcePath", "stage"])
  "$name": "$context.get($name)",
#end
  "sourceIp": "$context.identity.sourceIp", "userAgent": "$context.identity.userAgent",
  "none": "$context.identity.apiKey$context.identity.user$context.authorizer.principalId$context.webaclArn"}"""


def as_role(path: str, template: Any, role: str = "Allowed", **more: Any) -> Json:
    credentials = {"Fn::GetAtt": [role, "Arn"]}
    mapped = {"requestTemplates": templates(template), "credentials": credentials, **more}
    return operation(integration("aws", service(path), responses={"default": answer("$input.json('$')")}, **mapped))


def _services() -> Json:
    """Return routes with a service of AWS behind them, under a role that may call it and one that may not."""
    integrations = {
        "queue": (
            "sqs:path/${AWS::AccountId}/" + f"{NAME}-queue",
            "Action=SendMessage&MessageBody=$util.urlEncode($input.json('$'))",
        ),
        "items": (
            "dynamodb:action/PutItem",
            {"Fn::Sub": """{"TableName": "${Table}", "Item": {"id": {"S": "$input.path('$.a')"}}}"""},
        ),
        "events": (
            "events:action/PutEvents",
            """{"Entries": [{"Source": "gateway", "DetailType": "t",
                "Detail": "$util.escapeJavaScript($input.json('$'))"}]}""",
        ),
        "executions": (
            "states:action/StartExecution",
            {
                "Fn::Sub": r"""{"stateMachineArn": "${Machine}",
                "input": "$util.escapeJavaScript($input.json('$')).replaceAll("\\'", "'")"}"""
            },
        ),
    }
    return {
        f"/{role.lower()}/{name}": {"post": as_role(path, template, role)}
        for name, (path, template) in integrations.items()
        for role in ("Allowed", "Forbidden")
    }


def _payloads(address: str) -> Json:
    """Return routes with each ``contentHandling`` of the request, and of an answer in text or binary data."""
    http = {
        "type": "http",
        "httpMethod": "POST",
        "uri": f"{address}/hex",
        "responses": {"default": answer("$input.body")},
    }
    reading = {"requestTemplates": {"image/png": "[$input.body]"}}
    routes = {"/sent/template": operation({**http, **reading})}
    for handling in (None, "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"):
        more = {"contentHandling": handling} if handling else {}
        routes[f"/sent/{handling}"] = operation({**http, **more})
        for kind in ("image", "text"):
            default = {"statusCode": "200", **more}
            changed = {"uri": f"{address}/{kind}", "responses": {"default": default}}
            routes[f"/answered/{kind}/{handling}"] = operation({**http, **changed})
    text = {"contentHandling": "CONVERT_TO_TEXT"}
    routes["/sent/template/as-text"] = operation({**http, **text, **reading})
    return {path: {"post": each} for path, each in routes.items()}


def document(port: int) -> Json:
    """Return an OpenAPI document of an API that takes images for binary data."""
    mock = {"requestTemplates": templates("{statusCode: 200}"), "responses": {"default": answer(CONTEXT)}}
    return {
        "openapi": "3.0.1",
        "info": {"title": NAME, "version": "1"},
        "x-amazon-apigateway-binary-media-types": ["image/*"],
        "x-amazon-apigateway-gateway-responses": {
            "DEFAULT_5XX": {"responseTemplates": templates('{"type": "$context.error.responseType"}')}
        },
        "paths": {
            "/context/{id}": {"get": operation(integration("mock", **mock))},
            "/moved": {
                "post": operation({"type": "http_proxy", "httpMethod": "POST", "uri": f"http://127.0.0.1:{port}/moved"})
            },
            **_services(),
            **_payloads(f"http://127.0.0.1:{port}"),
        },
    }


def template(port: int) -> Json:
    works = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    actions = ("sqs:SendMessage", "dynamodb:PutItem", "events:PutEvents", "states:StartExecution")
    subscription = {
        "EventPattern": {"source": ["gateway"]},
        "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
    }
    sends = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}},
    }
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Allowed": role("apigateway.amazonaws.com", *actions),
            "Forbidden": role("apigateway.amazonaws.com", "sqs:ReceiveMessage"),
            "Working": role("states.amazonaws.com", "sqs:SendMessage"),
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{NAME}-queue"}},
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [sends]},
                },
            },
            "Rule": {"Type": "AWS::Events::Rule", "Properties": subscription},
            "RuleOfOthers": {"Type": "AWS::Events::Rule", "Properties": subscription},
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "DefinitionString": json.dumps(works),
                    "RoleArn": {"Fn::GetAtt": ["Working", "Arn"]},
                },
            },
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                },
            },
            "Api": {
                "Type": "AWS::Serverless::Api",
                "Properties": {"StageName": "test", "DefinitionBody": document(port)},
            },
        },
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Api", "Queue", "Table", "Machine")},
    }
