"""An API whose routes are each guarded in one way, and functions that it may call, or may not."""

from typing import Any

from tests.support.gateway_api import Json, answer, function, integration, operation, permission, role, templates

NAME = "gateway-callers"
POLICIES = ("allow", "silent", "deny")
_AUTHORIZE = """
def handler(event, context):
    effect = event['headers']['x-effect']
    if effect == 'Fail': raise Exception('called')
    statement = {'Action': 'execute-api:Invoke', 'Effect': effect, 'Resource': '*'}
    policy = {'Version': '2012-10-17', 'Statement': [] if effect == 'Silent' else [statement]}
    return {'principalId': 'p', 'policyDocument': policy}
"""
_ANSWER = "def handler(event, context): return {'statusCode': 200, 'body': 'called'}"
# The scope of the access tokens with which people change their own account.
_SCOPE = "aws.cognito.signin.user.admin"
_KINDS = {
    "open": [],
    "lambda": [{"lambda": []}],
    "unpermitted": [{"unpermitted": []}],
    "iam": [{"iam": []}],
    "pool": [{"pool": []}],
    "scoped": [{"pool": [_SCOPE]}],
}


def document() -> Json:
    mock = integration(
        "mock", requestTemplates=templates('{"statusCode": 200}'), responses={"default": answer("let in")}
    )
    guarded = {
        f"/{kind}/{policy}": {"get": operation(mock, security=security)}
        for kind, security in _KINDS.items()
        for policy in POLICIES
    }
    allow = [{"Effect": "Allow", "Resource": f"execute-api:/*/{path}"} for path in ("GET/*/allow", "*/invoke/*")]
    deny = {"Effect": "Deny", "Resource": "execute-api:/*/GET/*/deny"}
    statements = [{"Principal": "*", "Action": "execute-api:Invoke", **each} for each in (*allow, deny)]
    return {
        "openapi": "3.0.1",
        "info": {"title": NAME, "version": "1"},
        "x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": statements},
        "x-amazon-apigateway-gateway-responses": {
            kind: {"responseTemplates": templates('{"type": "$context.error.responseType"}')}
            for kind in ("DEFAULT_4XX", "DEFAULT_5XX", "AUTHORIZER_CONFIGURATION_ERROR")
        },
        "components": {
            "securitySchemes": {
                "iam": {**_scheme("Authorization"), "x-amazon-apigateway-authtype": "awsSigv4"},
                "lambda": _authorizer(
                    "request",
                    authorizerUri=function("Authorize"),
                    identitySource="method.request.header.X-Effect, context.identity.sourceIp",
                ),
                "unpermitted": _authorizer(
                    "request", authorizerUri=function("Unpermitted"), identitySource="method.request.header.X-Effect"
                ),
                "pool": _authorizer("cognito_user_pools", providerARNs=[{"Fn::GetAtt": ["Pool", "Arn"]}]),
            }
        },
        "paths": guarded | _invocations(),
    }


def _scheme(header: str) -> Json:
    return {"type": "apiKey", "name": header, "in": "header"}


def _authorizer(kind: str, **more: Any) -> Json:
    authtype = kind if kind == "cognito_user_pools" else "custom"
    authorizer = {"type": kind, "authorizerResultTtlInSeconds": 0, **more}
    return {
        **_scheme("Authorization"),
        "x-amazon-apigateway-authtype": authtype,
        "x-amazon-apigateway-authorizer": authorizer,
    }


def _invocations() -> Json:
    """Return routes with a function behind them; the permission is for /invoke/permitted, and for the alias."""
    alias, latest = (
        {"Fn::Sub": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + name + "/invocations"}
        for name in ("${Called.Alias}", "${Called.Arn}")
    )
    credentials = {name: {"Fn::GetAtt": [name, "Arn"]} for name in ("Invoking", "Powerless")}
    mapped = {"responses": {"default": answer("{}")}}
    integrations = {
        "permitted/{id}": integration("aws_proxy", alias),
        "other-method": integration("aws_proxy", alias),
        "other-alias/x": integration("aws_proxy", latest),
        "nobody": integration("aws_proxy", function("Unpermitted")),
        "mapped": integration("aws", function("Unpermitted"), **mapped),
        "as-role": integration("aws_proxy", latest, credentials=credentials["Invoking"]),
        "as-powerless-role": integration("aws_proxy", latest, credentials=credentials["Powerless"]),
    }
    return {f"/invoke/{path}": {"get": operation(each)} for path, each in integrations.items()}


def template() -> Json:
    code = {"Authorize": _AUTHORIZE, "Called": _ANSWER, "Unpermitted": _ANSWER}
    functions = {
        name: {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Runtime": "python3.13", "Handler": "index.handler", "InlineCode": text},
        }
        for name, text in code.items()
    }
    functions["Called"]["Properties"]["AutoPublishAlias"] = "live"  # type: ignore[index]
    client = {
        "Type": "AWS::Cognito::UserPoolClient",
        "Properties": {"UserPoolId": {"Ref": "Pool"}, "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]},
    }
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            **functions,
            "AuthorizePermission": permission({"Ref": "Authorize"}, "authorizers/*"),
            "CalledPermission": permission({"Ref": "Called.Alias"}, "*/GET/invoke/permitted/*"),
            "OtherAliasPermission": permission({"Ref": "Called.Alias"}, "*/GET/invoke/other-alias/*"),
            "UnpermittedPermission": permission({"Ref": "Unpermitted"}, "*/POST/invoke/*"),
            "Invoking": role("apigateway.amazonaws.com", "lambda:InvokeFunction"),
            "Powerless": role("apigateway.amazonaws.com", "sqs:SendMessage"),
            "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": NAME}},
            "Client": client,
            "OtherClient": client,
            "Api": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "test", "DefinitionBody": document()}},
        },
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Api", "Pool", "Client", "OtherClient")},
    }
