"""An API of the tests' own, with everything that the local gateway must know; for tests of the gateway."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tools.stack.stack import Stack

Json = dict[str, Any]
NAME = "gateway-test"
FUNCTIONS = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${%s}/invocations"
CODE = {
    "Echo": """
import json, time
def handler(event, context):
    if event.get('fail'): raise Exception(event['fail'] + ' not found')
    if event.get('sleep') or (event.get('queryStringParameters') or {}).get('sleep'): time.sleep(1.5)
    if 'requestContext' not in event: return event
    body = {'request': event['requestContext']['requestId'], 'version': context.function_version, 'time': time.time(),
            'event': sorted(event)}
    return {'statusCode': 200, 'body': json.dumps(body), 'headers': {'WWW-Authenticate': 'x'}}
""",
    "Boom": "def handler(event, context): raise Exception('boom')",
    "Malformed": "def handler(event, context): return {'statusCode': 200, 'more': 1}",
    "Authorize": """
def handler(event, context):
    statement = {'Action': 'execute-api:Invoke', 'Effect': 'Allow', 'Resource': '*'}
    return {'principalId': 'p', 'policyDocument': {'Version': '2012-10-17', 'Statement': [statement]}}
""",
}
ALL_OF_IT = r"""#set($body = $input.path('$'))
{"sku": "$input.params('sku')", "name": $input.json('$.name'), "first": "$body.tags[0].toUpperCase()",
 "tags": [#foreach($tag in $body.tags)"$util.escapeJavaScript($tag).replaceAll("\\'", "'")"
         #if($foreach.hasNext),#end#end],
 "stage": "$context.stage", "colour": "$stageVariables.colour", "big": #if($body.n > 10)true#{else}false#end}"""


@contextmanager
def deployed(stack: Stack, name: str, template: Json) -> Iterator[Json]:
    """Deploy a template, and return its outputs."""
    cloudformation = stack.client("cloudformation")
    text, capabilities = json.dumps(template), ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    cloudformation.create_stack(StackName=name, TemplateBody=text, Capabilities=capabilities)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    yield {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    cloudformation.delete_stack(StackName=name)


def integration(kind: str, uri: Any = None, **more: Any) -> Json:
    target = {} if uri is None else {"uri": uri, "httpMethod": "POST"}
    return {"type": kind, **target, **more}


def function(name: str) -> Json:
    return {"Fn::Sub": FUNCTIONS % f"{name}.Arn"}


def service(path: str) -> Json:
    return {"Fn::Sub": f"arn:aws:apigateway:${{AWS::Region}}:{path}"}


def operation(target: Json, **more: Any) -> Json:
    return {"responses": {"200": {"description": ""}}, "x-amazon-apigateway-integration": target, **more}


def templates(text: Any) -> Json:
    return {"application/json": text}


def answer(text: str, status: str = "200", **parameters: str) -> Json:
    names = {f"method.response.header.{name.replace('_', '-')}": value for name, value in parameters.items()}
    return {"statusCode": status, "responseTemplates": templates(text), "responseParameters": names}


def document(greeting: str = "hello", port: int = 0) -> Json:
    """An OpenAPI document; the greeting is what changes."""
    mock = {"requestTemplates": templates('{"statusCode": 200}')}
    body = {"content": templates({"schema": {"$ref": "#/components/schemas/Thing"}})}  # type: ignore[arg-type]
    address = f"http://127.0.0.1:{port}"
    sku = {"name": "sku", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "openapi": "3.0.1",
        "info": {"title": NAME, "version": "1"},
        "x-amazon-apigateway-request-validators": {
            "all": {"validateRequestBody": True, "validateRequestParameters": True}
        },
        "x-amazon-apigateway-gateway-responses": {
            "DEFAULT_4XX": {"responseTemplates": templates('{"type": "$context.error.responseType"}')},
            "DEFAULT_5XX": {"responseTemplates": templates('{"type": "$context.error.responseType"}')},
            "BAD_REQUEST_BODY": {
                "statusCode": "422",
                "responseTemplates": templates('{"why": "$context.error.validationErrorString"}'),
            },
        },
        "x-amazon-apigateway-policy": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": effect,
                    "Principal": "*",
                    "Action": "execute-api:Invoke",
                    "Resource": f"execute-api:/*{path}",
                }
                for effect, path in (("Allow", ""), ("Deny", "/GET/denied"), ("Deny", "/GET/denied-after"))
            ],
        },
        "components": {
            "schemas": {"Thing": {"type": "object", "required": ["name"], "properties": {"name": {"maxLength": 5}}}},
            "securitySchemes": {
                "asked": {
                    "type": "apiKey",
                    "name": "unused",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "custom",
                    "x-amazon-apigateway-authorizer": {
                        "type": "request",
                        "authorizerUri": function("Authorize"),
                        "identitySource": "method.request.header.X-A",
                        "authorizerResultTtlInSeconds": 0,
                    },
                }
            },
        },
        "paths": {
            "/greeting": {
                "get": operation(
                    integration("mock", **mock, responses={"default": answer(f"{greeting} $stageVariables.colour")})
                )
            },
            "/any/{proxy+}": {"x-amazon-apigateway-any-method": operation(integration("aws_proxy", function("Echo")))},
            "/mapped/{sku}": {
                "parameters": [sku],
                "post": operation(
                    integration(
                        "aws",
                        function("Echo"),
                        requestTemplates=templates(ALL_OF_IT),
                        passthroughBehavior="never",
                        responses={"default": answer("$input.json('$')", X_Sku="integration.response.body.sku")},
                    )
                ),
            },
            "/failing": {
                "get": operation(
                    integration(
                        "aws",
                        function("Echo"),
                        requestTemplates=templates('{"fail": "it"}'),
                        responses={
                            "default": answer("{}"),
                            ".*not found": answer('{"lost": "$input.path(\'$.errorMessage\')"}', "404"),
                        },
                    )
                )
            },
            "/loud": {
                "get": operation(integration("mock", requestTemplates=templates('$input.params("a").reverse()')))
            },
            "/overridden": {
                "get": operation(
                    integration(
                        "mock", **mock, responses={"default": answer("#set($context.responseOverride.status = 418)tea")}
                    )
                )
            },
            "/validated": {
                "post": operation(
                    integration("aws_proxy", function("Echo")),
                    **{"x-amazon-apigateway-request-validator": "all", "requestBody": body},
                )
            },
            "/boom": {"get": operation(integration("aws_proxy", function("Boom")))},
            "/malformed": {"get": operation(integration("aws_proxy", function("Malformed")))},
            "/late": {"get": operation(integration("aws_proxy", function("Echo"), timeoutInMillis=500))},
            "/weighted": {"get": operation(integration("aws_proxy", {"Fn::Sub": FUNCTIONS % "Weighted"}))},
            "/http": {
                "get": operation(
                    {
                        "type": "http",
                        "httpMethod": "GET",
                        "uri": "http://${stageVariables.host}/get",
                        "requestParameters": {"integration.request.header.X-Mapped": "'static'"},
                        "responses": {"default": answer("{\"wrapped\": $input.json('$')}")},
                    }
                )
            },
            "/proxied": {"get": operation({"type": "http_proxy", "httpMethod": "GET", "uri": f"{address}/proxied"})},
            "/nobody": {"get": operation({"type": "http_proxy", "httpMethod": "GET", "uri": "http://127.0.0.1:1/"})},
            "/cached": {
                "get": operation(
                    integration("aws_proxy", function("Echo"), cacheKeyParameters=["method.request.querystring.k"]),
                    parameters=[{"name": "k", "in": "query", "schema": {"type": "string"}}],
                )
            },
            "/denied": {"get": operation(integration("aws_proxy", function("Echo")))},
            "/denied-after": {"get": operation(integration("aws_proxy", function("Echo")), security=[{"asked": []}])},
            "/asked": {"get": operation(integration("aws_proxy", function("Echo")), security=[{"asked": []}])},
        },
    }


def role(service_principal: str, *actions: str) -> Json:
    trust = {"Effect": "Allow", "Principal": {"Service": service_principal}, "Action": "sts:AssumeRole"}
    policy = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [policy]}}],
        },
    }


def permission(target: Any, path: str = "*") -> Json:
    """Return the permission for the API's methods and authorizers, or some of them, to call a function."""
    source = "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/" + path
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": target,
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": {"Fn::Sub": source},
        },
    }


def template(body: Json, port: int) -> Json:
    made = {
        name: {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "InlineCode": code,
                "Timeout": 5,
                **({"AutoPublishAlias": "live"} if name == "Echo" else {}),
            },
        }
        for name, code in CODE.items()
    }
    weighted = {
        "FunctionName": {"Ref": "Echo"},
        "Name": "weighted",
        "FunctionVersion": "$LATEST",
        "RoutingConfig": {
            "AdditionalVersionWeights": [
                {"FunctionVersion": {"Fn::GetAtt": ["Echo.Version", "Version"]}, "FunctionWeight": 0.5}
            ]
        },
    }
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            **made,
            **{f"{name}Permission": permission({"Ref": name}) for name in CODE},
            "WeightedPermission": permission({"Ref": "Weighted"}),
            "Weighted": {"Type": "AWS::Lambda::Alias", "Properties": weighted},
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{NAME}/access"}},
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": True},
                },
            },
            "Api": {
                "Type": "AWS::Serverless::Api",
                "Properties": {
                    "StageName": "test",
                    "DefinitionBody": body,
                    "CacheClusterEnabled": True,
                    "Variables": {"colour": "blue", "host": f"127.0.0.1:{port}"},
                    "MethodSettings": [
                        {
                            "ResourcePath": "/cached",
                            "HttpMethod": "GET",
                            "CachingEnabled": True,
                            "CacheTtlInSeconds": 60,
                        }
                    ],
                    "AccessLogSetting": {
                        "DestinationArn": {"Fn::GetAtt": ["Logs", "Arn"]},
                        "Format": '{"path":"$context.path","status":$context.status,"why":"$context.error.responseType"'
                        ',"back":"$context.integration.latency"}',
                    },
                },
            },
        },
    }
